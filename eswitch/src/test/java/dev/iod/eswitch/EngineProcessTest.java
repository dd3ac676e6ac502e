package dev.iod.eswitch;

import static dev.iod.eswitch.testing.EngineHarness.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.ports.XdpPortTest;
import dev.iod.eswitch.testing.Frames;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Zone;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.NetDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two engine processes on two nodes, joined by a veth, each with one guest's virtio driver: control
 * socket, vhost-user, pipeline, conntrack, Geneve, AF_XDP together. Needs root.
 */
@Timeout(120)
final class EngineProcessTest {
    private static final String PREFIX = "iod-ep" + ProcessHandle.current().pid();
    private static final String[] NAMES = {PREFIX + "a", PREFIX + "b"};
    private static final int[] TUNNELS = {
        Frames.address(10, 97, 0, 1), Frames.address(10, 97, 0, 2)
    };
    private static final long[] MACS = {0x0a_0000_0000_01L, 0x0a_0000_0000_02L};
    private static final int[] IPS = {Frames.address(10, 0, 0, 1), Frames.address(10, 0, 0, 2)};

    @TempDir Path directory;
    private final List<Node> nodes = new ArrayList<>();

    private final class Node implements EngineClient.Listener {
        final int index;
        final Path home;
        final FrontEnd frontEnd;
        final NetDriver driver;
        final EngineClient client;
        volatile CountDownLatch live = new CountDownLatch(1);
        volatile boolean deviceUp;
        EngineProcess process;

        Node(int index) throws IOException {
            this.index = index;
            home = Files.createDirectory(directory.resolve("n" + index));
            frontEnd = new FrontEnd(new FrontEnd.Options(home.resolve("v"), 2, 64, 1 << 20, true));
            driver = new NetDriver(frontEnd);
            process = EngineProcess.start(NAMES[index], home, "10.97.0." + (index + 1));
            client = EngineClient.open(home.resolve("s"), "test", this);
        }

        void restart() throws Exception {
            live = new CountDownLatch(1);
            process.kill();
            process = EngineProcess.start(NAMES[index], home, "10.97.0." + (index + 1));
        }

        @Override
        public void connected(EngineClient to) {
            EngineClient.Transaction all = to.replacement();
            all.put(new Entity.Datapath(1, "net", 0, 0));
            Entity.Kind kind = new Entity.Kind.VhostUser(home.resolve("v").toString(), MACS[index]);
            all.put(new Entity.Device(1, "guest", kind, 1442));
            for (int i = 0; i < 2; i++) {
                Target target = i == index ? new Target.Local(1) : new Target.Remote(TUNNELS[i]);
                all.put(
                        new Entity.LogicalPort(
                                key(1, i + 1), "p" + i, target, 10 + i, Optional.empty()));
            }
            long[] ports = {key(1, 1), key(1, 2)};
            all.put(new Entity.MulticastGroup(key(1, 0x8000), "flood", ports));
            rules().forEach(all::put);
            all.commit().join();
            live.countDown();
        }

        @Override
        public void disconnected(String reason) {}

        @Override
        public void event(EngineEvent event) {
            if (event instanceof EngineEvent.DeviceState state && state.device() == 1) {
                deviceUp = state.up();
            }
        }
    }

    /** Flood broadcasts; IPv4 through conntrack, node 0's guest may begin, node 1's only answer. */
    private static List<Entity> rules() {
        Match broadcast = Match.equal(Field.ETH_DST, 0xffff_ffff_ffffL);
        Match ip = Match.equal(Field.ETH_TYPE, 0x0800);
        Match isNew = new Match.Masked(Field.CT_STATE, Bits.of(1), Bits.of(1));
        Match established = new Match.Masked(Field.CT_STATE, Bits.of(2), Bits.of(2 | 16));
        Match first = Match.equal(Field.IN_PORT, key(1, 1));
        List<Entity> rules = new ArrayList<>();
        Action.Stage in = Action.Stage.INGRESS;
        Action.Stage out = Action.Stage.EGRESS;
        rules.add(rule(1, in, 0, 9, broadcast, set(key(1, 0x8000)), new Action.Output()));
        rules.add(
                rule(2, in, 0, 5, ip, new Action.ConntrackNext(Zone.PORT), new Action.Next(in, 1)));
        Action commit = new Action.ConntrackCommit(Zone.PORT, List.of());
        rules.add(
                rule(
                        3,
                        in,
                        1,
                        5,
                        new Match.All(List.of(isNew, first)),
                        commit,
                        new Action.Next(in, 2)));
        rules.add(rule(4, in, 1, 4, established, new Action.Next(in, 2)));
        for (int i = 0; i < 2; i++) {
            Match to = Match.equal(Field.ETH_DST, MACS[i]);
            rules.add(rule(5 + i, in, 2, 1, to, set(key(1, i + 1)), new Action.Output()));
        }
        rules.add(rule(7, out, 0, 0, new Match.Always(), new Action.Output()));
        rules.add(
                rule(
                        8,
                        out,
                        0,
                        5,
                        ip,
                        new Action.ConntrackNext(Zone.PORT),
                        new Action.Next(out, 1)));
        rules.add(rule(9, out, 1, 1, isNew, commit, new Action.Output()));
        rules.add(rule(10, out, 1, 1, established, new Action.Output()));
        return rules;
    }

    private static Action set(long port) {
        return new Action.Set(Field.OUT_PORT.whole(), Bits.of(port));
    }

    private static Entity.Rule rule(
            long id, Action.Stage stage, int table, int priority, Match match, Action... actions) {
        return new Entity.Rule(
                id, "r" + id, 1, stage, table, priority, match, Arrays.asList(actions));
    }

    @BeforeEach
    void start() throws Exception {
        for (String name : NAMES) {
            XdpPortTest.ip("netns add " + name);
        }
        XdpPortTest.ip(
                "-n " + NAMES[0] + " link add up0 type veth peer name up0 netns " + NAMES[1]);
        for (int i = 0; i < 2; i++) {
            XdpPortTest.ip("-n " + NAMES[i] + " addr add 10.97.0." + (i + 1) + "/24 dev up0");
            XdpPortTest.ip("-n " + NAMES[i] + " link set up0 up");
        }
        for (int i = 0; i < 2; i++) {
            nodes.add(new Node(i));
        }
        for (Node node : nodes) {
            assertThat(node.live.await(30, TimeUnit.SECONDS))
                    .as(() -> text(node.process.log))
                    .isTrue();
            node.frontEnd.connect();
            node.driver.fillReceiveRing();
            await(() -> node.deviceUp, "the guest's device");
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    @AfterEach
    void stop() throws Exception {
        for (Node node : nodes) {
            node.client.close();
            node.process.close();
            node.frontEnd.close();
        }
        for (String name : NAMES) {
            XdpPortTest.ip("netns del " + name);
        }
    }

    private static void await(BooleanSupplier condition, String what) {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
        }
    }

    /** Sends until something arrives (the tunnel's neighbour may not be resolved yet). */
    private List<byte[]> exchange(int from, byte[] frame) {
        List<byte[]> got = new ArrayList<>();
        NetDriver to = nodes.get(1 - from).driver;
        for (int i = 0; i < 100 && got.isEmpty(); i++) {
            nodes.get(from).driver.send(List.of(frame));
            long until = System.nanoTime() + 100_000_000;
            while (got.isEmpty() && System.nanoTime() < until) {
                // An earlier frame that was sent twice may come late on a busy machine.
                to.receive().stream().filter(f -> Arrays.equals(f, frame)).forEach(got::add);
                nodes.get(from).driver.reapTransmitted();
            }
        }
        return got;
    }

    /** What the engines counted, for a failure's message. */
    private String state() {
        StringBuilder text = new StringBuilder();
        for (Node node : nodes) {
            text.append(node.client.counters().join()).append('\n');
            text.append(node.client.devices().join()).append('\n');
        }
        return text.toString();
    }

    private static byte[] udp(int from, int sourcePort, int destinationPort) {
        return Frames.ethernet(
                MACS[1 - from],
                MACS[from],
                0x0800,
                Frames.udp4(IPS[from], IPS[1 - from], sourcePort, destinationPort, new byte[100]));
    }

    @Test
    void twoGuestsFindEachOtherAndConnectionsSurviveAnEngine() throws Exception {
        byte[] arp = Frames.arpRequest(MACS[0], IPS[0], IPS[1]);
        assertThat(exchange(0, arp))
                .as(this::state)
                .isNotEmpty()
                .allMatch(f -> Arrays.equals(f, arp));
        // Only node 0 may begin; the answer passes because of conntrack in both zones.
        byte[] request = udp(0, 1000, 53);
        byte[] answer = udp(1, 53, 1000);
        assertThat(exchange(0, request)).as(this::state).first().isEqualTo(request);
        assertThat(exchange(1, answer)).as(this::state).first().isEqualTo(answer);
        nodes.get(0).restart();
        assertThat(nodes.get(0).live.await(30, TimeUnit.SECONDS)).isTrue();
        nodes.get(0).deviceUp = false;
        nodes.get(0).frontEnd.connect();
        nodes.get(0).driver.fillReceiveRing();
        await(() -> nodes.get(0).deviceUp, "the device after the restart");
        assertThat(exchange(1, answer)).as(this::state).first().isEqualTo(answer);
        assertThat(text(nodes.get(0).process.log)).contains("kept ");
    }

    /** What the engine was told is in its tables: a restarted one does not wait for its agent. */
    @Test
    void aRestartedEngineForwardsWithoutItsAgent() throws Exception {
        byte[] request = udp(0, 1000, 53);
        byte[] answer = udp(1, 53, 1000);
        assertThat(exchange(0, request)).as(this::state).first().isEqualTo(request);
        Node node = nodes.get(0);
        node.client.close();
        node.restart();
        node.frontEnd.connect();
        node.driver.fillReceiveRing();
        String log = text(node.process.log);
        assertThat(exchange(1, answer)).as(log).first().isEqualTo(answer);
        assertThat(exchange(0, request)).as(log).first().isEqualTo(request);
    }

    @Test
    void quietEngineUsesNoProcessor() throws Exception {
        exchange(0, udp(0, 1, 2));
        Node node = nodes.get(0);
        long before = node.process.cpuMillis();
        Thread.sleep(3000);
        assertThat(node.process.cpuMillis() - before).isLessThan(200);
        assertThat(node.client.counters().join().counters()).containsKey(Counter.SLEEPS);
    }
}
