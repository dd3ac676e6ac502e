package dev.iod.compute;

import java.util.Locale;
import java.util.UUID;

/** The host name of a guest from the name of its server, as Nova makes it (RFC 1123 §2.1). */
final class Hostnames {
    private static final int MAX_LENGTH = 63;

    private Hostnames() {}

    static String of(String serverName, UUID id) {
        String clean =
                serverName
                        .replaceAll("[ _.]", "-")
                        .replaceAll("[^a-zA-Z0-9-]+", "")
                        .toLowerCase(Locale.ROOT);
        String cut = clean.substring(0, Math.min(clean.length(), MAX_LENGTH));
        String trimmed = cut.replaceAll("^-+|-+$", "");
        return trimmed.isEmpty() ? "server-" + id : trimmed;
    }
}
