package dev.iod.block;

/**
 * How large the pool's file system is.
 *
 * @param totalBytes of volumes, snapshots and images together
 * @param freeBytes that no volume, snapshot or image has yet
 */
public record PoolSpace(long totalBytes, long freeBytes) {}
