package dev.iod.ovn;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** The headers of a frame by OVN's names of fields; absent ones are left out. */
final class Headers {
    private static final int IP4 = 0x800;
    private static final int ARP = 0x806;
    private static final int IP6 = 0x86dd;

    private final TreeMap<String, BigInteger> fields = new TreeMap<>();

    Headers() {}

    Headers(Headers other) {
        fields.putAll(other.fields);
    }

    /** Reads untagged Ethernet. */
    static Headers of(byte[] frame) {
        var headers = new Headers();
        headers.put("eth.dst", frame, 0, 6);
        headers.put("eth.src", frame, 6, 6);
        headers.put("eth.type", frame, 12, 2);
        switch (headers.number("eth.type")) {
            case ARP -> headers.arp(frame);
            case IP4 -> headers.ip4(frame);
            case IP6 -> headers.ip6(frame);
            default -> {}
        }
        return headers;
    }

    private void arp(byte[] frame) {
        put("arp.op", frame, 20, 2);
        put("arp.sha", frame, 22, 6);
        put("arp.spa", frame, 28, 4);
        put("arp.tha", frame, 32, 6);
        put("arp.tpa", frame, 38, 4);
    }

    private void ip4(byte[] frame) {
        put("ip.ttl", frame, 22, 1);
        put("ip.proto", frame, 23, 1);
        put("ip4.src", frame, 26, 4);
        put("ip4.dst", frame, 30, 4);
        int length = number(frame, 16, 2).intValueExact();
        int header = (frame[14] & 15) * 4;
        sum("ip", Sums.of(Arrays.copyOfRange(frame, 14, 14 + header)));
        transport(
                Arrays.copyOfRange(frame, 26, 30),
                Arrays.copyOfRange(frame, 30, 34),
                Arrays.copyOfRange(frame, 14 + header, 14 + length));
    }

    private void ip6(byte[] frame) {
        put("ip.proto", frame, 20, 1);
        put("ip.ttl", frame, 21, 1);
        put("ip6.src", frame, 22, 16);
        put("ip6.dst", frame, 38, 16);
        int length = number(frame, 18, 2).intValueExact();
        transport(
                Arrays.copyOfRange(frame, 22, 38),
                Arrays.copyOfRange(frame, 38, 54),
                Arrays.copyOfRange(frame, 54, 54 + length));
    }

    private void transport(byte[] source, byte[] destination, byte[] body) {
        int protocol = number("ip.proto");
        switch (protocol) {
            case Flow.TCP -> {
                ports("tcp", body);
                put("tcp.flags", body, 13, 1);
            }
            case Flow.UDP -> {
                ports("udp", body);
                if (number("udp.src") == 67) {
                    put("dhcp.op", body, 8, 1);
                    put("dhcp.yiaddr", body, 8 + 16, 4);
                }
            }
            case Flow.SCTP -> {
                ports("sctp", body);
                put("sctp.chunk", body, 12, 1);
                return;
            }
            case Flow.ICMP4 -> icmp("icmp4", body);
            case Flow.ICMP6 -> {
                icmp("icmp6", body);
                neighbor(body);
            }
            default -> {
                return;
            }
        }
        sum("transport", Sums.transport(protocol, source, destination, body));
    }

    private void ports(String protocol, byte[] body) {
        put(protocol + ".src", body, 0, 2);
        put(protocol + ".dst", body, 2, 2);
    }

    private void icmp(String protocol, byte[] body) {
        put(protocol + ".type", body, 0, 1);
        put(protocol + ".code", body, 1, 1);
        if (protocol.equals("icmp4") && number("icmp4.type") == 3 && number("icmp4.code") == 4) {
            put("icmp4.frag_mtu", body, 6, 2);
        } else if (protocol.equals("icmp6") && number("icmp6.type") == 2) {
            put("icmp6.frag_mtu", body, 4, 4);
        }
    }

    private void neighbor(byte[] body) {
        int type = number("icmp6.type");
        if (type == 135 || type == 136) {
            put("nd.target", body, 8, 16);
            put(type == 135 ? "nd.sll" : "nd.tll", body, 26, 6);
        }
    }

    /** A wrong checksum shows as a field that no expectation has. */
    private void sum(String what, int rest) {
        if (rest != 0) {
            put(what + ".badsum", BigInteger.ONE);
        }
    }

    private void put(String name, byte[] bytes, int at, int length) {
        put(name, number(bytes, at, length));
    }

    private static BigInteger number(byte[] bytes, int at, int length) {
        return new BigInteger(1, Arrays.copyOfRange(bytes, at, at + length));
    }

    boolean has(String name) {
        return fields.containsKey(name);
    }

    BigInteger value(String name) {
        return fields.getOrDefault(name, BigInteger.ZERO);
    }

    int number(String name) {
        return value(name).intValue();
    }

    void put(String name, BigInteger value) {
        fields.put(name, value);
    }

    void put(String name, long value) {
        put(name, BigInteger.valueOf(value));
    }

    void drop(String prefix) {
        fields.keySet().removeIf(name -> name.startsWith(prefix));
    }

    void swap(String a, String b) {
        BigInteger before = value(a);
        put(a, value(b));
        put(b, before);
    }

    Map<String, BigInteger> fields() {
        return fields;
    }

    @Override
    public String toString() {
        var text = new StringBuilder();
        fields.forEach(
                (name, value) ->
                        text.append(' ').append(name).append('=').append(value.toString(16)));
        return text.toString();
    }
}
