package dev.iod.control;

import dev.iod.image.AllowedHosts;
import dev.iod.image.QemuConverter;
import dev.iod.rest.ServerLimits;
import dev.iod.runtime.Config;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The settings of the region's process.
 *
 * @param directory the run directory; {@code pki/} is in it
 * @param apiPort TCP port of the HTTP API on the loopback address
 * @param nodePort TCP port for nodes on the loopback address
 * @param database JDBC URL; the environment's {@code IOD_DATABASE_URL} wins
 * @param northbound OVN's northbound database, {@code unix:PATH}
 * @param images directory of image bytes
 * @param imageUser whom images are converted as; it has nothing else to do
 * @param imageDownloadHosts from where {@code web-download} imports images: {@code
 *     cloud.debian.org, *.example.org:8080}; none without the setting
 * @param consoleOrigins hosts, with ports that are not the standard ones, from whose pages browsers
 *     may use consoles: {@code dashboard.example.org, other.example.org:8443}; the region's own
 *     always may
 * @param consoleBase scheme, host and port that users reach consoles by, when the API is behind a
 *     proxy with TLS: {@code https://cloud.example.org}; without it those of the request
 * @param novnc directory of noVNC as {@code console/novnc} unpacks it; without it browsers get no
 *     page for a display
 * @param region name in the catalog
 */
record Settings(
        Path directory,
        int apiPort,
        ServerLimits limits,
        int nodePort,
        String database,
        String northbound,
        Path images,
        String imageUser,
        AllowedHosts imageDownloadHosts,
        String adminPassword,
        Set<String> consoleOrigins,
        Optional<String> consoleBase,
        Optional<Path> novnc,
        String region) {
    private static final int MAX_PORT = 65_535;
    private static final int MAX_CONNECTIONS = 65_536;
    private static final int DEFAULT_CONNECTIONS = 1024;

    static Settings read(Config config, Map<String, String> environment) {
        String configured = config.text("database", "");
        Settings settings =
                new Settings(
                        config.path("directory"),
                        (int) config.number("api-port", 0, MAX_PORT),
                        limits(config),
                        (int) config.number("node-port", 0, MAX_PORT),
                        environment.getOrDefault("IOD_DATABASE_URL", configured),
                        config.text("northbound"),
                        config.path("images"),
                        config.text("image-user", QemuConverter.NOBODYS_UID),
                        AllowedHosts.parse(config.text("image-download-hosts", "")),
                        password(config.path("admin-password-file")),
                        origins(config.text("console-origins", "")),
                        base(config.text("console-base", "")),
                        Optional.of(config.text("novnc", ""))
                                .filter(path -> !path.isEmpty())
                                .map(Path::of),
                        config.text("region", "RegionOne"));
        config.finish();
        if (settings.database.isEmpty()) {
            throw new IllegalArgumentException(
                    "neither the setting 'database' nor IOD_DATABASE_URL names a database");
        }
        return settings;
    }

    private static ServerLimits limits(Config config) {
        int connections =
                (int) config.number("api-connections", 16, MAX_CONNECTIONS, DEFAULT_CONNECTIONS);
        return ServerLimits.standard(
                connections,
                (int)
                        config.number(
                                "api-connections-per-address", 1, connections, connections / 2));
    }

    private static Set<String> origins(String listed) {
        return Arrays.stream(listed.split(",", -1))
                .map(host -> host.strip().toLowerCase(Locale.ROOT))
                .filter(host -> !host.isEmpty())
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Consoles are below it, at the same paths as without a proxy. */
    private static Optional<String> base(String url) {
        if (!url.isEmpty() && !url.matches("https?://[^/?#@]+")) {
            throw new IllegalArgumentException(
                    "console-base " + url + ": expected a URL like https://cloud.example.org");
        }
        return Optional.of(url).filter(text -> !text.isEmpty());
    }

    private static String password(Path file) {
        try {
            String password = Files.readString(file).strip();
            if (password.isEmpty()) {
                throw new IllegalArgumentException(
                        file + " is empty; it holds the admin's password");
            }
            return password;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the admin's password from " + file, e);
        }
    }
}
