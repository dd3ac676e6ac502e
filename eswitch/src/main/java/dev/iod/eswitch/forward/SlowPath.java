package dev.iod.eswitch.forward;

import dev.iod.eswitch.packet.HeaderFields;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.PacketPool;
import dev.iod.eswitch.replies.Crafter;
import dev.iod.eswitch.replies.DhcpServer;
import dev.iod.eswitch.rules.CompiledRule;
import dev.iod.eswitch.rules.MarkChange;
import dev.iod.eswitch.rules.PipelineState;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.eswitch.rules.PortSecurityCheck;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Field.Slice;
import dev.iod.pipeline.PortKey;
import java.util.List;

/**
 * Runs packets through the whole pipeline, rule by rule, with the meaning ovn-sb(5) (Logical_Flow)
 * and ovn-architecture(7) ("Life of a packet") give the actions. Engine thread only. Bounded per
 * received packet: rules, nesting, patch hops, copies.
 */
final class SlowPath {
    /** Most tables one received packet may visit, copies included. */
    static final int MAX_TABLES = 8192;

    /** Deepest nesting of tables and bodies. */
    static final int MAX_DEPTH = 768;

    /** Most patch ports one received packet may cross, copies included. */
    static final int MAX_HOPS = 64;

    private final PacketPool pool;
    private final Crafter crafter = new Crafter();
    private final Recording recording;
    private final Effects effects;
    private final Delivery delivery = new Delivery();

    private PipelineState state = PipelineState.EMPTY;
    private int tables;
    private int hops;

    SlowPath(PacketPool pool, Recording recording, Effects effects) {
        this.pool = pool;
        this.recording = recording;
        this.effects = effects;
    }

    /** A packet that entered by a local port; IN_PORT is set. */
    void ingress(PipelineState with, Packet p) {
        begin(with);
        enter(p, p.inPort, 0);
        finish(p);
    }

    /** A packet from a tunnel: IN_PORT, OUT_PORT and the datapath are set; starts in EGRESS. */
    void fromTunnel(PipelineState with, Packet p) {
        begin(with);
        p.fromTunnel = true;
        delivery.run(p, 0);
        finish(p);
    }

    private void begin(PipelineState with) {
        state = with;
        tables = 0;
        hops = 0;
    }

    /** Tables the last packet visited, copies included. */
    int tables() {
        return tables;
    }

    /** Every packet and every copy ends here once. */
    private void finish(Packet p) {
        if (p.outputs == 0) {
            recording.drop(p);
        }
    }

    private void enter(Packet p, long port, int depth) {
        p.inPort = port;
        p.outPort = 0;
        p.datapath = PortKey.datapath(port);
        table(p, Stage.INGRESS, 0, depth);
    }

    private void table(Packet p, Stage stage, int table, int depth) {
        DatapathState datapath = state.datapath(p.datapath);
        if (datapath == null) {
            p.end(DropReason.UNKNOWN_DATAPATH);
            recording.obstacle(Counter.UNCACHED_SHAPE);
            return;
        }
        if (++tables > MAX_TABLES || depth > MAX_DEPTH) {
            p.end(DropReason.PIPELINE_LIMIT);
            recording.obstacle(Counter.UNCACHED_SHAPE);
            return;
        }
        recording.datapath(datapath);
        CompiledRule rule = state.find(datapath, stage, table, p, recording);
        effects.visited(p, stage, table, rule);
        if (rule == null) {
            p.end(DropReason.NO_MATCH);
        } else {
            execute(p, stage, rule, rule.actions(), depth + 1);
        }
    }

    private void execute(
            Packet p, Stage stage, CompiledRule rule, List<Action> actions, int depth) {
        for (int i = 0; i < actions.size() && !p.halted; i++) {
            execute(p, stage, rule, actions.get(i), depth);
        }
    }

    private void execute(Packet p, Stage stage, CompiledRule rule, Action action, int depth) {
        switch (action) {
            case Action.Set a -> write(p, a.target(), a.value());
            case Action.Copy a -> write(p, a.target(), read(p, a.source()));
            case Action.Swap a -> swap(p, a);
            case Action.DecrementTtl a -> decrementTtl(p);
            case Action.Next a -> table(p, a.stage(), a.table(), depth);
            case Action.Output a -> {
                if (stage == Stage.INGRESS) {
                    delivery.run(p, depth);
                } else {
                    delivery.handOver(p, depth);
                }
            }
            case Action.ConntrackNext a -> recording.track(p, zone(p, stage, a.zone()));
            case Action.ConntrackCommit a -> {
                a.assignments().forEach(assignment -> lookAtSource(p, assignment));
                recording.commit(p, zone(p, stage, a.zone()), MarkChange.of(p, a.assignments()));
            }
            case Action.ConntrackClear a -> p.clearConnection();
            case Action.Clone a -> copy(p, stage, rule, a.body(), depth);
            case Action.Craft a -> craft(p, stage, rule, a, depth);
            case Action.NeighborGet a -> {
                Bits ip = read(p, a.ip());
                long port = read(p, a.port()).low();
                long mac = state.neighbor(port, ip.high(), ip.low());
                HeaderFields.write(p, Field.ETH_DST, 0, mac);
            }
            case Action.NeighborPut a -> {
                recording.obstacle(Counter.UNCACHED_CRAFTED);
                effects.neighborLearned(
                        HeaderFields.read(p, a.port()).low(),
                        HeaderFields.read(p, a.ip()),
                        HeaderFields.read(p, a.mac()).low());
            }
            case Action.NeighborCheck a -> checkNeighbor(p, a);
            case Action.PortSecurityIn a -> {
                p.insecure = PortSecurityCheck.violatesIn(p, state.port(p.inPort), recording);
                setBit(p, a.result(), p.insecure);
            }
            case Action.PortSecurityOut a -> {
                p.insecure = PortSecurityCheck.violatesOut(p, state.port(p.outPort), recording);
                setBit(p, a.result(), p.insecure);
            }
            case Action.DhcpReply a -> {
                recording.obstacle(Counter.UNCACHED_CRAFTED);
                setBit(p, a.result(), DhcpServer.reply(p, a.offeredAddress(), a.options()));
            }
            case Action.CheckLarger a -> checkLarger(p, a);
            case Action.Drop a -> p.end(p.insecure ? DropReason.PORT_SECURITY : DropReason.POLICY);
            case Action.Unsupported a -> {
                recording.obstacle(Counter.UNCACHED_SHAPE);
                effects.unsupported(rule.rule().cookie(), a.what());
                p.end(DropReason.UNSUPPORTED);
            }
        }
    }

    /** What is read decides what becomes of the packet. */
    private Bits read(Packet p, Slice slice) {
        recording.look(p, slice);
        return HeaderFields.read(p, slice);
    }

    private void write(Packet p, Slice slice, Bits value) {
        recording.writes(p, slice);
        HeaderFields.write(p, slice, value);
    }

    private void lookAtSource(Packet p, Action assignment) {
        if (assignment instanceof Action.Copy copy) {
            recording.look(p, copy.source());
        }
    }

    private void swap(Packet p, Action.Swap action) {
        Bits a = read(p, action.a());
        write(p, action.a(), read(p, action.b()));
        write(p, action.b(), a);
    }

    private void decrementTtl(Packet p) {
        recording.look(p, Field.IP_TTL);
        int ttl = (int) p.low(Field.IP_TTL);
        if (ttl <= 1) {
            p.end(DropReason.TTL_EXCEEDED);
        } else {
            HeaderFields.write(p, Field.IP_TTL, 0, ttl - 1);
        }
    }

    private void setBit(Packet p, Slice slice, boolean value) {
        write(p, slice, value ? Bits.of(1) : Bits.ZERO);
    }

    private void checkNeighbor(Packet p, Action.NeighborCheck action) {
        Bits ip = read(p, action.ip());
        long port = read(p, action.port()).low();
        long known = state.neighbor(port, ip.high(), ip.low());
        boolean result =
                known != 0
                        && (action.mac().isEmpty() || read(p, action.mac().get()).low() == known);
        setBit(p, action.result(), result);
    }

    private void checkLarger(Packet p, Action.CheckLarger action) {
        boolean larger = p.ipLength() > action.limitBytes();
        if (larger) {
            recording.obstacle(Counter.UNCACHED_FIELD);
        } else {
            recording.upTo(action.limitBytes());
        }
        setBit(p, action.result(), larger);
    }

    private int zone(Packet p, Stage stage, Action.Zone zone) {
        return switch (zone) {
            case PORT -> {
                Entity.LogicalPort port = state.port(stage == Stage.INGRESS ? p.inPort : p.outPort);
                yield port == null ? 0 : port.zone();
            }
            case DATAPATH_DNAT -> {
                DatapathState datapath = state.datapath(p.datapath);
                yield datapath == null ? 0 : datapath.row().dnatZone();
            }
            case DATAPATH_SNAT -> {
                DatapathState datapath = state.datapath(p.datapath);
                yield datapath == null ? 0 : datapath.row().snatZone();
            }
        };
    }

    private void copy(Packet p, Stage stage, CompiledRule rule, List<Action> body, int depth) {
        if (pool.isEmpty()) {
            p.end(DropReason.PIPELINE_LIMIT);
            return;
        }
        Packet copy = pool.take();
        copy.copyFrom(p);
        execute(copy, stage, rule, body, depth);
        // A clone that goes nowhere is not a lost packet: the original is accounted for.
        p.outputs += copy.outputs;
        pool.give(copy);
    }

    private void craft(Packet p, Stage stage, CompiledRule rule, Action.Craft action, int depth) {
        recording.obstacle(Counter.UNCACHED_CRAFTED);
        if (pool.isEmpty()) {
            p.end(DropReason.PIPELINE_LIMIT);
            return;
        }
        Packet made = pool.take();
        if (crafter.craft(action.reply(), p, made)) {
            made.copyMetadata(p);
            execute(made, stage, rule, action.body(), depth);
            p.outputs += made.outputs;
            if (made.outputs == 0 && made.drop != null) {
                effects.dropped(made, made.drop);
            }
        } else if (p.drop == null) {
            p.drop = DropReason.NO_REPLY_ALLOWED;
        }
        pool.give(made);
    }

    /** The way from the end of INGRESS to EGRESS, and from the end of EGRESS out. */
    private final class Delivery {
        /** OUT_PORT is a port or a group; packets from tunnels start here. */
        void run(Packet p, int depth) {
            DatapathState datapath = state.datapath(PortKey.datapath(p.outPort));
            if (datapath == null) {
                unknownOutput(p);
                return;
            }
            // Where the port is decides, even if no table is visited.
            recording.datapath(datapath);
            if (PortKey.isGroup(p.outPort)) {
                multicast(p, depth);
                return;
            }
            Entity.LogicalPort port = state.port(p.outPort);
            if (port == null) {
                unknownOutput(p);
                return;
            }
            switch (port.target()) {
                case Target.Local t -> egress(p, depth);
                case Target.Peer t -> egress(p, depth);
                case Target.Remote t -> remote(p, t.tunnelAddress());
                case Target.Nowhere t -> p.end(DropReason.UNKNOWN_OUTPUT);
            }
        }

        private void unknownOutput(Packet p) {
            // A port that appears later may be of a datapath this packet never visited.
            recording.obstacle(Counter.UNCACHED_SHAPE);
            p.end(DropReason.UNKNOWN_OUTPUT);
        }

        private void egress(Packet p, int depth) {
            if (p.inPort == p.outPort && (p.flags & Field.FLAG_LOOPBACK) == 0) {
                p.end(DropReason.HAIRPIN);
                return;
            }
            // "This transition … discards register data … and connection tracking state, to achieve
            // uniform behavior" with packets that come by a tunnel (ovn-sb(5), "output"). Kept, it
            // would make the egress ACLs commit in the zone of a patch port, which has none.
            p.clearRegisters();
            p.clearConnection();
            table(p, Stage.EGRESS, 0, depth);
        }

        private void remote(Packet p, int address) {
            if (p.fromService) {
                p.end(DropReason.LOCAL_SERVICE_REMOTE);
            } else if (p.fromTunnel) {
                p.end(DropReason.UNKNOWN_OUTPUT);
            } else {
                recording.toTunnel(p, address);
            }
        }

        private void multicast(Packet p, int depth) {
            Entity.MulticastGroup group = state.multicastGroups().get(p.outPort);
            if (group == null) {
                unknownOutput(p);
                return;
            }
            int reached = p.outputs;
            int[] sent = new int[group.ports().length];
            int sentCount = 0;
            for (long member : group.ports()) {
                Entity.LogicalPort port = state.port(member);
                if (port == null) {
                    continue;
                }
                switch (port.target()) {
                    case Target.Local t -> {
                        if (!p.fromTunnel || !isService(t.device())) {
                            member(p, member, depth);
                        }
                    }
                    // The node where a group packet starts runs it through routers, once.
                    case Target.Peer t -> {
                        if (!p.fromTunnel) {
                            member(p, member, depth);
                        }
                    }
                    case Target.Remote t -> {
                        boolean may = !p.fromTunnel && !p.fromService;
                        if (may && !contains(sent, sentCount, t.tunnelAddress())) {
                            sent[sentCount++] = t.tunnelAddress();
                            remote(p, t.tunnelAddress());
                        }
                    }
                    case Target.Nowhere t -> {}
                }
            }
            if (p.outputs == reached && p.drop == null) {
                p.drop = DropReason.EMPTY_GROUP;
            }
        }

        private void member(Packet p, long member, int depth) {
            if (member == p.inPort && (p.flags & Field.FLAG_LOOPBACK) == 0) {
                return;
            }
            if (pool.isEmpty()) {
                p.end(DropReason.PIPELINE_LIMIT);
                return;
            }
            p.outputs++;
            Packet copy = pool.take();
            copy.copyFrom(p);
            copy.outPort = member;
            egress(copy, depth);
            finish(copy);
            pool.give(copy);
        }

        private boolean isService(int device) {
            Entity.Device row = state.devices().get(device);
            return row != null && row.kind() instanceof Entity.Kind.Service;
        }

        private static boolean contains(int[] values, int count, int value) {
            for (int i = 0; i < count; i++) {
                if (values[i] == value) {
                    return true;
                }
            }
            return false;
        }

        /** OUTPUT in EGRESS: the packet leaves by OUT_PORT. */
        void handOver(Packet p, int depth) {
            Entity.LogicalPort port = state.port(p.outPort);
            if (port == null) {
                unknownOutput(p);
                return;
            }
            switch (port.target()) {
                case Target.Local t -> recording.toDevice(p, t.device());
                case Target.Peer t -> cross(p, t.port(), depth);
                case Target.Remote t -> p.end(DropReason.UNKNOWN_OUTPUT);
                case Target.Nowhere t -> p.end(DropReason.UNKNOWN_OUTPUT);
            }
        }

        private void cross(Packet p, long peer, int depth) {
            if (++hops > MAX_HOPS) {
                recording.obstacle(Counter.UNCACHED_SHAPE);
                p.end(DropReason.PIPELINE_LIMIT);
                return;
            }
            p.clearRegisters();
            p.clearConnection();
            p.flags = 0;
            p.fromTunnel = false;
            enter(p, peer, depth);
        }
    }
}
