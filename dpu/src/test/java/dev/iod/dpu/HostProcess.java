package dev.iod.dpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** virtDaemon as a process of its own. */
final class HostProcess implements AutoCloseable {
    private final Path directory;
    private final Path config;
    private Process process;

    /** Starts it; all its files are below a directory. */
    HostProcess(Path directory) throws IOException {
        this.directory = directory;
        config = directory.resolve("host.properties");
        boolean root = System.getProperty("user.name").equals("root");
        Files.writeString(
                config,
                "socket=%s\ndirectory=%s\nuser=%s\naccelerator=tcg\n"
                        .formatted(
                                socket(),
                                directory.resolve("guests"),
                                root ? "nobody" : System.getProperty("user.name")));
        process = run();
    }

    Path socket() {
        return directory.resolve("host.sock");
    }

    /** Where QEMU listens for its back ends. */
    Path sockets() {
        return directory.resolve("vhost");
    }

    /** Kills the process and starts the next one. */
    void restart() throws IOException {
        kill();
        process = run();
    }

    private void kill() {
        process.destroyForcibly().onExit().orTimeout(60, TimeUnit.SECONDS).join();
    }

    private Process run() throws IOException {
        return new ProcessBuilder(
                        List.of(
                                System.getProperty("java.home") + "/bin/java",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-Xmx64m",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                Stream.of("dev.iod.host.Boot", "dev.iod.sys.Memory", JSON)
                                        .map(BlockProcess::location)
                                        .collect(Collectors.joining(":")),
                                "dev.iod.host.Main",
                                config.toString()))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                .start();
    }

    private static final String JSON = "tools.jackson.core.json.JsonFactory";

    Path log() {
        return directory.resolve("host.log");
    }

    @Override
    public void close() {
        kill();
    }
}
