package dev.iod.pipeline;

import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.pipeline.Entity.Kind;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.PortSecurity;
import dev.iod.pipeline.Entity.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@link Entity} and {@link EntityKey} on the wire: one byte of kind, then the components. */
public final class EntityCodec {
    private static final EntityKey.Kind[] KINDS = EntityKey.Kind.values();

    private EntityCodec() {}

    public static void writeKey(WireWriter out, EntityKey key) {
        writeMasked(out.code(key.kind()).i64(key.number()), key.values()).text(key.name());
    }

    public static EntityKey readKey(WireReader in) {
        EntityKey.Kind kind = in.constant(KINDS);
        long number = in.i64();
        Masked values = readMasked(in);
        return new EntityKey(kind, number, values, in.text());
    }

    public static void write(WireWriter out, Entity entity) {
        out.code(EntityKey.of(entity).kind());
        switch (entity) {
            case Entity.Datapath e ->
                    out.i32(e.key()).text(e.name()).i32(e.dnatZone()).i32(e.snatZone());
            case Entity.DatapathGroup e -> {
                out.i32(e.id()).i32(e.datapaths().length);
                for (int datapath : e.datapaths()) {
                    out.i32(datapath);
                }
            }
            case Entity.Rule e -> writeRule(out, e);
            case Entity.SetMember e -> writeMasked(out.text(e.set()), e.values());
            case Entity.LogicalPort e -> writePort(out, e);
            case Entity.MulticastGroup e -> {
                out.i64(e.key()).text(e.name()).i32(e.ports().length);
                for (long port : e.ports()) {
                    out.i64(port);
                }
            }
            case Entity.Neighbor e ->
                    out.i64(e.port()).i128(e.ip().high(), e.ip().low()).i64(e.mac());
            case Entity.Device e -> writeDevice(out, e);
        }
    }

    public static Entity read(WireReader in) {
        return switch (in.constant(KINDS)) {
            case DATAPATH -> {
                int key = in.i32();
                String name = in.text();
                int dnatZone = in.i32();
                yield new Entity.Datapath(key, name, dnatZone, in.i32());
            }
            case DATAPATH_GROUP -> {
                int id = in.i32();
                int[] datapaths = new int[in.count(4)];
                for (int i = 0; i < datapaths.length; i++) {
                    datapaths[i] = in.i32();
                }
                yield new Entity.DatapathGroup(id, datapaths);
            }
            case RULE -> readRule(in);
            case SET_MEMBER -> {
                String set = in.text();
                yield new Entity.SetMember(set, readMasked(in));
            }
            case LOGICAL_PORT -> readPort(in);
            case MULTICAST_GROUP -> {
                long key = in.i64();
                String name = in.text();
                long[] ports = new long[in.count(8)];
                for (int i = 0; i < ports.length; i++) {
                    ports[i] = in.i64();
                }
                yield new Entity.MulticastGroup(key, name, ports);
            }
            case NEIGHBOR -> {
                long port = in.i64();
                Bits ip = Bits.read(in);
                yield new Entity.Neighbor(port, ip, in.i64());
            }
            case DEVICE -> readDevice(in);
        };
    }

    private static void writeRule(WireWriter out, Entity.Rule rule) {
        out.i64(rule.id()).text(rule.cookie()).i32(rule.scope()).code(rule.stage());
        out.i32(rule.table()).i32(rule.priority());
        RuleCodec.writeMatch(out, rule.match());
        RuleCodec.writeActions(out, rule.actions());
    }

    private static Entity.Rule readRule(WireReader in) {
        long id = in.i64();
        String cookie = in.text();
        int scope = in.i32();
        Action.Stage stage = in.constant(Action.Stage.values());
        int table = in.i32();
        int priority = in.i32();
        Match match = RuleCodec.readMatch(in, 0);
        List<Action> actions = RuleCodec.readActions(in, 0);
        return new Entity.Rule(id, cookie, scope, stage, table, priority, match, actions);
    }

    private static WireWriter writeMasked(WireWriter out, Masked masked) {
        return out.i128(masked.value().high(), masked.value().low())
                .i128(masked.mask().high(), masked.mask().low());
    }

    private static Masked readMasked(WireReader in) {
        Bits value = Bits.read(in);
        return new Masked(value, Bits.read(in));
    }

    private static void writeAddresses(WireWriter out, List<Masked> addresses) {
        out.i32(addresses.size());
        for (Masked address : addresses) {
            writeMasked(out, address);
        }
    }

    private static List<Masked> readAddresses(WireReader in) {
        int count = in.count(32);
        List<Masked> addresses = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            addresses.add(readMasked(in));
        }
        return List.copyOf(addresses);
    }

    private static void writePort(WireWriter out, Entity.LogicalPort port) {
        out.i64(port.key()).text(port.name());
        switch (port.target()) {
            case Target.Local t -> out.u8(0).i32(t.device());
            case Target.Remote t -> out.u8(1).i32(t.tunnelAddress());
            case Target.Peer t -> out.u8(2).i64(t.port());
            case Target.Nowhere t -> out.u8(3);
        }
        out.i32(port.zone()).bool(port.security().isPresent());
        port.security().ifPresent(security -> writeSecurity(out, security));
    }

    private static Entity.LogicalPort readPort(WireReader in) {
        long key = in.i64();
        String name = in.text();
        int kind = in.u8();
        Target target =
                switch (kind) {
                    case 0 -> new Target.Local(in.i32());
                    case 1 -> new Target.Remote(in.i32());
                    case 2 -> new Target.Peer(in.i64());
                    case 3 -> new Target.Nowhere();
                    default -> throw WireReader.malformed("unknown port target " + kind);
                };
        int zone = in.i32();
        Optional<PortSecurity> security =
                in.bool() ? Optional.of(readSecurity(in)) : Optional.empty();
        return new Entity.LogicalPort(key, name, target, zone, security);
    }

    private static void writeSecurity(WireWriter out, PortSecurity security) {
        out.i32(security.allowed().size());
        for (PortSecurity.Allowed allowed : security.allowed()) {
            out.i64(allowed.mac());
            writeAddresses(out, allowed.ip4());
            writeAddresses(out, allowed.ip6());
        }
    }

    private static PortSecurity readSecurity(WireReader in) {
        int count = in.count(16);
        List<PortSecurity.Allowed> allowed = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            long mac = in.i64();
            List<Masked> ip4 = readAddresses(in);
            allowed.add(new PortSecurity.Allowed(mac, ip4, readAddresses(in)));
        }
        return new PortSecurity(List.copyOf(allowed));
    }

    private static void writeDevice(WireWriter out, Entity.Device device) {
        out.i32(device.id()).text(device.name()).i32(device.mtuBytes());
        switch (device.kind()) {
            case Kind.VhostUser k -> out.u8(0).text(k.socketPath()).i64(k.mac());
            case Kind.Service k ->
                    out.u8(1).text(k.namespace()).text(k.interfaceName()).i64(k.mac());
        }
    }

    private static Entity.Device readDevice(WireReader in) {
        int id = in.i32();
        String name = in.text();
        int mtuBytes = in.i32();
        int tag = in.u8();
        Kind kind;
        switch (tag) {
            case 0 -> {
                String socketPath = in.text();
                kind = new Kind.VhostUser(socketPath, in.i64());
            }
            case 1 -> {
                String namespace = in.text();
                String interfaceName = in.text();
                kind = new Kind.Service(namespace, interfaceName, in.i64());
            }
            default -> throw WireReader.malformed("unknown device kind " + tag);
        }
        return new Entity.Device(id, name, kind, mtuBytes);
    }
}
