package dev.iod.bench;

import dev.iod.ovn.Chassis;
import dev.iod.ovn.LocalService;
import dev.iod.ovsdb.Endpoint;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.Entity;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The product: the engine's own process with its usual options, told what to do by the OVN chassis,
 * which runs in the bench itself.
 */
final class Ours implements Side {
    static final String NAME = "ours";

    /** Twice {@link Case#NEW} in each of two zones, of which each may hold a quarter. */
    private static final int CONNECTIONS = 1 << 22;

    private static final int FLOWS = 1 << 18;
    private static final int MTU_BYTES = 1500;
    private static final int READY_SECONDS = 60;
    private static final int ANSWER_SECONDS = 20;

    private final Case what;
    private final Process process;
    private final Chassis chassis;
    private final EngineClient client;

    Ours(Lab lab, OvnCentral central, Case what, Path sockets, List<String> jvmOptions) {
        this.what = what;
        Path directory = sockets.resolve(NAME);
        directory.toFile().mkdirs();
        Path socket = directory.resolve("s");
        this.process = startEngine(lab, directory, socket, jvmOptions);
        // The chassis is made first: the engine is to hear nothing before its ports are plugged.
        EngineLink link = new EngineLink();
        this.chassis =
                Chassis.open(
                        new Chassis.Config(
                                "bench-ours",
                                "bench-ours",
                                Lab.ENCAPSULATION,
                                List.of(new Endpoint.Unix(central.southbound())),
                                Optional.empty(),
                                directory.resolve("zones"),
                                true),
                        link,
                        new Quiet());
        for (String end : OvnCentral.ENDS) {
            chassis.plug(
                    port(end),
                    new Entity.Device(
                            1 + OvnCentral.ENDS.indexOf(end),
                            end,
                            new Entity.Kind.VhostUser(
                                    sockets.resolve(end + ".sock").toString(),
                                    Long.parseLong(Traffic.mac(end).replace(":", ""), 16)),
                            MTU_BYTES));
        }
        chassis.portsKnown();
        this.client = link.open(socket, "bench", chassis);
    }

    private static Process startEngine(
            Lab lab, Path directory, Path socket, List<String> jvmOptions) {
        Path config = directory.resolve("eswitch.properties");
        Shell.write(
                config,
                String.join(
                        "\n",
                        "socket=" + socket,
                        "uplink=" + Lab.UPLINK,
                        "encapsulation=" + Lab.ENCAPSULATION,
                        "tables=" + directory.resolve("tables"),
                        "cpu=" + lab.switchCpu(),
                        "connections=" + CONNECTIONS,
                        "flows=" + FLOWS,
                        // testpmd does not seal its memory.
                        "guest-memory=any",
                        ""));
        List<String> command = EngineJava.command(lab.home(), true, jvmOptions);
        command.add(config.toString());
        return lab.start("eswitch", lab.inside(command), Map.of());
    }

    private String port(String end) {
        return OvnCentral.port(what.network(NAME), end);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void awaitReady() {
        Shell.await("our ports", READY_SECONDS, () -> alive() && ready());
    }

    private boolean alive() {
        if (!process.isAlive()) {
            throw new BenchException("the eswitch process ended; see its log");
        }
        return true;
    }

    private boolean ready() {
        return client.isConnected()
                && OvnCentral.ENDS.stream()
                        .allMatch(
                                end ->
                                        chassis.port(port(end))
                                                .filter(Chassis.PortStatus::ready)
                                                .isPresent())
                && answer(client.devices()).devices().stream()
                        .filter(device -> device.id() != EngineReport.UPLINK)
                        .allMatch(EngineReport.DeviceStatus::up);
    }

    @Override
    public long connections() {
        Map<Counter, Long> counters = answer(client.counters()).counters();
        return counters.getOrDefault(Counter.CONNECTIONS_MADE, 0L)
                - counters.getOrDefault(Counter.CONNECTIONS_EXPIRED, 0L)
                - counters.getOrDefault(Counter.CONNECTIONS_EVICTED, 0L);
    }

    /** Counters and drops, for who wants to know why. */
    String counters() {
        return answer(client.counters()).toString();
    }

    private static <T> T answer(CompletableFuture<T> future) {
        return future.orTimeout(ANSWER_SECONDS, TimeUnit.SECONDS).join();
    }

    @Override
    public double cpuSeconds() {
        return Lab.cpuSeconds(process);
    }

    @Override
    public void close() {
        chassis.close();
        client.close();
        Lab.stop(process);
    }

    private static final class Quiet implements Chassis.Listener {
        @Override
        public void portReady(String port, boolean ready) {}

        @Override
        public void services(Set<LocalService> services) {}
    }
}
