package dev.iod.ovn;

import dev.iod.ovsdb.Endpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A private OVN central: real databases and ovn-northd on unix sockets in one directory. */
final class OvnCentral implements AutoCloseable {
    private final Path directory;
    private final List<Process> processes = new ArrayList<>();
    private Process southbound;
    private Process northd;

    OvnCentral(Path directory) {
        this.directory = directory;
        run("ovsdb-tool", "create", file("nb.db"), "/usr/share/ovn/ovn-nb.ovsschema");
        run("ovsdb-tool", "create", file("sb.db"), "/usr/share/ovn/ovn-sb.ovsschema");
        processes.add(server("nb", List.of()));
        southbound = server("sb", List.of());
        startNorthd();
    }

    void startNorthd() {
        northd =
                start(
                        "northd",
                        List.of(
                                "ovn-northd",
                                "--ovnnb-db=unix:" + file("nb.sock"),
                                "--ovnsb-db=unix:" + file("sb.sock"),
                                "--unixctl=" + file("northd.ctl"),
                                "-vconsole:off"));
    }

    void stopNorthd() {
        end(northd);
    }

    Endpoint southbound() {
        return new Endpoint.Unix(directory.resolve("sb.sock"));
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    private Process server(String name, List<String> more) {
        Path socket = directory.resolve(name + ".sock");
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var command = new ArrayList<String>();
        command.addAll(
                List.of(
                        "ovsdb-server",
                        file(name + ".db"),
                        "--remote=punix:" + socket,
                        "--unixctl=" + file(name + ".ctl"),
                        "-vconsole:off",
                        "--no-chdir"));
        command.addAll(more);
        Process started = start(name, command);
        try {
            for (int i = 0; i < 500 && !Files.exists(socket); i++) {
                started.waitFor(10, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return started;
    }

    private Process start(String name, List<String> command) {
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolve(name + ".out").toFile())
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Serves the southbound also by TLS, for the role ovn-controller only. */
    void listenTls(int port, Path key, Path certificate, Path authority) {
        sb("set-ssl", key.toString(), certificate.toString(), authority.toString());
        sb(
                "--",
                "--id=@c",
                "create",
                "Connection",
                "target=\"pssl:" + port + ":127.0.0.1\"",
                "role=ovn-controller",
                "--",
                "set",
                "SB_Global",
                ".",
                "connections=@c");
        stopSouthbound();
        southbound =
                server(
                        "sb",
                        List.of(
                                "--remote=db:OVN_Southbound,SB_Global,connections",
                                "--private-key=db:OVN_Southbound,SSL,private_key",
                                "--certificate=db:OVN_Southbound,SSL,certificate",
                                "--ca-cert=db:OVN_Southbound,SSL,ca_cert"));
    }

    void stopSouthbound() {
        end(southbound);
    }

    /** A stopped southbound database loses all it has. */
    void emptySouthbound() {
        try {
            Files.delete(directory.resolve("sb.db"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        run("ovsdb-tool", "create", file("sb.db"), "/usr/share/ovn/ovn-sb.ovsschema");
    }

    private static void end(Process process) {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    void startSouthbound() {
        southbound = server("sb", List.of());
    }

    /** ovn-nbctl; several commands may be joined by "--". */
    String nb(String... arguments) {
        return control("ovn-nbctl", "nb.sock", arguments);
    }

    String sb(String... arguments) {
        return control("ovn-sbctl", "sb.sock", arguments);
    }

    /** northd leaves the southbound alone until {@link #resume}. */
    void pause() {
        run("ovn-appctl", "-t", file("northd.ctl"), "pause");
    }

    void resume() {
        run("ovn-appctl", "-t", file("northd.ctl"), "resume");
    }

    private String control(String program, String socket, String... arguments) {
        var command =
                new ArrayList<>(List.of(program, "--timeout=60", "--db=unix:" + file(socket)));
        command.addAll(Arrays.asList(arguments));
        return run(command.toArray(String[]::new));
    }

    static String run(String... command) {
        try {
            Process started = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(started.getInputStream().readAllBytes());
            if (started.waitFor() != 0) {
                throw new IllegalStateException(output + " from " + List.of(command));
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
        stopSouthbound();
        stopNorthd();
        processes.forEach(Process::destroyForcibly);
    }
}
