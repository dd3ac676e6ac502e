package dev.iod.eswitch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.eswitch.Entity.Kind;
import dev.iod.eswitch.Entity.Target;
import dev.iod.eswitch.Entity.ValueSet.Member;
import dev.iod.eswitch.Field.Slice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Everything that crosses the control socket comes back as it was; everything else is refused. */
final class CodecTest {
    private static final Slice BIT = Field.REG9.slice(3, 1);
    private static final Slice IP = Field.REG1.whole();
    private static final Slice PORT = Field.OUT_PORT.whole();

    static List<Entity> entities() {
        List<Member> members = List.of(new Member(new Bits(1, 2), new Bits(-1, -4)));
        List<Entity> all = new ArrayList<>();
        all.add(new Entity.Datapath(0xffffff, "käse", 1, 65535));
        all.add(new Entity.DatapathGroup(9, new int[] {1, 2, 3}));
        all.add(new Entity.ValueSet("set", members));
        Entity.PortSecurity security =
                new Entity.PortSecurity(
                        List.of(new Entity.PortSecurity.Allowed(5, members, List.of())));
        for (Target target :
                List.of(
                        new Target.Local(3),
                        new Target.Remote(-5),
                        new Target.Peer(1L << 39),
                        new Target.Nowhere())) {
            all.add(new Entity.LogicalPort(0x10001, "p", target, 4, Optional.of(security)));
            all.add(new Entity.LogicalPort(0x10002, "q", target, 0, Optional.empty()));
        }
        all.add(new Entity.MulticastGroup(0x18000, "g", new long[] {0x10001}));
        all.add(new Entity.Neighbor(0x10001, new Bits(7, 8), 9));
        all.add(new Entity.Device(1, "d", new Kind.VhostUser("/a", 2), 1442));
        all.add(new Entity.Device(2, "s", new Kind.Service("ns", "tun", 2), 1442));
        all.add(new Entity.Rule(5, "cookie", -9, Action.Stage.EGRESS, 3, 4, match(), actions()));
        return all;
    }

    private static Match match() {
        return new Match.Any(
                List.of(
                        new Match.Always(),
                        new Match.All(
                                List.of(
                                        Match.equal(Field.CT_LABEL, new Bits(3, 4)),
                                        new Match.In(Field.IP6_SRC, "set"))),
                        new Match.Not(
                                new Match.Compare(
                                        Field.L4_DST, Match.Relation.GREATER, Bits.of(5)))));
    }

    private static List<Action> actions() {
        List<Action> all = new ArrayList<>();
        all.add(new Action.Set(IP, Bits.of(4)));
        all.add(new Action.Copy(IP, Field.REG2.whole()));
        all.add(new Action.Swap(Field.ETH_SRC.whole(), Field.ETH_DST.whole()));
        all.add(new Action.DecrementTtl());
        all.add(new Action.Next(Action.Stage.EGRESS, 7));
        all.add(new Action.Output());
        for (Action.Zone zone : Action.Zone.values()) {
            all.add(new Action.ConntrackNext(zone));
            all.add(
                    new Action.ConntrackCommit(
                            zone, List.of(new Action.Set(Field.CT_MARK.slice(0, 1), Bits.ZERO))));
        }
        all.add(new Action.ConntrackClear());
        all.add(new Action.Clone(List.of(new Action.Drop())));
        for (Action.Reply reply : Action.Reply.values()) {
            all.add(new Action.Craft(reply, List.of(new Action.Output())));
        }
        all.add(new Action.NeighborGet(PORT, IP));
        all.add(new Action.NeighborPut(PORT, IP, Field.ETH_SRC.whole()));
        all.add(new Action.NeighborCheck(PORT, IP, Optional.of(Field.ETH_SRC.whole()), BIT));
        all.add(new Action.NeighborCheck(PORT, IP, Optional.empty(), BIT));
        all.add(new Action.PortSecurityIn(BIT));
        all.add(new Action.PortSecurityOut(BIT));
        all.add(new Action.DhcpReply(5, new byte[] {1, 2}, BIT));
        all.add(new Action.CheckLarger(1442, BIT));
        all.add(new Action.Unsupported("x"));
        return all;
    }

    static byte[] bytes(Entity entity) {
        WireWriter out = new WireWriter();
        EntityCodec.write(out, entity);
        return out.toArray();
    }

    @Test
    void entitiesComeBack() {
        for (Entity entity : entities()) {
            byte[] wire = bytes(entity);
            WireReader in = new WireReader(wire);
            Entity back = EntityCodec.read(in);
            in.expectEnd();
            assertThat(bytes(back)).isEqualTo(wire);
            assertThat(back).usingRecursiveComparison().isEqualTo(entity);
            WireWriter key = new WireWriter();
            EntityCodec.writeKey(key, EntityKey.of(entity));
            assertThat(EntityCodec.readKey(new WireReader(key.toArray())))
                    .isEqualTo(EntityKey.of(entity));
        }
    }

    @Test
    void reportsAndEventsComeBack() {
        List<EngineReport> reports =
                List.of(
                        new EngineReport.Counters(
                                Map.of(Counter.SENT, 5L), Map.of(DropReason.POLICY, 6L)),
                        new EngineReport.Devices(
                                List.of(
                                        new EngineReport.DeviceStatus(
                                                1,
                                                "d",
                                                true,
                                                2,
                                                3,
                                                4,
                                                5,
                                                Map.of(Counter.FLOW_LIMIT, 6L),
                                                Map.of(DropReason.HAIRPIN, 1L)))),
                        new EngineReport.Flows(
                                7, List.of(new EngineReport.FlowStatus("k", "a", 1, 2, 3))),
                        new EngineReport.Trace(
                                List.of(
                                        new EngineReport.TraceStep(
                                                1, Action.Stage.EGRESS, 2, "c", "w")),
                                List.of(
                                        new EngineReport.TraceOutput(
                                                -1, 0xc0000201, 1L << 40, new byte[] {1, 2}))));
        for (EngineReport report : reports) {
            assertThat(ReportCodec.readReport(new WireReader(ReportCodec.writeReport(report))))
                    .usingRecursiveComparison()
                    .isEqualTo(report);
        }
        for (EngineEvent event :
                List.of(
                        new EngineEvent.NeighborLearned(1, Bits.of(2), 3),
                        new EngineEvent.DeviceState(-1, true),
                        new EngineEvent.UnsupportedHit("c", "w"))) {
            assertThat(ReportCodec.readEvent(new WireReader(ReportCodec.writeEvent(event))))
                    .isEqualTo(event);
        }
    }

    @Test
    void damagedEntitiesAreRefusedNotTrusted() {
        SplittableRandom random = new SplittableRandom(20261122);
        for (Entity entity : entities()) {
            byte[] wire = bytes(entity);
            for (int i = 0; i < 2000; i++) {
                byte[] bad = Arrays.copyOf(wire, random.nextInt(wire.length + 1));
                for (int change = random.nextInt(3); change >= 0 && bad.length > 0; change--) {
                    bad[random.nextInt(bad.length)] = (byte) random.nextInt();
                }
                try {
                    EntityCodec.read(new WireReader(bad));
                } catch (EngineException e) {
                    assertThat(e.category()).isEqualTo(EngineException.Category.PROTOCOL);
                }
            }
        }
    }

    @Test
    void nestingIsBounded() {
        Match deep = new Match.Always();
        for (int i = 0; i < 100; i++) {
            deep = new Match.Not(deep);
        }
        WireWriter out = new WireWriter();
        RuleCodec.writeMatch(out, deep);
        assertThatThrownBy(() -> RuleCodec.readMatch(new WireReader(out.toArray()), 0))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("nested");
    }
}
