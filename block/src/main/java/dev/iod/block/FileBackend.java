package dev.iod.block;

import dev.iod.sys.Errno;
import dev.iod.sys.IoUring;
import dev.iod.sys.Linux;
import java.nio.file.Path;

/** A raw file through io_uring and O_DIRECT. */
public final class FileBackend implements Backend {
    /** Discards are aligned inward to this: smaller pieces would give nothing back. */
    private static final int DISCARD_BYTES = 4096;

    private static final int DEFAULT_ALIGNMENT = 512;

    private final int fd;
    private final IoUring ring;
    private final boolean thin;
    private final int blockBytes;
    private final int memoryAlignment;
    private long sizeBytes;

    /**
     * Opens a file.
     *
     * @param thin space of discarded blocks is given back; otherwise it stays reserved
     * @param readOnly nothing is ever written
     */
    public FileBackend(ShardContext shard, Path file, boolean thin, boolean readOnly) {
        int mode = readOnly ? Linux.O_RDONLY : Linux.O_RDWR;
        fd = Linux.open(file, mode | Linux.O_DIRECT);
        this.ring = shard.ring();
        this.thin = thin;
        Linux.FileStatus status = Linux.status(fd);
        sizeBytes = status.sizeBytes();
        blockBytes = orDefault(status.directOffsetAlignment());
        memoryAlignment = orDefault(status.directMemoryAlignment());
    }

    private static int orDefault(int alignment) {
        return alignment == 0 ? DEFAULT_ALIGNMENT : alignment;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int blockBytes() {
        return Math.max(512, blockBytes);
    }

    @Override
    public int memoryAlignment() {
        return memoryAlignment;
    }

    @Override
    public void submit(BlockIo io) {
        io.onRing(BlockIo::done);
        switch (io.operation()) {
            case READ -> read(io);
            case WRITE -> write(io);
            case FLUSH -> ring.dataSync(fd, io.token());
            case DISCARD -> discard(io);
            case WRITE_ZEROES -> {
                int how =
                        io.unmap() && thin
                                ? Linux.FALLOCATE_PUNCH_HOLE
                                : Linux.FALLOCATE_ZERO_RANGE;
                ring.fallocate(
                        fd, how | Linux.FALLOCATE_KEEP_SIZE, io.offset(), io.length(), io.token());
            }
        }
    }

    private void read(BlockIo io) {
        if (io.fixed()) {
            ring.readFixed(fd, io.offset(), io.address(), (int) io.length(), io.token());
        } else if (io.address() != 0) {
            ring.read(fd, io.offset(), io.address(), (int) io.length(), io.token());
        } else {
            ring.readVector(fd, io.offset(), io.vectors(), io.vectorCount(), io.token());
        }
    }

    private void write(BlockIo io) {
        if (io.fixed()) {
            ring.writeFixed(
                    fd, io.offset(), io.address(), (int) io.length(), io.durable(), io.token());
        } else if (io.address() != 0) {
            ring.write(fd, io.offset(), io.address(), (int) io.length(), io.durable(), io.token());
        } else {
            ring.writeVector(
                    fd, io.offset(), io.vectors(), io.vectorCount(), io.durable(), io.token());
        }
    }

    private void discard(BlockIo io) {
        long from = (io.offset() + DISCARD_BYTES - 1) & -DISCARD_BYTES;
        long to = (io.offset() + io.length()) & -DISCARD_BYTES;
        if (to <= from) {
            io.done(0);
            return;
        }
        int how = thin ? Linux.FALLOCATE_PUNCH_HOLE : Linux.FALLOCATE_ZERO_RANGE;
        io.onRing(FileBackend::discarded);
        ring.fallocate(fd, how | Linux.FALLOCATE_KEEP_SIZE, from, to - from, io.token());
    }

    /** A discard is a wish: a file system that cannot do it has done no harm. */
    private static void discarded(BlockIo io, int result) {
        io.done(result == -Errno.EOPNOTSUPP ? 0 : result);
    }

    @Override
    public void resized(long bytes) {
        sizeBytes = bytes;
    }

    @Override
    public void close() {
        Linux.close(fd);
    }
}
