package dev.iod.ovn;

import java.math.BigInteger;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Headers and registers of a packet on its way through a trace, and what printed actions do to
 * them, as ovn-sb(5) (Logical_Flow, "actions") has it.
 */
final class Microflow {
    private static final Pattern PART =
            Pattern.compile("([a-z0-9_.]+)(?:\\[(\\d+)(?:\\.\\.(\\d+))?])?");
    private static final Pattern NEIGHBOR =
            Pattern.compile("/\\* MAC binding to ([0-9a-f:]+)\\. \\*/");
    private static final Pattern OFFER =
            Pattern.compile(".*put_dhcp_opts\\(.*offerip = ([0-9.]+).*");
    private static final Pattern REGISTER = Pattern.compile("(x{0,2})reg(\\d)");
    private static final BigInteger ALL_ONES_WORD =
            BigInteger.ONE.shiftLeft(32).subtract(BigInteger.ONE);

    private final Headers headers;
    private final Map<Integer, BigInteger> registers = new TreeMap<>();

    /** Whether it still carries what conntrack said. */
    boolean tracked;

    Microflow(Headers headers) {
        this.headers = headers;
    }

    Headers headers() {
        return headers;
    }

    Microflow copy() {
        var copy = new Microflow(new Headers(headers));
        copy.registers.putAll(registers);
        copy.tracked = tracked;
        return copy;
    }

    /** One printed action; what changes neither headers nor registers is passed over. */
    void execute(String action) {
        Matcher neighbor = NEIGHBOR.matcher(action);
        Matcher offer = OFFER.matcher(action);
        if (neighbor.matches()) {
            write("eth.dst", constant(neighbor.group(1)));
        } else if (action.equals("/* No MAC binding. */")) {
            write("eth.dst", BigInteger.ZERO);
        } else if (offer.matches()) {
            headers.put("dhcp.op", 2);
            headers.put("dhcp.yiaddr", constant(offer.group(1)));
            // RFC 2131 §4.1: no broadcast flag, so the reply is for the new address.
            headers.put("ip4.dst", constant(offer.group(1)));
        } else if (action.contains("{")) {
            // A nested list: what it does follows as a block.
            return;
        } else if (action.equals("ct_clear")) {
            tracked = false;
        } else if (action.equals("ip.ttl--")) {
            headers.put("ip.ttl", headers.number("ip.ttl") - 1);
        } else if (action.contains(" <-> ")) {
            String[] sides = action.split(" <-> ", -1);
            if (isNumber(sides[0])) {
                BigInteger first = read(sides[0]);
                write(sides[0], read(sides[1]));
                write(sides[1], first);
            }
        } else if (action.contains(" = ") && !action.contains("(")) {
            String[] sides = action.split(" = ", -1);
            if (isNumber(sides[0])) {
                write(sides[0], read(sides[1]));
            }
        }
    }

    /** Port names and what only the chassis sees are left to ovn-trace. */
    private static boolean isNumber(String field) {
        return !field.startsWith("flags")
                && !field.startsWith("ct_")
                && !field.startsWith("pkt.")
                && !field.endsWith("port");
    }

    private BigInteger read(String text) {
        Matcher part = PART.matcher(text);
        boolean field =
                Character.isLetter(text.charAt(0)) && text.indexOf(':') < 0 && part.matches();
        if (!field) {
            return constant(text);
        }
        BigInteger whole = whole(part.group(1));
        if (part.group(2) == null) {
            return whole;
        }
        int low = Integer.parseInt(part.group(2));
        return whole.shiftRight(low).and(ones(high(part, low) - low + 1));
    }

    private static int high(Matcher part, int low) {
        return part.group(3) == null ? low : Integer.parseInt(part.group(3));
    }

    private static BigInteger ones(int bits) {
        return BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE);
    }

    private static int words(String prefix) {
        return switch (prefix) {
            case "" -> 1;
            case "x" -> 2;
            default -> 4;
        };
    }

    /** xreg and xxreg overlay reg, the first of them most significant. */
    private BigInteger whole(String name) {
        Matcher register = REGISTER.matcher(name);
        if (!register.matches()) {
            return headers.value(name);
        }
        int words = words(register.group(1));
        BigInteger value = BigInteger.ZERO;
        for (int i = 0; i < words; i++) {
            int number = Integer.parseInt(register.group(2)) * words + i;
            value = value.shiftLeft(32).or(registers.getOrDefault(number, BigInteger.ZERO));
        }
        return value;
    }

    private void write(String text, BigInteger value) {
        Matcher part = PART.matcher(text);
        if (!part.matches()) {
            throw new IllegalStateException("no field: " + text);
        }
        BigInteger whole = value;
        if (part.group(2) != null) {
            int low = Integer.parseInt(part.group(2));
            BigInteger mask = ones(high(part, low) - low + 1).shiftLeft(low);
            whole = whole(part.group(1)).andNot(mask).or(value.shiftLeft(low).and(mask));
        }
        Matcher register = REGISTER.matcher(part.group(1));
        if (!register.matches()) {
            headers.put(part.group(1), whole);
            return;
        }
        int words = words(register.group(1));
        for (int i = words - 1; i >= 0; i--) {
            int number = Integer.parseInt(register.group(2)) * words + i;
            registers.put(number, whole.and(ALL_ONES_WORD));
            whole = whole.shiftRight(32);
        }
    }

    static BigInteger constant(String text) {
        int colons = text.length() - text.replace(":", "").length();
        if (colons == 5 && !text.contains("::")) {
            return new BigInteger(text.replace(":", ""), 16);
        }
        if (colons > 0 || text.contains(".")) {
            return new BigInteger(1, Flow.address(text));
        }
        return text.startsWith("0x") ? new BigInteger(text.substring(2), 16) : new BigInteger(text);
    }

    /**
     * Whether no answer of this kind may be made, though ovn-trace makes one: no reset answers a
     * reset (RFC 9293 §3.10.7.1), no error or abort is about a group's packet (RFC 1122 §3.2.2, RFC
     * 4443 §2.4, RFC 9260 §8.4).
     */
    boolean unanswerable(String block) {
        return switch (block) {
            case "tcp_reset" -> (headers.number("tcp.flags") & 4) != 0;
            case "icmp4", "icmp6" -> headers.value("eth.dst").testBit(40);
            case "sctp_abort" -> headers.value("eth.dst").testBit(40);
            default -> false;
        };
    }

    /**
     * The packet that the actions of a block work on.
     *
     * @param rejected whether "reject" made it, which turns it round
     */
    Microflow transformed(String block, boolean rejected) {
        Microflow made = copy();
        switch (block) {
            case "arp" -> made.arp();
            case "nd_ns" -> made.solicitation();
            case "nd_na" -> made.advertisement();
            case "icmp4" -> made.icmp("icmp4", Flow.ICMP4, rejected ? 3 : 1, rejected);
            case "icmp6" -> made.icmp("icmp6", Flow.ICMP6, rejected ? 4 : 1, rejected);
            case "tcp_reset" -> made.reset(rejected);
            case "sctp_abort" -> made.abort(rejected);
            default -> {}
        }
        return made;
    }

    private void turn(boolean round) {
        if (round) {
            headers.swap("eth.src", "eth.dst");
            String version = headers.has("ip4.src") ? "ip4" : "ip6";
            headers.swap(version + ".src", version + ".dst");
        }
    }

    private void arp() {
        BigInteger source = headers.value("ip4.src");
        BigInteger destination = headers.value("ip4.dst");
        bare(0x806);
        headers.put("arp.op", 1);
        headers.put("arp.sha", headers.value("eth.src"));
        headers.put("arp.spa", source);
        headers.put("arp.tha", 0);
        headers.put("arp.tpa", destination);
    }

    /** Only the Ethernet header stays. */
    private void bare(int type) {
        for (String prefix : new String[] {"ip", "tcp", "udp", "sctp", "icmp", "nd", "dhcp"}) {
            headers.drop(prefix);
        }
        headers.put("eth.type", type);
    }

    private void solicitation() {
        BigInteger source = headers.value("ip6.src");
        BigInteger target = headers.value("ip6.dst");
        BigInteger last = target.and(ones(24));
        bare(0x86dd);
        headers.put("eth.dst", constant("33:33:ff:00:00:00").or(last));
        neighbor(source, constant("ff02::1:ff00:0").or(last), 135, target);
        headers.put("nd.sll", headers.value("eth.src"));
    }

    private void advertisement() {
        BigInteger asked = headers.value("nd.target");
        BigInteger asker = headers.value("ip6.src");
        bare(0x86dd);
        headers.swap("eth.src", "eth.dst");
        neighbor(asked, asker, 136, asked);
        headers.put("nd.tll", headers.value("eth.src"));
    }

    private void neighbor(BigInteger source, BigInteger destination, int type, BigInteger target) {
        headers.put("ip6.src", source);
        headers.put("ip6.dst", destination);
        headers.put("ip.proto", Flow.ICMP6);
        headers.put("ip.ttl", 255);
        headers.put("icmp6.type", type);
        headers.put("icmp6.code", 0);
        headers.put("nd.target", target);
    }

    private void transport(String name, int protocol) {
        for (String prefix : new String[] {"tcp", "udp", "sctp", "icmp", "nd", "dhcp"}) {
            if (!prefix.equals(name)) {
                headers.drop(prefix);
            }
        }
        headers.put("ip.proto", protocol);
        headers.put("ip.ttl", 255);
    }

    private void icmp(String name, int protocol, int code, boolean round) {
        turn(round);
        transport("", protocol);
        headers.put(name + ".type", name.equals("icmp4") ? 3 : 1);
        headers.put(name + ".code", code);
    }

    /** RFC 9293 §3.10.7.1: an acknowledged segment is answered without ACK. */
    private void reset(boolean round) {
        turn(round);
        transport("tcp", Flow.TCP);
        headers.swap("tcp.src", "tcp.dst");
        headers.put("tcp.flags", (headers.number("tcp.flags") & 16) != 0 ? 4 : 20);
    }

    private void abort(boolean round) {
        turn(round);
        transport("sctp", Flow.SCTP);
        headers.swap("sctp.src", "sctp.dst");
        headers.put("sctp.chunk", 6);
    }
}
