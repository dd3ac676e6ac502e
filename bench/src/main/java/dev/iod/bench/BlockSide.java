package dev.iod.bench;

import dev.iod.block.BlockClient;
import dev.iod.block.BlockException;
import dev.iod.block.Command;
import dev.iod.block.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process that serves one volume, on processor 0. */
final class BlockSide implements AutoCloseable {
    private static final int WAIT_SECONDS = 60;
    private static final byte[] NO_KEY = new byte[0];

    final Process process;
    final Path socket;

    private BlockSide(Process process, Path socket) {
        this.process = process;
        this.socket = socket;
    }

    /** Our engine on a pool; {@code backend} is file or null. */
    static BlockSide ours(Path home, Path directory, Path pool, String backend, byte[] key) {
        Path config = directory.resolve("block.properties");
        Path control = directory.resolve("control");
        Shell.write(
                config,
                "socket=%s\npool=%s\npool-bytes=%d\nstate=%s\nbackend=%s\n"
                        .formatted(
                                control,
                                pool,
                                BlockBench.POOL_BYTES,
                                directory.resolve("state"),
                                backend));
        Path socket = directory.resolve("ours.sock");
        Process process =
                start(
                        directory,
                        List.of(
                                System.getProperty("java.home") + "/bin/java",
                                "-XX:+UseSerialGC",
                                "-Xmx128m",
                                "--enable-native-access=dev.iod.sys",
                                "-p",
                                home.resolve("block/target/lib")
                                        + ":"
                                        + home.resolve("block/target/block-0.1.0-SNAPSHOT.jar"),
                                "-m",
                                "dev.iod.block/dev.iod.block.Main",
                                config.toString()));
        BlockSide side = new BlockSide(process, socket);
        try {
            Shell.await("the engine", WAIT_SECONDS, () -> answers(control));
            try (BlockClient client = BlockClient.connect(control, "bench")) {
                if (client.list().isEmpty()) {
                    client.run(new Command.Create("bench", BlockBench.VOLUME_BYTES, false));
                }
                if (client.status("bench").device().isEmpty()) {
                    Files.deleteIfExists(socket);
                    client.run(
                            new Command.Attach("bench", socket, true, 1, false, Limits.NONE, key));
                }
            }
            return side;
        } catch (IOException | RuntimeException e) {
            side.close();
            throw new BenchException("our engine: " + e.getMessage(), e);
        }
    }

    static BlockSide ours(Path home, Path directory, Path pool, String backend) {
        return ours(home, directory, pool, backend, NO_KEY);
    }

    private static boolean answers(Path control) {
        try (BlockClient client = BlockClient.connect(control, "bench")) {
            client.list();
            return true;
        } catch (BlockException e) {
            return false;
        }
    }

    /** qemu-storage-daemon with one I/O thread; without a file it has a null device. */
    static BlockSide peer(Path directory, List<String> blockdev) {
        Path socket = directory.resolve("peer.sock");
        List<String> command = new ArrayList<>(List.of("qemu-storage-daemon"));
        command.addAll(List.of("--object", "iothread,id=t0"));
        command.addAll(List.of("--blockdev", String.join(",", blockdev)));
        command.addAll(
                List.of(
                        "--export",
                        "vhost-user-blk,id=e,node-name=d,writable=on,num-queues=1,iothread=t0,"
                                + "addr.type=unix,addr.path="
                                + socket));
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            throw new BenchException("cannot remove " + socket, e);
        }
        BlockSide side = new BlockSide(start(directory, command), socket);
        Shell.await("qemu-storage-daemon", WAIT_SECONDS, () -> Files.exists(socket));
        return side;
    }

    private static Process start(Path directory, List<String> command) {
        List<String> pinned = new ArrayList<>(List.of("taskset", "-c", "0"));
        pinned.addAll(command);
        try {
            return new ProcessBuilder(pinned)
                    .redirectErrorStream(true)
                    .redirectOutput(
                            ProcessBuilder.Redirect.appendTo(directory.resolve("log").toFile()))
                    .start();
        } catch (IOException e) {
            throw new BenchException("cannot start " + command.getFirst(), e);
        }
    }

    /** Processor time so far. */
    double cpuSeconds() {
        return process.toHandle().info().totalCpuDuration().orElseThrow().toNanos() / 1e9;
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().completeOnTimeout(process, 30, TimeUnit.SECONDS).join();
        process.destroyForcibly().onExit().join();
    }
}
