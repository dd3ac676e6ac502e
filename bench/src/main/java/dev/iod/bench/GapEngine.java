package dev.iod.bench;

import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import dev.iod.pipeline.PortKey;
import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.NetDriver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * An engine process with two ports on network 1, and the rules of 50 networks of 20 ports: 20 rules
 * for each port in tables of their own network, in the shape of OVN's (by port, by address, by
 * address and protocol port). They are made here, not by northd.
 */
record GapEngine(Process process, EngineClient client, List<FrontEnd> guests, EngineWatch watch) {
    private static final int NETWORKS = 50;
    private static final int PORTS = 20;
    private static final int RULES = 20;
    private static final int CHANGES = 100;
    private static final int ANSWER_SECONDS = 60;
    private static final long MAC = 0x0a_0000_0000_00L;

    static GapEngine start(Path home, Path directory, List<String> jvm, Cleanup cleanup) {
        return start(home, directory, true, jvm, cleanup);
    }

    /**
     * @param cached with the start cache
     */
    static GapEngine start(
            Path home, Path directory, boolean cached, List<String> jvm, Cleanup cleanup) {
        String namespace = "iod-gap-" + ProcessHandle.current().pid();
        Shell.run("ip", "netns", "add", namespace);
        cleanup.add("namespace", () -> Shell.run("ip", "netns", "del", namespace));
        Shell.run("ip", "-n", namespace, "link", "add", "up0", "type", "veth", "peer", "up1");
        Shell.run("ip", "-n", namespace, "addr", "add", "192.168.62.1/24", "dev", "up0");
        Shell.run("ip", "-n", namespace, "link", "set", "up0", "up");
        Shell.run("ip", "-n", namespace, "link", "set", "up1", "up");
        List<FrontEnd> guests = new ArrayList<>();
        for (int i = 1; i <= 2; i++) {
            FrontEnd guest =
                    new FrontEnd(
                            new FrontEnd.Options(
                                    directory.resolve("v" + i), 2, 256, 4 << 20, true));
            cleanup.add("guest", guest::close);
            guests.add(guest);
        }
        Path config = directory.resolve("eswitch.properties");
        Shell.write(
                config,
                "socket=%s\nuplink=up0\nencapsulation=192.168.62.1\ntables=%s\n"
                        .formatted(directory.resolve("s"), directory.resolve("tables")));
        Path safepoints = directory.resolve("safepoints");
        // As a node's engine runs: before the guests, its collector too, for packets wait for it.
        List<String> command = new ArrayList<>(List.of("nice", "-n", "-10"));
        command.addAll(List.of("ip", "netns", "exec", namespace));
        List<String> options = new ArrayList<>(jvm);
        options.add(EngineWatch.option(safepoints));
        command.addAll(EngineJava.command(home, cached, options));
        command.add(config.toString());
        Process process = process(command, directory.resolve("log"));
        cleanup.add("engine", () -> Lab.stop(process));
        CompletableFuture<EngineClient> ready = new CompletableFuture<>();
        EngineClient client = EngineClient.open(directory.resolve("s"), "gap", new Agent(ready));
        cleanup.add("client", client::close);
        EngineClient connected = ready.orTimeout(ANSWER_SECONDS, TimeUnit.SECONDS).join();
        EngineWatch watch = EngineWatch.of(process.pid(), safepoints);
        GapEngine engine = new GapEngine(process, connected, List.copyOf(guests), watch);
        engine.base(directory);
        return engine;
    }

    private static Process process(List<String> command, Path log) {
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
        } catch (IOException e) {
            throw new BenchException("cannot start the engine: " + e.getMessage(), e);
        }
    }

    private record Agent(CompletableFuture<EngineClient> ready) implements EngineClient.Listener {
        @Override
        public void connected(EngineClient client) {
            ready.complete(client);
        }

        @Override
        public void disconnected(String reason) {}

        @Override
        public void event(EngineEvent event) {}
    }

    /** From port 1 to port 2 of network 1. */
    static byte[] frame() {
        byte[] frame = new byte[64];
        frame[0] = 0x0a;
        frame[5] = 2;
        frame[6] = 0x0a;
        frame[11] = 1;
        frame[12] = (byte) 0x88; // local experimental EtherType 1
        frame[13] = (byte) 0xb5;
        return frame;
    }

    /** The two guests, connected. */
    List<NetDriver> drivers() {
        List<NetDriver> drivers = new ArrayList<>();
        for (FrontEnd guest : guests) {
            guest.connect();
            NetDriver driver = new NetDriver(guest);
            driver.fillReceiveRing();
            drivers.add(driver);
        }
        return drivers;
    }

    /** A UDP datagram of 64 bytes from port 1 to port 2 of network 1. */
    static byte[] datagram() {
        byte[] frame = frame();
        frame[12] = 0x08; // IPv4
        frame[13] = 0;
        frame[14] = 0x45;
        frame[17] = 50; // total length
        frame[22] = 64; // time to live
        frame[23] = 17;
        frame[24] = 0x66; // checksum of the header
        frame[25] = (byte) 0xb9;
        frame[26] = 10;
        frame[29] = 1;
        frame[30] = 10;
        frame[33] = 2;
        frame[37] = 53; // destination port
        frame[39] = 30; // length
        return frame;
    }

    /** Network 1 gets what OVN makes of security groups: both ends track connections. */
    void filter() {
        EngineClient.Transaction all = client.transaction();
        Match ip = Match.equal(Field.ETH_TYPE, 0x0800);
        Match isNew = new Match.Masked(Field.CT_STATE, Bits.of(1), Bits.of(1));
        long id = 10;
        for (Action.Stage stage : Action.Stage.values()) {
            int last = stage == Action.Stage.INGRESS ? 2 : 3;
            Action further = new Action.Next(stage, last);
            all.put(
                    rule(
                            id++,
                            1,
                            stage,
                            0,
                            200,
                            ip,
                            new Action.ConntrackNext(Action.Zone.PORT),
                            new Action.Next(stage, 1)));
            all.put(
                    rule(
                            id++,
                            1,
                            stage,
                            1,
                            200,
                            isNew,
                            new Action.ConntrackCommit(Action.Zone.PORT, List.of()),
                            further));
            all.put(rule(id++, 1, stage, 1, 100, new Match.Always(), further));
        }
        for (int i = 1; i <= 2; i++) {
            all.put(
                    rule(
                            id++,
                            1,
                            Action.Stage.INGRESS,
                            2,
                            100,
                            Match.equal(Field.ETH_DST, MAC + i),
                            new Action.Set(Field.OUT_PORT.whole(), Bits.of(PortKey.of(1, i))),
                            new Action.Output()));
        }
        all.put(rule(id, 1, Action.Stage.EGRESS, 3, 100, new Match.Always(), new Action.Output()));
        commit(all);
    }

    private void base(Path directory) {
        EngineClient.Transaction all = client.replacement();
        all.put(new Entity.Datapath(1, "stream", 0, 0));
        for (int i = 1; i <= 2; i++) {
            String socket = directory.resolve("v" + i).toString();
            all.put(
                    new Entity.Device(
                            i, "v" + i, new Entity.Kind.VhostUser(socket, MAC + i), 1442));
            all.put(port(1, i, new Entity.Target.Local(i)));
            all.put(
                    rule(
                            i,
                            1,
                            Action.Stage.INGRESS,
                            0,
                            Match.equal(Field.ETH_DST, MAC + i),
                            new Action.Set(Field.OUT_PORT.whole(), Bits.of(PortKey.of(1, i))),
                            new Action.Output()));
        }
        all.put(rule(3, 1, Action.Stage.EGRESS, 0, new Match.Always(), new Action.Output()));
        commit(all);
    }

    static void commit(EngineClient.Transaction transaction) {
        transaction.commit().orTimeout(ANSWER_SECONDS, TimeUnit.SECONDS).join();
    }

    /** 20,000 rules in one transaction, as after a chassis' start. */
    EngineClient.Transaction rules() {
        EngineClient.Transaction all = client.transaction();
        for (int network = 2; network < 2 + NETWORKS; network++) {
            all.put(new Entity.Datapath(network, "net" + network, 0, 0));
            for (int port = 1; port <= PORTS; port++) {
                put(all, network, port);
            }
        }
        return all;
    }

    /** Two new ports in each network, one transaction each. */
    List<EngineClient.Transaction> changes() {
        List<EngineClient.Transaction> all = new ArrayList<>();
        for (int i = 0; i < CHANGES; i++) {
            EngineClient.Transaction one = client.transaction();
            put(one, 2 + i % NETWORKS, PORTS + 1 + i / NETWORKS);
            all.add(one);
        }
        return all;
    }

    private static void put(EngineClient.Transaction to, int network, int port) {
        to.put(port(network, port, new Entity.Target.Nowhere()));
        for (int i = 0; i < RULES; i++) {
            Match in = Match.equal(Field.IN_PORT, PortKey.of(network, port));
            Match match =
                    switch (i % 3) {
                        case 0 -> in;
                        case 1 -> Match.equal(Field.ETH_DST, MAC + PortKey.of(network, port));
                        default ->
                                new Match.All(
                                        List.of(
                                                in,
                                                Match.equal(Field.ETH_TYPE, 0x0800),
                                                Match.equal(Field.ETH_SRC, MAC + i)));
                    };
            to.put(
                    rule(
                            PortKey.of(network, port) << 8 | i,
                            network,
                            i % 2 == 0 ? Action.Stage.INGRESS : Action.Stage.EGRESS,
                            i,
                            match,
                            new Action.Output()));
        }
    }

    private static Entity.LogicalPort port(int network, int port, Entity.Target target) {
        return new Entity.LogicalPort(
                PortKey.of(network, port),
                "p" + network + "." + port,
                target,
                network == 1 ? port : 0,
                Optional.empty());
    }

    private static Entity.Rule rule(
            long id, int network, Action.Stage stage, int table, Match match, Action... actions) {
        return rule(id, network, stage, table, 100, match, actions);
    }

    private static Entity.Rule rule(
            long id,
            int network,
            Action.Stage stage,
            int table,
            int priority,
            Match match,
            Action... actions) {
        return new Entity.Rule(
                id, "rule " + id, network, stage, table, priority, match, List.of(actions));
    }
}
