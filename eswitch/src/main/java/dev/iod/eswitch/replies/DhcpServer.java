package dev.iod.eswitch.replies;

import dev.iod.eswitch.packet.Checksum;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.Field;
import dev.iod.sys.Memory;
import java.util.Arrays;

/**
 * Turns a DHCP request into its reply in place (RFC 2131 §4.3). Stateless: the address is the one
 * the network has for the port, so a request for any other is refused. A client that has an address
 * and asks for the rest (DHCPINFORM) gets the options that are not about a lease, as from a stock
 * chassis. DHCPDECLINE and DHCPRELEASE need no answer, and nothing is kept that they could end. UDP
 * ports and the Ethernet and source addresses are left to the rules that follow.
 */
public final class DhcpServer {
    private static final int FIXED = 240;
    private static final long COOKIE = 0x6382_5363L;

    /** RFC 1542 §2.1: relays may refuse BOOTP messages that are shorter. */
    private static final int MIN_MESSAGE = 300;

    private static final int OPTION_NETMASK = 1;
    private static final int OPTION_REQUESTED = 50;
    private static final int OPTION_LEASE = 51;
    private static final int OPTION_TYPE = 53;
    private static final int OPTION_SERVER = 54;
    private static final int OPTION_T1 = 58;
    private static final int OPTION_T2 = 59;
    private static final int DISCOVER = 1;
    private static final int OFFER = 2;
    private static final int REQUEST = 3;
    private static final int ACK = 5;
    private static final int NAK = 6;
    private static final int INFORM = 8;
    private static final long BROADCAST = 0xffff_ffffL;

    private DhcpServer() {}

    /** What the client said. */
    private record Request(int type, long requested, long server) {}

    /** Returns whether the packet was a request and now is the reply. */
    public static boolean reply(Packet p, int offeredAddress, byte[] options) {
        int message = p.l4 + 8;
        if (p.transport != Transport.UDP
                || p.ipVersion != 4
                || p.fragment != 0
                || p.length < message + FIXED
                || p.u8(message) != 1
                || p.u16(message + 1) != 0x0106
                || p.u32(message + 236) != COOKIE) {
            return false;
        }
        Request request = read(p, message + FIXED, p.l4 + p.u16(p.l4 + 4));
        long offered = offeredAddress & 0xffff_ffffL;
        long server = serverIdentifier(options);
        long claimed = request.requested() != 0 ? request.requested() : p.u32(message + 12);
        int type;
        switch (request.type()) {
            case DISCOVER -> type = OFFER;
            case REQUEST -> {
                if (request.server() != 0 && server != 0 && request.server() != server) {
                    return false;
                }
                type = claimed == offered ? ACK : NAK;
            }
            case INFORM -> {
                write(p, message, ACK, 0, withoutLease(options));
                return true;
            }
            default -> {
                return false;
            }
        }
        write(p, message, type, offered, options);
        return true;
    }

    private static Request read(Packet p, int from, int end) {
        int type = 0;
        long requested = 0;
        long server = 0;
        int at = from;
        int limit = Math.min(end, p.length);
        while (at < limit && p.u8(at) != 255) {
            int code = p.u8(at);
            if (code == 0) {
                at++;
                continue;
            }
            int length = at + 1 < limit ? p.u8(at + 1) : 0;
            if (at + 2 + length > limit) {
                break;
            }
            if (code == OPTION_TYPE && length == 1) {
                type = p.u8(at + 2);
            } else if (code == OPTION_REQUESTED && length == 4) {
                requested = p.u32(at + 2);
            } else if (code == OPTION_SERVER && length == 4) {
                server = p.u32(at + 2);
            }
            at += 2 + length;
        }
        return new Request(type, requested, server);
    }

    /** What RFC 2131 §4.3.5 lets an answer to DHCPINFORM say, as ovn-controller reads it. */
    private static byte[] withoutLease(byte[] options) {
        byte[] kept = new byte[options.length];
        int size = 0;
        int at = 0;
        while (at + 1 < options.length) {
            int end = Math.min(options.length, at + 2 + (options[at + 1] & 0xff));
            switch (options[at] & 0xff) {
                case OPTION_NETMASK, OPTION_LEASE, OPTION_T1, OPTION_T2 -> {}
                default -> {
                    System.arraycopy(options, at, kept, size, end - at);
                    size += end - at;
                }
            }
            at = end;
        }
        return Arrays.copyOf(kept, size);
    }

    private static long serverIdentifier(byte[] options) {
        int at = 0;
        while (at + 1 < options.length) {
            int code = options[at] & 0xff;
            int length = options[at + 1] & 0xff;
            if (code == OPTION_SERVER && length == 4 && at + 6 <= options.length) {
                long value = 0;
                for (int i = 0; i < 4; i++) {
                    value = value << 8 | options[at + 2 + i] & 0xff;
                }
                return value;
            }
            at += 2 + length;
        }
        return 0;
    }

    private static void write(Packet p, int message, int type, long offered, byte[] options) {
        p.put8(message, 2);
        p.put8(message + 3, 0);
        p.put16(message + 8, 0);
        long client = p.u32(message + 12);
        boolean broadcast = (p.u16(message + 10) & 0x8000) != 0 || type == NAK;
        if (type != ACK) {
            p.put32(message + 12, 0);
        }
        p.put32(message + 16, type == NAK ? 0 : offered);
        // siaddr, then sname and file, which stay empty.
        p.put32(message + 20, 0);
        Memory.fill(p.address + message + 44, 192, 0);
        int at = message + FIXED;
        p.put16(at, OPTION_TYPE << 8 | 1);
        p.put8(at + 2, type);
        at += 3;
        if (type == NAK) {
            // RFC 2131 table 3: a NAK carries the server identifier and nothing about the lease.
            p.put16(at, OPTION_SERVER << 8 | 4);
            p.put32(at + 2, serverIdentifier(options));
            at += 6;
        } else {
            Memory.copyFromArray(options, 0, p.address + at, options.length);
            at += options.length;
        }
        p.put8(at++, 255);
        int end = Math.max(at, message + MIN_MESSAGE);
        Memory.fill(p.address + at, end - at, 0);
        p.length = end;
        long destination = broadcast ? BROADCAST : client != 0 ? client : offered;
        p.put16(p.l4 + 4, end - p.l4);
        p.put16(p.l3 + 2, end - p.l3);
        p.put8(p.l3 + 8, 64);
        p.put32(p.l3 + 16, destination);
        Checksum.writeIp4(p);
        Checksum.writeTransport(p, 6);
        // Headers were rewritten behind HeaderFields' back.
        p.modified |= Field.IP4_DST.bit() | Field.IP_TTL.bit();
    }
}
