package dev.iod.cli;

import dev.iod.block.BlockConfig;
import dev.iod.block.PoolDirectory;
import dev.iod.cli.Supervisor.Service;
import dev.iod.engine.EngineException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Brings a region up: every step makes what is missing and says so. */
final class Up {
    static final int READY_SECONDS = 90;
    private static final String MORE_ROOM =
            "; free some space, say --pool-size with fewer GiB or --thin-pool, or set IOD_RUN to a"
                    + " directory on a larger disk";

    private final Layout layout;
    private final RegionConfig config;
    private final Supervisor supervisor;
    private final Services services;
    private final Postgres postgres;
    private final Progress progress = new Progress();
    private boolean changed;

    Up(Layout layout, RegionConfig config) {
        this.layout = layout;
        this.config = config;
        this.supervisor = Supervisor.ofMachine(layout);
        this.services = new Services(layout, config);
        this.postgres = new Postgres(layout, Services.POSTGRES_USER);
    }

    /**
     * @return whether anything had to be done
     */
    boolean run() {
        image();
        novnc();
        step("users", this::users);
        step("underlay", () -> new Underlay(layout).ensure(config.nodeNames()));
        step("databases", this::databases);
        step("supervisor", () -> supervisor.define(services.all()) | settings());
        pools();
        step("postgres", this::database);
        step("OVN northbound", () -> start("ovn-nb"));
        step("control", this::control);
        step("OVN southbound", this::southbound);
        step("OVN northd", () -> start("ovn-northd"));
        watch("control", "postgres").during(this::content);
        return changed;
    }

    /** What the region has; all through the API. */
    private void content() {
        Api admin = Api.signIn(config.api(), "admin", config.adminPassword(), "admin");
        step("credentials", () -> Credentials.write(layout, config));
        step("demo project", () -> new Bootstrap(admin, config).demoProject());
        step("image iod-micro", () -> new Bootstrap(admin, config).image(layout.image()));
        Watch watch = watch(services.all().stream().map(Service::name).toArray(String[]::new));
        for (String node : config.nodeNames()) {
            step("node " + node, () -> node(node, admin));
        }
        step("nodes answer", () -> nodesUp(admin, watch));
    }

    private void step(String what, java.util.function.BooleanSupplier work) {
        long start = System.nanoTime();
        boolean did = work.getAsBoolean();
        changed |= did;
        if (did) {
            progress.done(what, start);
        }
    }

    /** The script itself knows whether its packages or its files have changed. */
    private void image() {
        String build = layout.home().resolve("guest/build").toString();
        step(
                "guest image iod-micro built",
                () ->
                        !Shell.run(build, layout.image().toString())
                                .contains("iod-micro is up to date"));
    }

    private void novnc() {
        String fetch = layout.home().resolve("console/novnc").toString();
        step(
                "noVNC unpacked",
                () -> !Shell.run(fetch, layout.novnc().toString()).contains("noVNC is up to date"));
    }

    private boolean users() {
        boolean did = false;
        for (String user :
                List.of(Services.POSTGRES_USER, Services.QEMU_USER, Services.IMAGE_USER)) {
            if (!Shell.attempt("id", user).ok()) {
                Shell.run(
                        "useradd",
                        "--system",
                        "--no-create-home",
                        "--shell",
                        "/usr/sbin/nologin",
                        user);
                did = true;
            }
        }
        if (Shell.attempt("getent", "group", "kvm").ok()
                && !Shell.run("id", "-Gn", Services.QEMU_USER).contains("kvm")) {
            Shell.run("usermod", "-aG", "kvm", Services.QEMU_USER);
            did = true;
        }
        return did;
    }

    private boolean databases() {
        boolean did = postgres.create();
        for (String database : List.of("nb", "sb")) {
            Path file = layout.ovn().resolve(database + ".db");
            if (!Files.exists(file)) {
                Layout.directory(layout.ovn());
                Shell.run(
                        "ovsdb-tool",
                        "create",
                        file.toString(),
                        "/usr/share/ovn/ovn-" + database + ".ovsschema");
                did = true;
            }
        }
        return did;
    }

    /**
     * Writes the configuration files; a process that read another version of its own is stopped.
     */
    private boolean settings() {
        boolean did = false;
        for (Service service : services.all()) {
            boolean written = false;
            for (Supervisor.Setting setting : service.settings()) {
                written |= Layout.write(setting.file(), setting.text(), false, setting.secret());
            }
            if (written) {
                supervisor.stop(service.name());
            }
            did |= written;
        }
        return did;
    }

    /** Before their engines, so that a full disk is said here and not in an engine's log. */
    private void pools() {
        long start = System.nanoTime();
        boolean did = false;
        boolean inFile = false;
        for (String node : config.nodeNames()) {
            did |= !Files.exists(layout.pool(node));
            try {
                Path volumes =
                        PoolDirectory.prepare(BlockConfig.read(services.blockProperties(node)));
                inFile |= !volumes.equals(layout.pool(node));
            } catch (EngineException e) {
                throw new CliException(
                        "no pool of volumes for node "
                                + node
                                + ": "
                                + CliException.reason(e)
                                + (e.category() == EngineException.Category.FULL ? MORE_ROOM : ""),
                        e);
            }
        }
        changed |= did;
        if (did) {
            progress.done(config.pool().text(inFile), start);
        }
    }

    private boolean start(String name) {
        return supervisor.start(name);
    }

    /** Begins before they are started: the first end counts. */
    private Watch watch(String... names) {
        return new Watch(
                List.of(names),
                supervisor::pid,
                name -> layout.log(name).resolve("current"),
                progress::say);
    }

    private boolean database() {
        Watch watch = watch("postgres");
        boolean did = start("postgres");
        watch.until("PostgreSQL answers", READY_SECONDS, postgres::answers);
        return did | postgres.createDatabase();
    }

    private boolean control() {
        Watch watch = watch("control", "postgres");
        boolean did = start("control");
        watch.until(
                "the API answers at " + config.api(),
                READY_SECONDS,
                () -> Api.answers(config.api()));
        return did;
    }

    private boolean southbound() {
        Watch watch = watch("ovn-sb");
        boolean did = start("ovn-sb");
        String database = "unix:" + layout.ovn().resolve("sb.sock");
        watch.until(
                "OVN southbound answers",
                READY_SECONDS,
                () -> Shell.attempt("ovn-sbctl", "--timeout=5", "--db=" + database, "init").ok());
        String target = "pssl:" + config.southboundPort() + ":127.0.0.1";
        if (!Shell.run("ovn-sbctl", "--timeout=5", "--db=" + database, "get-connection")
                .contains(target)) {
            Shell.run(
                    "ovn-sbctl",
                    "--timeout=5",
                    "--db=" + database,
                    "set-connection",
                    "role=ovn-controller",
                    target,
                    "--",
                    "set",
                    "connection",
                    ".",
                    "inactivity_probe=30000");
            did = true;
        }
        return did;
    }

    private boolean node(String node, Api admin) {
        boolean did = admit(layout, node, admin);
        for (Service service : services.ofNode(node)) {
            did |= start(service.name());
        }
        return did;
    }

    /**
     * Makes a node's directories and, unless it has joined already, gets it a token to join with.
     */
    static boolean admit(Layout layout, String node, Api admin) {
        Path directory = layout.node(node);
        Path identity = directory.resolve("identity");
        Layout.directory(directory.resolve("vhost"));
        Layout.directory(directory.resolve("guests"));
        boolean did =
                Layout.write(
                        identity.resolve("ca.crt"),
                        Layout.read(layout.pki().resolve("ca.crt")),
                        false,
                        false);
        if (!Files.exists(identity.resolve("node.crt"))
                && !Files.exists(directory.resolve("token"))) {
            JsonNode answer = admin.post("/iod/v1/nodes", Map.of("node", Map.of("name", node)));
            Layout.write(
                    directory.resolve("token"),
                    answer.at("/node/token").stringValue() + "\n",
                    false,
                    true);
            did = true;
        }
        return did;
    }

    private boolean nodesUp(Api admin, Watch watch) {
        boolean[] waited = {false};
        watch.until(
                "all nodes are up and know their pools",
                READY_SECONDS,
                () -> {
                    long up = 0;
                    for (JsonNode node : admin.get("/iod/v1/nodes").at("/nodes")) {
                        boolean heard = node.at("/state").asString().equals("up");
                        up += heard && node.at("/disk_mib").asLong() > 0 ? 1 : 0;
                    }
                    waited[0] |= up < config.nodes();
                    return up >= config.nodes();
                });
        return waited[0];
    }
}
