package dev.iod.northbound.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A private OVN central of Debian's binaries, on UNIX sockets only: both databases and northd, or
 * the northbound database alone.
 */
public final class OvnCentral implements AutoCloseable {
    private final Path directory;
    private Optional<Process> northd = Optional.empty();
    private Optional<Process> southbound = Optional.empty();
    private Process northbound;

    private OvnCentral(Path directory) {
        this.directory = directory;
        createDatabase("nb");
        northbound = server("nb");
    }

    public static OvnCentral start() {
        OvnCentral central = startNorthbound();
        central.createDatabase("sb");
        central.southbound = Optional.of(central.server("sb"));
        central.northd =
                Optional.of(
                        central.start(
                                "ovn-northd",
                                "--ovnnb-db=" + central.endpoint("nb"),
                                "--ovnsb-db=" + central.endpoint("sb"),
                                "--unixctl=" + central.directory.resolve("northd.ctl")));
        return central;
    }

    /** Nothing reads what is written. */
    public static OvnCentral startNorthbound() {
        if (!Files.isExecutable(Path.of("/usr/bin/ovn-northd"))) {
            throw new IllegalStateException(
                    "OVN is missing; install the Debian package ovn-central.");
        }
        try {
            return new OvnCentral(Files.createTempDirectory("iod-ovn-"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where the northbound database listens, {@code unix:PATH}. */
    public String northbound() {
        return endpoint("nb");
    }

    /** Replaces the northbound database by an empty one, as after the loss of its disk. */
    public void wipeNorthbound() {
        stop(northbound);
        createDatabase("nb");
        northbound = server("nb");
    }

    /** Replaces the southbound database by an empty one, which northd then fills. */
    public void wipeSouthbound() {
        southbound.ifPresent(OvnCentral::stop);
        createDatabase("sb");
        southbound = Optional.of(server("sb"));
    }

    /** The output of ovn-nbctl. */
    public String nbctl(String... arguments) {
        return client("ovn-nbctl", "nb", arguments);
    }

    /** The output of ovn-sbctl. */
    public String sbctl(String... arguments) {
        return client("ovn-sbctl", "sb", arguments);
    }

    @Override
    public void close() {
        northd.ifPresent(OvnCentral::stop);
        stop(northbound);
        southbound.ifPresent(OvnCentral::stop);
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder()).forEach(OvnCentral::delete);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String client(String program, String database, String... arguments) {
        var command = new ArrayList<>(List.of(program, "--db=" + endpoint(database)));
        command.add("--timeout=20");
        command.addAll(List.of(arguments));
        return run(command);
    }

    private String endpoint(String database) {
        return "unix:" + directory.resolve(database + ".sock");
    }

    private void createDatabase(String name) {
        Path file = directory.resolve(name + ".db");
        delete(file);
        run(
                List.of(
                        "ovsdb-tool",
                        "create",
                        file.toString(),
                        "/usr/share/ovn/ovn-" + name + ".ovsschema"));
    }

    private Process server(String name) {
        Process process =
                start(
                        "ovsdb-server",
                        "--remote=punix:" + directory.resolve(name + ".sock"),
                        "--unixctl=" + directory.resolve(name + ".ctl"),
                        directory.resolve(name + ".db").toString());
        awaitSocket(directory.resolve(name + ".sock"), process);
        client("ovn-" + name + "ctl", name, "init");
        return process;
    }

    private static void awaitSocket(Path socket, Process server) {
        while (!Files.exists(socket)) {
            try {
                if (server.waitFor(20, TimeUnit.MILLISECONDS)) {
                    throw new IllegalStateException("ovsdb-server ended; see its log");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
    }

    private Process start(String... command) {
        try {
            return new ProcessBuilder(command)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(
                            ProcessBuilder.Redirect.appendTo(
                                    directory.resolve(command[0] + ".log").toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void stop(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String run(List<String> command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException(command + ": " + output);
            }
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
