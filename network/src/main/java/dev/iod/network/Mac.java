package dev.iod.network;

import java.util.Locale;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** MAC addresses as Neutron hands them out: its base prefix fa:16:3e and 24 random bits. */
final class Mac {
    private static final Pattern COLONS = Pattern.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}");

    private Mac() {}

    static String random(RandomGenerator random) {
        int low = random.nextInt(1 << 24);
        return String.format(
                Locale.ROOT, "fa:16:3e:%02x:%02x:%02x", low >> 16, low >> 8 & 255, low & 255);
    }

    /** Lower-case form; empty if the text is not a unicast MAC address. */
    static Optional<String> parse(String text) {
        String lower = text.toLowerCase(Locale.ROOT).replace('-', ':');
        // The lowest bit of the first octet marks a group address (IEEE 802 §8.2).
        boolean unicast =
                COLONS.matcher(lower).matches()
                        && (Integer.parseInt(lower.substring(0, 2), 16) & 1) == 0
                        && !lower.equals("00:00:00:00:00:00");
        return unicast ? Optional.of(lower) : Optional.empty();
    }
}
