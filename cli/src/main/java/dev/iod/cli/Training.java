package dev.iod.cli;

import dev.iod.cli.Supervisor.Service;
import dev.iod.cli.Supervisor.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/**
 * A short life of a control plane and of one node's agent, in a run directory of its own, from
 * which the build makes the caches that later starts use ({@code -XX:AOTCacheOutput}, JEP 483 and
 * 515). The engines are absent: the agent joins, opens its session and waits for them.
 */
final class Training {
    private static final String NODE = "n1";
    private static final int SESSION_SECONDS = 20;
    private static final int END_SECONDS = 120;

    /** Of Debian's package; the region's own user is made by {@code up}. */
    private static final String POSTGRES_USER = "postgres";

    private final Layout layout;
    private final RegionConfig config;
    private final Services services;
    private final Map<String, Process> started = new LinkedHashMap<>();

    private Training(Layout layout) {
        this.layout = layout;
        this.config =
                RegionConfig.loadOrCreate(
                        layout,
                        new RegionConfig.Wanted(
                                OptionalInt.of(1),
                                OptionalLong.of(1024),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty()));
        this.services = new Services(layout, config);
    }

    /** Makes both caches, in place of those that are there. */
    static void run(Path home) {
        Path run;
        try {
            run = Files.createTempDirectory("iod-training");
        } catch (IOException e) {
            throw new CliException("cannot make a directory for the training: " + e, e);
        }
        try {
            for (String module : List.of("control", "dpu")) {
                Trees.delete(Services.startCache(home, module));
            }
            Shell.run("chmod", "755", run.toString()); // PostgreSQL's user passes through
            new Training(Layout.of(home, run)).live();
        } finally {
            Trees.delete(run);
        }
    }

    private void live() {
        try {
            Postgres postgres = new Postgres(layout, POSTGRES_USER);
            postgres.create();
            start(postgres.asUser(service("postgres").command()), "postgres");
            watch().until("PostgreSQL answers", Up.READY_SECONDS, postgres::answers);
            postgres.createDatabase();
            Process control = train("control", "control");
            Watch watch = watch();
            watch.until("the API answers", Up.READY_SECONDS, () -> Api.answers(config.api()));
            watch.during(this::use);
            // The caches are made as the processes end.
            end(control);
        } finally {
            started.values().forEach(Process::destroy);
            Waiting.within(
                    END_SECONDS, () -> started.values().stream().noneMatch(Process::isAlive));
            started.keySet().forEach(this::show);
        }
    }

    private void use() {
        Api admin = Api.signIn(config.api(), "admin", config.adminPassword(), "admin");
        admin.get("/compute/v2.1/servers/detail");
        admin.get("/network/v2.0/networks");
        admin.get("/image/v2/images");
        Up.admit(layout, NODE, admin);
        Process agent = train("dpu", NODE + "-dpu");
        // Without engines the node may never be up: what was used until then is worth a cache.
        Waiting.within(SESSION_SECONDS, () -> !agent.isAlive() || up(admin));
        end(agent);
    }

    /** Of all that was started until now. */
    private Watch watch() {
        return new Watch(Map.copyOf(started), this::log);
    }

    private Path log(String name) {
        return layout.run().resolve(name + ".log");
    }

    /** The log of the training is what all of them wrote. */
    private void show(String name) {
        System.out.print(Layout.read(log(name)));
    }

    private static boolean up(Api admin) {
        for (JsonNode node : admin.get("/iod/v1/nodes").at("/nodes")) {
            return node.at("/state").asString().equals("up");
        }
        return false;
    }

    private Service service(String name) {
        return services.all().stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
    }

    private Process train(String module, String name) {
        Service service = service(name);
        for (Setting setting : service.settings()) {
            Layout.write(setting.file(), setting.text(), false, setting.secret());
        }
        List<String> command = new ArrayList<>(service.command());
        command.add(
                command.indexOf(Services.JAVA) + 1,
                "-XX:AOTCacheOutput=" + Services.startCache(layout.home(), module));
        return start(command, name);
    }

    private Process start(List<String> command, String name) {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .directory(Path.of("/").toFile())
                            .redirectErrorStream(true)
                            .redirectOutput(log(name).toFile())
                            .start();
            started.put(name, process);
            return process;
        } catch (IOException e) {
            throw new CliException("cannot start " + name + ": " + CliException.reason(e), e);
        }
    }

    private static void end(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new CliException("no cache within " + END_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException("interrupted", e);
        }
    }
}
