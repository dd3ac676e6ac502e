package dev.iod.network;

import java.util.Locale;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** MAC addresses as Neutron hands them out: its base prefix fa:16:3e and 24 random bits. */
final class Mac {
    private Mac() {}

    static String random(RandomGenerator random) {
        int low = random.nextInt(1 << 24);
        return String.format(
                Locale.ROOT, "fa:16:3e:%02x:%02x:%02x", low >> 16, low >> 8 & 255, low & 255);
    }

    /**
     * Six octets in lower case between colons, of any notation that is in use: {@code
     * FA:16:3e:0:1:2}, {@code fa-16-3e-00-01-02}, {@code fa16.3e00.0102}, {@code fa163e-000102},
     * {@code fa163e000102}. Empty if the text is not a unicast MAC address.
     */
    static Optional<String> parse(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        for (Notation notation : Notation.values()) {
            if (notation.pattern.matcher(lower).matches()) {
                return unicast(digits(lower, 12 / notation.groups));
            }
        }
        return Optional.empty();
    }

    /** How a MAC address may be cut into groups; leading zeros of a group may be left out. */
    private enum Notation {
        OCTETS("([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}|([0-9a-f]{1,2}-){5}[0-9a-f]{1,2}", 6),
        WORDS("([0-9a-f]{1,4}[.]){2}[0-9a-f]{1,4}", 3),
        HALVES("[0-9a-f]{5,6}[-:][0-9a-f]{5,6}", 2),
        BARE("[0-9a-f]{12}", 1);

        private final Pattern pattern;
        private final int groups;

        Notation(String pattern, int groups) {
            this.pattern = Pattern.compile(pattern);
            this.groups = groups;
        }
    }

    private static String digits(String text, int groupLength) {
        var digits = new StringBuilder();
        for (String group : text.split("[.:-]", -1)) {
            digits.append("0".repeat(groupLength - group.length())).append(group);
        }
        return digits.toString();
    }

    private static Optional<String> unicast(String digits) {
        // The lowest bit of the first octet marks a group address (IEEE 802 §8.2).
        boolean group = (Integer.parseInt(digits.substring(0, 2), 16) & 1) != 0;
        if (group || digits.equals("000000000000")) {
            return Optional.empty();
        }
        return Optional.of(
                IntStream.range(0, 6)
                        .mapToObj(octet -> digits.substring(2 * octet, 2 * octet + 2))
                        .collect(Collectors.joining(":")));
    }
}
