package dev.iod.block;

import dev.iod.engine.Settings;
import java.nio.file.Path;
import java.util.Set;

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
        Settings settings = Settings.read(file, KEYS);
        return new BlockConfig(
                Path.of(settings.required("socket")),
                Path.of(settings.required("pool")),
                settings.number("pool-bytes", 0, 0, LocalPool.MAX_BYTES),
                settings.either("thin-pool", "false", "true", "false"),
                Path.of(settings.required("state")),
                (int) settings.number("shards", 1, 1, 64),
                (int) settings.number("spin-micros", 20, 0, 1000),
                settings.either("require-sealed", "true", "true", "false"),
                settings.either("backend", "file", "null", "file"));
    }
}
