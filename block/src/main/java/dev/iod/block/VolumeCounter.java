package dev.iod.block;

import dev.iod.engine.Coded;

/** What is counted for each attached volume. */
public enum VolumeCounter implements Coded {
    /** Reads answered with success. */
    READS(1),
    /** Writes answered with success. */
    WRITES(2),
    /** Flushes answered with success. */
    FLUSHES(3),
    /** Discards and zeroing answered with success. */
    DISCARDS(4),
    /** Bytes read. */
    BYTES_READ(5),
    /** Bytes written. */
    BYTES_WRITTEN(6),
    /** Requests refused because they are malformed, outside of the volume or not known. */
    REFUSED(7),
    /** Requests the storage failed. */
    ERRORS(8),
    /** Requests that had to wait for their limits. */
    THROTTLED(9),
    /** Requests that went through a bounce buffer. */
    BOUNCED(10),
    /** Steps the storage did in part and that were continued. */
    PARTIAL(11),
    /** Requests that begin or end within a block of the storage. */
    UNALIGNED(12);

    private final int code;

    VolumeCounter(int code) {
        this.code = code;
    }

    @Override
    public int code() {
        return code;
    }
}
