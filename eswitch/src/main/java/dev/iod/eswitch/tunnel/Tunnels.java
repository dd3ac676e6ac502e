package dev.iod.eswitch.tunnel;

import dev.iod.eswitch.packet.HeaderFields;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.PacketParser;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.PortKey;
import org.jspecify.annotations.Nullable;

/**
 * This node's end of all tunnels: takes packets out of the frames of the uplink, and packs and
 * sends those that go to other nodes. Engine thread only.
 */
public final class Tunnels {
    private final Underlay underlay;
    private final int encapsulationAddress;
    private final Geneve.Metadata metadata = new Geneve.Metadata();
    private @Nullable Attachment uplink;

    /**
     * @param encapsulationAddress IPv4 address of this end of all tunnels, host order
     */
    public Tunnels(Underlay underlay, int encapsulationAddress) {
        this.underlay = underlay;
        this.encapsulationAddress = encapsulationAddress;
    }

    /** By which port frames leave; none: what goes to other nodes is dropped. */
    public void uplink(@Nullable Attachment port) {
        uplink = port;
    }

    /** The option's value: ingress key << 16 | egress key (ovn-architecture(7)). */
    public static int metadata(long inPort, long outPort) {
        return (PortKey.port(inPort) & PortKey.MAX_PORT) << 16 | PortKey.port(outPort);
    }

    /**
     * Leaves the inner packet, parsed, with its datapath, IN_PORT and OUT_PORT; {@link #vni},
     * {@link #ingress} and {@link #ports} are of it until the next one.
     *
     * @param p the outer frame, parsed
     */
    public @Nullable DropReason unwrap(Packet p) {
        DropReason reason = Geneve.decapsulate(p, encapsulationAddress, metadata);
        if (reason != null) {
            return reason;
        }
        p.datapath = metadata.vni;
        p.inPort = PortKey.of(metadata.vni, metadata.ingress());
        p.outPort = PortKey.of(metadata.vni, metadata.egress());
        return PacketParser.parse(p);
    }

    /** VNI of the packet unwrapped last. */
    public int vni() {
        return metadata.vni;
    }

    /** Key of the port the packet unwrapped last entered by, on its node. */
    public int ingress() {
        return metadata.ingress();
    }

    /** {@link #metadata} of the packet unwrapped last. */
    public int ports() {
        return metadata.ports;
    }

    /** Sends a packet, which is as it was afterwards. @return why it was not sent, if so */
    public @Nullable DropReason send(Packet p, int address, int vni, int ports) {
        Attachment to = uplink;
        if (to == null) {
            return DropReason.UPLINK_BUSY;
        }
        Geneve.Route route = underlay.route(address);
        if (route == null) {
            return DropReason.TUNNEL_UNRESOLVED;
        }
        if (p.length + Geneve.OVERHEAD - Packet.ETHERNET > to.mtuBytes) {
            return DropReason.TOO_LARGE;
        }
        Geneve.encapsulate(p, route, vni, ports, innerHash(p));
        DropReason reason = to.transmit(p, DropReason.UPLINK_BUSY);
        Geneve.strip(p);
        return reason;
    }

    /** The same for all packets of an inner flow, so that the underlay keeps their order. */
    private static int innerHash(Packet p) {
        long hash = p.u64(0) * 31;
        if (p.ipVersion == 4) {
            hash ^= p.u64(p.l3 + 12);
        } else if (p.ipVersion == 6) {
            hash ^= p.u64(p.l3 + 16) * 31 ^ p.u64(p.l3 + 32);
        }
        if (HeaderFields.hasPorts(p)) {
            hash ^= p.u32(p.l4) * 0x9E37_79B9L;
        }
        hash *= 0x9E37_79B9_7F4A_7C15L;
        return (int) (hash >>> 40);
    }
}
