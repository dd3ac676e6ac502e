package dev.iod.block;

/** What is counted for each attached volume. */
public enum VolumeCounter {
    /** Reads answered with success. */
    READS,
    /** Writes answered with success. */
    WRITES,
    /** Flushes answered with success. */
    FLUSHES,
    /** Discards and zeroing answered with success. */
    DISCARDS,
    /** Bytes read. */
    BYTES_READ,
    /** Bytes written. */
    BYTES_WRITTEN,
    /** Requests refused because they are malformed, outside of the volume or not known. */
    REFUSED,
    /** Requests the storage failed. */
    ERRORS,
    /** Requests that had to wait for their limits. */
    THROTTLED,
    /** Requests that went through a bounce buffer. */
    BOUNCED,
    /** Steps the storage did in part and that were continued. */
    PARTIAL
}
