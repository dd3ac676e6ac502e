package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.pipeline.EngineClient;
import dev.iod.sys.Memory;
import dev.iod.vhost.VhostDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** An engine process in a network namespace. */
final class EngineProcess implements AutoCloseable {
    private final Process process;
    final Path log;

    private EngineProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    static EngineProcess start(String namespace, Path directory, String encapsulation)
            throws IOException {
        Path config = directory.resolve("eswitch.properties");
        Files.writeString(
                config,
                "socket="
                        + directory.resolve("s")
                        + "\nuplink=up0\nencapsulation="
                        + encapsulation
                        + "\ntables="
                        + directory.resolve("tables")
                        + "\n");
        String classes =
                Stream.of(
                                Main.class,
                                EngineClient.class,
                                EngineException.class,
                                VhostDevice.class,
                                Memory.class)
                        .map(EngineProcess::location)
                        .collect(Collectors.joining(":"));
        Path log = directory.resolve("log");
        Process process =
                new ProcessBuilder(
                                List.of(
                                        "ip",
                                        "netns",
                                        "exec",
                                        namespace,
                                        System.getProperty("java.home") + "/bin/java",
                                        "-XX:+UseSerialGC",
                                        "-Xmx256m",
                                        "--enable-native-access=ALL-UNNAMED",
                                        "-cp",
                                        classes,
                                        Main.class.getName(),
                                        config.toString()))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                        .start();
        return new EngineProcess(process, log);
    }

    private static String location(Class<?> type) {
        return type.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    long cpuMillis() {
        return process.toHandle().info().totalCpuDuration().orElseThrow().toMillis();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    void kill() {
        process.destroyForcibly().onExit().orTimeout(10, TimeUnit.SECONDS).join();
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().completeOnTimeout(process, 10, TimeUnit.SECONDS).join();
        if (process.isAlive()) {
            kill();
        }
    }
}
