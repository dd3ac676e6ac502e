package dev.iod.sys;

import java.nio.file.Path;

/**
 * Memory from mmap(2), known to {@link Memory}'s checked twin until it is closed.
 *
 * @param address page-aligned
 * @param lengthBytes as asked for; the kernel rounds the mapping up to pages
 */
public record Mapping(long address, long lengthBytes) implements AutoCloseable {

    /** Private zeroed memory; pages come when they are touched. */
    public static Mapping anonymous(long lengthBytes) {
        int flags = Linux.MAP_PRIVATE | Linux.MAP_ANONYMOUS;
        return new Mapping(Linux.mmap(lengthBytes, readWrite(), flags, -1, 0), lengthBytes);
    }

    /**
     * A file shared with whoever else maps it, made (zeroed) or extended to the length when it is
     * shorter. The file outlives the mapping and the process.
     */
    public static Mapping file(Path path, long lengthBytes) {
        int fd = Linux.open(path, Linux.O_RDWR | Linux.O_CREAT);
        try {
            if (Linux.size(fd) < lengthBytes) {
                Linux.truncate(fd, lengthBytes);
            }
            return shared(fd, 0, lengthBytes);
        } finally {
            Linux.close(fd);
        }
    }

    /** A part of an open file, shared, read and write; the descriptor may be closed afterwards. */
    public static Mapping shared(int fd, long offset, long lengthBytes) {
        return new Mapping(
                Linux.mmap(lengthBytes, readWrite(), Linux.MAP_SHARED, fd, offset), lengthBytes);
    }

    private static int readWrite() {
        return Linux.PROT_READ | Linux.PROT_WRITE;
    }

    /** Unmaps. No thread may touch the memory any more. */
    @Override
    public void close() {
        Linux.munmap(address, lengthBytes);
    }
}
