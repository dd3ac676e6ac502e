package dev.iod.eswitch;

import static dev.iod.eswitch.testing.EngineHarness.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.testing.EngineHarness;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.tunnel.Geneve;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the actions mean, end to end with ports in memory. */
final class PipelineTest {
    private static final long MAC1 = 0x0a_0000_0000_01L;
    private static final long MAC2 = 0x0a_0000_0000_02L;
    private static final int IP1 = Frames.address(10, 0, 0, 1);
    private static final int IP2 = Frames.address(10, 0, 0, 2);
    private static final Match ANY = new Match.Always();

    @TempDir Path directory;
    private EngineHarness engine;

    @BeforeEach
    void switchWithTwoPorts() throws Exception {
        engine = new EngineHarness(directory);
        engine.datapath(1).local(1, 1, 11).local(1, 2, 12);
        forward(MAC1, 1);
        forward(MAC2, 2);
        engine.egress(1, 0, 0, ANY, new Action.Output());
    }

    private void forward(long mac, int port) {
        engine.ingress(
                1,
                0,
                50,
                Match.equal(Field.ETH_DST, mac),
                new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(1, port))),
                new Action.Output());
    }

    private static byte[] udp(int destinationPort) {
        byte[] data = {1, 2, 3};
        return Frames.ethernet(
                MAC2, MAC1, 0x0800, Frames.udp4(IP1, IP2, 1000, destinationPort, data));
    }

    @Test
    void deliversUnchangedAndFromTheFlowTableTheSecondTime() {
        engine.commit();
        engine.send(1, 1, udp(53));
        engine.send(1, 1, udp(53));
        assertThat(engine.received(1, 2))
                .hasSize(2)
                .allMatch(f -> java.util.Arrays.equals(f, udp(53)));
        assertThat(engine.counters.count(Counter.FLOW_HITS)).isEqualTo(1);
    }

    @Test
    void changedRulesApplyToCachedFlows() {
        engine.commit();
        engine.send(1, 1, udp(53));
        engine.egress(1, 0, 10, Match.equal(Field.L4_DST, 53), new Action.Drop());
        engine.commit();
        engine.send(1, 1, udp(53));
        engine.send(1, 1, udp(54));
        assertThat(engine.received(1, 2)).hasSize(2);
        assertThat(engine.counters.count(DropReason.POLICY)).isEqualTo(1);
    }

    @Test
    void neverLeavesByTheInPortWithoutLoopback() {
        engine.commit();
        byte[] toItself =
                Frames.ethernet(MAC1, MAC2, 0x0800, Frames.udp4(IP2, IP1, 1, 2, new byte[0]));
        engine.send(1, 1, toItself);
        assertThat(engine.counters.count(DropReason.HAIRPIN)).isEqualTo(1);
        assertThat(engine.received(1, 1)).isEmpty();
        engine.ingress(
                1,
                0,
                60,
                Match.equal(Field.IN_PORT, key(1, 1)),
                new Action.Set(Field.FLAGS.slice(0, 1), Bits.of(1)),
                new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(1, 1))),
                new Action.Output());
        engine.commit();
        engine.send(1, 1, toItself);
        assertThat(engine.received(1, 1)).hasSize(1);
    }

    @Test
    void multicastReachesEveryMemberButTheSenderAndEachTunnelOnce() {
        long group = key(1, 0x8001);
        engine.local(1, 3, 0)
                .port(1, 4, new Target.Remote(EngineHarness.PEER_ADDRESS), 0)
                .port(1, 5, new Target.Remote(EngineHarness.PEER_ADDRESS), 0)
                .put(
                        new Entity.MulticastGroup(
                                group,
                                "flood",
                                new long[] {key(1, 1), key(1, 2), key(1, 3), key(1, 4), key(1, 5)}))
                .ingress(
                        1,
                        0,
                        70,
                        new Match.Masked(Field.ETH_DST, Bits.of(1L << 40), Bits.of(1L << 40)),
                        new Action.Set(Field.OUT_PORT.whole(), Bits.of(group)),
                        new Action.Output());
        engine.commit();
        engine.send(1, 1, Frames.arpRequest(MAC1, IP1, IP2));
        assertThat(engine.received(1, 1)).isEmpty();
        assertThat(engine.received(1, 2)).hasSize(1);
        assertThat(engine.received(1, 3)).hasSize(1);
        List<byte[]> tunneled = engine.receivedUplink();
        assertThat(tunneled).hasSize(1);
        // And what one node sends the other delivers to its local members only.
        engine.put(
                new Entity.LogicalPort(
                        key(1, 9),
                        "far",
                        new Target.Remote(EngineHarness.PEER_ADDRESS),
                        0,
                        java.util.Optional.empty()));
        engine.commit();
        byte[] frame = fromPeer(tunneled.getFirst());
        frame[54 + 1] = 9;
        fixUdp(frame);
        engine.sendUplink(frame);
        assertThat(engine.received(1, 1)).hasSize(1);
        assertThat(engine.received(1, 2)).hasSize(1);
        assertThat(engine.receivedUplink()).isEmpty();
    }

    /** Turns a frame to the peer into the same from the peer. */
    static byte[] fromPeer(byte[] sent) {
        byte[] frame = sent.clone();
        System.arraycopy(sent, 0, frame, 6, 6);
        System.arraycopy(sent, 6, frame, 0, 6);
        System.arraycopy(sent, 26, frame, 30, 4);
        System.arraycopy(sent, 30, frame, 26, 4);
        return frame;
    }

    static void fixUdp(byte[] frame) {
        frame[40] = 0;
        frame[41] = 0;
        byte[] udp = java.util.Arrays.copyOfRange(frame, 34, frame.length);
        int sum = Frames.transport(EngineHarness.PEER_ADDRESS, EngineHarness.OUR_ADDRESS, 17, udp);
        frame[40] = (byte) (sum >>> 8);
        frame[41] = (byte) sum;
    }

    @Test
    void patchCrossingClearsMetadataAndRoutes() {
        long router = 0x0a_0000_0000_ffL;
        engine.datapath(2).datapath(3);
        engine.port(1, 7, new Target.Peer(key(2, 1)), 0)
                .port(2, 1, new Target.Peer(key(1, 7)), 0)
                .port(2, 2, new Target.Peer(key(3, 7)), 0)
                .port(3, 7, new Target.Peer(key(2, 2)), 0)
                .local(3, 1, 31);
        engine.ingress(
                1,
                0,
                50,
                Match.equal(Field.ETH_DST, router),
                new Action.Set(Field.REG0.whole(), Bits.of(7)),
                new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(1, 7))),
                new Action.Output());
        engine.ingress(
                2,
                0,
                1,
                Match.equal(Field.REG0, 0),
                new Action.DecrementTtl(),
                new Action.Set(Field.ETH_SRC.whole(), Bits.of(router)),
                new Action.Set(Field.REG1.whole(), Bits.of(IP2 & 0xffffffffL)),
                new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(2, 2))),
                new Action.NeighborGet(Field.OUT_PORT.whole(), Field.REG1.whole()),
                new Action.Output());
        engine.put(new Entity.Neighbor(key(2, 2), Bits.of(IP2 & 0xffffffffL), MAC2));
        engine.egress(2, 0, 0, ANY, new Action.Output());
        engine.ingress(
                3,
                0,
                0,
                Match.equal(Field.ETH_DST, MAC2),
                new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(3, 1))),
                new Action.Output());
        engine.egress(3, 0, 0, ANY, new Action.Output());
        engine.commit();
        byte[] in =
                Frames.ethernet(router, MAC1, 0x0800, Frames.udp4(IP1, IP2, 1, 2, new byte[] {9}));
        byte[] expected =
                Frames.ethernet(MAC2, router, 0x0800, Frames.udp4(IP1, IP2, 1, 2, new byte[] {9}));
        expected[22] = 63;
        expected[24] = 0;
        expected[25] = 0;
        int sum = Frames.checksum(expected, 14, 20, 0);
        expected[24] = (byte) (sum >>> 8);
        expected[25] = (byte) sum;
        for (int i = 0; i < 3; i++) {
            engine.send(1, 1, in);
            assertThat(engine.received(3, 1)).singleElement().isEqualTo(expected);
        }
        assertThat(engine.counters.count(Counter.FLOW_HITS)).isEqualTo(2);
    }

    @Test
    void tunnelCarriesMetadataAndComesBackWhole() {
        engine.port(1, 2, new Target.Remote(EngineHarness.PEER_ADDRESS), 0);
        engine.commit();
        engine.send(1, 1, udp(53));
        engine.send(1, 1, udp(53));
        List<byte[]> frames = engine.receivedUplink();
        assertThat(frames).hasSize(2);
        assertThat(frames.get(0)).isEqualTo(frames.get(1));
        byte[] outer = frames.getFirst();
        assertThat(outer).hasSize(udp(53).length + Geneve.OVERHEAD);
        assertThat(Frames.checksum(outer, 14, 20, 0)).isZero();
        // The same frame as the peer would see it: port 2 is local there.
        byte[] frame = fromPeer(outer);
        fixUdp(frame);
        engine.local(1, 2, 12).port(1, 1, new Target.Remote(EngineHarness.PEER_ADDRESS), 0);
        engine.commit();
        engine.sendUplink(frame);
        assertThat(engine.received(1, 2)).singleElement().isEqualTo(udp(53));
        frame[frame.length - 1] ^= 1;
        engine.sendUplink(frame);
        assertThat(engine.counters.count(DropReason.BAD_TUNNEL_CHECKSUM)).isEqualTo(1);
    }

    @Test
    void endlessTablesAndLoopsAreCutOff() {
        engine.ingress(
                1,
                0,
                100,
                Match.equal(Field.IN_PORT, key(1, 1)),
                new Action.Next(Stage.INGRESS, 0));
        engine.commit();
        engine.send(1, 1, udp(53));
        assertThat(engine.counters.count(DropReason.PIPELINE_LIMIT)).isEqualTo(1);
    }

    @Test
    void unsupportedFailsClosedAndIsReported() throws Exception {
        engine.ingress(1, 0, 100, ANY, new Action.Unsupported("ct_dnat"));
        engine.commit();
        engine.send(1, 1, udp(53));
        assertThat(engine.received(1, 2)).isEmpty();
        assertThat(engine.counters.count(DropReason.UNSUPPORTED)).isEqualTo(1);
        assertThat(engine.events.take()).isInstanceOf(EngineEvent.UnsupportedHit.class);
    }
}
