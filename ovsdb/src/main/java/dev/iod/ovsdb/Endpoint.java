package dev.iod.ovsdb;

import dev.iod.ovsdb.OvsdbException.Category;
import java.nio.file.Path;

/** Where a server listens. */
public sealed interface Endpoint {
    record Unix(Path socket) implements Endpoint {
        @Override
        public String toString() {
            return "unix:" + socket;
        }
    }

    /** TLS with the client certificate of {@link Replica.Config#tls()}. */
    record Tls(String host, int port) implements Endpoint {
        @Override
        public String toString() {
            return "ssl:" + host + ":" + port;
        }
    }

    /**
     * Reads {@code unix:PATH} or {@code ssl:HOST:PORT} (IPv6 hosts in brackets). Plain TCP is
     * refused on purpose: OVSDB has no other authentication.
     */
    static Endpoint parse(String text) {
        if (text.startsWith("unix:") && text.length() > 5) {
            return new Unix(Path.of(text.substring(5)));
        }
        int colon = text.lastIndexOf(':');
        if (text.startsWith("ssl:") && colon > 4) {
            String host = text.substring(4, colon);
            if (host.startsWith("[") && host.endsWith("]")) {
                host = host.substring(1, host.length() - 1);
            }
            try {
                int port = Integer.parseInt(text.substring(colon + 1));
                if (port > 0 && port < 65536 && !host.isEmpty()) {
                    return new Tls(host, port);
                }
            } catch (NumberFormatException e) {
                throw refused(text);
            }
        }
        throw refused(text);
    }

    private static OvsdbException refused(String text) {
        return new OvsdbException(
                Category.PROTOCOL,
                "an endpoint is unix:PATH or ssl:HOST:PORT, not \"" + text + "\"");
    }
}
