package dev.iod.eswitch.rules;

import dev.iod.eswitch.packet.Looks;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.PortSecurity.Allowed;
import dev.iod.pipeline.Field;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a port may send and receive, as the port_security column of ovn-nb(5) says: addresses in the
 * headers and, for ARP and neighbour discovery, also those inside the message.
 */
public final class PortSecurityCheck {
    private static final long MULTICAST_BIT = 1L << 40;
    private static final int SOLICITATION = 135;
    private static final int ADVERTISEMENT = 136;

    private PortSecurityCheck() {}

    /** Whether a packet the port sends is forged. */
    public static boolean violatesIn(Packet p, Entity.@Nullable LogicalPort port, Looks looks) {
        if (port == null || port.security().isEmpty()) {
            return false;
        }
        List<Allowed> allowed = port.security().get().allowed();
        lookIn(p, allowed, looks);
        return violatesIn(p, allowed);
    }

    private static void lookIn(Packet p, List<Allowed> allowed, Looks looks) {
        looks.look(p, Field.ETH_SRC);
        boolean nameless;
        if (p.ipVersion == 4) {
            long mask = mask4(allowed);
            looks.look(p, Field.IP4_SRC, 0, mask);
            nameless = mask != 0 && (p.low(Field.IP4_SRC) & mask) == 0;
        } else {
            nameless = hasAddress6(allowed);
            looks.look(p, Field.IP6_SRC, nameless ? -1 : 0, nameless ? -1 : 0);
            nameless &= p.high(Field.IP6_SRC) == 0 && p.low(Field.IP6_SRC) == 0;
        }
        if (nameless) { // Who has no address yet is judged by what it asks for.
            looks.look(p, Field.IP4_SRC);
            looks.look(p, Field.IP4_DST);
            looks.look(p, Field.IP6_DST);
            looks.look(p, Field.ICMP_TYPE);
            looks.look(p, Field.L4_SRC);
            looks.look(p, Field.L4_DST);
        }
    }

    private static boolean hasAddress6(List<Allowed> allowed) {
        for (Allowed each : allowed) {
            if (!each.ip6().isEmpty()) {
                return true;
            }
        }
        return false;
    }

    /** All bits of an IPv4 address some member is compared with. */
    private static long mask4(List<Allowed> allowed) {
        long mask = 0;
        for (Allowed each : allowed) {
            for (Masked member : each.ip4()) {
                boolean prefix = member.value().and(member.mask()).equals(member.value());
                mask |= prefix ? member.mask().low() : 0xffff_ffffL;
            }
        }
        return mask;
    }

    private static boolean violatesIn(Packet p, List<Allowed> all) {
        long source = p.low(Field.ETH_SRC);
        for (Allowed allowed : all) {
            if (allowed.mac() == source && maySend(p, allowed)) {
                return false;
            }
        }
        return true;
    }

    private static boolean maySend(Packet p, Allowed allowed) {
        boolean any = allowed.ip4().isEmpty() && allowed.ip6().isEmpty();
        if (p.arp) {
            return p.low(Field.ARP_SHA) == allowed.mac()
                    && (any || contains(allowed.ip4(), 0, p.low(Field.ARP_SPA), 32));
        }
        return switch (p.ipVersion) {
            case 4 ->
                    any
                            || contains(allowed.ip4(), 0, p.low(Field.IP4_SRC), 32)
                            || (!allowed.ip4().isEmpty() && isDhcpDiscovery(p));
            case 6 -> maySend6(p, allowed, any);
            default -> any;
        };
    }

    /** A client without an address asks from 0.0.0.0 (RFC 2131 §4.1). */
    private static boolean isDhcpDiscovery(Packet p) {
        return p.transport == Transport.UDP
                && p.low(Field.IP4_SRC) == 0
                && p.low(Field.IP4_DST) == 0xffff_ffffL
                && p.low(Field.L4_SRC) == 68
                && p.low(Field.L4_DST) == 67;
    }

    private static boolean maySend6(Packet p, Allowed allowed, boolean any) {
        long high = p.high(Field.IP6_SRC);
        long low = p.low(Field.IP6_SRC);
        boolean source =
                any
                        || (!allowed.ip6().isEmpty()
                                && (isAllowed6(allowed, high, low)
                                        || (high == 0 && low == 0 && isAutoconfiguration(p))));
        if (!source || !p.neighborDiscovery) {
            return source;
        }
        long mac = allowed.mac();
        if (p.low(Field.ICMP_TYPE) == SOLICITATION) {
            return isNoneOr(mac, p.low(Field.ND_SLL));
        }
        return p.low(Field.ICMP_TYPE) == ADVERTISEMENT
                && isNoneOr(mac, p.low(Field.ND_TLL))
                && (any || isAllowed6(allowed, p.high(Field.ND_TARGET), p.low(Field.ND_TARGET)));
    }

    private static boolean isNoneOr(long mac, long inMessage) {
        return inMessage == 0 || inMessage == mac;
    }

    /** From "::": duplicate address detection (RFC 4862 §5.4.2) and multicast listener reports. */
    private static boolean isAutoconfiguration(Packet p) {
        long type = p.low(Field.ICMP_TYPE);
        return p.high(Field.IP6_DST) >>> 48 == 0xff02
                && p.transport == Transport.ICMP6
                && (type == 131 || type == SOLICITATION || type == 143);
    }

    private static boolean isAllowed6(Allowed allowed, long high, long low) {
        return (high == 0xfe80_0000_0000_0000L && low == interfaceId(allowed.mac()))
                || contains(allowed.ip6(), high, low, 128);
    }

    /** The modified EUI-64 of a MAC (RFC 4291 appendix A). */
    static long interfaceId(long mac) {
        return (mac >>> 24 ^ 0x2_0000L) << 40 | 0xfffe00_0000L | mac & 0xff_ffff;
    }

    /** Whether a packet for the port is not addressed to it. */
    public static boolean violatesOut(Packet p, Entity.@Nullable LogicalPort port, Looks looks) {
        if (port == null || port.security().isEmpty()) {
            return false;
        }
        List<Allowed> all = port.security().get().allowed();
        lookOut(p, all, looks);
        long destination = p.low(Field.ETH_DST);
        if ((destination & MULTICAST_BIT) != 0) {
            return false;
        }
        for (Allowed allowed : all) {
            if (allowed.mac() == destination && mayReceive(p, allowed)) {
                return false;
            }
        }
        return true;
    }

    private static void lookOut(Packet p, List<Allowed> allowed, Looks looks) {
        looks.look(p, Field.ETH_DST);
        if (hasAddress6(allowed)) {
            looks.look(p, Field.IP6_DST);
        }
        long mask = mask4(allowed);
        if (mask != 0) {
            // From 224.0.0.0 up, multicast and broadcast are told from the rest by all bits.
            boolean special = p.low(Field.IP4_DST) >= 0xe000_0000L;
            looks.look(p, Field.IP4_DST, 0, special ? 0xffff_ffffL : mask | 0xf000_0000L);
        }
    }

    private static boolean mayReceive(Packet p, Allowed allowed) {
        if (allowed.ip4().isEmpty() && allowed.ip6().isEmpty()) {
            return true;
        }
        return switch (p.ipVersion) {
            case 4 -> !allowed.ip4().isEmpty() && mayReceive4(p.low(Field.IP4_DST), allowed);
            case 6 -> {
                long high = p.high(Field.IP6_DST);
                yield !allowed.ip6().isEmpty()
                        && (high >>> 56 == 0xff || isAllowed6(allowed, high, p.low(Field.IP6_DST)));
            }
            default -> true;
        };
    }

    private static boolean mayReceive4(long destination, Allowed allowed) {
        if (destination == 0xffff_ffffL || destination >>> 28 == 0xe) {
            return true;
        }
        for (Masked member : allowed.ip4()) {
            long mask = member.mask().low() & 0xffff_ffffL;
            long broadcast = member.value().low() & mask | ~mask & 0xffff_ffffL;
            if (mask != 0xffff_ffffL && destination == broadcast) {
                return true;
            }
        }
        return contains(allowed.ip4(), 0, destination, 32);
    }

    /**
     * "A.B.C.D/P" with bits beyond the prefix means the one address on that network (ovn-nb(5)).
     */
    private static boolean contains(List<Masked> members, long high, long low, int width) {
        Bits ones = Bits.ones(width);
        for (Masked member : members) {
            Bits value = member.value();
            Bits mask = member.mask();
            if (!value.and(mask).equals(value)) {
                mask = ones;
            }
            if ((high & mask.high()) == value.high() && (low & mask.low()) == value.low()) {
                return true;
            }
        }
        return false;
    }
}
