package dev.iod.image;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The servers from which images may be downloaded. */
public record AllowedHosts(List<Entry> entries) {
    /** None at all. */
    public static final AllowedHosts NONE = new AllowedHosts(List.of());

    private static final Pattern ENTRY =
            Pattern.compile("((?:\\*\\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?");
    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    /**
     * Names and a port.
     *
     * @param host a name in lower case; {@code *.example.org} is every name below that one
     * @param port 0: 80 for http and 443 for https
     */
    public record Entry(String host, int port) {
        private boolean allows(String name, String scheme, int wanted) {
            boolean named =
                    host.startsWith("*.") ? name.endsWith(host.substring(1)) : host.equals(name);
            return named && wanted == (port == 0 ? standardPort(scheme) : port);
        }
    }

    /** Copies. */
    public AllowedHosts {
        entries = List.copyOf(entries);
    }

    /**
     * Reads a setting: {@code cloud.debian.org, *.example.org:8080}.
     *
     * @throws IllegalArgumentException when it is malformed
     */
    public static AllowedHosts parse(String text) {
        List<Entry> entries = new ArrayList<>();
        for (String one : text.split(",", -1)) {
            String entry = one.strip().toLowerCase(Locale.ROOT);
            if (entry.isEmpty() && text.isBlank()) {
                continue;
            }
            Matcher matcher = ENTRY.matcher(entry);
            int port =
                    matcher.matches() && matcher.group(2) != null
                            ? Integer.parseInt(matcher.group(2))
                            : 0;
            if (!matcher.matches() || port > 65_535 || matcher.group(2) != null && port == 0) {
                throw new IllegalArgumentException(
                        "'%s' is no host or host:port of servers to download images from"
                                .formatted(entry));
            }
            entries.add(new Entry(matcher.group(1), port));
        }
        return new AllowedHosts(entries);
    }

    /** Whether something may be downloaded by an address of the scheme http or https. */
    boolean allow(URI uri) {
        String name = uri.getHost().toLowerCase(Locale.ROOT);
        return entries.stream().anyMatch(entry -> entry.allows(name, uri.getScheme(), port(uri)));
    }

    /** The port that an address of the scheme http or https names or means. */
    static int port(URI uri) {
        return uri.getPort() < 0 ? standardPort(uri.getScheme()) : uri.getPort();
    }

    private static int standardPort(String scheme) {
        return scheme.equalsIgnoreCase("https") ? HTTPS_PORT : HTTP_PORT;
    }
}
