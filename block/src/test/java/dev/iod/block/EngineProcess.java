package dev.iod.block;

import dev.iod.engine.EngineException;
import dev.iod.engine.FrameChannel;
import dev.iod.sys.Memory;
import dev.iod.vhost.VhostDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The engine as a process of its own. */
final class EngineProcess implements AutoCloseable {
    private final Process process;

    private EngineProcess(Process process) {
        this.process = process;
    }

    /** Starts one with its files in a directory, on a pool; does not wait. */
    static EngineProcess start(Path directory, Path pool) throws IOException {
        Path config = directory.resolve("block.properties");
        Files.writeString(
                config,
                "socket=%s\npool=%s\nstate=%s\n"
                        .formatted(directory.resolve("s"), pool, directory.resolve("state")));
        String classes =
                location(Main.class)
                        + ":"
                        + location(Memory.class)
                        + ":"
                        + location(FrameChannel.class)
                        + ":"
                        + location(VhostDevice.class);
        Process process =
                new ProcessBuilder(
                                List.of(
                                        System.getProperty("java.home") + "/bin/java",
                                        "-XX:+UseSerialGC",
                                        "-XX:TieredStopAtLevel=1",
                                        "-Xshare:auto",
                                        "-Xmx128m",
                                        "--enable-native-access=ALL-UNNAMED",
                                        "-cp",
                                        classes,
                                        Main.class.getName(),
                                        config.toString()))
                        .redirectErrorStream(true)
                        .redirectOutput(
                                ProcessBuilder.Redirect.appendTo(directory.resolve("log").toFile()))
                        .start();
        return new EngineProcess(process);
    }

    private static String location(Class<?> type) {
        return type.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    /** Waits until the engine takes commands. */
    static BlockClient connect(Path directory) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                return BlockClient.connect(directory.resolve("s"), "test");
            } catch (EngineException e) {
                if (System.nanoTime() - until > 0) {
                    throw e;
                }
                LockSupport.parkNanos(5_000_000);
            }
        }
    }

    long cpuMillis() {
        return process.toHandle().info().totalCpuDuration().orElseThrow().toMillis();
    }

    void kill() {
        process.destroyForcibly().onExit().orTimeout(60, TimeUnit.SECONDS).join();
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().completeOnTimeout(process, 30, TimeUnit.SECONDS).join();
        if (process.isAlive()) {
            kill();
        }
    }
}
