package dev.iod.cli;

import dev.iod.cli.Supervisor.Service;
import dev.iod.cli.Supervisor.Setting;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Every process of a region on one machine: its command, its configuration files, its order. Only
 * describes them; {@link Up} writes the files.
 */
final class Services {
    static final String JAVA = Path.of(System.getProperty("java.home"), "bin/java").toString();
    static final String POSTGRES_USER = "iod-postgres";
    static final String QEMU_USER = "iod-qemu";
    static final String IMAGE_USER = "iod-image";

    /** Memory of control, PostgreSQL, OVN's databases and northd. */
    private static final int REGION_MIB = 1024;

    /** Memory of a node's agent, engines and virtDaemon. */
    private static final int NODE_MIB = 512;

    private static final String POSTGRES_BIN = "/usr/lib/postgresql/15/bin/";

    private final Layout layout;
    private final RegionConfig config;

    Services(Layout layout, RegionConfig config) {
        this.layout = layout;
        this.config = config;
    }

    /** Region first, then node by node; each stands on those before it. */
    List<Service> all() {
        List<Service> services =
                new ArrayList<>(
                        List.of(postgres(), northbound(), control(), southbound(), northd()));
        config.nodeNames().forEach(node -> services.addAll(ofNode(node)));
        return services;
    }

    List<Service> ofNode(String node) {
        return List.of(host(node), eswitch(node), block(node), dpu(node));
    }

    private Service postgres() {
        return new Service(
                "postgres",
                POSTGRES_USER,
                List.of(
                        POSTGRES_BIN + "postgres",
                        "-D",
                        layout.postgres().resolve("data").toString(),
                        "-c",
                        "listen_addresses=",
                        "-c",
                        "unix_socket_directories=" + layout.postgres().resolve("socket"),
                        "-c",
                        "fsync=on",
                        "-c",
                        "synchronous_commit=on",
                        "-c",
                        "max_connections=50",
                        "-c",
                        "shared_buffers=64MB",
                        "-c",
                        "hba_file=" + layout.postgres().resolve("pg_hba.conf"),
                        "-c",
                        "ident_file=" + layout.postgres().resolve("pg_ident.conf")),
                "INT",
                false,
                List.of());
    }

    static String initdb() {
        return POSTGRES_BIN + "initdb";
    }

    private Service northbound() {
        return new Service("ovn-nb", "root", ovsdb("nb", List.of()));
    }

    private Service southbound() {
        return new Service(
                "ovn-sb",
                "root",
                ovsdb(
                        "sb",
                        List.of(
                                "--remote=db:OVN_Southbound,SB_Global,connections",
                                "--private-key=" + layout.pki().resolve("region.key"),
                                "--certificate=" + layout.pki().resolve("region.crt"),
                                "--ca-cert=" + layout.pki().resolve("ca.crt"))));
    }

    private List<String> ovsdb(String database, List<String> more) {
        Path ovn = layout.ovn();
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "ovsdb-server",
                                ovn.resolve(database + ".db").toString(),
                                "--remote=punix:" + ovn.resolve(database + ".sock"),
                                "--unixctl=" + ovn.resolve(database + ".ctl"),
                                "-vconsole:info",
                                "-vfile:off",
                                "-vsyslog:off"));
        command.addAll(more);
        return command;
    }

    private Service northd() {
        Path ovn = layout.ovn();
        return new Service(
                "ovn-northd",
                "root",
                List.of(
                        "ovn-northd",
                        "--ovnnb-db=unix:" + ovn.resolve("nb.sock"),
                        "--ovnsb-db=unix:" + ovn.resolve("sb.sock"),
                        "--unixctl=" + ovn.resolve("northd.ctl"),
                        "-vconsole:info",
                        "-vfile:off",
                        "-vsyslog:off"));
    }

    private Service control() {
        Path file = layout.control().resolve("control.properties");
        String socket = layout.postgres().resolve("socket").resolve(".s.PGSQL.5432").toString();
        Path password = layout.control().resolve("admin.password");
        String database =
                config.database()
                        .orElse(
                                "jdbc:postgresql://localhost/iod?user=iod&socketFactory=dev.iod.store.UnixSocketFactory&socketFactoryArg="
                                        + socket);
        Setting settings =
                new Setting(
                        file,
                        properties(
                                "directory",
                                layout.run(),
                                "api-port",
                                config.apiPort(),
                                "node-port",
                                config.nodePort(),
                                "database",
                                database,
                                "northbound",
                                "unix:" + layout.ovn().resolve("nb.sock"),
                                "images",
                                layout.control().resolve("images"),
                                "image-user",
                                IMAGE_USER,
                                "image-download-hosts",
                                config.imageHosts(),
                                "novnc",
                                layout.novnc(),
                                "admin-password-file",
                                password,
                                "region",
                                "RegionOne"),
                        true);
        return new Service(
                "control",
                "root",
                beforeGuests(java("control", file)),
                "TERM",
                false,
                List.of(settings, new Setting(password, config.adminPassword() + "\n", true)));
    }

    private Service host(String node) {
        Path file = layout.node(node).resolve("host.properties");
        String settings =
                properties(
                        "socket", layout.node(node).resolve("host.sock"),
                        "directory", layout.node(node).resolve("guests"),
                        "user", QEMU_USER);
        return configured(node + "-host", java("host", file), false, file, settings);
    }

    private Service eswitch(String node) {
        Path file = layout.node(node).resolve("eswitch.properties");
        String settings =
                properties(
                        "socket", layout.node(node).resolve("eswitch.sock"),
                        "uplink", Underlay.INTERFACE,
                        "encapsulation", encapsulation(node),
                        "tables", layout.tables(node));
        List<String> command =
                new ArrayList<>(List.of("ip", "netns", "exec", layout.nodeNamespace(node)));
        command.addAll(java("eswitch", file));
        return configured(node + "-eswitch", beforeGuests(command), true, file, settings);
    }

    /** The configuration of a node's block engine. */
    Path blockProperties(String node) {
        return layout.node(node).resolve("block.properties");
    }

    private Service block(String node) {
        Path file = blockProperties(node);
        String settings =
                properties(
                        "socket", layout.node(node).resolve("block.sock"),
                        "pool", layout.pool(node),
                        "pool-bytes", config.pool().bytes(),
                        "thin-pool", config.pool().thin(),
                        "state", layout.attachments(node));
        List<String> command = beforeGuests(java("block", file));
        return configured(node + "-block", command, true, file, settings);
    }

    private Service dpu(String node) {
        Path directory = layout.node(node);
        Path file = directory.resolve("dpu.properties");
        String settings =
                properties(
                                "node", node,
                                "region", "127.0.0.1:" + config.nodePort(),
                                "token", directory.resolve("token"),
                                "identity", directory.resolve("identity"),
                                "southbound", "ssl:127.0.0.1:" + config.southboundPort(),
                                "engine", directory.resolve("eswitch.sock"),
                                "block", directory.resolve("block.sock"),
                                "host", directory.resolve("host.sock"),
                                "directory", directory,
                                "encapsulation", encapsulation(node),
                                "instance", layout.namespacePrefix() + node)
                        + offer();
        return configured(node + "-dpu", java("dpu", file), false, file, settings);
    }

    /**
     * What a node offers to servers: all processors of the machine, as they are shared in time, and
     * an equal part of the memory that the region's and the nodes' own processes leave.
     */
    private String offer() {
        String processors = properties("vcpus", Runtime.getRuntime().availableProcessors());
        if (config.nodeMemoryMib().isPresent()) {
            return processors + properties("memory-mib", config.nodeMemoryMib().getAsLong());
        }
        return processors
                + properties(
                        "nodes-on-machine",
                        config.nodes(),
                        "reserved-memory-mib",
                        REGION_MIB + NODE_MIB * config.nodes());
    }

    /**
     * A command whose processes go before what guests compute: guests wait for an engine, and
     * everybody for the API, to be back after a kill. Control takes nice 0 when it has started.
     */
    private static List<String> beforeGuests(List<String> command) {
        List<String> all = new ArrayList<>(List.of("nice", "-n", "-10"));
        all.addAll(command);
        return all;
    }

    /** One of our processes with one configuration file. */
    private static Service configured(
            String name, List<String> command, boolean guestsWait, Path file, String settings) {
        return new Service(
                name,
                "root",
                command,
                "TERM",
                guestsWait,
                List.of(new Setting(file, settings, false)));
    }

    private static String encapsulation(String node) {
        return Underlay.address(Integer.parseInt(node.substring(1)));
    }

    /** The command of one of our processes: module path = its jar and everything beside it. */
    private List<String> java(String module, Path configuration) {
        Path directory = layout.home().resolve(module);
        List<String> command = new ArrayList<>();
        command.add(JAVA);
        command.add("@" + directory.resolve("jvm.options"));
        Path cache = startCache(layout.home(), module);
        if (Files.exists(cache)) {
            // One that no longer fits is left aside without a word.
            command.add("-XX:AOTCache=" + cache);
            command.add("-Xlog:aot=off,cds=off");
        }
        command.addAll(
                List.of(
                        "-p",
                        directory.resolve("target/lib") + ":" + jar(module),
                        "-m",
                        "dev.iod." + module + "/dev.iod." + module + ".Main",
                        configuration.toString()));
        return command;
    }

    /** What the JDK keeps of a training run of a process; it need not be there. */
    static Path startCache(Path home, String module) {
        return home.resolve(module).resolve("target").resolve(module + ".aot");
    }

    private Path jar(String module) {
        return layout.home()
                .resolve(module)
                .resolve("target")
                .resolve(module + "-0.1.0-SNAPSHOT.jar");
    }

    private static String properties(Object... keysAndValues) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            text.append(keysAndValues[i]).append('=').append(keysAndValues[i + 1]).append('\n');
        }
        return text.toString();
    }
}
