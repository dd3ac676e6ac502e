package dev.iod.network;

import dev.iod.rest.Ipv6;
import java.util.Optional;

/** IPv6 prefixes, which occur only in security group rules. */
final class Ipv6Prefix {
    private Ipv6Prefix() {}

    /** {@code address/length} with the host bits cleared; empty for anything else. */
    static Optional<String> normalize(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            return Optional.empty();
        }
        String length = text.substring(slash + 1);
        if (!length.matches("\\d{1,3}") || Integer.parseInt(length) > 128) {
            return Optional.empty();
        }
        return Ipv6.parse(text.substring(0, slash))
                .map(
                        address -> {
                            clear(address, Integer.parseInt(length));
                            return Ipv6.text(address) + "/" + Integer.parseInt(length);
                        });
    }

    private static void clear(byte[] bytes, int length) {
        for (int i = 0; i < bytes.length; i++) {
            int keep = Math.clamp(length - 8L * i, 0, 8);
            bytes[i] = (byte) (bytes[i] & (0xff00 >> keep));
        }
    }
}
