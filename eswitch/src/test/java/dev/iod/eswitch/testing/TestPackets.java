package dev.iod.eswitch.testing;

import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.packet.PacketParser;
import dev.iod.eswitch.tunnel.Geneve;
import dev.iod.pipeline.DropReason;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;

/** Packets outside an engine. */
public final class TestPackets {
    private TestPackets() {}

    /**
     * A packet in a buffer of its own that holds this frame, not yet parsed. The buffer stays until
     * the JVM ends: whoever needs thousands fills one again.
     */
    public static Packet of(byte[] frame) {
        Mapping memory = Mapping.anonymous(PacketBatch.STRIDE);
        Packet packet = new Packet();
        packet.address = memory.address() + PacketBatch.HEADROOM;
        fill(packet, frame);
        return packet;
    }

    public static void fill(Packet packet, byte[] frame) {
        Memory.copyFromArray(frame, 0, packet.address, frame.length);
        packet.length = frame.length;
        packet.clearMetadata();
    }

    public static Packet parsed(byte[] frame) {
        Packet packet = of(frame);
        DropReason reason = PacketParser.parse(packet);
        if (reason != null) {
            throw new AssertionError("not parsed: " + reason);
        }
        return packet;
    }

    /** A frame in the tunnel to {@link EngineHarness}, from a port of network 1 to another. */
    public static byte[] tunneled(byte[] inner, int from, int to) {
        try (Mapping memory = Mapping.anonymous(PacketBatch.STRIDE)) {
            Packet packet = new Packet();
            packet.address = memory.address() + PacketBatch.HEADROOM;
            fill(packet, inner);
            Geneve.Route route =
                    new Geneve.Route(1, 2, EngineHarness.PEER_ADDRESS, EngineHarness.OUR_ADDRESS);
            Geneve.encapsulate(packet, route, 1, from << 16 | to, 0);
            return bytes(packet);
        }
    }

    public static byte[] bytes(Packet packet) {
        byte[] bytes = new byte[packet.length];
        Memory.copyToArray(packet.address, bytes, 0, bytes.length);
        return bytes;
    }
}
