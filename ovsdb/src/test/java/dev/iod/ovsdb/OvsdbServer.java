package dev.iod.ovsdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A private ovsdb-server with the northbound schema on a unix socket, and with TLS if wanted. */
final class OvsdbServer implements AutoCloseable {
    private static final Pattern PORT = Pattern.compile("listening on port (\\d+)");

    private final Path directory;
    private final Optional<SelfSigned> identity;
    private Process process;

    OvsdbServer(Path directory) {
        this(directory, Optional.empty());
    }

    OvsdbServer(Path directory, Optional<SelfSigned> identity) {
        this.directory = directory;
        this.identity = identity;
        run("ovsdb-tool", "create", file("nb.db"), "/usr/share/ovn/ovn-nb.ovsschema");
        process = start();
    }

    Endpoint endpoint() {
        return new Endpoint.Unix(directory.resolve("nb.sock"));
    }

    /** Where it listens with TLS, on a free port. */
    Endpoint tlsEndpoint() throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (System.nanoTime() < deadline) {
            Matcher port = PORT.matcher(log());
            if (port.find()) {
                return new Endpoint.Tls("127.0.0.1", Integer.parseInt(port.group(1)));
            }
            Thread.sleep(10);
        }
        throw new IllegalStateException("the server does not say where it listens: " + log());
    }

    private String log() {
        try {
            return Files.readString(directory.resolve("nb.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    private Process start() {
        Path socket = directory.resolve("nb.sock");
        try {
            Files.deleteIfExists(socket);
            var command =
                    new ArrayList<>(
                            List.of(
                                    "ovsdb-server",
                                    file("nb.db"),
                                    "--remote=punix:" + socket,
                                    "--unixctl=" + file("nb.ctl"),
                                    "--log-file=" + file("nb.log"),
                                    "-vconsole:off",
                                    "--no-chdir"));
            identity.ifPresent(
                    with -> {
                        command.add("--remote=pssl:0:127.0.0.1");
                        command.add("--private-key=" + with.key());
                        command.add("--certificate=" + with.certificate());
                        command.add("--ca-cert=" + with.certificate());
                    });
            Process started =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(directory.resolve("nb.out").toFile())
                            .start();
            for (int i = 0; i < 200 && !Files.exists(socket); i++) {
                started.waitFor(20, TimeUnit.MILLISECONDS);
            }
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    void kill() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    void restart() {
        kill();
        process = start();
    }

    /** Stops answering without closing any connection. */
    void freeze() {
        run("kill", "-STOP", Long.toString(process.pid()));
    }

    void thaw() {
        run("kill", "-CONT", Long.toString(process.pid()));
    }

    /** ovn-nbctl on this server; its output. */
    String nbctl(String... arguments) {
        var command =
                Stream.concat(
                                Stream.of("ovn-nbctl", "--db=unix:" + file("nb.sock")),
                                Arrays.stream(arguments))
                        .toList();
        return run(command.toArray(String[]::new));
    }

    private String run(String... command) {
        try {
            Process started = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(started.getInputStream().readAllBytes());
            if (started.waitFor() != 0) {
                throw new IllegalStateException(List.of(command) + ": " + output);
            }
            return output.strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        kill();
    }
}
