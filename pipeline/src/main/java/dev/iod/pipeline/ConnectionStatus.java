package dev.iod.pipeline;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * One row of the connection table.
 *
 * @param protocol IP protocol number
 * @param original of the packets of who began the connection
 * @param reply of those that answer them: the other way round, unless addresses are translated
 * @param state of TCP, that of the side that is further; empty for other protocols
 * @param replied whether packets were seen both ways
 * @param leftMillis until the connection is forgotten
 */
public record ConnectionStatus(
        int zone,
        int protocol,
        boolean ip6,
        Tuple original,
        Tuple reply,
        String state,
        boolean replied,
        long leftMillis,
        int mark,
        Bits label) {
    /**
     * What the packets of one direction are known by.
     *
     * @param source address (IPv4 in the low 32 bits)
     * @param sourcePort TCP, UDP, SCTP: a port; ICMP: the identifier; else 0
     * @param destinationPort the same
     * @param icmpType what they are; -1 for other protocols
     */
    public record Tuple(
            Bits source, Bits destination, int sourcePort, int destinationPort, int icmpType) {}

    /** The form of {@code ovs-appctl dpctl/dump-conntrack}. */
    public String text() {
        StringBuilder text = new StringBuilder(protocolName());
        text.append(",orig=(").append(text(original)).append("),reply=(").append(text(reply));
        text.append("),zone=").append(zone);
        if (mark != 0) {
            text.append(",mark=").append(Integer.toUnsignedString(mark));
        }
        if (!label.equals(Bits.ZERO)) {
            String high = label.high() == 0 ? "" : Long.toHexString(label.high());
            String low =
                    high.isEmpty() ? Long.toHexString(label.low()) : "%016x".formatted(label.low());
            text.append(",labels=0x").append(high).append(low);
        }
        if (!state.isEmpty()) {
            text.append(",protoinfo=(state=").append(state).append(')');
        }
        return text.toString();
    }

    /** "tcp", or the protocol's number. */
    public String protocolName() {
        return switch (protocol) {
            case IpProtocol.TCP -> "tcp";
            case IpProtocol.UDP -> "udp";
            case IpProtocol.SCTP -> "sctp";
            case IpProtocol.ICMP4 -> "icmp";
            case IpProtocol.ICMP6 -> "icmpv6";
            default -> Integer.toString(protocol);
        };
    }

    private String text(Tuple tuple) {
        String ends = "src=" + address(tuple.source) + ",dst=" + address(tuple.destination);
        if (tuple.icmpType >= 0) {
            return ends + ",id=" + tuple.sourcePort + ",type=" + tuple.icmpType + ",code=0";
        }
        return switch (protocol) {
            case IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP ->
                    ends + ",sport=" + tuple.sourcePort + ",dport=" + tuple.destinationPort;
            default -> ends;
        };
    }

    private String address(Bits bits) {
        return ip6 ? text6(bits) : text4((int) bits.low());
    }

    private static String text4(int address) {
        return (address >>> 24)
                + "."
                + (address >>> 16 & 255)
                + "."
                + (address >>> 8 & 255)
                + "."
                + (address & 255);
    }

    /** The longest run of zero groups is written "::" (RFC 5952 §4.2). */
    private static String text6(Bits bits) {
        int best = 0;
        int bestLength = 1;
        for (int start = 0; start < 8; start++) {
            int end = start;
            while (end < 8 && group(bits, end) == 0) {
                end++;
            }
            if (end - start > bestLength) {
                best = start;
                bestLength = end - start;
            }
        }
        if (bestLength == 1) {
            return groups(bits, 0, 8);
        }
        return groups(bits, 0, best) + "::" + groups(bits, best + bestLength, 8);
    }

    private static String groups(Bits bits, int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(i -> Integer.toHexString(group(bits, i)))
                .collect(Collectors.joining(":"));
    }

    private static int group(Bits bits, int index) {
        return (int) ((index < 4 ? bits.high() : bits.low()) >>> 48 - 16 * (index & 3)) & 0xffff;
    }
}
