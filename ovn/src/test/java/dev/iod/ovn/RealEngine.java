package dev.iod.ovn;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.Main;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import dev.iod.sys.Memory;
import dev.iod.vhost.VhostDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The engine's own process in a network namespace with an uplink to nowhere. Needs root. */
final class RealEngine implements AutoCloseable {
    private final String namespace;
    private final Process process;
    private final EngineClient client;

    RealEngine(Path directory) throws IOException, InterruptedException {
        namespace = "iod-ovn-test-" + ProcessHandle.current().pid();
        OvnCentral.run("ip", "netns", "add", namespace);
        OvnCentral.run("ip", "-n", namespace, "link", "add", "up0", "type", "veth", "peer", "up1");
        OvnCentral.run("ip", "-n", namespace, "addr", "add", "192.168.60.1/24", "dev", "up0");
        OvnCentral.run("ip", "-n", namespace, "link", "set", "up0", "up");
        OvnCentral.run("ip", "-n", namespace, "link", "set", "up1", "up");
        Path socket = directory.resolve("engine.sock");
        Path config = directory.resolve("eswitch.properties");
        Files.writeString(
                config,
                "socket="
                        + socket
                        + "\nuplink=up0\nencapsulation=192.168.60.1\ntables="
                        + Files.createDirectories(directory.resolve("tables"))
                        + "\n");
        String modules =
                Stream.of(
                                Main.class,
                                EngineClient.class,
                                EngineException.class,
                                VhostDevice.class,
                                Memory.class)
                        .map(RealEngine::location)
                        .collect(Collectors.joining(":"));
        process =
                new ProcessBuilder(
                                List.of(
                                        "ip",
                                        "netns",
                                        "exec",
                                        namespace,
                                        System.getProperty("java.home") + "/bin/java",
                                        "-XX:+UseSerialGC",
                                        "-Xmx256m",
                                        "--enable-native-access=dev.iod.sys",
                                        "-p",
                                        modules,
                                        "-m",
                                        "dev.iod.eswitch/dev.iod.eswitch.Main",
                                        config.toString()))
                        .redirectErrorStream(true)
                        .redirectOutput(directory.resolve("engine.log").toFile())
                        .start();
        var connected = new CountDownLatch(1);
        client =
                EngineClient.open(
                        socket,
                        "test",
                        new EngineClient.Listener() {
                            @Override
                            public void connected(EngineClient to) {
                                connected.countDown();
                            }

                            @Override
                            public void disconnected(String reason) {}

                            @Override
                            public void event(EngineEvent event) {}
                        });
        if (!connected.await(20, TimeUnit.SECONDS)) {
            String log = Files.readString(directory.resolve("engine.log"));
            close();
            throw new IllegalStateException("no engine: " + log);
        }
    }

    private static String location(Class<?> type) {
        return type.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    EngineClient client() {
        return client;
    }

    @Override
    public void close() {
        client.close();
        process.destroyForcibly().onExit().orTimeout(10, TimeUnit.SECONDS).join();
        OvnCentral.run("ip", "netns", "del", namespace);
    }
}
