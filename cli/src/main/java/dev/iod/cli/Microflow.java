package dev.iod.cli;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * A packet as text: a protocol and fields, in the short form ({@code tcp4 dst=10.0.0.7 dstport=22})
 * or with the names of ovn-sb(5) ({@code ip4.dst == 10.0.0.7 && tcp.dst == 22}), or a frame in hex.
 * What is left out is taken from the port it enters by.
 */
final class Microflow {
    private static final Set<String> KINDS =
            Set.of("icmp4", "icmp6", "tcp4", "tcp6", "udp4", "udp6", "ip4", "ip6", "arp");

    /** Names of ovn-sb(5), what they are called here, and the kind they tell of. */
    private static final Map<String, String> FULL_NAMES =
            Map.ofEntries(
                    Map.entry("eth.src", "dlsrc"),
                    Map.entry("eth.dst", "dldst"),
                    Map.entry("ip4.src", "src"),
                    Map.entry("ip4.dst", "dst"),
                    Map.entry("ip6.src", "src"),
                    Map.entry("ip6.dst", "dst"),
                    Map.entry("arp.spa", "src"),
                    Map.entry("arp.tpa", "dst"),
                    Map.entry("arp.op", "op"),
                    Map.entry("ip.ttl", "ttl"),
                    Map.entry("ip.proto", "proto"),
                    Map.entry("tcp.src", "srcport"),
                    Map.entry("tcp.dst", "dstport"),
                    Map.entry("tcp.flags", "flags"),
                    Map.entry("udp.src", "srcport"),
                    Map.entry("udp.dst", "dstport"),
                    Map.entry("icmp4.type", "type"),
                    Map.entry("icmp4.code", "code"),
                    Map.entry("icmp6.type", "type"),
                    Map.entry("icmp6.code", "code"));

    private static final Set<String> FIELDS =
            Set.of(
                    "dlsrc", "dldst", "src", "dst", "ttl", "proto", "srcport", "dstport", "flags",
                    "type", "code", "op");
    private static final int FIRST_EPHEMERAL = 49_152;
    private static final String BROADCAST = "ff:ff:ff:ff:ff:ff";

    private final String kind;
    private final Map<String, String> fields;
    private final GuestPort from;

    private Microflow(String kind, Map<String, String> fields, GuestPort from) {
        this.kind = kind;
        this.fields = fields;
        this.from = from;
    }

    /**
     * @param nextHop the MAC address a guest would send packets for an address to
     * @throws CliException that says what is wrong with the text
     */
    static byte[] frame(String text, GuestPort from, Function<String, Optional<String>> nextHop) {
        String compact = text.replaceAll("[\\s:]", "");
        if (compact.matches("[0-9a-fA-F]{28,}") && compact.length() % 2 == 0) {
            return HexFormat.of().parseHex(compact);
        }
        return parse(text, from).build(nextHop);
    }

    private static Microflow parse(String text, GuestPort from) {
        String kind = "";
        Map<String, String> fields = new LinkedHashMap<>();
        String even = text.replace("&&", " ").replaceAll("\\s*==?\\s*", "=").strip();
        for (String word : even.split("[\\s,]+")) {
            int equals = word.indexOf('=');
            if (equals < 0) {
                kind = merge(kind, word.toLowerCase(Locale.ROOT), word);
                continue;
            }
            String name = word.substring(0, equals).toLowerCase(Locale.ROOT);
            String field = FULL_NAMES.getOrDefault(name, name);
            if (name.contains(".") && FULL_NAMES.containsKey(name)) {
                kind = merge(kind, name.substring(0, name.indexOf('.')), word);
            }
            if (!FIELDS.contains(field)) {
                throw new CliException(
                        "no field '" + name + "'; there are " + String.join(" ", sorted(FIELDS)));
            }
            fields.put(field, word.substring(equals + 1));
        }
        if (!KINDS.contains(kind)) {
            throw new CliException(
                    "the packet says no protocol ("
                            + String.join(" ", sorted(KINDS))
                            + "), and is no frame in hex: '"
                            + text
                            + "'");
        }
        return new Microflow(kind, fields, from);
    }

    private static List<String> sorted(Set<String> words) {
        return words.stream().sorted().toList();
    }

    /** What is known of the protocol after one more word. */
    private static String merge(String known, String more, String word) {
        if (more.equals("eth") || more.equals("ip")) {
            return known;
        }
        List<String> both = List.of(known, more);
        boolean four = both.contains("ip4");
        boolean six = both.contains("ip6");
        for (String transport : List.of("tcp", "udp")) {
            if (both.contains(transport) && (four || six)) {
                return transport + (four ? "4" : "6");
            }
        }
        boolean specific = KINDS.contains(more) || more.equals("tcp") || more.equals("udp");
        if (!specific) {
            throw new CliException(
                    "no protocol '" + word + "'; there are " + String.join(" ", sorted(KINDS)));
        }
        boolean weaker =
                known.startsWith(more)
                        || (more.equals("ip4") && known.endsWith("4"))
                        || (more.equals("ip6") && known.endsWith("6"));
        boolean stronger =
                known.isEmpty()
                        || (known.equals("ip4") && more.endsWith("4"))
                        || (known.equals("ip6") && more.endsWith("6"));
        if (!weaker && !stronger) {
            throw new CliException("a packet is not " + known + " and " + word + " at once");
        }
        return weaker ? known : more;
    }

    private byte[] build(Function<String, Optional<String>> nextHop) {
        boolean six = kind.endsWith("6");
        String destination = fields.getOrDefault("dst", "");
        if (destination.isEmpty()) {
            throw new CliException("the packet has no destination; add dst=ADDRESS");
        }
        byte[] to = address("dst", destination, six);
        byte[] from4or6 = address("src", fields.getOrDefault("src", ownAddress(six)), six);
        if (kind.equals("arp")) {
            return ethernet(BROADCAST, 0x806, arp(from4or6, to));
        }
        String mac = fields.getOrDefault("dldst", "");
        if (mac.isEmpty()) {
            mac =
                    nextHop.apply(destination)
                            .orElseThrow(
                                    () ->
                                            new CliException(
                                                    "no port of this network has the address "
                                                            + destination
                                                            + " and the network has no router;"
                                                            + " add dldst=MAC"));
        }
        byte[] payload = transport();
        return six
                ? ethernet(mac, 0x86dd, ip6(from4or6, to, payload))
                : ethernet(mac, 0x800, ip4(from4or6, to, payload));
    }

    private String ownAddress(boolean six) {
        return from.addresses().stream()
                .filter(address -> address.contains(":") == six)
                .findFirst()
                .orElseThrow(
                        () ->
                                new CliException(
                                        from.label()
                                                + " has no IPv"
                                                + (six ? 6 : 4)
                                                + " address; add src=ADDRESS"));
    }

    private int protocol() {
        return switch (kind) {
            case "icmp4" -> 1;
            case "icmp6" -> 58;
            case "tcp4", "tcp6" -> 6;
            case "udp4", "udp6" -> 17;
            default -> number("proto", 253, 255); // RFC 3692: for experiments
        };
    }

    private byte[] transport() {
        return switch (kind) {
            case "icmp4", "icmp6" ->
                    ByteBuffer.allocate(16)
                            .put((byte) number("type", kind.equals("icmp4") ? 8 : 128, 255))
                            .put((byte) number("code", 0, 255))
                            .putShort((short) 0)
                            .putInt(1 << 16 | 1)
                            .array();
            case "tcp4", "tcp6" ->
                    ports(20)
                            .putInt(1)
                            .putInt(0)
                            .putShort((short) (5 << 12 | number("flags", 2, 0xfff)))
                            .putShort((short) 0xffff)
                            .array();
            case "udp4", "udp6" -> ports(8).putShort((short) 8).array();
            default -> new byte[8];
        };
    }

    private ByteBuffer ports(int length) {
        int destination = number("dstport", 0, 0xffff);
        if (destination == 0) {
            throw new CliException("the packet has no destination port; add dstport=NUMBER");
        }
        return ByteBuffer.allocate(length)
                .putShort((short) number("srcport", FIRST_EPHEMERAL, 0xffff))
                .putShort((short) destination);
    }

    private byte[] arp(byte[] source, byte[] target) {
        return ByteBuffer.allocate(46)
                .putLong(0x0001_0800_0604_0000L | number("op", 1, 2))
                .put(mac("dlsrc", fields.getOrDefault("dlsrc", from.mac())))
                .put(source)
                .put(new byte[6])
                .put(target)
                .array();
    }

    private byte[] ip4(byte[] source, byte[] target, byte[] payload) {
        ByteBuffer ip = ByteBuffer.allocate(20 + payload.length);
        ip.putShort((short) 0x4500).putShort((short) ip.capacity()).putInt(0x4000);
        ip.put((byte) number("ttl", 64, 255)).put((byte) protocol()).putShort((short) 0);
        ip.put(source).put(target).put(payload);
        int sum = 0;
        for (int i = 0; i < 20; i += 2) {
            sum += ip.getShort(i) & 0xffff;
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        ip.putShort(10, (short) ~((sum & 0xffff) + (sum >>> 16)));
        return ip.array();
    }

    private byte[] ip6(byte[] source, byte[] target, byte[] payload) {
        return ByteBuffer.allocate(40 + payload.length)
                .putInt(0x6000_0000)
                .putShort((short) payload.length)
                .put((byte) protocol())
                .put((byte) number("ttl", 64, 255))
                .put(source)
                .put(target)
                .put(payload)
                .array();
    }

    private byte[] ethernet(String to, int type, byte[] payload) {
        return ByteBuffer.allocate(14 + payload.length)
                .put(mac("dldst", fields.getOrDefault("dldst", to)))
                .put(mac("dlsrc", fields.getOrDefault("dlsrc", from.mac())))
                .putShort((short) type)
                .put(payload)
                .array();
    }

    private int number(String field, int otherwise, int most) {
        String text = fields.getOrDefault(field, Integer.toString(otherwise));
        try {
            int value = Integer.decode(text);
            if (value >= 0 && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw new CliException(field + " is a number, not '" + text + "'", e);
        }
        throw new CliException(field + " is 0 to " + most + ", not " + text);
    }

    private static byte[] mac(String field, String text) {
        if (!text.matches("([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")) {
            throw new CliException(
                    field + " is a MAC address like fa:16:3e:00:00:01, not '" + text + "'");
        }
        return HexFormat.of().parseHex(text.replace(":", ""));
    }

    private static byte[] address(String field, String text, boolean six) {
        try {
            byte[] bytes = InetAddress.ofLiteral(text).getAddress();
            if (bytes.length == (six ? 16 : 4)) {
                return bytes;
            }
        } catch (IllegalArgumentException e) {
            throw new CliException(field + " is an address, not '" + text + "'", e);
        }
        throw new CliException(field + "=" + text + " is no IPv" + (six ? 6 : 4) + " address");
    }
}
