package dev.iod.network;

import java.util.Map;
import java.util.Optional;

/**
 * An IP protocol of a security group rule.
 *
 * @param name for TCP, UDP and SCTP OVN's name of the protocol
 * @param number 0 to 255 (IANA's registry of assigned internet protocol numbers)
 */
public record IpProtocol(String name, int number) {
    public static final int ICMP = 1;
    public static final int TCP = 6;
    public static final int UDP = 17;
    public static final int ICMPV6 = 58;
    public static final int SCTP = 132;

    /** The names Neutron takes. */
    private static final Map<String, Integer> NUMBERS =
            Map.ofEntries(
                    Map.entry("ah", 51),
                    Map.entry("dccp", 33),
                    Map.entry("egp", 8),
                    Map.entry("esp", 50),
                    Map.entry("gre", 47),
                    Map.entry("icmp", ICMP),
                    Map.entry("icmpv6", ICMPV6),
                    Map.entry("igmp", 2),
                    Map.entry("ipip", 4),
                    Map.entry("ipv6-encap", 41),
                    Map.entry("ipv6-frag", 44),
                    Map.entry("ipv6-icmp", ICMPV6),
                    Map.entry("ipv6-nonxt", 59),
                    Map.entry("ipv6-opts", 60),
                    Map.entry("ipv6-route", 43),
                    Map.entry("ospf", 89),
                    Map.entry("pgm", 113),
                    Map.entry("rsvp", 46),
                    Map.entry("sctp", SCTP),
                    Map.entry("tcp", TCP),
                    Map.entry("udp", UDP),
                    Map.entry("udplite", 136),
                    Map.entry("vrrp", 112));

    /** A protocol by Neutron's name or by number; empty for anything else. */
    public static Optional<IpProtocol> parse(String text) {
        Integer named = NUMBERS.get(text);
        if (named != null) {
            return Optional.of(byNumber(named));
        }
        return text.matches("\\d{1,3}") && Integer.parseInt(text) <= 255
                ? Optional.of(byNumber(Integer.parseInt(text)))
                : Optional.empty();
    }

    /** For text that was checked before it was stored. */
    public static IpProtocol of(String text) {
        return parse(text)
                .orElseThrow(() -> new IllegalArgumentException("not an IP protocol: " + text));
    }

    public boolean hasPorts() {
        return number == TCP || number == UDP || number == SCTP;
    }

    public boolean isIcmp() {
        return number == ICMP || number == ICMPV6;
    }

    private static IpProtocol byNumber(int number) {
        return new IpProtocol(
                switch (number) {
                    case TCP -> "tcp";
                    case UDP -> "udp";
                    case SCTP -> "sctp";
                    default -> Integer.toString(number);
                },
                number);
    }
}
