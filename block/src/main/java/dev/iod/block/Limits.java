package dev.iod.block;

import dev.iod.engine.EngineException;

/**
 * What a volume may use.
 *
 * @param operationsPerSecond reads, writes, discards and zeroing; 0 = no limit
 * @param bytesPerSecond read and written; 0 = no limit
 */
public record Limits(long operationsPerSecond, long bytesPerSecond) {
    public static final Limits NONE = new Limits(0, 0);

    public Limits {
        if (operationsPerSecond < 0 || bytesPerSecond < 0) {
            throw new EngineException(
                    EngineException.Category.INVALID, "limits are 0 (none) or positive");
        }
    }
}
