package dev.iod.ovn;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.util.HexFormat;

/**
 * One packet twice: as bytes, with right checksums, and as ovn-trace's microflow.
 *
 * @param port logical port it enters by
 * @param expression for ovn-trace, complete
 */
record Flow(String port, byte[] frame, String expression) {
    static final int ICMP4 = 1;
    static final int TCP = 6;
    static final int UDP = 17;
    static final int ICMP6 = 58;
    static final int SCTP = 132;

    /** Who sends a frame to whom on the wire, and by which logical port it enters. */
    record Link(String port, String source, String target) {
        private ByteArrayOutputStream frame(int type) {
            var out = new ByteArrayOutputStream();
            out.writeBytes(hex(target));
            out.writeBytes(hex(source));
            put16(out, type);
            return out;
        }

        private String expression() {
            return "inport == \""
                    + port
                    + "\" && eth.src == "
                    + source
                    + " && eth.dst == "
                    + target;
        }
    }

    /** What ARP says (RFC 826). */
    record Arp(int operation, String sha, String spa, String tha, String tpa) {}

    /** The addresses of an IP header, both of one family. */
    record Header(String source, String destination, int ttl) {
        private int version() {
            return source.contains(":") ? 6 : 4;
        }
    }

    static Flow arp(Link link, Arp arp) {
        ByteArrayOutputStream out = link.frame(0x806);
        out.writeBytes(hex("0001080006040000"));
        out.writeBytes(hex(arp.sha()));
        out.writeBytes(address(arp.spa()));
        out.writeBytes(hex(arp.tha()));
        out.writeBytes(address(arp.tpa()));
        byte[] frame = out.toByteArray();
        frame[21] = (byte) arp.operation();
        String says =
                " && arp.op == %d && arp.sha == %s && arp.spa == %s && arp.tha == %s && arp.tpa == %s"
                        .formatted(arp.operation(), arp.sha(), arp.spa(), arp.tha(), arp.tpa());
        return new Flow(link.port(), frame, link.expression() + says);
    }

    /** An IP packet; the transport's checksum is filled in. */
    static Flow ip(Link link, Header ip, Transport transport) {
        int version = ip.version();
        ByteArrayOutputStream out = link.frame(version == 4 ? 0x800 : 0x86dd);
        byte[] source = address(ip.source());
        byte[] destination = address(ip.destination());
        byte[] body = transport.checked(source, destination);
        if (version == 4) {
            byte[] header = hex("45000000000040000000000000000000" + "00000000");
            store16(header, 2, 20 + body.length);
            header[8] = (byte) ip.ttl();
            header[9] = (byte) transport.protocol();
            System.arraycopy(source, 0, header, 12, 4);
            System.arraycopy(destination, 0, header, 16, 4);
            store16(header, 10, Sums.of(header));
            out.writeBytes(header);
        } else {
            out.writeBytes(hex("60000000"));
            put16(out, body.length);
            out.write(transport.protocol());
            out.write(ip.ttl());
            out.writeBytes(source);
            out.writeBytes(destination);
        }
        out.writeBytes(body);
        String says =
                " && ip%d.src == %s && ip%d.dst == %s && ip.ttl == %d && "
                        .formatted(version, ip.source(), version, ip.destination(), ip.ttl());
        return new Flow(
                link.port(), out.toByteArray(), link.expression() + says + transport.expression());
    }

    Flow and(String more) {
        return new Flow(port, frame, expression + " && " + more);
    }

    /**
     * What follows an IP header.
     *
     * @param checksumAt offset of the checksum, -1 for none
     */
    record Transport(int protocol, byte[] bytes, int checksumAt, String expression) {
        static Transport icmp(int version, int type, int code) {
            return new Transport(
                    version == 4 ? ICMP4 : ICMP6,
                    new byte[] {(byte) type, (byte) code, 0, 0, 0, 1, 0, 1},
                    2,
                    "icmp%d.type == %d && icmp%d.code == %d"
                            .formatted(version, type, version, code));
        }

        static Transport udp(int source, int target, byte... payload) {
            var out = new ByteArrayOutputStream();
            put16(out, source);
            put16(out, target);
            put16(out, 8 + payload.length);
            put16(out, 0);
            out.writeBytes(payload);
            return new Transport(
                    UDP, out.toByteArray(), 6, "udp.src == " + source + " && udp.dst == " + target);
        }

        static Transport tcp(int source, int target, int flags, int payloadBytes) {
            var out = new ByteArrayOutputStream();
            put16(out, source);
            put16(out, target);
            out.writeBytes(hex("00000011" + "00000022" + "5000ffff" + "00000000"));
            out.writeBytes(new byte[payloadBytes]);
            byte[] bytes = out.toByteArray();
            bytes[13] = (byte) flags;
            return new Transport(
                    TCP,
                    bytes,
                    16,
                    "tcp.src == %d && tcp.dst == %d && tcp.flags == %d"
                            .formatted(source, target, flags));
        }

        /** An INIT chunk; the CRC32c is not looked at (RFC 9260 §3). */
        static Transport sctp(int source, int target) {
            var out = new ByteArrayOutputStream();
            put16(out, source);
            put16(out, target);
            out.writeBytes(hex("0000000000000000" + "01000014" + "00000001".repeat(4)));
            return new Transport(
                    SCTP,
                    out.toByteArray(),
                    -1,
                    "sctp.src == " + source + " && sctp.dst == " + target);
        }

        static Transport other(int protocol) {
            return new Transport(protocol, new byte[8], -1, "ip.proto == " + protocol);
        }

        /** A solicitation of the neighbour with this address (RFC 4861 §4.3). */
        static Transport solicitation(String target, String mac) {
            return neighbor(135, 0, target, mac, "sll");
        }

        /** RFC 4861 §4.4, solicited. */
        static Transport advertisement(String target, String mac) {
            return neighbor(136, 0x60, target, mac, "tll");
        }

        private static Transport neighbor(
                int type, int flags, String target, String mac, String option) {
            var out = new ByteArrayOutputStream();
            out.writeBytes(new byte[] {(byte) type, 0, 0, 0, (byte) flags, 0, 0, 0});
            out.writeBytes(address(target));
            out.writeBytes(hex(type == 135 ? "0101" : "0201"));
            out.writeBytes(hex(mac));
            return new Transport(
                    ICMP6,
                    out.toByteArray(),
                    2,
                    "icmp6.type == %d && icmp6.code == 0 && nd.target == %s && nd.%s == %s"
                            .formatted(type, target, option, mac));
        }

        /**
         * DHCPDISCOVER (1) or DHCPREQUEST (3) for an address (RFC 2131 §2, RFC 2132 §9.1, §9.6).
         */
        static Transport dhcp(int type, String mac, String wanted) {
            var bootp = new byte[236];
            bootp[0] = 1;
            bootp[1] = 1;
            bootp[2] = 6;
            System.arraycopy(hex(mac), 0, bootp, 28, 6);
            var out = new ByteArrayOutputStream();
            out.writeBytes(bootp);
            out.writeBytes(hex("63825363" + "3501"));
            out.write(type);
            out.writeBytes(hex("3204"));
            out.writeBytes(address(wanted));
            out.write(255);
            return udp(68, 67, out.toByteArray());
        }

        private byte[] checked(byte[] source, byte[] destination) {
            byte[] body = bytes.clone();
            if (checksumAt >= 0) {
                store16(body, checksumAt, Sums.transport(protocol, source, destination, body));
            }
            return body;
        }
    }

    static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(":", ""));
    }

    static byte[] address(String text) {
        return InetAddress.ofLiteral(text).getAddress();
    }

    private static void put16(ByteArrayOutputStream out, int value) {
        out.write(value >>> 8);
        out.write(value);
    }

    private static void store16(byte[] bytes, int at, int value) {
        bytes[at] = (byte) (value >>> 8);
        bytes[at + 1] = (byte) value;
    }
}
