package dev.iod.eswitch;

import dev.iod.engine.Settings;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The engine's settings, from code or from a properties file.
 *
 * @param socket where agents connect
 * @param uplink interface in the engine's network namespace that leads to other nodes
 * @param encapsulation IPv4 address of this end of all tunnels, host order
 * @param tables directory whose files keep connections over a restart
 * @param cpu processor the engine thread stays on; empty = any
 * @param connections most connections, 1024 to 16 million, 128 bytes each
 * @param flows most cached flows, 1024 to 16 million, about 250 bytes each
 * @param limits what a single tenant may have of it
 * @param requireSealed refuse guest memory that its owner could truncate: {@code
 *     guest-memory=sealed}, the default; with {@code any}, for front ends that cannot seal (traffic
 *     generators), each packet costs a check more
 */
public record EngineConfig(
        Path socket,
        String uplink,
        int encapsulation,
        Path tables,
        OptionalInt cpu,
        int connections,
        int flows,
        Limits limits,
        boolean requireSealed) {
    private static final Set<String> KEYS =
            Set.of(
                    "socket",
                    "uplink",
                    "encapsulation",
                    "tables",
                    "cpu",
                    "connections",
                    "flows",
                    "connections-per-zone",
                    "connections-per-port",
                    "flows-per-port",
                    "misses-per-remote-port",
                    "guest-memory");
    private static final int MIN_ENTRIES = 1024;
    private static final int MAX_ENTRIES = 1 << 24;
    private static final int MAX_CPU = 4095;
    private static final int MAX_MISSES = 100_000_000;
    private static final int DEFAULT_MISSES = 50_000;

    /**
     * Bounds that keep one tenant from starving others ({@code Conntrack.Limits}, {@link
     * FlowTable}, {@code Sender}).
     *
     * @param connectionsPerZone most connections of a conntrack zone, by default a quarter of all
     * @param connectionsPerPort most connections one port began, by default half of all; each
     *     counts once in every zone it crosses
     * @param flowsPerPort most cached flows of one port, by default half of all
     * @param missesPerRemotePort packets a second of a port behind the uplink that may need the
     *     pipeline, by default 50,000, a tenth of them at once; 0 = no bound
     */
    public record Limits(
            int connectionsPerZone,
            int connectionsPerPort,
            int flowsPerPort,
            int missesPerRemotePort) {}

    public static EngineConfig read(Path file) {
        Settings settings = Settings.read(file, KEYS);
        int connections = entries(settings, "connections", 65_536);
        int flows = entries(settings, "flows", 65_536);
        return new EngineConfig(
                Path.of(settings.required("socket")),
                settings.required("uplink"),
                address(settings.required("encapsulation")),
                Path.of(settings.required("tables")),
                settings.has("cpu")
                        ? OptionalInt.of((int) settings.number("cpu", 0, 0, MAX_CPU))
                        : OptionalInt.empty(),
                connections,
                flows,
                limits(settings, connections, flows),
                settings.either("guest-memory", "sealed", "sealed", "any"));
    }

    private static Limits limits(Settings settings, int connections, int flows) {
        return new Limits(
                entries(settings, "connections-per-zone", Math.max(MIN_ENTRIES, connections / 4)),
                entries(settings, "connections-per-port", Math.max(MIN_ENTRIES, connections / 2)),
                entries(settings, "flows-per-port", Math.max(MIN_ENTRIES, flows / 2)),
                (int) settings.number("misses-per-remote-port", DEFAULT_MISSES, 0, MAX_MISSES));
    }

    private static int entries(Settings settings, String key, int otherwise) {
        return (int) settings.number(key, otherwise, MIN_ENTRIES, MAX_ENTRIES);
    }

    private static int address(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 4) {
            throw Settings.wrong("encapsulation must be an IPv4 address, not \"" + text + "\"");
        }
        int address = 0;
        for (String part : parts) {
            long octet = Settings.number("each part of encapsulation", part, 0, 255);
            address = address << 8 | (int) octet;
        }
        return address;
    }
}
