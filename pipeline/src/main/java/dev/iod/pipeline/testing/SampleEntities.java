package dev.iod.pipeline.testing;

import dev.iod.engine.WireWriter;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Kind;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.EntityCodec;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Rows for tests of what carries or reads them: every kind, match and action at least once. */
public final class SampleEntities {
    private static final Slice BIT = Field.REG9.slice(3, 1);
    private static final Slice IP = Field.REG1.whole();
    private static final Slice PORT = Field.OUT_PORT.whole();

    private SampleEntities() {}

    public static List<Entity> all() {
        Masked values = new Masked(new Bits(1, 2), new Bits(-1, -4));
        List<Entity> all = new ArrayList<>();
        all.add(new Entity.Datapath(0xffffff, "käse", 1, 65535));
        all.add(new Entity.DatapathGroup(9, new int[] {1, 2, 3}));
        all.add(new Entity.SetMember("set", new Masked(new Bits(1, 4), new Bits(-1, -4))));
        Entity.PortSecurity security =
                new Entity.PortSecurity(
                        List.of(new Entity.PortSecurity.Allowed(5, List.of(values), List.of())));
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

    public static byte[] bytes(Entity entity) {
        WireWriter out = new WireWriter();
        EntityCodec.write(out, entity);
        return out.toArray();
    }
}
