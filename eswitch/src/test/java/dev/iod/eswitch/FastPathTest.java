package dev.iod.eswitch;

import static dev.iod.eswitch.testing.EngineHarness.key;
import static dev.iod.eswitch.testing.RandomNetworks.PORTS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.eswitch.testing.EngineHarness;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.RandomNetworks;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Zone;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An engine with its flow table and its paths against a twin that forgets both at once. */
final class FastPathTest {
    private static final Match ANY = new Match.Always();
    private static final Match IP = Match.equal(Field.ETH_TYPE, 0x0800);

    @TempDir Path directory;

    @Test
    void agreesWithThePipelineOnRandomTraffic() throws Exception {
        int hits = 0;
        int pathHits = 0;
        int beyond = 0;
        int rounds = Boolean.getBoolean("iod.full") ? 300 : 12;
        for (int round = 0; round < rounds; round++) {
            long seed = Long.getLong("seed", 1000L + round);
            System.out.println("seed " + seed);
            EngineHarness fast = new EngineHarness(directory.resolve("f" + round));
            EngineHarness slow = new EngineHarness(directory.resolve("s" + round));
            RandomNetworks.build(fast, new SplittableRandom(seed));
            RandomNetworks.build(slow, new SplittableRandom(seed));
            SplittableRandom random = new SplittableRandom(seed + 1);
            for (int i = 0; i < 2000; i++) {
                int port = 1 + random.nextInt(RandomNetworks.BEYOND);
                byte[][] train = RandomNetworks.train(random, port);
                boolean together = random.nextBoolean();
                if (together) {
                    step(fast, port, train);
                }
                for (byte[] frame : train) {
                    if (!together) {
                        step(fast, port, frame);
                    }
                    step(slow, port, frame);
                    slow.flows.sweep(
                            slow.flows.capacity(),
                            PipelineState.EMPTY,
                            Long.MAX_VALUE,
                            slow.nowMillis);
                    slow.paths.clear();
                }
                assertSame(fast, slow, i);
                if (random.nextInt(100) == 0) {
                    long change = random.nextLong();
                    RandomNetworks.disturb(fast, new SplittableRandom(change));
                    RandomNetworks.disturb(slow, new SplittableRandom(change));
                }
                long pass = random.nextInt(400) == 0 ? random.nextInt(40_000) : 1;
                fast.nowMillis += pass;
                slow.nowMillis += pass;
            }
            assertThat(slow.counters.count(Counter.FLOW_HITS)).isZero();
            assertThat(slow.counters.count(Counter.PATH_HITS)).isZero();
            assertCountedPerPort(fast);
            assertCountedPerPort(slow);
            hits += (int) fast.counters.count(Counter.FLOW_HITS);
            pathHits += (int) fast.counters.count(Counter.PATH_HITS);
            beyond += (int) fast.device(2, 1).sentPackets;
        }
        System.out.println(
                "%d hits, %d path hits, %d packets to the other network"
                        .formatted(hits, pathHits, beyond));
        assertThat(beyond).isGreaterThan(200);
        assertThat(hits).isGreaterThan(5000);
        assertThat(pathHits).isGreaterThan(5000);
    }

    private static void assertCountedPerPort(EngineHarness engine) {
        for (Counter counter :
                List.of(
                        Counter.PATH_HITS,
                        Counter.FLOW_MISSES,
                        Counter.UNCACHED_CRAFTED,
                        Counter.UNCACHED_CONNECTION,
                        Counter.UNCACHED_FIELD,
                        Counter.UNCACHED_SHAPE)) {
            assertThat(
                            Stream.concat(
                                            Stream.of(engine.uplink),
                                            engine.devices.values().stream())
                                    .mapToLong(device -> device.counters.count(counter))
                                    .sum())
                    .as(counter.name())
                    .isEqualTo(engine.counters.count(counter));
        }
    }

    /** What a rule leaves of a field it writes in part is the packet's own. */
    @Test
    void aPathKeepsWhatAPartialRewriteLeaves() throws Exception {
        EngineHarness engine = new EngineHarness(directory);
        engine.datapath(1).local(1, 1, 11).local(1, 2, 12);
        engine.ingress(
                1,
                0,
                1,
                IP,
                new Action.Set(Field.ETH_SRC.slice(8, 8), Bits.of(0x77)),
                out(key(1, 2)),
                new Action.Output());
        engine.egress(1, 0, 0, ANY, new Action.Output());
        engine.commit();
        for (int sender = 1; sender < 4; sender++) {
            byte[] udp = Frames.udp4(1, 2, sender, 4, new byte[18]);
            engine.send(1, 1, Frames.ethernet(2, sender << 16 | 5, 0x0800, udp));
            assertThat(engine.received(1, 2))
                    .containsExactly(Frames.ethernet(2, sender << 16 | 0x7705, 0x0800, udp));
        }
    }

    @Test
    void hitsAllocateNothing() throws Exception {
        EngineHarness engine = new EngineHarness(directory);
        engine.datapath(1)
                .local(1, 1, 11)
                .port(1, 2, new Target.Remote(EngineHarness.PEER_ADDRESS), 0);
        engine.ingress(
                1,
                0,
                1,
                IP,
                new Action.ConntrackNext(Zone.PORT),
                new Action.ConntrackCommit(Zone.PORT, List.of()),
                new Action.DecrementTtl(),
                out(key(1, 2)),
                new Action.Output());
        engine.commit();
        byte[] frame = Frames.ethernet(2, 1, 0x0800, Frames.udp4(1, 2, 3, 4, new byte[18]));
        engine.sendMany(1, 1, frame, 3000);
        long before = allocatedBytes();
        engine.sendMany(1, 1, frame, 20_000);
        long bytes = allocatedBytes() - before;
        assertThat(bytes).isLessThan(20_000);
        assertThat(engine.counters.count(Counter.FLOW_MISSES)).isLessThan(5);
        assertThat(engine.uplinkPort.discarded).isEqualTo(23_000L * PacketBatch.CAPACITY);
    }

    /** By reflection: java.base is all that this module requires of the JDK. */
    private static long allocatedBytes() throws ReflectiveOperationException {
        Object threads =
                Class.forName("java.lang.management.ManagementFactory")
                        .getMethod("getThreadMXBean")
                        .invoke(null);
        return (long)
                Class.forName("com.sun.management.ThreadMXBean")
                        .getMethod("getCurrentThreadAllocatedBytes")
                        .invoke(threads);
    }

    private static void step(EngineHarness engine, int port, byte[]... frames) {
        if (port == PORTS) {
            // The last port is remote: its packets come from the peer's tunnel.
            byte[][] tunneled = frames.clone();
            Arrays.setAll(tunneled, i -> tunneled(frames[i]));
            engine.sendUplink(tunneled);
        } else if (port == RandomNetworks.BEYOND) {
            engine.send(2, 1, frames);
        } else {
            engine.send(1, port, frames);
        }
    }

    private static byte[] tunneled(byte[] inner) {
        return TestPackets.tunneled(inner, PORTS, 1 + (inner[5] & 0xff) % (PORTS - 1));
    }

    private static void assertSame(EngineHarness fast, EngineHarness slow, int packet) {
        for (int port = 1; port < PORTS; port++) {
            assertFrames(fast.received(1, port), slow.received(1, port), packet);
        }
        assertFrames(fast.received(2, 1), slow.received(2, 1), packet);
        assertFrames(fast.receivedUplink(), slow.receivedUplink(), packet);
        assertThat(fast.conntrack.size()).as("packet %d", packet).isEqualTo(slow.conntrack.size());
        for (DropReason reason : DropReason.values()) {
            assertThat(fast.counters.count(reason))
                    .as("packet %d, %s", packet, reason)
                    .isEqualTo(slow.counters.count(reason));
        }
    }

    private static void assertFrames(List<byte[]> fast, List<byte[]> slow, int packet) {
        assertThat(fast).as("packet %d", packet).hasSameSizeAs(slow);
        for (int i = 0; i < fast.size(); i++) {
            assertThat(fast.get(i)).as("packet %d", packet).isEqualTo(slow.get(i));
        }
    }

    private static Action out(long port) {
        return new Action.Set(Field.OUT_PORT.whole(), Bits.of(port));
    }
}
