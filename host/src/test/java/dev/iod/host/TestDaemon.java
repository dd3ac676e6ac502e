package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A real virtDaemon in a process of its own, with the product's JVM options, and its client. */
final class TestDaemon {
    static final long PATIENCE_SECONDS = 60;

    private final Path directory;
    private final Path config;
    private final Path log;
    private Process process;
    private HostClient client;
    final ConcurrentLinkedQueue<MachineStatus> changes = new ConcurrentLinkedQueue<>();

    TestDaemon(Path directory, String... moreConfig) throws IOException {
        this.directory = directory;
        this.config = directory.resolve("host.properties");
        this.log = directory.resolve("log");
        List<String> lines =
                new ArrayList<>(
                        List.of(
                                "socket=" + socket(),
                                "directory=" + guests(),
                                "user=" + user(),
                                "accelerator=tcg"));
        lines.addAll(List.of(moreConfig));
        Files.write(config, lines);
        this.process = launch();
        this.client = connect();
    }

    /** Who may run VMMs on this machine. */
    static String user() {
        boolean root = System.getProperty("user.name").equals("root");
        return root ? "nobody" : System.getProperty("user.name");
    }

    Path socket() {
        return directory.resolve("host.sock");
    }

    Path guests() {
        return directory.resolve("guests");
    }

    Path vhostSocket(String name) {
        return directory.resolve("vhost").resolve(name);
    }

    HostClient client() {
        return client;
    }

    long pid() {
        return process.pid();
    }

    /** Ends the daemon the hard way; guests stay. */
    void kill() throws InterruptedException {
        client.close();
        process.destroyForcibly().waitFor();
    }

    void restart() throws IOException {
        process = launch();
        client = connect();
    }

    private Process launch() throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.add("@" + Path.of("jvm.options").toAbsolutePath());
        command.addAll(
                List.of("-p", modulePath(), "-m", "dev.iod.host/dev.iod.host.Main", "" + config));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    private static String modulePath() {
        String path = System.getProperty("jdk.module.path", "");
        return path.isEmpty() ? System.getProperty("java.class.path") : path;
    }

    private HostClient connect() {
        HostClient connected = new HostClient(socket(), changes::add);
        until(
                "the daemon answers",
                () -> {
                    assertThat(process.isAlive()).as(this::log).isTrue();
                    try {
                        connected.list();
                        return true;
                    } catch (HostException e) {
                        return false;
                    }
                });
        return connected;
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    String console(String id) {
        return new String(client.console(id, HostClient.MAX_CONSOLE_BYTES), StandardCharsets.UTF_8);
    }

    MachineStatus status(String id) {
        return client.list().stream()
                .filter(status -> status.id().equals(id))
                .findFirst()
                .orElseThrow();
    }

    MachineStatus awaitState(String id, MachineState state) {
        until(id + " is " + state, () -> status(id).state() == state);
        return status(id);
    }

    void awaitConsole(String id, String text) {
        until(id + " says " + text, () -> console(id).contains(text));
    }

    void until(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - end)
                    .as(() -> "waited too long until " + what + "; the daemon's log:\n" + log())
                    .isNegative();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    /** Removes what is left, ends the daemon. */
    void close() throws IOException, InterruptedException {
        if (!process.isAlive()) {
            restart();
        }
        for (MachineStatus status : client.list()) {
            client.remove(status.id());
        }
        client.close();
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
    }
}
