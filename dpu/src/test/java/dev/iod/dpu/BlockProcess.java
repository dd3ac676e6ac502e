package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.block.BlockConfig;
import dev.iod.block.PoolDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The block engine as a process of its own, with a small pool in a file. */
final class BlockProcess implements AutoCloseable {
    private final Path directory;
    private final Path config;
    private final Path volumes;
    private Process process;

    /** Starts it; all its files are below a directory. */
    BlockProcess(Path directory) throws IOException {
        this.directory = directory;
        config = directory.resolve("block.properties");
        Files.writeString(
                config,
                "socket=%s\npool=%s\npool-bytes=%d\nthin-pool=true\nstate=%s\n"
                        .formatted(
                                socket(),
                                directory.resolve("pool"),
                                512L << 20,
                                directory.resolve("state")));
        volumes = PoolDirectory.prepare(BlockConfig.read(config));
        process = run();
    }

    Path socket() {
        return directory.resolve("block.sock");
    }

    /** The directory of the volumes. */
    Path volumes() {
        return volumes;
    }

    /** Everything that is in the pool, half-made things included. */
    Set<String> names() throws IOException {
        try (Stream<Path> entries = Files.list(volumes)) {
            return entries.map(p -> p.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    /** Kills the process and starts the next one. */
    void restart() throws IOException {
        kill();
        process = run();
    }

    void kill() {
        process.destroyForcibly().onExit().orTimeout(60, TimeUnit.SECONDS).join();
    }

    private Process run() throws IOException {
        return new ProcessBuilder(
                        List.of(
                                System.getProperty("java.home") + "/bin/java",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-Xmx128m",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                Stream.of(
                                                "dev.iod.block.Main",
                                                "dev.iod.engine.FrameChannel",
                                                "dev.iod.sys.Memory",
                                                "dev.iod.vhost.VhostDevice")
                                        .map(BlockProcess::location)
                                        .collect(Collectors.joining(":")),
                                "dev.iod.block.Main",
                                config.toString()))
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(directory.resolve("block.log").toFile()))
                .start();
    }

    /** Where a class is from. */
    static String location(String name) {
        try {
            return Class.forName(name)
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .getPath();
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws IOException {
        kill();
        if (!volumes.equals(directory.resolve("pool"))) {
            int exit =
                    new ProcessBuilder("umount", volumes.toString())
                            .inheritIO()
                            .start()
                            .onExit()
                            .orTimeout(60, TimeUnit.SECONDS)
                            .join()
                            .exitValue();
            assertThat(exit).as("umount " + volumes).isZero();
        }
    }
}
