package dev.iod.bench;

import dev.iod.ovsdb.Endpoint;
import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Table;
import dev.iod.ovsdb.Update;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** OVN's databases and northd in one directory, on the sockets nb.sock and sb.sock. */
record OvnDatabases(Path directory, Process southbound, Process northd) {
    private static final int START_SECONDS = 20;

    /** Starts a program of this run, ends it with the run. */
    @FunctionalInterface
    interface Starter {
        Process start(String name, List<String> command);
    }

    static OvnDatabases start(Path directory, Starter starter) {
        server(directory, starter, "nb", "/usr/share/ovn/ovn-nb.ovsschema");
        Process southbound = server(directory, starter, "sb", "/usr/share/ovn/ovn-sb.ovsschema");
        Process northd =
                starter.start(
                        "northd",
                        List.of(
                                "ovn-northd",
                                "--ovnnb-db=unix:" + directory.resolve("nb.sock"),
                                "--ovnsb-db=unix:" + directory.resolve("sb.sock"),
                                "--unixctl=" + directory.resolve("northd.ctl"),
                                "-vconsole:warn"));
        return new OvnDatabases(directory, southbound, northd);
    }

    /** A database server on the socket NAME.sock, with a new database NAME.db. */
    static Process server(Path directory, Starter starter, String name, String schema) {
        Path database = directory.resolve(name + ".db");
        Path socket = directory.resolve(name + ".sock");
        Shell.run("ovsdb-tool", "create", database.toString(), schema);
        Process process =
                starter.start(
                        name,
                        List.of(
                                "ovsdb-server",
                                database.toString(),
                                "--remote=punix:" + socket,
                                "--unixctl=" + directory.resolve(name + ".ctl"),
                                "-vconsole:warn"));
        Shell.await("ovsdb-server of " + name, START_SECONDS, () -> Files.exists(socket));
        return process;
    }

    /**
     * A client of one of the databases. It is patient: a server that works on a large transaction
     * says nothing meanwhile.
     */
    static Replica client(
            String database, Path socket, List<Table> tables, Update.Listener listener) {
        Replica replica =
                Replica.open(
                        new Replica.Config(
                                "bench-" + database,
                                database,
                                List.of(new Endpoint.Unix(socket)),
                                Optional.empty(),
                                tables,
                                Duration.ofMinutes(10),
                                Duration.ofSeconds(START_SECONDS),
                                Duration.ofSeconds(1)),
                        listener);
        replica.awaitSynced(Duration.ofMinutes(1));
        return replica;
    }

    Path northboundSocket() {
        return directory.resolve("nb.sock");
    }

    Path southboundSocket() {
        return directory.resolve("sb.sock");
    }
}
