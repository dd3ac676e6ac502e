package dev.iod.block;

import dev.iod.block.BlockException.Category;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/**
 * The engine's settings, from code or from a properties file.
 *
 * @param socket where agents connect
 * @param pool directory of the volumes, on a file system with reflinks unless poolBytes says
 *     otherwise
 * @param poolBytes size of an XFS file system made in a file in that directory when it has no
 *     reflinks; 0 = never
 * @param thinPool that file is not preallocated
 * @param state directory on tmpfs that says what is attached
 * @param shards threads that serve volumes, 1 to 64
 * @param spinMicros how long a shard looks around before it sleeps, 0 to 1000
 * @param requireSealed refuse guest memory that its owner could truncate
 * @param discardData volumes answer at once and keep nothing ({@code backend=null}): measures the
 *     engine alone
 */
public record BlockConfig(
        Path socket,
        Path pool,
        long poolBytes,
        boolean thinPool,
        Path state,
        int shards,
        int spinMicros,
        boolean requireSealed,
        boolean discardData) {
    private static final Set<String> KEYS =
            Set.of(
                    "socket",
                    "pool",
                    "pool-bytes",
                    "thin-pool",
                    "state",
                    "shards",
                    "spin-micros",
                    "require-sealed",
                    "backend");

    public static BlockConfig read(Path file) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException e) {
            throw new BlockException(
                    Category.CONFIGURATION, "cannot read " + file + ": " + e.getMessage(), e);
        }
        Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
        unknown.removeAll(KEYS);
        if (!unknown.isEmpty()) {
            throw wrong("unknown settings " + unknown + "; known are " + new TreeSet<>(KEYS));
        }
        return new BlockConfig(
                Path.of(required(properties, "socket")),
                Path.of(required(properties, "pool")),
                number(properties, "pool-bytes", "0", 0, LocalPool.MAX_BYTES),
                bool(properties, "thin-pool", "false"),
                Path.of(required(properties, "state")),
                (int) number(properties, "shards", "1", 1, 64),
                (int) number(properties, "spin-micros", "20", 0, 1000),
                bool(properties, "require-sealed", "true"),
                nullBackend(properties));
    }

    private static boolean nullBackend(Properties properties) {
        String text = properties.getProperty("backend", "file").trim();
        return switch (text) {
            case "file" -> false;
            case "null" -> true;
            default -> throw wrong("backend must be file or null, not \"" + text + "\"");
        };
    }

    private static String required(Properties properties, String key) {
        String value = properties.getProperty(key, "").trim();
        if (value.isEmpty()) {
            throw wrong("the setting " + key + " is missing");
        }
        return value;
    }

    private static long number(
            Properties properties, String key, String otherwise, long low, long high) {
        String text = properties.getProperty(key, otherwise).trim();
        try {
            long value = Long.parseLong(text);
            if (value >= low && value <= high) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw wrong(key + " must be a number, not \"" + text + "\"");
        }
        throw wrong(key + " must be " + low + " to " + high + ", not " + text);
    }

    private static boolean bool(Properties properties, String key, String otherwise) {
        String text = properties.getProperty(key, otherwise).trim();
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw wrong(key + " must be true or false, not \"" + text + "\"");
        };
    }

    private static BlockException wrong(String message) {
        return new BlockException(Category.CONFIGURATION, message);
    }
}
