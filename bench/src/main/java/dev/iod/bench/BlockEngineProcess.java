package dev.iod.bench;

import dev.iod.block.BlockClient;
import dev.iod.block.Command;
import dev.iod.block.Limits;
import dev.iod.block.Location;
import dev.iod.engine.EngineException;
import java.nio.file.Path;

/** A process of our block engine and the agent's connection to it. */
record BlockEngineProcess(Process process, BlockClient client, Path directory)
        implements AutoCloseable {
    private static final int WAIT_SECONDS = 60;
    static final byte[] NO_KEY = new byte[0];

    /** Waits until the engine answers. */
    static BlockEngineProcess await(Process process, Path directory) {
        Path control = directory.resolve("control");
        Shell.await(
                "the engine; see " + directory.resolveSibling("log"),
                WAIT_SECONDS,
                () -> answers(process, control));
        return new BlockEngineProcess(process, BlockClient.connect(control, "bench"), directory);
    }

    private static boolean answers(Process process, Path control) {
        if (!process.isAlive()) {
            throw new BenchException("the engine ended with status " + process.exitValue());
        }
        try (BlockClient client = BlockClient.connect(control, "bench")) {
            client.list();
            return true;
        } catch (EngineException e) {
            return false;
        }
    }

    void run(Command command) {
        try {
            client.run(command);
        } catch (EngineException e) {
            throw new BenchException("our engine: " + e.getMessage(), e);
        }
    }

    /** A volume that is there from now on; the pool outlives this process. */
    void create(String name, boolean thin) {
        if (client.list().stream().noneMatch(volume -> volume.name().equals(name))) {
            run(new Command.Create(name, BlockLab.VOLUME_BYTES, thin));
        }
    }

    /**
     * Shows a volume.
     *
     * @return its socket
     */
    Path attach(String name, byte[] key) {
        Path socket = directory.resolve(name + ".sock");
        run(
                new Command.Attach(
                        name, new Location.Pool(), socket, true, 1, false, Limits.NONE, key));
        return socket;
    }

    @Override
    public void close() {
        client.close();
        Lab.stop(process);
    }
}
