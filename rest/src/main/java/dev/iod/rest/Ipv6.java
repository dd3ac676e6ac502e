package dev.iod.rest;

import java.net.Inet6Address;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** IPv6 addresses as text. */
public final class Ipv6 {
    private static final int BYTES = 16;

    /** Java reads zones and brackets too, which are no part of an address. */
    private static final Pattern ALLOWED = Pattern.compile("(?=.*:)[0-9a-fA-F:]+([0-9.]+)?");

    private Ipv6() {}

    /** The 16 bytes of an address; empty when the text is none, or has a zone. */
    public static Optional<byte[]> parse(String text) {
        if (!ALLOWED.matcher(text).matches()) {
            return Optional.empty();
        }
        boolean mixed = text.indexOf('.') >= 0;
        if (mixed && Ipv4.parse(text.substring(text.lastIndexOf(':') + 1)).isEmpty()) {
            return Optional.empty();
        }
        try {
            byte[] bytes = Inet6Address.ofLiteral(text).getAddress();
            return Optional.of(bytes.length == BYTES ? bytes : mapped(bytes));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** Java takes ::ffff:0:0/96 for the IPv4 address in it. */
    private static byte[] mapped(byte[] ipv4) {
        byte[] bytes = new byte[BYTES];
        bytes[10] = (byte) 0xff;
        bytes[11] = (byte) 0xff;
        System.arraycopy(ipv4, 0, bytes, 12, ipv4.length);
        return bytes;
    }

    /** An address in the form of RFC 5952; empty when the text is none, or has a zone. */
    public static Optional<String> normalize(String text) {
        return parse(text).map(Ipv6::text);
    }

    /**
     * The form of RFC 5952: no leading zeros, the longest run of zero groups shortened, the last
     * four bytes of ::ffff:0:0/96 as IPv4 (section 5).
     *
     * @param address 16 bytes
     */
    public static String text(byte[] address) {
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (address[2 * i] & 255) << 8 | (address[2 * i + 1] & 255);
        }
        int start = 0;
        int length = 0;
        for (int i = 0; i < 8; i++) {
            int run = zeros(groups, i);
            if (run > length) {
                start = i;
                length = run;
            }
        }
        if (start == 0 && length == 5 && groups[5] == 0xffff) {
            return "::ffff:%d.%d.%d.%d"
                    .formatted(
                            address[12] & 255,
                            address[13] & 255,
                            address[14] & 255,
                            address[15] & 255);
        }
        // §4.2.2: a single zero group is not shortened.
        return length < 2
                ? join(groups, 0, 8)
                : join(groups, 0, start) + "::" + join(groups, start + length, 8);
    }

    private static int zeros(int[] groups, int from) {
        int end = from;
        while (end < 8 && groups[end] == 0) {
            end++;
        }
        return end - from;
    }

    private static String join(int[] groups, int from, int to) {
        return Arrays.stream(groups, from, to)
                .mapToObj(Integer::toHexString)
                .collect(Collectors.joining(":"));
    }
}
