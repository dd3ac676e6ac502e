package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

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
    private static final int MAX_MISSES = 100_000_000;
    private static final String DEFAULT_MISSES = "50000";

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
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException e) {
            throw new EngineException(
                    Category.CONFIGURATION, "cannot read " + file + ": " + e.getMessage(), e);
        }
        Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
        unknown.removeAll(KEYS);
        if (!unknown.isEmpty()) {
            throw wrong("unknown settings " + unknown + "; known are " + new TreeSet<>(KEYS));
        }
        String cpu = properties.getProperty("cpu", "");
        int connections = entries(properties, "connections", 65_536);
        int flows = entries(properties, "flows", 65_536);
        return new EngineConfig(
                Path.of(required(properties, "socket")),
                required(properties, "uplink"),
                address(required(properties, "encapsulation")),
                Path.of(required(properties, "tables")),
                cpu.isBlank() ? OptionalInt.empty() : OptionalInt.of(number("cpu", cpu, 0, 4095)),
                connections,
                flows,
                limits(properties, connections, flows),
                requireSealed(properties.getProperty("guest-memory", "sealed").trim()));
    }

    private static boolean requireSealed(String text) {
        return switch (text) {
            case "sealed" -> true;
            case "any" -> false;
            default -> throw wrong("guest-memory must be sealed or any, not \"" + text + "\"");
        };
    }

    private static Limits limits(Properties properties, int connections, int flows) {
        String misses = properties.getProperty("misses-per-remote-port", DEFAULT_MISSES);
        return new Limits(
                entries(properties, "connections-per-zone", Math.max(MIN_ENTRIES, connections / 4)),
                entries(properties, "connections-per-port", Math.max(MIN_ENTRIES, connections / 2)),
                entries(properties, "flows-per-port", Math.max(MIN_ENTRIES, flows / 2)),
                number("misses-per-remote-port", misses, 0, MAX_MISSES));
    }

    private static int entries(Properties properties, String key, int otherwise) {
        String text = properties.getProperty(key, String.valueOf(otherwise));
        return number(key, text, MIN_ENTRIES, MAX_ENTRIES);
    }

    private static String required(Properties properties, String key) {
        String value = properties.getProperty(key, "").trim();
        if (value.isEmpty()) {
            throw wrong("the setting " + key + " is missing");
        }
        return value;
    }

    private static int number(String key, String text, int low, int high) {
        try {
            int value = Integer.parseInt(text.trim());
            if (value >= low && value <= high) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw wrong(key + " must be a number, not \"" + text + "\"");
        }
        throw wrong(key + " must be " + low + " to " + high + ", not " + text);
    }

    private static int address(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 4) {
            throw wrong("encapsulation must be an IPv4 address, not \"" + text + "\"");
        }
        int address = 0;
        for (String part : parts) {
            address = address << 8 | number("each part of encapsulation", part, 0, 255);
        }
        return address;
    }

    private static EngineException wrong(String message) {
        return new EngineException(Category.CONFIGURATION, message);
    }
}
