package dev.iod.ovsdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A private ovsdb-server with the northbound schema on a unix socket. */
final class OvsdbServer implements AutoCloseable {
    private final Path directory;
    private Process process;

    OvsdbServer(Path directory) {
        this.directory = directory;
        run("ovsdb-tool", "create", file("nb.db"), "/usr/share/ovn/ovn-nb.ovsschema");
        process = start();
    }

    Endpoint endpoint() {
        return new Endpoint.Unix(directory.resolve("nb.sock"));
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    private Process start() {
        Path socket = directory.resolve("nb.sock");
        try {
            Files.deleteIfExists(socket);
            Process started =
                    new ProcessBuilder(
                                    "ovsdb-server",
                                    file("nb.db"),
                                    "--remote=punix:" + socket,
                                    "--unixctl=" + file("nb.ctl"),
                                    "--log-file=" + file("nb.log"),
                                    "-vconsole:off",
                                    "--no-chdir")
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
