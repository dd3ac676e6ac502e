package dev.iod.eswitch.testing;

import java.nio.ByteBuffer;

/** Builds frames for tests, with right checksums. Plain arithmetic, independent of the engine's. */
public final class Frames {
    private Frames() {}

    public static byte[] ethernet(long destination, long source, int type, byte[] payload) {
        ByteBuffer frame = ByteBuffer.allocate(14 + payload.length);
        mac(frame, destination);
        mac(frame, source);
        return frame.putShort((short) type).put(payload).array();
    }

    private static void mac(ByteBuffer frame, long mac) {
        frame.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    public static byte[] arpRequest(long mac, int address, int target) {
        ByteBuffer arp = ByteBuffer.allocate(28);
        arp.putLong(0x0001_0800_0604_0001L);
        mac(arp, mac);
        arp.putInt(address).putShort((short) 0).putInt(0).putInt(target);
        return ethernet(0xffff_ffff_ffffL, mac, 0x0806, arp.array());
    }

    public static byte[] ip4(int source, int destination, int protocol, int ttl, byte[] payload) {
        ByteBuffer ip = ByteBuffer.allocate(20 + payload.length);
        ip.putShort((short) 0x4500).putShort((short) ip.capacity()).putInt(0x4000);
        ip.put((byte) ttl).put((byte) protocol).putShort((short) 0);
        ip.putInt(source).putInt(destination).put(payload);
        ip.putShort(10, (short) checksum(ip.array(), 0, 20, 0));
        return ip.array();
    }

    public static byte[] udp4(
            int source, int destination, int sourcePort, int destinationPort, byte[] data) {
        ByteBuffer udp = ByteBuffer.allocate(8 + data.length);
        udp.putShort((short) sourcePort).putShort((short) destinationPort);
        udp.putShort((short) udp.capacity()).putShort((short) 0).put(data);
        udp.putShort(6, (short) transport(source, destination, 17, udp.array()));
        return ip4(source, destination, 17, 64, udp.array());
    }

    public static byte[] tcp4(
            int source,
            int destination,
            int sourcePort,
            int destinationPort,
            int seq,
            int ack,
            int flags,
            int dataLength) {
        return tcp4(
                source,
                destination,
                sourcePort,
                destinationPort,
                seq,
                ack,
                flags,
                new byte[0],
                dataLength);
    }

    /**
     * A segment with a window of 1000.
     *
     * @param options as on the wire; a multiple of four bytes, at most 40
     */
    public static byte[] tcp4(
            int source,
            int destination,
            int sourcePort,
            int destinationPort,
            int seq,
            int ack,
            int flags,
            byte[] options,
            int dataLength) {
        int header = 20 + options.length;
        ByteBuffer tcp = ByteBuffer.allocate(header + dataLength);
        tcp.putShort((short) sourcePort).putShort((short) destinationPort);
        tcp.putInt(seq).putInt(ack).putShort((short) (header / 4 << 12 | flags));
        tcp.putShort((short) 1000).putInt(0).put(options);
        tcp.putShort(16, (short) transport(source, destination, 6, tcp.array()));
        return ip4(source, destination, 6, 64, tcp.array());
    }

    public static byte[] echo4(int source, int destination, int type, int id, int sequence) {
        ByteBuffer icmp = ByteBuffer.allocate(16);
        icmp.put((byte) type).put((byte) 0).putShort((short) 0);
        icmp.putShort((short) id).putShort((short) sequence).putLong(0x0102_0304_0506_0708L);
        icmp.putShort(2, (short) checksum(icmp.array(), 0, 16, 0));
        return ip4(source, destination, 1, 64, icmp.array());
    }

    public static byte[] ip6(byte[] source, byte[] destination, int protocol, byte[] payload) {
        ByteBuffer ip = ByteBuffer.allocate(40 + payload.length);
        ip.putInt(0x6000_0000).putShort((short) payload.length).put((byte) protocol);
        ip.put((byte) 255).put(source).put(destination).put(payload);
        return ip.array();
    }

    public static byte[] icmp6(byte[] source, byte[] destination, byte[] message) {
        byte[] icmp = message.clone();
        long pseudo = 58 + icmp.length;
        pseudo += ~checksum(source, 0, 16, 0) & 0xffff;
        pseudo += ~checksum(destination, 0, 16, 0) & 0xffff;
        int checksum = checksum(icmp, 0, icmp.length, pseudo);
        ByteBuffer.wrap(icmp).putShort(2, (short) checksum);
        return ip6(source, destination, 58, icmp);
    }

    public static int transport(int source, int destination, int protocol, byte[] segment) {
        long pseudo = (source >>> 16) + (source & 0xffff);
        pseudo += (destination >>> 16) + (destination & 0xffff) + protocol + segment.length;
        return checksum(segment, 0, segment.length, pseudo);
    }

    public static int checksum(byte[] bytes, int offset, int length, long start) {
        long sum = start;
        for (int i = 0; i < length; i++) {
            int value = bytes[offset + i] & 0xff;
            sum += i % 2 == 0 ? value << 8 : value;
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return (int) ~sum & 0xffff;
    }

    public static int address(int a, int b, int c, int d) {
        return a << 24 | b << 16 | c << 8 | d;
    }
}
