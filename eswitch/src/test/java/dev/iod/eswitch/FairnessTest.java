package dev.iod.eswitch;

import static dev.iod.eswitch.testing.EngineHarness.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.caches.FlowTable;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.eswitch.testing.EngineHarness;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Action.Zone;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One port floods, the others go on: established connections deliver every packet, new ones open.
 * Port 1 floods, port 2 is attacked, 3 and 4 are somebody else; 5 and 6 are remote. Rules are a
 * security group that lets everything in and tracks it, in each port's zone (10 + port).
 */
final class FairnessTest {
    private static final int FLOODER = 1;
    private static final int ATTACKED = 2;
    private static final int OTHER = 3;
    private static final int SERVER = 4;
    private static final int REMOTE = 5;
    private static final int REMOTE_OTHER = 6;
    private static final int CONNECTIONS = 4096;
    private static final int ZONE_LIMIT = 1024;
    private static final int PORT_LIMIT = 1500;
    private static final int FLOWS = 4096;
    private static final int FLOW_LIMIT = 1024;
    private static final int OTHER_FLOWS = 32;
    private static final int MISSES = 1000;
    private static final int SYN = 2;
    private static final int ACK = 0x10;
    private static final Match IP = Match.equal(Field.ETH_TYPE, 0x0800);

    @TempDir Path directory;
    private EngineHarness engine;
    private SplittableRandom random;

    @BeforeEach
    void start() throws IOException {
        long seed = Long.getLong("seed", 77);
        System.out.println("seed " + seed);
        random = new SplittableRandom(seed);
        engine =
                new EngineHarness(
                        directory,
                        FLOWS,
                        CONNECTIONS,
                        new EngineConfig.Limits(ZONE_LIMIT, PORT_LIMIT, FLOW_LIMIT, MISSES));
        engine.datapath(1);
        for (int port = FLOODER; port <= SERVER; port++) {
            engine.local(1, port, 10 + port);
        }
        for (int port = REMOTE; port <= REMOTE_OTHER; port++) {
            engine.port(1, port, new Target.Remote(EngineHarness.PEER_ADDRESS), 0);
        }
        for (int port = FLOODER; port <= REMOTE_OTHER; port++) {
            engine.ingress(
                    1,
                    1,
                    1,
                    Match.equal(Field.ETH_DST, port),
                    new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(1, port))),
                    new Action.Output());
        }
        Action commit = new Action.ConntrackCommit(Zone.PORT, List.of());
        Action track = new Action.ConntrackNext(Zone.PORT);
        Match stateless = Match.equal(Field.IP_DSCP, 7);
        engine.ingress(1, 0, 9, stateless, new Action.Next(Stage.INGRESS, 1));
        engine.egress(1, 0, 9, stateless, new Action.Output());
        engine.ingress(1, 0, 1, IP, track, commit, new Action.Next(Stage.INGRESS, 1));
        engine.egress(1, 0, 1, IP, track, commit, new Action.Output());
        engine.commit();
    }

    private static int address(int port) {
        return Frames.address(10, 0, 0, port);
    }

    private static byte[] frame(int from, int to, byte[] ip) {
        return Frames.ethernet(to, from, 0x0800, ip);
    }

    private static byte[] tcp(int from, int to, int source, int target, int flags, int ack) {
        byte[] ip = Frames.tcp4(address(from), address(to), source, target, 100, ack, flags, 0);
        return frame(from, to, ip);
    }

    private void expectDelivery(int from, int to, byte[] frame) {
        engine.send(1, from, frame);
        assertThat(engine.received(1, to).size()).as("port %d to port %d", from, to).isEqualTo(1);
    }

    /** A whole handshake between two local ports, every segment of which must arrive. */
    private void open(int from, int to, int source) {
        expectDelivery(from, to, tcp(from, to, source, 80, SYN, 0));
        expectDelivery(to, from, tcp(to, from, 80, source, SYN | ACK, 101));
        byte[] ack = Frames.tcp4(address(from), address(to), source, 80, 101, 101, ACK, 0);
        expectDelivery(from, to, frame(from, to, ack));
    }

    private void useConnection(int from, int to, int source) {
        byte[] there = Frames.tcp4(address(from), address(to), source, 80, 101, 101, ACK, 10);
        byte[] back = Frames.tcp4(address(to), address(from), 80, source, 101, 101, ACK, 10);
        expectDelivery(from, to, frame(from, to, there));
        expectDelivery(to, from, frame(to, from, back));
    }

    /** SYNs from random addresses and ports. */
    private void synFlood(int to, int packets) {
        for (int i = 0; i < packets; i++) {
            byte[] ip =
                    Frames.tcp4(
                            random.nextInt(),
                            address(to),
                            random.nextInt(1, 65536),
                            random.nextInt(1, 65536),
                            random.nextInt(),
                            0,
                            SYN,
                            0);
            engine.send(1, FLOODER, frame(FLOODER, to, ip));
        }
        engine.received(1, to);
    }

    private Map<DropReason, Long> drops(int port) {
        return engine.device(1, port).report().drops();
    }

    private void expire(long millis) {
        engine.nowMillis += millis;
        for (int i = 0; i < 10; i++) {
            engine.conntrack.expire(engine.nowMillis, 4096);
        }
        engine.flows.sweep(FLOWS, PipelineState.EMPTY, Long.MAX_VALUE, engine.nowMillis);
    }

    @Test
    void aSynFloodTakesNothingFromOthersNorFromTheOneItIsFor() {
        for (int i = 0; i < 100; i++) {
            open(OTHER, SERVER, 1000 + i);
            open(OTHER, ATTACKED, 1000 + i);
            open(FLOODER, SERVER, 1000 + i);
        }
        for (int round = 0; round < 50; round++) {
            synFlood(ATTACKED, 400);
            for (int i = 0; i < 100; i++) {
                useConnection(OTHER, SERVER, 1000 + i);
                useConnection(OTHER, ATTACKED, 1000 + i);
                useConnection(FLOODER, SERVER, 1000 + i);
            }
            open(OTHER, SERVER, 2000 + round);
            open(SERVER, OTHER, 2000 + round);
            open(OTHER, ATTACKED, 2000 + round);
            open(ATTACKED, SERVER, 3000 + round);
        }
        // Each connection of the flooder's is in two zones, so the port's limit comes first.
        int ofFlooder = engine.table.senders().size(engine.device(1, FLOODER).sender.key);
        assertThat(ofFlooder).isEqualTo(PORT_LIMIT);
        assertThat(drops(OTHER)).isEmpty();
        assertThat(drops(SERVER)).isEmpty();
        assertThat(drops(ATTACKED)).isEmpty();
        expire(121_000);
        assertThat(engine.table.size()).as("those of the flood are gone").isEqualTo(2 * 500);
    }

    @Test
    void aFullZoneRefusesExactlyWhatIsTooMuchAndRecovers() {
        for (int i = 0; i < 200; i++) {
            // Zone 14 is the server's; the flooder's own limit of 1,500 would come at 750.
            open(OTHER, SERVER, 1000 + i);
            open(ATTACKED, SERVER, 1000 + i);
            open(FLOODER, SERVER, 1000 + i);
        }
        for (int i = 0; i < ZONE_LIMIT - 600; i++) {
            open(FLOODER, SERVER, 2000 + i);
        }
        assertThat(engine.table.size(10 + SERVER)).isEqualTo(ZONE_LIMIT);
        for (int i = 0; i < 10; i++) {
            engine.send(1, FLOODER, tcp(FLOODER, SERVER, 5000 + i, 80, SYN, 0));
        }
        assertThat(engine.received(1, SERVER)).isEmpty();
        assertThat(drops(FLOODER)).isEqualTo(Map.of(DropReason.CONNECTION_LIMIT_ZONE, 10L));
        open(OTHER, ATTACKED, 9);
        expire(86_401_000);
        assertThat(engine.table.size()).isZero();
        open(FLOODER, SERVER, 5000);
    }

    @Test
    void aPortMayHaveOnlySoManyConnectionsWhereverTheyLead() {
        int[] peers = {ATTACKED, OTHER, SERVER};
        for (int i = 0; i < PORT_LIMIT / 2; i++) {
            open(FLOODER, peers[i % 3], 1000 + i);
        }
        engine.send(1, FLOODER, tcp(FLOODER, SERVER, 9, 80, SYN, 0));
        assertThat(drops(FLOODER)).isEqualTo(Map.of(DropReason.CONNECTION_LIMIT_PORT, 1L));
        open(OTHER, SERVER, 9);
        expire(86_401_000);
        open(FLOODER, SERVER, 9);
    }

    @Test
    void whoeverTakesAllTheyCanLeavesSomeToTheNext() {
        // Without the rule three ports of 1,500 would fill the table of 4,096.
        int[][] pairs = {{FLOODER, ATTACKED}, {ATTACKED, FLOODER}, {OTHER, ATTACKED}};
        for (int[] pair : pairs) {
            for (int i = 0; i < PORT_LIMIT; i++) {
                engine.send(1, pair[0], tcp(pair[0], pair[1], 1000 + i, 80, SYN, 0));
                engine.send(1, pair[1], tcp(pair[1], pair[0], 80, 1000 + i, SYN | ACK, 101));
                byte[] ack =
                        Frames.tcp4(
                                address(pair[0]), address(pair[1]), 1000 + i, 80, 101, 101, ACK, 0);
                engine.send(1, pair[0], frame(pair[0], pair[1], ack));
            }
            engine.received(1, pair[0]);
            engine.received(1, pair[1]);
        }
        assertThat(engine.table.free()).isGreaterThan(500);
        engine.send(1, SERVER, tcp(SERVER, REMOTE, 7, 80, SYN, 0));
        assertThat(engine.receivedUplink()).hasSize(1);
    }

    @Test
    void randomFlowsPushOutTheFloodersOwnEntriesOnly() {
        // Stateless traffic, so that only the flow table is in question. In a full set loses who
        // has
        // most of the table: the flooder, once it has more than the other. The hash is salted: more
        // flows of the other's would now and then fill a set by themselves.
        flowFlood(2_000);
        for (int i = 0; i < OTHER_FLOWS; i++) {
            expectDelivery(OTHER, SERVER, stateless(OTHER, address(SERVER), i));
        }
        flowFlood(20_000);
        assertThat(engine.device(1, FLOODER).sender.flows).isEqualTo(FLOW_LIMIT);
        assertThat(engine.counters.count(Counter.FLOW_LIMIT))
                .isPositive()
                .isEqualTo(engine.device(1, FLOODER).counters.count(Counter.FLOW_LIMIT));
        long hits = engine.counters.count(Counter.FLOW_HITS);
        for (int i = 0; i < OTHER_FLOWS; i++) {
            expectDelivery(OTHER, SERVER, stateless(OTHER, address(SERVER), i));
        }
        assertThat(engine.counters.count(Counter.FLOW_HITS) - hits).isEqualTo(OTHER_FLOWS);
        expire(FlowTable.IDLE_MILLIS + 1);
        assertThat(engine.device(1, FLOODER).sender.flows).isZero();
        assertThat(engine.flows.size()).isZero();
    }

    private void flowFlood(int packets) {
        for (int i = 0; i < packets; i++) {
            engine.send(1, FLOODER, stateless(FLOODER, random.nextInt(), random.nextInt(65536)));
        }
        engine.received(1, SERVER);
    }

    private static byte[] stateless(int from, int to, int port) {
        byte[] udp = Frames.udp4(address(from), to, port, 53, new byte[4]);
        udp[1] = 7 << 2;
        udp[10] = 0;
        udp[11] = 0;
        int sum = Frames.checksum(udp, 0, 20, 0);
        udp[10] = (byte) (sum >>> 8);
        udp[11] = (byte) sum;
        return frame(from, SERVER, udp);
    }

    @Test
    void aRemoteFloodersPipelineRunsAreBounded() {
        // ARP is never cached: each packet is a run.
        byte[] flood =
                TestPackets.tunneled(Frames.arpRequest(REMOTE, address(REMOTE), 1), REMOTE, SERVER);
        byte[] other =
                TestPackets.tunneled(Frames.arpRequest(REMOTE_OTHER, 2, 1), REMOTE_OTHER, SERVER);
        for (int i = 0; i < 5 * MISSES; i++) {
            engine.sendUplink(flood);
        }
        long limited = 5 * MISSES - MISSES / 10;
        assertThat(engine.counters.count(DropReason.MISS_LIMIT)).isEqualTo(limited);
        for (int i = 0; i < MISSES / 10; i++) {
            engine.sendUplink(other);
        }
        assertThat(engine.counters.count(DropReason.MISS_LIMIT)).isEqualTo(limited);
        assertThat(engine.uplink.report().drops()).containsEntry(DropReason.MISS_LIMIT, limited);
        engine.nowMillis += 50;
        for (int i = 0; i < 100; i++) {
            engine.sendUplink(flood);
        }
        assertThat(engine.counters.count(DropReason.MISS_LIMIT)).isEqualTo(limited + 50);
    }
}
