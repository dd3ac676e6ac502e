package dev.iod.eswitch.rules;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Kind;
import dev.iod.pipeline.PortKey;

/** Ranges of the numbers in a row. Rows may refer to rows that do not exist (yet). */
final class EntityValidator {
    static final int MAX_TABLE = 255;
    static final int MAX_ZONE = 65535;
    private static final long MAX_MAC = 0xffff_ffff_ffffL;

    /** sockaddr_un's path with its NUL, unix(7). */
    private static final int MAX_SOCKET_PATH = 107;

    private EntityValidator() {}

    static void check(Entity entity) {
        switch (entity) {
            case Entity.Datapath e -> {
                range("datapath key", e.key(), 1, 0xff_ffff);
                range("DNAT zone", e.dnatZone(), 0, MAX_ZONE);
                range("SNAT zone", e.snatZone(), 0, MAX_ZONE);
            }
            case Entity.DatapathGroup e -> range("datapath group", e.id(), 1, Integer.MAX_VALUE);
            case Entity.Rule e -> {
                range("rule table", e.table(), 0, MAX_TABLE);
                range("rule priority", e.priority(), 0, 65535);
            }
            case Entity.SetMember e -> {}
            case Entity.LogicalPort e -> {
                portKey("logical port", e.key());
                range("port key", PortKey.port(e.key()), 1, PortKey.MAX_PORT);
                range("conntrack zone", e.zone(), 0, MAX_ZONE);
            }
            case Entity.MulticastGroup e -> {
                portKey("multicast group", e.key());
                int own = PortKey.port(e.key());
                range("multicast group key", own, PortKey.MIN_GROUP, PortKey.MAX_GROUP);
                for (long port : e.ports()) {
                    if (PortKey.datapath(port) != PortKey.datapath(e.key())) {
                        throw invalid(
                                "multicast group "
                                        + e.name()
                                        + " has a member on another datapath: "
                                        + Long.toHexString(port));
                    }
                }
            }
            case Entity.Neighbor e -> {
                portKey("neighbour's port", e.port());
                range("neighbour's MAC", e.mac(), 0, MAX_MAC);
            }
            case Entity.Device e -> checkDevice(e);
        }
    }

    private static void checkDevice(Entity.Device device) {
        range("device id", device.id(), 0, Integer.MAX_VALUE);
        range("device MTU", device.mtuBytes(), 68, PacketBatch.MAX_PACKET - 18);
        switch (device.kind()) {
            case Kind.VhostUser k ->
                    range("socket path length", k.socketPath().length(), 1, MAX_SOCKET_PATH);
            case Kind.Service k ->
                    range("interface name length", k.interfaceName().length(), 1, 15);
        }
    }

    private static void portKey(String what, long key) {
        range(what + " key", key, PortKey.MIN, PortKey.MAX);
    }

    private static void range(String what, long value, long low, long high) {
        if (value < low || value > high) {
            throw invalid(what + " must be " + low + " to " + high + ", not " + value);
        }
    }

    private static EngineException invalid(String message) {
        return new EngineException(Category.INVALID, message);
    }
}
