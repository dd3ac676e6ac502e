package dev.iod.block;

import java.util.Optional;

/**
 * What is known of a volume.
 *
 * @param allocatedBytes space its file takes; blocks shared with others count in each
 * @param base what it was cloned from; empty when it was made empty
 * @param device empty when it is not attached
 */
public record VolumeStatus(
        String name,
        Kind kind,
        long sizeBytes,
        long allocatedBytes,
        boolean thin,
        String base,
        Optional<Device> device) {

    /** What a name in the pool stands for. */
    public enum Kind {
        VOLUME,
        /** Read-only, as of one moment. */
        SNAPSHOT,
        /** Read-only, filled once. */
        IMAGE
    }

    /**
     * An attached volume.
     *
     * @param counters by ordinal of {@link VolumeCounter}
     * @param failed why it answers nothing with success any more; empty when it works
     * @param lastError the last error of storage or guest; empty when there was none
     */
    public record Device(
            String socket,
            boolean connected,
            int inFlight,
            long[] counters,
            String failed,
            String lastError) {

        public long count(VolumeCounter counter) {
            return counters[counter.ordinal()];
        }
    }
}
