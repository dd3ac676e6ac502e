package dev.iod.pipeline;

import dev.iod.engine.EngineException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Hashing of what tenants choose: addresses, ports, prefixes. It begins with a secret of this
 * process, so that nobody can pick values that all meet in one place and make look-ups slow (Crosby
 * and Wallach, "Denial of Service via Algorithmic Complexity Attacks", 2003).
 */
public final class Hash {
    /** Different in each process; nothing that is kept depends on it. */
    public static final long SECRET = secret();

    private Hash() {}

    private static long secret() {
        Path source = Path.of("/dev/urandom");
        try (InputStream in = Files.newInputStream(source)) {
            return ByteBuffer.wrap(in.readNBytes(Long.BYTES)).getLong();
        } catch (IOException e) {
            throw new EngineException(
                    EngineException.Category.CONFIGURATION, "cannot read " + source, e);
        }
    }

    /** Takes one more word into a hash. */
    public static long mix(long hash, long value) {
        long mixed = (hash ^ value) * 0x9E37_79B9_7F4A_7C15L;
        return mixed ^ mixed >>> 32;
    }

    /** One of several odd factors that follow from the secret. */
    public static long factor(int number) {
        return mix(mix(SECRET, number), ~number) | 1;
    }

    /** To 32 bits of which each depends on all. */
    public static int fold(long hash) {
        return (int) (hash ^ hash >>> 29);
    }
}
