package dev.iod.network;

import java.net.Inet6Address;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** IPv6 prefixes, which occur only in security group rules. */
final class Ipv6Prefix {
    private Ipv6Prefix() {}

    /** {@code address/length} with the host bits cleared; empty for anything else. */
    static Optional<String> normalize(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || text.indexOf('%') >= 0) {
            return Optional.empty();
        }
        String length = text.substring(slash + 1);
        if (!length.matches("\\d{1,3}") || Integer.parseInt(length) > 128) {
            return Optional.empty();
        }
        try {
            byte[] bytes = Inet6Address.ofLiteral(text.substring(0, slash)).getAddress();
            if (bytes.length != 16) {
                return Optional.empty();
            }
            clear(bytes, Integer.parseInt(length));
            return Optional.of(text(bytes) + "/" + Integer.parseInt(length));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static void clear(byte[] bytes, int length) {
        for (int i = 0; i < bytes.length; i++) {
            int keep = Math.clamp(length - 8L * i, 0, 8);
            bytes[i] = (byte) (bytes[i] & (0xff00 >> keep));
        }
    }

    /** The form of RFC 5952 §4: no leading zeros, the longest run of zero groups shortened. */
    private static String text(byte[] bytes) {
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (bytes[2 * i] & 255) << 8 | (bytes[2 * i + 1] & 255);
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
