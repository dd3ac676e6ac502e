package dev.iod.ovn;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.util.HexFormat;

/**
 * One packet twice: as bytes, and as ovn-trace's microflow.
 *
 * @param port logical port it enters by
 * @param expression for ovn-trace, complete
 */
record Flow(String port, byte[] frame, String expression) {
    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(":", ""));
    }

    private static byte[] ip4(String text) {
        String[] parts = text.split("\\.", -1);
        var bytes = new byte[4];
        for (int i = 0; i < 4; i++) {
            bytes[i] = (byte) Integer.parseInt(parts[i]);
        }
        return bytes;
    }

    private static ByteArrayOutputStream ethernet(String source, String target, int type) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(hex(target));
        out.writeBytes(hex(source));
        put16(out, type);
        return out;
    }

    private static void put16(ByteArrayOutputStream out, int value) {
        out.write(value >>> 8);
        out.write(value);
    }

    private static String start(String port, String source, String target) {
        return "inport == \"" + port + "\" && eth.src == " + source + " && eth.dst == " + target;
    }

    static Flow arp(
            String port, String mac, String target, String sha, String spa, String tpa, int op) {
        ByteArrayOutputStream out = ethernet(mac, target, 0x806);
        out.writeBytes(hex("00010800060400"));
        out.write(op);
        out.writeBytes(hex(sha));
        out.writeBytes(ip4(spa));
        out.writeBytes(new byte[6]);
        out.writeBytes(ip4(tpa));
        return new Flow(
                port,
                out.toByteArray(),
                start(port, mac, target)
                        + " && arp.op == "
                        + op
                        + " && arp.sha == "
                        + sha
                        + " && arp.spa == "
                        + spa
                        + " && arp.tpa == "
                        + tpa);
    }

    /** What follows an IPv4 header. */
    record Transport(int protocol, byte[] bytes, String expression) {
        static Transport ping(int type) {
            return new Transport(
                    1,
                    new byte[] {(byte) type, 0, 0, 0, 0, 1, 0, 1},
                    "icmp4.type == " + type + " && icmp4.code == 0");
        }

        static Transport ping6() {
            return new Transport(
                    58,
                    new byte[] {(byte) 128, 0, 0, 0, 0, 1, 0, 1},
                    "icmp6.type == 128 && icmp6.code == 0");
        }

        static Transport udp(int source, int target) {
            var out = new ByteArrayOutputStream();
            put16(out, source);
            put16(out, target);
            put16(out, 8);
            put16(out, 0);
            return new Transport(
                    17, out.toByteArray(), "udp.src == " + source + " && udp.dst == " + target);
        }

        static Transport syn(int source, int target) {
            var out = new ByteArrayOutputStream();
            put16(out, source);
            put16(out, target);
            out.writeBytes(hex("00000001" + "00000000" + "5002ffff" + "00000000"));
            return new Transport(
                    6,
                    out.toByteArray(),
                    "tcp.src == " + source + " && tcp.dst == " + target + " && tcp.flags == 2");
        }

        static Transport other(int protocol) {
            return new Transport(protocol, new byte[8], "ip.proto == " + protocol);
        }
    }

    static Flow ip(
            String port,
            String mac,
            String target,
            String source,
            String destination,
            int ttl,
            Transport transport) {
        ByteArrayOutputStream out = ethernet(mac, target, 0x800);
        byte[] header = hex("4500000000004000" + "00000000" + "0000000000000000");
        int length = 20 + transport.bytes().length;
        header[2] = (byte) (length >>> 8);
        header[3] = (byte) length;
        header[8] = (byte) ttl;
        header[9] = (byte) transport.protocol();
        System.arraycopy(ip4(source), 0, header, 12, 4);
        System.arraycopy(ip4(destination), 0, header, 16, 4);
        int sum = 0;
        for (int i = 0; i < 20; i += 2) {
            sum += (header[i] & 0xff) << 8 | header[i + 1] & 0xff;
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = ~((sum & 0xffff) + (sum >>> 16));
        header[10] = (byte) (sum >>> 8);
        header[11] = (byte) sum;
        out.writeBytes(header);
        out.writeBytes(transport.bytes());
        return new Flow(
                port,
                out.toByteArray(),
                start(port, mac, target)
                        + " && ip4.src == "
                        + source
                        + " && ip4.dst == "
                        + destination
                        + " && ip.ttl == "
                        + ttl
                        + " && "
                        + transport.expression());
    }

    private static byte[] ip6(String text) {
        return InetAddress.ofLiteral(text).getAddress();
    }

    static Flow ip6(
            String port,
            String mac,
            String target,
            String source,
            String destination,
            int hops,
            Transport transport) {
        ByteArrayOutputStream out = ethernet(mac, target, 0x86dd);
        out.writeBytes(hex("60000000"));
        put16(out, transport.bytes().length);
        out.write(transport.protocol());
        out.write(hops);
        out.writeBytes(ip6(source));
        out.writeBytes(ip6(destination));
        out.writeBytes(transport.bytes());
        return new Flow(
                port,
                out.toByteArray(),
                start(port, mac, target)
                        + " && ip6.src == "
                        + source
                        + " && ip6.dst == "
                        + destination
                        + " && ip.ttl == "
                        + hops
                        + " && "
                        + transport.expression());
    }

    /** A solicitation of the neighbour with this address (RFC 4861 §4.3). */
    static Transport solicitation(String target, String mac) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(hex("8700000000000000"));
        out.writeBytes(ip6(target));
        out.writeBytes(hex("0101"));
        out.writeBytes(hex(mac));
        return new Transport(
                58,
                out.toByteArray(),
                "icmp6.type == 135 && icmp6.code == 0 && nd.target == "
                        + target
                        + " && nd.sll == "
                        + mac);
    }
}
