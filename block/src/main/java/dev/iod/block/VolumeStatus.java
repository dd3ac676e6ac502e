package dev.iod.block;

import dev.iod.engine.Coded;
import java.util.Optional;

/**
 * What is known of a volume.
 *
 * @param allocatedBytes space of the pool its file takes; blocks shared with others count in each
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

    /** What a name stands for. */
    public enum Kind implements Coded {
        VOLUME(1),
        /** Read-only, as of one moment. */
        SNAPSHOT(2),
        /** Read-only, filled once. */
        IMAGE(3),
        /** Not in the pool; known while it is attached. */
        ELSEWHERE(4);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
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
