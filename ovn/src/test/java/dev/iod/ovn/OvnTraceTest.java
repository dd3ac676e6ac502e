package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.EngineReport;
import dev.iod.eswitch.Entity;
import dev.iod.ovn.Flow.Transport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The real engine with compiled flows goes where ovn-trace says, for packets of chance. */
@Timeout(300)
class OvnTraceTest {
    private static final int PACKETS = 250;
    private static final Pattern DEVICE = Pattern.compile("output to device (\\d+), .*");
    private static final Pattern PORT = Pattern.compile("output\\(\"([^\"]+)\"\\)");

    /** The hosts of {@link Topology}: all of them plugged, so that no trace ends in a tunnel. */
    private static final List<Host> HOSTS =
            List.of(
                    new Host("vm1", "fa:16:3e:10:00:01", "10.1.0.11"),
                    new Host("vm2", "fa:16:3e:10:00:02", "10.1.0.12"),
                    new Host("vm3", "fa:16:3e:10:00:03", "10.2.0.11"),
                    new Host("vm4", "fa:16:3e:10:00:04", "10.2.0.12"),
                    new Host("open", "fa:16:3e:10:00:99", "10.2.0.99"));

    private static final List<String> NAMES = HOSTS.stream().map(Host::name).toList();

    /**
     * What the router answers itself: packets to its own addresses, and those at their last hop.
     */
    private static final Pattern ROUTER =
            Pattern.compile("ip[46]\\.dst == (10\\.[12]\\.0\\.1|fd0[12]::1) |ip\\.ttl == 1 ");

    private record Host(String name, String mac, String ip) {}

    @TempDir Path directory;

    private static final class Silent implements Chassis.Listener {
        @Override
        public void portReady(String port, boolean ready) {}

        @Override
        public void services(Set<LocalService> services) {}
    }

    @Test
    void packetsGoWhereOvnTraceSays() throws Exception {
        // A run of ./iod test --full takes other packets each time.
        long any = Boolean.getBoolean("iod.full") ? System.nanoTime() : 20261122L;
        long seed = Long.getLong("seed", any);
        System.out.println("OvnTraceTest: seed " + seed);
        try (OvnCentral central = new OvnCentral(directory);
                RealEngine engine = new RealEngine(directory)) {
            Topology.create(central);
            var config =
                    new Chassis.Config(
                            "n1",
                            "n1",
                            "192.168.60.1",
                            List.of(central.southbound()),
                            Optional.empty(),
                            directory.resolve("zones"),
                            false);
            try (Chassis chassis =
                    Chassis.open(config, Engine.over(engine.client()), new Silent())) {
                for (String name : NAMES) {
                    int id = NAMES.indexOf(name) + 1;
                    String socket = directory.resolve(name).toString();
                    var kind = new Entity.Kind.VhostUser(socket, id);
                    chassis.plug(name, new Entity.Device(id, name, kind, 1442));
                }
                chassis.portsKnown();
                for (String name : NAMES) {
                    Waiting.until(() -> chassis.port(name).orElseThrow().ready());
                }
                central.nb("--wait=hv", "sync");
                compare(central, engine, new Random(seed));
            }
        }
    }

    private static void compare(OvnCentral central, RealEngine engine, Random random)
            throws Exception {
        var differences = new ArrayList<String>();
        var keys = new HashMap<String, Long>();
        int delivered = 0;
        for (int i = 0; i < PACKETS; i++) {
            Flow flow = packet(random);
            Set<String> expected = oracle(central, flow);
            long port = keys.computeIfAbsent(flow.port(), name -> portKey(central, name));
            EngineReport.Trace trace =
                    engine.client().trace(port, flow.frame()).get(10, TimeUnit.SECONDS);
            Set<String> found = outputs(trace);
            delivered += expected.isEmpty() ? 0 : 1;
            // A reply, to the sender or to whoever owns the address it forged, belongs to a
            // connection, which a trace does not make: ovn-trace was told "new", the engine finds
            // it invalid.
            boolean reply =
                    found.isEmpty()
                            && expected.size() == 1
                            && (expected.equals(Set.of(flow.port()))
                                    || ROUTER.matcher(flow.expression()).find())
                            && flow.expression().matches(".*ip[46]\\.src.*")
                            && !flow.expression().contains("nd.target");
            if (!found.equals(expected) && !reply) {
                differences.add(
                        flow.expression()
                                + "\n  ovn-trace: "
                                + expected
                                + "\n  engine: "
                                + found
                                + "\n"
                                + tail(trace));
            }
        }
        assertThat(differences).as("of %d packets", PACKETS).isEmpty();
        assertThat(delivered).isBetween(PACKETS / 10, PACKETS * 9 / 10);
    }

    private static String tail(EngineReport.Trace trace) {
        var text = new StringBuilder();
        for (EngineReport.TraceStep step : trace.steps()) {
            text.append("    ").append(step.datapath()).append(' ').append(step.stage());
            text.append(' ').append(step.table()).append(' ').append(step.what()).append('\n');
        }
        return text.toString();
    }

    private static long portKey(OvnCentral central, String port) {
        String[] keys = {
            central.sb(
                    "--bare", "--columns=datapath", "find", "Port_Binding", "logical_port=" + port),
            central.sb(
                    "--bare",
                    "--columns=tunnel_key",
                    "find",
                    "Port_Binding",
                    "logical_port=" + port)
        };
        long datapath =
                Long.parseLong(central.sb("get", "Datapath_Binding", keys[0], "tunnel_key"));
        return datapath << 16 | Long.parseLong(keys[1]);
    }

    private static Set<String> outputs(EngineReport.Trace trace) {
        var found = new TreeSet<String>();
        for (EngineReport.TraceStep step : trace.steps()) {
            Matcher matcher = DEVICE.matcher(step.what());
            if (matcher.matches()) {
                found.add(NAMES.get(Integer.parseInt(matcher.group(1)) - 1));
            }
        }
        return found;
    }

    private static Set<String> oracle(OvnCentral central, Flow flow) {
        var found = new TreeSet<String>();
        Matcher matcher = PORT.matcher(central.trace(flow.expression()));
        while (matcher.find()) {
            // Metadata ports have no device here.
            if (NAMES.contains(matcher.group(1))) {
                found.add(matcher.group(1));
            }
        }
        return found;
    }

    private static <T> T one(Random random, List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    private static Flow packet(Random random) {
        Host own = one(random, HOSTS);
        Host other = one(random, HOSTS);
        String from = own.name();
        String mac = random.nextInt(10) == 0 ? "02:00:00:00:00:66" : own.mac();
        String source = random.nextInt(10) == 0 ? "10.1.0.77" : own.ip();
        String net = own.ip().substring(0, 5);
        String router = net.equals("10.1.") ? "fa:16:3e:00:00:01" : "fa:16:3e:00:00:02";
        int kind = random.nextInt(6);
        if (kind == 0) {
            return packet6(random, own, mac);
        }
        if (kind == 1) {
            String target = one(random, List.of("ff:ff:ff:ff:ff:ff", router, other.mac()));
            String asked =
                    one(
                            random,
                            List.of(other.ip(), net + "0.1", net + "0.2", net + "0.200", own.ip()));
            return Flow.arp(from, mac, target, mac, source, asked, 1 + random.nextInt(2));
        }
        String target =
                one(random, List.of(other.mac(), router, router, router, "02:00:00:00:00:55"));
        String destination =
                one(
                        random,
                        List.of(
                                other.ip(),
                                other.ip(),
                                other.ip(),
                                "10.1.0.1",
                                "10.2.0.1",
                                "172.30.0.9",
                                net + "0.201"));
        return Flow.ip(
                from,
                mac,
                target,
                source,
                destination,
                one(random, List.of(64, 64, 64, 1, 2)),
                transport(random));
    }

    /** Only vm1 and the router's first port have IPv6 addresses besides the link-local ones. */
    private static Flow packet6(Random random, Host own, String mac) {
        boolean first = own.ip().startsWith("10.1.");
        String router = first ? "fa:16:3e:00:00:01" : "fa:16:3e:00:00:02";
        String source = one(random, List.of("fd01::11", "fd01::11", "fd02::99"));
        if (random.nextBoolean()) {
            // Not the router's address: ovn-trace 23.03 crashes on nd_na_router.
            String asked = one(random, List.of("fd01::11", "fd01::77"));
            String last = asked.substring(6);
            String group = "ff02::1:ff00:" + last;
            String target = "33:33:ff:00:00:" + last;
            return Flow.ip6(
                    own.name(), mac, target, source, group, 255, Flow.solicitation(asked, mac));
        }
        String destination = one(random, List.of("fd01::11", "fd01::1", "fd01::77", "fd09::1"));
        Transport transport = one(random, List.of(Transport.ping6(), Transport.udp(40000, 5000)));
        return Flow.ip6(own.name(), mac, router, source, destination, 64, transport);
    }

    private static Transport transport(Random random) {
        int client = 32768 + random.nextInt(1000);
        return switch (random.nextInt(5)) {
            case 0 -> Transport.ping(8);
            case 1 -> Transport.udp(client, one(random, List.of(7, 53, 5000, 5500, 6001)));
            case 2 -> Transport.other(47);
            default -> Transport.syn(client, one(random, List.of(22, 23, 80, 443)));
        };
    }
}
