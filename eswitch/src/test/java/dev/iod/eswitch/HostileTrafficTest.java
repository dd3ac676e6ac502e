package dev.iod.eswitch;

import static dev.iod.eswitch.testing.EngineHarness.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.testing.EngineHarness;
import dev.iod.eswitch.testing.HostileFrames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Action.Zone;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged frames through the whole engine, from ports and out of tunnels: parser, pipeline with
 * every kind of made reply, conntrack, caches. Every frame ends as something sent or as a drop with
 * a reason, and never as a defect.
 */
final class HostileTrafficTest {
    private static final int FRAMES = Boolean.getBoolean("iod.full") ? 3_000_000 : 60_000;
    private static final int PORTS = 3;
    private static final int REMOTE = 4;
    private static final int CRAFTED = 100;
    private static final Match ANY = new Match.Always();
    private static final Match IP =
            new Match.Any(
                    List.of(
                            Match.equal(Field.ETH_TYPE, 0x0800),
                            Match.equal(Field.ETH_TYPE, 0x86dd)));

    @TempDir Path directory;

    @Test
    void everyFrameIsSentOrDroppedForAReason() throws IOException {
        long seed = Long.getLong("seed", 31);
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        EngineHarness engine = build();
        byte[][] models = HostileFrames.models();
        long done = 0;
        for (int i = 0; i < FRAMES; i++) {
            byte[] model = models[random.nextInt(models.length)].clone();
            model[5] = (byte) (random.nextBoolean() ? random.nextInt(6) : target(random));
            byte[] frame = HostileFrames.mutate(model, random);
            if (random.nextInt(4) == 0) {
                engine.sendUplink(tunneled(frame, random));
            } else {
                engine.send(1, 1 + random.nextInt(PORTS), frame);
            }
            for (int port = 1; port <= PORTS; port++) {
                engine.received(1, port);
            }
            engine.receivedUplink();
            long now = outcomes(engine);
            assertThat(now).as("frame %d", i).isGreaterThan(done);
            done = now;
            engine.nowMillis += random.nextInt(3);
            if (i % 1000 == 0) {
                engine.conntrack.expire(engine.nowMillis, 4096);
            }
        }
        assertThat(engine.counters.count(DropReason.INTERNAL)).isZero();
        System.out.println(engine.counters.report());
        assertThat(engine.counters.count(Counter.SENT)).isGreaterThan(FRAMES / 10);
    }

    private static int target(SplittableRandom random) {
        return CRAFTED + random.nextInt(Action.Reply.values().length);
    }

    private static long outcomes(EngineHarness engine) {
        long all = engine.counters.count(Counter.SENT);
        for (DropReason reason : DropReason.values()) {
            all += engine.counters.count(reason);
        }
        return all;
    }

    /** In a tunnel from the remote port; now and then the tunnel's headers are damaged as well. */
    private static byte[] tunneled(byte[] inner, SplittableRandom random) {
        byte[] frame = TestPackets.tunneled(inner, REMOTE, 1 + random.nextInt(PORTS));
        return random.nextInt(8) == 0 ? HostileFrames.mutate(frame, random) : frame;
    }

    private EngineHarness build() throws IOException {
        EngineHarness engine = new EngineHarness(directory);
        engine.datapath(1);
        for (int port = 1; port <= PORTS; port++) {
            engine.local(1, port, 10 + port);
        }
        engine.port(1, REMOTE, new Target.Remote(EngineHarness.PEER_ADDRESS), 0);
        long[] all = {key(1, 1), key(1, 2), key(1, 3), key(1, REMOTE)};
        engine.put(new Entity.MulticastGroup(key(1, 0x8000), "flood", all));
        Action commit = new Action.ConntrackCommit(Zone.PORT, List.of());
        engine.ingress(
                1,
                0,
                9,
                IP,
                new Action.ConntrackNext(Zone.PORT),
                commit,
                new Action.Next(Stage.INGRESS, 1));
        engine.ingress(1, 0, 0, ANY, new Action.Next(Stage.INGRESS, 1));
        engine.ingress(1, 1, 5, Match.equal(Field.IP_PROTO, 17), look());
        engine.ingress(1, 1, 0, ANY, learn());
        for (Action.Reply reply : Action.Reply.values()) {
            engine.ingress(
                    1, 2, 9, Match.equal(Field.ETH_DST, CRAFTED + reply.ordinal()), craft(reply));
        }
        for (int port = 1; port <= REMOTE; port++) {
            engine.ingress(
                    1,
                    2,
                    5,
                    Match.equal(Field.ETH_DST, port),
                    new Action.DecrementTtl(),
                    out(key(1, port)),
                    new Action.Output());
        }
        engine.ingress(1, 2, 0, ANY, out(key(1, 0x8000)), new Action.Output());
        engine.egress(
                1, 0, 9, IP, new Action.ConntrackNext(Zone.PORT), commit, new Action.Output());
        engine.egress(1, 0, 0, ANY, new Action.Output());
        engine.commit();
        return engine;
    }

    private static Action[] look() {
        return new Action[] {
            new Action.DhcpReply(5, new byte[] {51, 4, 0, 0, 0, 9}, Field.REG1.slice(0, 1)),
            new Action.CheckLarger(100, Field.REG1.slice(1, 1)),
            new Action.Swap(Field.L4_SRC.whole(), Field.L4_DST.whole()),
            new Action.Copy(Field.IP_TTL.whole(), Field.REG2.slice(0, 8)),
            new Action.Next(Stage.INGRESS, 2)
        };
    }

    private static Action[] learn() {
        return new Action[] {
            new Action.NeighborPut(
                    Field.IN_PORT.whole(), Field.ARP_SPA.whole(), Field.ARP_SHA.whole()),
            new Action.NeighborCheck(
                    Field.IN_PORT.whole(),
                    Field.ND_TARGET.whole(),
                    Optional.of(Field.ND_SLL.whole()),
                    Field.REG3.slice(0, 1)),
            new Action.Next(Stage.INGRESS, 2)
        };
    }

    private static Action[] craft(Action.Reply reply) {
        List<Action> body = new ArrayList<>();
        body.add(new Action.Set(Field.FLAGS.slice(0, 1), Bits.of(1)));
        body.add(new Action.Copy(Field.IN_PORT.whole(), Field.OUT_PORT.whole()));
        body.add(new Action.Output());
        return new Action[] {new Action.Craft(reply, body)};
    }

    private static Action out(long port) {
        return new Action.Set(Field.OUT_PORT.whole(), Bits.of(port));
    }
}
