package dev.iod.ovn;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * Frames between the two hosts of {@link ConntrackScripts}, with right checksums. Side 0 is
 * 10.1.0.11, side 1 10.1.0.12; for IPv6 fd01::11 and fd01::12.
 */
final class Wire {
    static final String[] MAC = {"02:00:00:00:00:11", "02:00:00:00:00:12"};
    static final String[] IP4 = {"10.1.0.11", "10.1.0.12"};
    static final String[] IP6 = {"fd01::11", "fd01::12"};

    static final int FIN = 1;
    static final int SYN = 2;
    static final int RST = 4;
    static final int PSH = 8;
    static final int ACK = 16;

    private Wire() {}

    /**
     * A TCP segment.
     *
     * @param options padded to words by the caller
     */
    record Segment(
            int sourcePort,
            int destinationPort,
            int seq,
            int ack,
            int flags,
            int window,
            byte[] options,
            int data) {
        static Segment of(int sourcePort, int destinationPort, long seq, long ack, int flags) {
            return new Segment(
                    sourcePort, destinationPort, (int) seq, (int) ack, flags, 8000, new byte[0], 0);
        }

        Segment data(int bytes) {
            return new Segment(
                    sourcePort, destinationPort, seq, ack, flags, window, options, bytes);
        }

        Segment window(int value) {
            return new Segment(sourcePort, destinationPort, seq, ack, flags, value, options, data);
        }

        /** A maximum segment size, nothing, and a window scale (RFC 7323 §2.2). */
        Segment scale(int shift) {
            byte[] some = HexFormat.of().parseHex("020405b401030300");
            some[7] = (byte) shift;
            return new Segment(sourcePort, destinationPort, seq, ack, flags, window, some, data);
        }

        byte[] bytes() {
            ByteBuffer tcp = ByteBuffer.allocate(20 + options.length + data);
            tcp.putShort((short) sourcePort).putShort((short) destinationPort);
            tcp.putInt(seq).putInt(ack);
            tcp.putShort((short) ((20 + options.length) / 4 << 12 | flags))
                    .putShort((short) window);
            tcp.putInt(0).put(options);
            return tcp.array();
        }
    }

    static byte[] tcp(int from, Segment segment) {
        return ip4(from, 6, sealed(from, false, 6, 16, segment.bytes()));
    }

    static byte[] tcp6(int from, Segment segment) {
        return ip6(from, 6, sealed(from, true, 6, 16, segment.bytes()));
    }

    static byte[] udp(int from, int sourcePort, int destinationPort, int data) {
        return ip4(
                from, 17, sealed(from, false, 17, 6, datagram(sourcePort, destinationPort, data)));
    }

    static byte[] udp6(int from, int sourcePort, int destinationPort, int data) {
        return ip6(
                from, 17, sealed(from, true, 17, 6, datagram(sourcePort, destinationPort, data)));
    }

    private static byte[] datagram(int sourcePort, int destinationPort, int data) {
        ByteBuffer udp = ByteBuffer.allocate(8 + data);
        udp.putShort((short) sourcePort).putShort((short) destinationPort);
        return udp.putShort((short) (8 + data)).array();
    }

    static byte[] icmp(int from, int type, int code, int rest, byte[] data) {
        byte[] message = message(type, code, rest, data);
        put16(message, 2, checksum(message, 0, message.length, 0));
        return ip4(from, 1, message);
    }

    static byte[] icmp6(int from, int type, int code, int rest, byte[] data) {
        return ip6(from, 58, sealed(from, true, 58, 2, message(type, code, rest, data)));
    }

    static byte[] echo(int from, boolean request, int id, int sequence) {
        return icmp(from, request ? 8 : 0, 0, id << 16 | sequence, new byte[8]);
    }

    static byte[] echo6(int from, boolean request, int id, int sequence) {
        return icmp6(from, request ? 128 : 129, 0, id << 16 | sequence, new byte[8]);
    }

    private static byte[] message(int type, int code, int rest, byte[] data) {
        ByteBuffer icmp = ByteBuffer.allocate(8 + data.length);
        icmp.put((byte) type).put((byte) code).putShort((short) 0).putInt(rest).put(data);
        return icmp.array();
    }

    /** What an ICMP error quotes of a frame: the IP header and some bytes after it. */
    static byte[] quote(byte[] frame, int bytes) {
        byte[] quoted = new byte[bytes];
        System.arraycopy(frame, 14, quoted, 0, Math.min(bytes, frame.length - 14));
        return quoted;
    }

    /** An ARP reply, which no security group looks at: what was sent before it was handled. */
    static byte[] marker(int from, int number) {
        ByteBuffer arp = ByteBuffer.allocate(46);
        arp.putLong(0x0001_0800_0604_0002L).put(mac(from)).put(address(IP4[from]));
        return ethernet(from, 0x806, arp.put(mac(1 - from)).putInt(number).array());
    }

    private static byte[] mac(int side) {
        return HexFormat.of().parseHex(MAC[side].replace(":", ""));
    }

    static byte[] ip4(int from, int protocol, byte[] payload) {
        ByteBuffer ip = ByteBuffer.allocate(20 + payload.length);
        ip.putShort((short) 0x4500).putShort((short) ip.capacity()).putInt(0x4000);
        ip.put((byte) 64).put((byte) protocol).putShort((short) 0);
        ip.put(address(IP4[from])).put(address(IP4[1 - from])).put(payload);
        put16(ip.array(), 10, checksum(ip.array(), 0, 20, 0));
        return ethernet(from, 0x800, ip.array());
    }

    static byte[] ip6(int from, int next, byte[] payload) {
        ByteBuffer ip = ByteBuffer.allocate(40 + payload.length);
        ip.putInt(0x6000_0000).putShort((short) payload.length).put((byte) next).put((byte) 64);
        ip.put(address(IP6[from])).put(address(IP6[1 - from])).put(payload);
        return ethernet(from, 0x86dd, ip.array());
    }

    /** The same IPv4 packet with this fragment word (flags and offset, RFC 791 §3.1). */
    static byte[] fragment(byte[] frame, int word) {
        byte[] made = frame.clone();
        put16(made, 20, word);
        put16(made, 24, 0);
        put16(made, 24, checksum(made, 14, 20, 0));
        return made;
    }

    /** A part of a UDP datagram to port 80 behind a fragment header (RFC 8200 §4.5). */
    static byte[] fragment6(int from, int sourcePort, int offsetAndFlag) {
        byte[] udp = sealed(from, true, 17, 6, datagram(sourcePort, 80, 24));
        ByteBuffer payload = ByteBuffer.allocate(8 + udp.length);
        payload.put((byte) 17).put((byte) 0).putShort((short) offsetAndFlag).putInt(7).put(udp);
        return ip6(from, 44, payload.array());
    }

    private static byte[] ethernet(int from, int type, byte[] payload) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(mac(1 - from));
        out.writeBytes(mac(from));
        out.write(type >>> 8);
        out.write(type);
        out.writeBytes(payload);
        return out.toByteArray();
    }

    private static byte[] address(String text) {
        return InetAddress.ofLiteral(text).getAddress();
    }

    private static byte[] sealed(int from, boolean six, int protocol, int at, byte[] transport) {
        byte[] source = address((six ? IP6 : IP4)[from]);
        byte[] destination = address((six ? IP6 : IP4)[1 - from]);
        long pseudo = protocol + transport.length;
        pseudo += ~checksum(source, 0, source.length, 0) & 0xffff;
        pseudo += ~checksum(destination, 0, destination.length, 0) & 0xffff;
        put16(transport, at, checksum(transport, 0, transport.length, pseudo));
        return transport;
    }

    private static void put16(byte[] bytes, int at, int value) {
        bytes[at] = (byte) (value >>> 8);
        bytes[at + 1] = (byte) value;
    }

    private static int checksum(byte[] bytes, int offset, int length, long start) {
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
}
