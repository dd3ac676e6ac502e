package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.ovn.ConntrackScripts.Script;
import dev.iod.ovn.ConntrackScripts.Step;
import dev.iod.pipeline.ConnectionStatus;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.Entity;
import dev.iod.vhost.testing.FrontEnd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same packets through an unmodified chassis and through ours: after each one, it arrived at
 * both or at neither, and both hold the same connections. Each chassis has two ports with the same
 * addresses on a switch of its own, under one security group.
 */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class StockConntrackTest {
    /** Timeouts differ by class by 15 s or more; two dumps are not taken at one time. */
    private static final long CLOCK_SECONDS = 7;

    private static final long DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final Pattern ZONE = Pattern.compile(",zone=(\\d+)");
    private static final Pattern TIMEOUT = Pattern.compile(",timeout=(\\d+)");
    private static final String GROUP = "outport == @pg_ct && ";

    private Path directory;
    private OvnCentral central;
    private RealEngine engine;
    private Chassis chassis;
    private StockSwitch stock;
    private final List<Cable> cables = new ArrayList<>();
    private final List<String> differences = new ArrayList<>();
    private final int[] stockZones = new int[2];
    private int markers;
    private int delivered;
    private int stopped;

    private static final class Silent implements Chassis.Listener {
        @Override
        public void portReady(String port, boolean ready) {}

        @Override
        public void services(Set<LocalService> services) {}
    }

    /** The two guests of one switch. */
    private final class Cable {
        final String name;
        final List<Guest> ends;

        Cable(String name, List<Guest> ends) {
            this.name = name;
            this.ends = ends;
        }

        /**
         * Sends a frame, a marker, and when that has arrived another one: a switch may exchange
         * what it receives in one batch. @return whether the frame arrived
         */
        boolean passes(int from, byte[] frame) {
            ends.get(from).send(frame);
            boolean first = seenBeforeMarker(from, frame);
            boolean second = seenBeforeMarker(from, frame);
            return first || second;
        }

        private boolean seenBeforeMarker(int from, byte[] frame) {
            byte[] marker = Wire.marker(from, ++markers);
            ends.get(from).send(marker);
            boolean seen = false;
            long deadline = System.nanoTime() + DEADLINE_NANOS;
            while (System.nanoTime() < deadline) {
                boolean marked = false;
                for (byte[] got : ends.get(1 - from).receive()) {
                    marked |= Arrays.equals(got, marker);
                    seen |= Arrays.equals(got, frame);
                }
                if (marked) {
                    return seen;
                }
                LockSupport.parkNanos(100_000);
            }
            throw new AssertionError(name + ": the marker did not arrive; " + stock.describe());
        }

        /** Sends markers until one arrives. */
        void await(int from) {
            byte[] marker = Wire.marker(from, ++markers);
            long deadline = System.nanoTime() + DEADLINE_NANOS;
            while (System.nanoTime() < deadline) {
                ends.get(from).send(marker);
                LockSupport.parkNanos(20_000_000);
                if (ends.get(1 - from).receive().stream().anyMatch(f -> Arrays.equals(f, marker))) {
                    // Markers sent before it arrived may still be on their way.
                    passes(from, Wire.marker(from, ++markers));
                    return;
                }
            }
            throw new AssertionError(name + ": no path from " + from + "\n" + stock.describe());
        }
    }

    @BeforeAll
    void start(@TempDir Path temporary) throws Exception {
        directory = temporary;
        central = new OvnCentral(directory);
        engine = new RealEngine(directory);
        for (String cable : List.of("a", "b")) {
            String net = "net" + cable;
            central.nb("ls-add", net);
            for (int i = 0; i < 2; i++) {
                String port = cable + i;
                String address = Wire.MAC[i] + " " + Wire.IP4[i] + " " + Wire.IP6[i];
                central.nb("lsp-add", net, port);
                central.nb("lsp-set-addresses", port, address);
                central.nb("lsp-set-port-security", port, address);
            }
        }
        securityGroup();
        var config =
                new Chassis.Config(
                        "ours",
                        "ours",
                        "192.168.60.1",
                        List.of(central.southbound()),
                        Optional.empty(),
                        directory.resolve("zones"),
                        false);
        chassis = Chassis.open(config, Engine.over(engine.client()), new Silent());
        stock = new StockSwitch(directory, directory.resolve("sb.sock"));
        cables.add(new Cable("stock", List.of(stock.plug("a0"), stock.plug("a1"))));
        List<FrontEnd> own = List.of(plug(0), plug(1));
        chassis.portsKnown();
        cables.add(new Cable("ours", own.stream().<Guest>map(Guest.Virtio::new).toList()));
        central.nb("--wait=hv", "--timeout=60", "sync");
        Map<String, Integer> zones = stock.zones();
        stockZones[0] = zones.getOrDefault("a0", 0);
        stockZones[1] = zones.getOrDefault("a1", 0);
        for (Cable cable : cables) {
            cable.await(0);
            cable.await(1);
        }
    }

    /** As Neutron writes them: everything may leave, what is listed may come. */
    private void securityGroup() {
        central.nb("pg-add", "pg_ct", "a0", "a1", "b0", "b1");
        acl("to-lport", "1001", GROUP + "ip", "drop");
        acl("from-lport", "1001", "inport == @pg_ct && ip", "drop");
        acl("from-lport", "1002", "inport == @pg_ct && ip4", "allow-related");
        acl("from-lport", "1002", "inport == @pg_ct && ip6", "allow-related");
        for (String protocol : List.of("tcp", "udp")) {
            for (String family : List.of("ip4", "ip6")) {
                String match = GROUP + family + " && " + protocol + ".dst == ";
                acl("to-lport", "1002", match + ConntrackScripts.PORT, "allow-related");
            }
        }
        // Both sides of a simultaneous open; no other script uses these as destinations of side 0.
        acl("to-lport", "1002", GROUP + "tcp.src > 32768 && tcp.dst > 32768", "allow-related");
        acl("to-lport", "1002", GROUP + "icmp4 && icmp4.type == 8", "allow-related");
        acl("to-lport", "1002", GROUP + "icmp4 && icmp4.type == 13", "allow-related");
        acl("to-lport", "1002", GROUP + "icmp6 && icmp6.type == 128", "allow-related");
        removable("acl-add");
    }

    private void acl(String direction, String priority, String match, String verdict) {
        central.nb("acl-add", "pg_ct", direction, priority, match, verdict);
    }

    private void removable(String command) {
        for (String protocol : List.of("tcp", "udp")) {
            String match = GROUP + "ip4 && " + protocol + ".dst == " + ConntrackScripts.REMOVABLE;
            if (command.equals("acl-add")) {
                acl("to-lport", "1002", match, "allow-related");
            } else {
                central.nb(command, "pg_ct", "to-lport", "1002", match);
            }
        }
    }

    private FrontEnd plug(int index) {
        String port = "b" + index;
        Path socket = directory.resolve(port);
        var frontEnd = new FrontEnd(new FrontEnd.Options(socket, 2, 64, 1 << 20, true));
        var kind = new Entity.Kind.VhostUser(socket.toString(), 0x02_0000_0000_11L + index);
        chassis.plug(port, new Entity.Device(index + 1, port, kind, 1442));
        return frontEnd;
    }

    @AfterAll
    void stop() {
        cables.forEach(cable -> cable.ends.forEach(Guest::close));
        if (stock != null) {
            stock.close();
        }
        if (chassis != null) {
            chassis.close();
        }
        engine.close();
        central.close();
    }

    @Test
    void deliversAndRemembersWhatAStockChassisDoes() throws Exception {
        Script idle = ConntrackScripts.idle();
        run(idle);
        for (Script script : ConntrackScripts.all()) {
            run(script);
        }
        expire(idle);
        System.out.printf("StockConntrackTest: %d packets delivered, %d not%n", delivered, stopped);
        assertThat(differences).as("%d delivered, %d not", delivered, stopped).isEmpty();
        assertThat(delivered).isGreaterThan(150);
        assertThat(stopped).isGreaterThan(30);
    }

    /** Nothing was sent for a while: the connections that both sides used are forgotten. */
    private void expire(Script idle) throws Exception {
        Set<String> expected = Set.of();
        Set<String> found = Set.of();
        long deadline = System.nanoTime() + DEADLINE_NANOS;
        do {
            assertThat(System.nanoTime())
                    .as("stock holds %s, ours %s", expected, found)
                    .isLessThan(deadline);
            Thread.sleep(500);
            expected = stockConnections(idle.key());
            found = ourConnections(idle.key());
        } while (!expected.isEmpty() || !found.isEmpty());
        // Open vSwitch 3.1.0 ends with a failed assertion when packets of a forgotten connection
        // come.
        byte[] answer = Wire.udp(1, ConntrackScripts.PORT, idle.key(), 20);
        assertThat(cables.get(1).passes(1, answer)).as("a late answer").isFalse();
        byte[] reply = Wire.echo(1, false, idle.key(), 1);
        assertThat(cables.get(1).passes(1, reply)).as("a late reply").isFalse();
    }

    @Test
    void whereTheTwoDifferByIntent() throws Exception {
        Cable theirs = cables.get(0);
        Cable own = cables.get(1);
        // A guest's driver may leave checksums to the device, which has none to check: what a guest
        // sends is not read as a whole on its way. Its receiver drops what is damaged.
        byte[] damaged = Wire.udp(0, 39_000, ConntrackScripts.PORT, 20);
        damaged[damaged.length - 1] ^= 1;
        assertThat(theirs.passes(0, damaged)).isFalse();
        assertThat(own.passes(0, damaged)).isTrue();
        // Fragments: the stock chassis holds them back until it has all and tracks the whole; ours
        // drops them where a connection would be looked up.
        int key = 39_001;
        byte[] whole = Wire.udp(0, key, ConntrackScripts.PORT, 24);
        long before = fragments();
        assertThat(own.passes(0, Wire.fragment(whole, 0x2000))).as("first").isFalse();
        assertThat(own.passes(0, Wire.fragment(whole, 0x0004))).as("last").isFalse();
        assertThat(own.passes(0, Wire.fragment(whole, 0x2004))).as("between").isFalse();
        assertThat(own.passes(0, Wire.fragment6(0, key, 1))).as("IPv6, first").isFalse();
        assertThat(own.passes(0, Wire.fragment6(0, key, 32 << 3 | 1))).as("IPv6").isFalse();
        assertThat(own.passes(0, Wire.fragment6(0, key, 64 << 3))).as("IPv6, last").isFalse();
        assertThat(fragments() - before).isEqualTo(6);
        assertThat(ourConnections(key)).isEmpty();
        // A whole packet in one "fragment" (RFC 6946) is no fragment.
        assertThat(own.passes(0, Wire.fragment6(0, key, 0))).as("IPv6, atomic").isTrue();
        assertThat(ourConnections(key)).hasSize(2);
    }

    private long fragments() throws Exception {
        EngineReport.Counters counters = engine.client().counters().get(60, TimeUnit.SECONDS);
        return counters.drops().getOrDefault(DropReason.FRAGMENT, 0L);
    }

    private void run(Script script) throws Exception {
        var done = new ArrayList<String>();
        for (Step step : script.steps()) {
            switch (step) {
                case Step.Forbid s -> {
                    removable("acl-del");
                    central.nb("--wait=hv", "sync");
                    stock.settle();
                    done.add("-- the rule goes");
                }
                case Step.Allow s -> {
                    removable("acl-add");
                    central.nb("--wait=hv", "sync");
                    stock.settle();
                    done.add("-- the rule comes back");
                }
                case Step.Send s -> {
                    boolean theirs = cables.get(0).passes(s.from(), s.frame());
                    boolean our = cables.get(1).passes(s.from(), s.frame());
                    delivered += theirs ? 1 : 0;
                    stopped += theirs ? 0 : 1;
                    done.add((s.from() == 0 ? "> " : "< ") + s.name() + (theirs ? "" : " X"));
                    compare(script, done, theirs, our);
                }
            }
        }
    }

    private void compare(Script script, List<String> done, boolean theirs, boolean our)
            throws Exception {
        Set<String> expected = stockConnections(script.key());
        Set<String> found = ourConnections(script.key());
        if (theirs != our || !same(expected, found)) {
            differences.add(
                    script.name()
                            + "\n  "
                            + String.join("\n  ", done)
                            + "\n  stock delivers: "
                            + theirs
                            + ", ours: "
                            + our
                            + "\n    stock "
                            + String.join("\n    stock ", expected)
                            + "\n    ours  "
                            + String.join("\n    ours  ", found));
        }
    }

    private static boolean same(Set<String> expected, Set<String> found) {
        if (expected.size() != found.size()) {
            return false;
        }
        var theirs = expected.iterator();
        for (String own : found) {
            String their = theirs.next();
            boolean equal =
                    TIMEOUT.matcher(own)
                            .replaceAll("")
                            .equals(TIMEOUT.matcher(their).replaceAll(""));
            if (!equal || Math.abs(timeout(own) - timeout(their)) > CLOCK_SECONDS) {
                return false;
            }
        }
        return true;
    }

    private static long timeout(String connection) {
        Matcher matcher = TIMEOUT.matcher(connection);
        return matcher.find() ? Long.parseLong(matcher.group(1)) : -1;
    }

    private Set<String> stockConnections(int key) {
        var found = new TreeSet<String>();
        for (String line : stock.connections()) {
            if (line.contains("=" + key)) {
                found.add(line);
            }
        }
        return roles(found, stockZones[0], stockZones[1]);
    }

    private Set<String> ourConnections(int key) throws Exception {
        var found = new TreeSet<String>();
        int cursor = 0;
        do {
            EngineReport.Connections part =
                    engine.client().connections(cursor, 1024).get(60, TimeUnit.SECONDS);
            for (ConnectionStatus c : part.connections()) {
                if (c.original().sourcePort() == key || c.original().destinationPort() == key) {
                    found.add(c.text() + ",timeout=" + c.leftMillis() / 1000);
                }
            }
            cursor = part.next();
        } while (cursor != 0);
        Zones zones = new Zones(directory.resolve("zones"));
        return roles(found, zones.of("b0"), zones.of("b1"));
    }

    /** The zones of both ports by their place. */
    private static Set<String> roles(Set<String> lines, int first, int second) {
        var named = new TreeSet<String>();
        for (String line : lines) {
            Matcher matcher = ZONE.matcher(line);
            assertThat(matcher.find()).as(line).isTrue();
            int zone = Integer.parseInt(matcher.group(1));
            String role = zone == first ? "0" : zone == second ? "1" : "?" + zone;
            named.add(matcher.replaceAll(",zone=" + role));
        }
        return named;
    }
}
