package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.ovsdb.Endpoint;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.Entity;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A chassis with a real OVN central and an engine that only remembers. */
@Timeout(120)
class ChassisTest {
    @TempDir Path directory;
    private OvnCentral central;
    private final MemoryEngine engine = new MemoryEngine();
    private final Ready listener = new Ready();

    /** Remembers what it was called with. */
    private static final class Ready implements Chassis.Listener {
        final Set<String> ready = new TreeSet<>();
        volatile Set<LocalService> services = Set.of();

        @Override
        public synchronized void portReady(String port, boolean now) {
            if (now) {
                ready.add(port);
            } else {
                ready.remove(port);
            }
        }

        @Override
        public void services(Set<LocalService> now) {
            services = now;
        }

        synchronized boolean has(String port) {
            return ready.contains(port);
        }
    }

    @BeforeEach
    void start() {
        central = new OvnCentral(directory);
    }

    @AfterEach
    void stop() {
        central.close();
    }

    private Chassis open(String name, boolean removeAtClose) {
        return Chassis.open(config(name, removeAtClose), engine, listener);
    }

    private Chassis.Config config(String name, boolean removeAtClose) {
        return new Chassis.Config(
                name,
                name,
                "192.168.60.1",
                List.of(central.southbound()),
                Optional.empty(),
                directory.resolve(name + ".zones"),
                removeAtClose);
    }

    private static Entity.Device device(int id) {
        return new Entity.Device(
                id, "dev" + id, new Entity.Kind.VhostUser("/nowhere/" + id, id), 1442);
    }

    @Test
    void registersBindsAndAcknowledges() throws Exception {
        Topology.create(central);
        try (Chassis chassis = open("n1", true)) {
            chassis.plug("vm1", device(1));
            chassis.plug("not-there", device(2));
            chassis.portsKnown();
            Waiting.until(() -> listener.has("vm1"));
            central.nb("--wait=hv", "sync");
            assertThat(central.nb("get", "Logical_Switch_Port", "vm1", "up")).isEqualTo("true");
            assertThat(central.sb("get", "Encap", ".", "ip", "options", "type"))
                    .isEqualToIgnoringWhitespace("\"192.168.60.1\" {csum=\"true\"} geneve");
            assertThat(chassis.port("not-there").orElseThrow().reason()).contains("no such port");
            assertThat(chassis.port("vm2")).isEmpty();
            // Router and the other network are reached by patch ports.
            assertThat(engine.all(Entity.Datapath.class)).hasSize(3);
            assertThat(engine.port("rp1").target())
                    .isEqualTo(new Entity.Target.Peer(engine.port("lrp-rp1").key()));
            assertThat(engine.port("vm1").target()).isEqualTo(new Entity.Target.Local(1));
            assertThat(engine.port("vm1").zone()).isPositive();
            assertThat(engine.port("vm1").security()).isPresent();
            assertThat(engine.port("vm2").target()).isEqualTo(new Entity.Target.Nowhere());
            assertThat(listener.services)
                    .contains(
                            new LocalService(
                                    "meta1",
                                    "neutron-net1",
                                    (int) (engine.port("meta1").key() >>> 16),
                                    "fa:16:3e:ee:00:01",
                                    Set.of("10.1.0.2")));
            chassis.unplug("vm1");
            Waiting.until(
                    () -> central.nb("get", "Logical_Switch_Port", "vm1", "up").equals("false"));
        }
        assertThat(central.sb("--bare", "--columns=name", "list", "Chassis")).isEmpty();
        assertThat(central.sb("--bare", "--columns=name", "list", "Chassis_Private")).isEmpty();
    }

    @Test
    void remoteNeighboursAndRequestedChassis() throws Exception {
        Topology.create(central);
        central.nb("lsp-set-options", "vm2", "requested-chassis=n2");
        bindVm2Elsewhere();
        try (Chassis chassis = open("n1", false)) {
            chassis.plug("vm1", device(1));
            chassis.plug("vm2", device(2));
            chassis.portsKnown();
            Waiting.until(() -> listener.has("vm1"));
            int remote = 192 << 24 | 168 << 16 | 60 << 8 | 2;
            assertThat(engine.port("vm2").target()).isEqualTo(new Entity.Target.Remote(remote));
            assertThat(chassis.port("vm2").orElseThrow().reason()).contains("requested");
            central.nb("lsp-set-options", "vm2", "requested-chassis=n1");
            Waiting.until(() -> listener.has("vm2"));
            chassis.engineEvent(
                    new EngineEvent.NeighborLearned(
                            engine.port("lrp-rp1").key(), Bits.of(0x0a0100fe), 0x020000000001L));
            Waiting.until(() -> !engine.all(Entity.Neighbor.class).isEmpty());
            assertThat(central.sb("--bare", "--columns=ip,mac,logical_port", "list", "MAC_Binding"))
                    .isEqualToIgnoringWhitespace("10.1.0.254 02:00:00:00:00:01 lrp-rp1");
        }
    }

    @Test
    void aPortHasBoundedNeighboursAndTheOldestGo() throws Exception {
        Topology.create(central);
        String datapath = central.sb("get", "Port_Binding", "lrp-rp1", "datapath").strip();
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < NeighborWriter.PORT_LIMIT; i++) {
            rows.addAll(List.of("--", "create", "MAC_Binding", "logical_port=lrp-rp1"));
            rows.addAll(List.of("ip=10.9." + i / 256 + "." + i % 256, "datapath=" + datapath));
            rows.addAll(List.of("mac=\"02:00:00:00:00:09\"", "timestamp=" + (1000 + i)));
        }
        central.sb(rows.subList(1, rows.size()).toArray(String[]::new));
        try (Chassis chassis = open("n1", false)) {
            chassis.plug("vm1", device(1));
            chassis.portsKnown();
            Waiting.until(() -> listener.has("vm1"));
            long port = engine.port("lrp-rp1").key();
            chassis.engineEvent(
                    new EngineEvent.NeighborLearned(port, Bits.of(0x0a0900ffL), 0x02_0000_0001L));
            for (int i = 1; i <= 2; i++) {
                chassis.engineEvent(
                        new EngineEvent.NeighborLearned(port, Bits.of(0x0a0100f0 + i), i));
            }
            Waiting.until(() -> bindings("ip=10.1.0.242") == 1);
            assertThat(bindings("ip=10.1.0.241")).isEqualTo(1);
            assertThat(bindings("ip=10.9.0.0") + bindings("ip=10.9.0.1")).isZero();
            assertThat(bindings("ip=10.9.0.2")).isEqualTo(1);
            assertThat(bindings("logical_port=lrp-rp1")).isEqualTo(NeighborWriter.PORT_LIMIT);
        }
    }

    private int bindings(String condition) {
        String found = central.sb("--bare", "--columns=ip", "find", "MAC_Binding", condition);
        return (int) found.lines().filter(line -> !line.isBlank()).count();
    }

    @Test
    void aChangeOfDhcpOptionsReachesTheEngine() throws Exception {
        Topology.create(central);
        try (Chassis chassis = open("n1", false)) {
            chassis.plug("vm1", device(1));
            chassis.portsKnown();
            Waiting.until(() -> listener.has("vm1"));
            // Options in the text's order: RFC 3442 routes first, then RFC 2132 ones.
            assertThat(dhcp())
                    .contains("790e" + "20a9fea9fe0a010002" + "000a010001")
                    .contains("3304" + "0000a8c0")
                    .contains("1a02" + "05a2");
            String row =
                    central.nb(
                            "--bare",
                            "--columns=_uuid",
                            "find",
                            "DHCP_Options",
                            "cidr=10.1.0.0/24");
            central.nb("--wait=hv", "set", "DHCP_Options", row, "options:lease_time=3600");
            assertThat(dhcp()).contains("3304" + "00000e10");
        }
    }

    private String dhcp() {
        return engine.rules()
                .flatMap(rule -> rule.actions().stream())
                .filter(
                        action ->
                                action instanceof Action.DhcpReply reply
                                        && reply.offeredAddress() == 0x0a01000b)
                .map(action -> HexFormat.of().formatHex(((Action.DhcpReply) action).options()))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aLostSouthboundWithdrawsNothingAndARestartTakesOver() throws Exception {
        Topology.create(central);
        try (Chassis chassis = open("n1", false)) {
            chassis.plug("vm1", device(1));
            chassis.portsKnown();
            Waiting.until(() -> listener.has("vm1"));
            central.nb("--wait=hv", "sync");
            int rules = engine.all(Entity.Rule.class).size();
            engine.forgetHistory();
            central.stopSouthbound();
            Waiting.until(() -> !chassis.status().problem().isEmpty());
            chassis.plug("late", device(7));
            Waiting.until(() -> engine.all(Entity.Device.class).contains(device(7)));
            assertThat(engine.port("vm1").target()).isEqualTo(new Entity.Target.Local(1));
            central.startSouthbound();
            central.nb("--wait=hv", "sync");
            assertThat(engine.all(Entity.Rule.class)).hasSize(rules);
            assertThat(engine.removals()).isZero();
            // A new engine gets everything.
            engine.clear();
            chassis.engineConnected();
            Waiting.until(() -> engine.all(Entity.Rule.class).size() == rules);
        }
        String before = central.sb("--bare", "--columns=_uuid", "find", "Chassis", "name=n1");
        int zone = engine.port("vm1").zone();
        try (Chassis again = open("n1", false)) {
            again.plug("vm1", device(1));
            again.portsKnown();
            central.nb("--wait=hv", "sync");
            Waiting.until(() -> again.port("vm1").orElseThrow().ready());
            assertThat(central.sb("--bare", "--columns=_uuid", "find", "Chassis", "name=n1"))
                    .isEqualTo(before);
            assertThat(engine.port("vm1").zone()).isEqualTo(zone);
        }
    }

    /**
     * A port is made while northd is gone and the southbound database was lost: what runs stays
     * until the new database is filled, ports stay where they are until their chassis are back, and
     * then the new port works too.
     */
    @Test
    void aSouthboundMadeAnewInterruptsNothing() throws Exception {
        Topology.create(central);
        bindVm2Elsewhere();
        try (Chassis chassis = open("n1", false)) {
            chassis.plug("vm1", device(1));
            chassis.portsKnown();
            Waiting.until(() -> listener.has("vm1"));
            central.nb("--wait=hv", "sync");
            int rules = engine.all(Entity.Rule.class).size();
            int zone = engine.port("vm1").zone();
            var here = new Entity.Target.Local(1);
            var there = engine.port("vm2").target();
            assertThat(there).isInstanceOf(Entity.Target.Remote.class);
            engine.forgetHistory();
            central.stopNorthd();
            central.stopSouthbound();
            Waiting.until(() -> !chassis.status().connected());
            central.emptySouthbound();
            central.startSouthbound();
            // As who configures the listener does, and a northd that has no northbound yet.
            central.sb("init", "--", "create", "DHCP_Options", "name=x", "code=3", "type=ipv4");
            Waiting.until(() -> chassis.status().problem().contains("northd has not filled"));
            central.nb(
                    "lsp-add",
                    "neutron-net1",
                    "late",
                    "--",
                    "lsp-set-addresses",
                    "late",
                    "unknown");
            chassis.plug("late", device(9));
            // A replaced engine is told what runs all the same.
            engine.clear();
            chassis.engineConnected();
            Waiting.until(() -> engine.all(Entity.Rule.class).size() == rules);
            assertThat(engine.port("vm1").target()).isEqualTo(here);
            engine.forgetHistory();
            central.startNorthd();
            Waiting.until(() -> listener.has("late") && chassis.port("vm1").orElseThrow().ready());
            assertThat(engine.fewestRules()).isGreaterThanOrEqualTo(rules);
            assertThat(engine.port("late").target()).isEqualTo(new Entity.Target.Local(9));
            assertThat(engine.targets("vm1")).containsOnly(here);
            assertThat(engine.port("vm1").zone()).isEqualTo(zone);
            assertThat(central.sb("--bare", "--columns=name", "list", "Chassis")).isEqualTo("n1");
            // The other chassis is late, and one that releases its port is believed.
            bindVm2Elsewhere();
            central.nb("--wait=hv", "sync");
            assertThat(engine.targets("vm2")).containsOnly(there);
            central.sb("lsp-unbind", "vm2");
            central.nb("--wait=hv", "sync");
            assertThat(engine.port("vm2").target()).isEqualTo(new Entity.Target.Nowhere());
        }
    }

    private void bindVm2Elsewhere() {
        central.sb("chassis-add", "n2", "geneve", "192.168.60.2");
        central.sb("lsp-bind", "vm2", "n2");
    }

    @Test
    void worksByTlsInTheRoleOfAController() throws Exception {
        Topology.create(central);
        var identities = new Identities(directory);
        identities.issue("central");
        identities.issue("n1");
        identities.issue("n2");
        int port;
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = probe.getLocalPort();
        }
        central.listenTls(
                port,
                identities.key("central"),
                identities.certificate("central"),
                identities.authority());
        Chassis.Config plain = config("n1", true);
        var endpoint = List.of(Endpoint.parse("ssl:127.0.0.1:" + port));
        var own =
                new Chassis.Config(
                        "n1",
                        "n1",
                        plain.encapIp(),
                        endpoint,
                        Optional.of(identities.context("n1")),
                        plain.zoneFile(),
                        true);
        try (Chassis chassis = Chassis.open(own, engine, listener)) {
            chassis.plug("vm1", device(1));
            chassis.portsKnown();
            Waiting.until(() -> listener.has("vm1"));
            central.nb("--wait=hv", "sync");
            chassis.engineEvent(
                    new EngineEvent.NeighborLearned(
                            engine.port("lrp-rp1").key(), Bits.of(0x0a0100fe), 0x020000000001L));
            Waiting.until(() -> !engine.all(Entity.Neighbor.class).isEmpty());
            // Another node's certificate may not touch this chassis.
            var stranger =
                    new Chassis.Config(
                            "n1",
                            "n1",
                            "192.168.60.7",
                            endpoint,
                            Optional.of(identities.context("n2")),
                            directory.resolve("stranger.zones"),
                            false);
            try (Chassis impostor = Chassis.open(stranger, new MemoryEngine(), new Ready())) {
                Waiting.until(() -> impostor.status().problem().contains("permission error"));
            }
            assertThat(central.sb("get", "Encap", ".", "ip")).isEqualTo("\"192.168.60.1\"");
        }
        assertThat(central.sb("--bare", "--columns=name", "list", "Chassis")).isEmpty();
    }

    @Test
    void aNewNetworkLeavesTheRulesOfOthersAlone() throws Exception {
        Topology.create(central);
        try (Chassis chassis = open("n1", false)) {
            chassis.plug("vm1", device(1));
            chassis.portsKnown();
            Waiting.until(() -> listener.has("vm1"));
            central.nb("--wait=hv", "sync");
            Set<Long> before = engine.rules().map(Entity.Rule::id).collect(Collectors.toSet());
            engine.forgetHistory();
            central.nb(
                    "--wait=hv",
                    "ls-add",
                    "net3",
                    "--",
                    "lsp-add",
                    "net3",
                    "rp3",
                    "--",
                    "lsp-set-type",
                    "rp3",
                    "router",
                    "--",
                    "lsp-set-addresses",
                    "rp3",
                    "router",
                    "--",
                    "lsp-set-options",
                    "rp3",
                    "router-port=lrp-rp3",
                    "--",
                    "lrp-add",
                    "neutron-r0",
                    "lrp-rp3",
                    "fa:16:3e:00:00:03",
                    "10.3.0.1/24");
            assertThat(engine.all(Entity.Datapath.class)).hasSize(4);
            Set<Long> after = engine.rules().map(Entity.Rule::id).collect(Collectors.toSet());
            // northd moved the shared flows to new groups; the engine's rules stay what they are.
            before.removeAll(after);
            assertThat(before).hasSizeLessThan(10);
            assertThat(engine.removals()).isLessThan(20);
        }
    }
}
