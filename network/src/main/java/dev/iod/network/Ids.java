package dev.iod.network;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/** UUIDs in text from outside. */
final class Ids {
    // UUID.fromString also takes "1-1-1-1-1".
    private static final Pattern FORMAT =
            Pattern.compile("(?i)[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}");

    private Ids() {}

    /** A UUID, with or without hyphens as in OpenStack; empty for anything else. */
    static Optional<UUID> parse(String text) {
        if (!FORMAT.matcher(text).matches()) {
            return Optional.empty();
        }
        String digits = text.replace("-", "");
        return Optional.of(
                new UUID(
                        Long.parseUnsignedLong(digits.substring(0, 16), 16),
                        Long.parseUnsignedLong(digits.substring(16), 16)));
    }
}
