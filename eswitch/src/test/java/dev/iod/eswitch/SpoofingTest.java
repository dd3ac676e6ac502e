package dev.iod.eswitch;

import static dev.iod.eswitch.testing.EngineHarness.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.connections.Budget;
import dev.iod.eswitch.testing.EngineHarness;
import dev.iod.eswitch.testing.Frames;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.PortSecurity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packets that pretend to be somebody else's, and neighbours that do not exist. */
final class SpoofingTest {
    private static final int GUEST = 1;
    private static final int OPEN = 2;
    private static final int HONEST = 3;
    private static final long EVERYBODY = 0xffff_ffff_ffffL;
    private static final long NEIGHBORS_AT_ONCE = 100;
    private static final long NEIGHBORS_PER_SECOND = 20;

    @TempDir Path directory;
    private EngineHarness engine;

    /** Port 1 has port security, ports 2 and 3 have none; ARP teaches, everything is flooded. */
    @BeforeEach
    void start() throws IOException {
        engine = new EngineHarness(directory);
        engine.datapath(1);
        for (int port = GUEST; port <= HONEST; port++) {
            engine.local(1, port, 0);
        }
        Masked own = new Masked(Bits.of(address(GUEST) & 0xffff_ffffL), Bits.ones(32));
        PortSecurity.Allowed allowed = new PortSecurity.Allowed(GUEST, List.of(own), List.of());
        engine.put(
                new Entity.LogicalPort(
                        key(1, GUEST),
                        "guest",
                        new Target.Local(1 << 8 | GUEST),
                        0,
                        Optional.of(new PortSecurity(List.of(allowed)))));
        long[] all = {key(1, GUEST), key(1, OPEN), key(1, HONEST)};
        engine.put(new Entity.MulticastGroup(key(1, 0x8000), "flood", all));
        Field.Slice violates = Field.REG0.slice(15, 1);
        engine.ingress(
                1,
                0,
                0,
                new Match.Always(),
                new Action.PortSecurityIn(violates),
                new Action.Next(Stage.INGRESS, 1));
        engine.ingress(1, 1, 50, Match.equal(Field.REG0, 0x8000), new Action.Drop());
        engine.ingress(
                1,
                1,
                10,
                Match.equal(Field.ETH_TYPE, 0x0806),
                new Action.NeighborPut(
                        Field.IN_PORT.whole(), Field.ARP_SPA.whole(), Field.ARP_SHA.whole()),
                new Action.Next(Stage.INGRESS, 2));
        engine.ingress(1, 1, 0, new Match.Always(), new Action.Next(Stage.INGRESS, 2));
        engine.ingress(
                1,
                2,
                0,
                new Match.Always(),
                new Action.Set(Field.OUT_PORT.whole(), Bits.of(key(1, 0x8000))),
                new Action.Output());
        engine.egress(1, 0, 0, new Match.Always(), new Action.Output());
        engine.commit();
    }

    private static int address(int port) {
        return Frames.address(10, 0, 0, port);
    }

    private int delivered() {
        return engine.received(1, OPEN).size() + engine.received(1, HONEST).size();
    }

    @Test
    void spoofedPacketsAreDroppedAndCountedWhereTheyCameFrom() {
        byte[] zero = new byte[16];
        byte[] advertisement = new byte[24];
        advertisement[0] = (byte) 136;
        List<byte[]> spoofed = new ArrayList<>();
        spoofed.add(Frames.arpRequest(GUEST, address(HONEST), 1));
        spoofed.add(Frames.arpRequest(HONEST, address(GUEST), 1));
        spoofed.add(
                Frames.ethernet(
                        EVERYBODY, HONEST, 0x0800, Frames.udp4(0, -1, 68, 67, new byte[240])));
        spoofed.add(
                Frames.ethernet(
                        EVERYBODY,
                        GUEST,
                        0x0800,
                        Frames.udp4(address(HONEST), -1, 67, 68, new byte[240])));
        spoofed.add(
                Frames.ethernet(
                        0x3333_0000_0001L, GUEST, 0x86dd, Frames.icmp6(zero, zero, advertisement)));
        for (int round = 0; round < 3; round++) {
            spoofed.forEach(frame -> engine.send(1, GUEST, frame));
        }
        assertThat(delivered()).isZero();
        long count = 3L * spoofed.size();
        assertThat(engine.counters.count(DropReason.PORT_SECURITY)).isEqualTo(count);
        assertThat(engine.device(1, GUEST).report().drops())
                .isEqualTo(Map.of(DropReason.PORT_SECURITY, count));
        assertThat(engine.counters.count(Counter.NEIGHBORS_REPORTED)).isZero();
        engine.send(1, GUEST, Frames.arpRequest(GUEST, address(GUEST), 1));
        assertThat(delivered()).isEqualTo(2);
    }

    @Test
    void invisibleNeighboursAreReportedAtABoundedRate() throws InterruptedException {
        SplittableRandom random = new SplittableRandom(5);
        Set<Integer> addresses = new HashSet<>();
        while (addresses.size() < 10_000) {
            addresses.add(random.nextInt());
        }
        addresses.forEach(ip -> engine.send(1, OPEN, Frames.arpRequest(OPEN, ip, ip)));
        assertThat(delivered()).as("ARP itself is not dropped").isEqualTo(10_000);
        assertThat(engine.counters.count(Counter.NEIGHBORS_REPORTED)).isEqualTo(NEIGHBORS_AT_ONCE);
        assertThat(engine.counters.count(Counter.NEIGHBORS_LIMITED))
                .isEqualTo(10_000 - NEIGHBORS_AT_ONCE);
        engine.send(1, HONEST, Frames.arpRequest(HONEST, address(HONEST), 1));
        assertThat(engine.counters.count(Counter.NEIGHBORS_REPORTED))
                .isEqualTo(NEIGHBORS_AT_ONCE + 1);
        engine.nowMillis += 1000;
        addresses.forEach(ip -> engine.send(1, OPEN, Frames.arpRequest(OPEN, ip, ip)));
        assertThat(engine.counters.count(Counter.NEIGHBORS_REPORTED))
                .isEqualTo(NEIGHBORS_AT_ONCE + 1 + NEIGHBORS_PER_SECOND);
        for (int i = 0; i < NEIGHBORS_AT_ONCE; i++) {
            engine.events.take();
        }
        assertThat(engine.events.take())
                .isEqualTo(
                        new EngineEvent.NeighborLearned(
                                key(1, HONEST), Bits.of(address(HONEST)), HONEST));
    }

    @Test
    void neighboursLeaveRoomForOtherEvents() throws InterruptedException {
        Budget unlimited = new Budget(Budget.UNLIMITED, 0);
        for (int i = 0; i < 5000; i++) {
            engine.events.neighbor(1, Bits.of(i), i, engine.nowMillis, unlimited);
        }
        engine.events.device(5, true);
        assertThat(engine.counters.count(Counter.EVENTS_LOST))
                .isEqualTo(5000 - engine.counters.count(Counter.NEIGHBORS_REPORTED));
        EngineEvent last = engine.events.take();
        for (long i = 0; i < engine.counters.count(Counter.NEIGHBORS_REPORTED); i++) {
            last = engine.events.take();
        }
        assertThat(last).isEqualTo(new EngineEvent.DeviceState(5, true));
    }
}
