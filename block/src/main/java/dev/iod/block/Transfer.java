package dev.iod.block;

import dev.iod.block.BlockIo.Edge;
import dev.iod.sys.AesXts;
import dev.iod.sys.Memory;
import java.util.Optional;

/**
 * The stage between a device and its back end: hands requests on as they are when the back end can
 * use the guest's buffers, and otherwise moves them through bounce buffers, encrypting on the way.
 * The guest's own buffer is never encrypted in place; a read is decrypted in place.
 *
 * <p>Requests are of sectors, storage has blocks. A request that begins or ends within a block goes
 * through bounce buffers as whole blocks: of a read the surplus is dropped; of a write the two
 * blocks at its ends are read first ({@link Overlaps} sees to it that nothing else changes them
 * meanwhile) and then written in one piece, so that other sectors of a block are as they were
 * whenever the write ends.
 *
 * <p>Encryption is AES-256-XTS in units of 4 KiB, the tweak being the unit's number. A unit that is
 * all zeros on the medium was never written, discarded or zeroed, and reads as zeros. Shard thread
 * only.
 */
final class Transfer {
    /** Encryption unit, and block of encrypted volumes, bytes. */
    static final int UNIT_BYTES = 4096;

    private final Backend backend;
    private final Optional<AesXts> cipher;
    private final BouncePool pool;
    private final long[] counters;
    private final int blockBytes;
    private final int blockMask;
    private final int addressMask;

    Transfer(Backend backend, Optional<AesXts> cipher, BouncePool pool, long[] counters) {
        this.backend = backend;
        this.cipher = cipher;
        this.pool = pool;
        this.counters = counters;
        blockBytes = cipher.isPresent() ? UNIT_BYTES : backend.blockBytes();
        blockMask = blockBytes - 1;
        addressMask = backend.memoryAlignment() - 1;
    }

    /** What the storage reads and writes at least, as far as a request is concerned. */
    int blockBytes() {
        return blockBytes;
    }

    // ---------------------------------------------------------------- whole blocks

    /** Starts a read or write of whole blocks. */
    void begin(BlockIo io) {
        io.progress = 0;
        io.retries = 0;
        io.operation = io.requestOperation;
        if (direct(io)) {
            io.bounced = false;
            io.fixed = false;
            io.offset = io.requestOffset;
            io.length = io.requestLength;
            io.address = io.dataVectorCount == 1 ? io.vectorAddress(0) : 0;
            io.submit(backend);
        } else {
            bounce(io);
        }
    }

    private boolean direct(BlockIo io) {
        if (cipher.isPresent() && io.requestOperation == Operation.WRITE) {
            return false;
        }
        long lengths = 0;
        long addresses = 0;
        for (int i = 0; i < io.dataVectorCount; i++) {
            addresses |= io.vectorAddress(i);
            lengths |= io.vectorLength(i);
        }
        return (lengths & blockMask) == 0 && (addresses & addressMask) == 0;
    }

    /** Writes zeros over a range, for storage that cannot zero by itself. */
    void beginZeros(BlockIo io) {
        io.progress = 0;
        io.zeroFill = true;
        bounce(io);
    }

    // ---------------------------------------------------------------- parts of blocks

    /** Starts a request that begins or ends within a block. */
    void beginPartial(BlockIo io) {
        counters[VolumeCounter.UNALIGNED.ordinal()]++;
        long first = (io.requestOffset + blockMask) & ~(long) blockMask;
        long end = (io.requestOffset + io.requestLength) & ~(long) blockMask;
        switch (io.requestOperation) {
            case READ, WRITE -> {
                io.progress = 0;
                bounce(io);
            }
            case WRITE_ZEROES -> {
                if (first < end) {
                    range(io, first, end);
                } else {
                    beginZeros(io);
                }
            }
            case DISCARD -> {
                // A wish, which parts of blocks cannot have.
                if (first < end) {
                    range(io, first, end);
                } else {
                    io.operation = Operation.DISCARD;
                    io.done(0);
                }
            }
            case FLUSH -> throw new AssertionError("a flush has no range");
        }
    }

    private void range(BlockIo io, long from, long to) {
        io.operation = io.requestOperation;
        io.offset = from;
        io.length = to - from;
        io.address = 0;
        io.fixed = false;
        io.submit(backend);
    }

    /** The whole blocks of a range are zero: the parts at its ends are written. */
    void zeroEnds(BlockIo io) {
        io.middleZeroed = true;
        io.zeroFill = true;
        io.progress = 0;
        skipZeroed(io);
        bounce(io);
    }

    /** From the end of a block that is done to the part that is not. */
    private void skipZeroed(BlockIo io) {
        if (io.middleZeroed && ((io.requestOffset + io.progress) & blockMask) == 0) {
            long last = (io.requestOffset + io.requestLength) & ~(long) blockMask;
            io.progress = last - io.requestOffset;
        }
    }

    // ---------------------------------------------------------------- by bounce buffers

    private void bounce(BlockIo io) {
        io.bounced = true;
        counters[VolumeCounter.BOUNCED.ordinal()]++;
        io.bounce = pool.take();
        if (io.bounce == 0) {
            io.away = true;
            pool.waiting.add(io);
        } else {
            nextChunk(io);
        }
    }

    /** A buffer is free: the request that waited longest goes on. */
    static void serveWaiting(BouncePool pool) {
        while (!pool.waiting.isEmpty()) {
            long buffer = pool.take();
            if (buffer == 0) {
                return;
            }
            BlockIo io = pool.waiting.poll();
            io.bounce = buffer;
            io.away = false;
            io.front.guarded((front, each) -> front.volume().bounceReady(each), io);
        }
    }

    void nextChunk(BlockIo io) {
        io.lead = (int) (io.requestOffset + io.progress) & blockMask;
        int room = (io.middleZeroed ? blockBytes : BouncePool.BUFFER_BYTES) - io.lead;
        io.chunk = (int) Math.min(room, io.requestLength - io.progress);
        io.span = (io.lead + io.chunk + blockMask) & ~blockMask;
        if (io.requestOperation == Operation.READ) {
            step(io, Operation.READ, 0, io.span);
        } else if (io.lead != 0) {
            io.edge = Edge.FIRST;
            step(io, Operation.READ, 0, blockBytes);
        } else {
            readLast(io);
        }
    }

    /** Reads the last block of a piece when it has a part of it only, and it is not read yet. */
    private void readLast(BlockIo io) {
        int end = io.lead + io.chunk;
        int last = end & ~blockMask;
        if (end != last && (last != 0 || io.lead == 0)) {
            io.edge = Edge.LAST;
            step(io, Operation.READ, last, blockBytes);
        } else {
            writeChunk(io);
        }
    }

    private void writeChunk(BlockIo io) {
        io.edge = Edge.NONE;
        if (io.zeroFill) {
            Memory.fill(io.bounce + io.lead, io.chunk, 0);
        } else {
            copy(io, true);
        }
        if (cipher.isPresent() && !isWholeZeroing(io)) {
            AesXts xts = cipher.get();
            long unit = firstUnit(io);
            for (int at = 0; at < io.span; at += UNIT_BYTES) {
                xts.encrypt(unit++, io.bounce + at, io.bounce + at, UNIT_BYTES);
            }
        }
        if (!io.zeroFill) {
            io.front.settle();
        }
        step(io, Operation.WRITE, 0, io.span);
    }

    /** Units of zeros are kept as they are. */
    private static boolean isWholeZeroing(BlockIo io) {
        return io.zeroFill && io.chunk == io.span;
    }

    /** Moves blocks between the storage and the bounce buffer. */
    private void step(BlockIo io, Operation operation, int at, int bytes) {
        io.operation = operation;
        io.offset = io.requestOffset + io.progress - io.lead + at;
        io.length = bytes;
        io.address = io.bounce + at;
        io.fixed = true;
        io.submit(backend);
    }

    private static long firstUnit(BlockIo io) {
        return (io.requestOffset + io.progress) / UNIT_BYTES;
    }

    // ---------------------------------------------------------------- what was moved

    /**
     * A step moved bytes.
     *
     * @return whether the whole request is done
     */
    boolean moved(BlockIo io, long bytes) {
        if (!io.bounced) {
            if (bytes == io.requestLength) {
                decryptInPlace(io);
                return true;
            }
            // Rare (a signal, a bad sector after good ones): the rest goes through a buffer, from
            // the start, because a unit may have been cut.
            counters[VolumeCounter.PARTIAL.ordinal()]++;
            bounce(io);
            return false;
        }
        if (bytes < io.length) {
            counters[VolumeCounter.PARTIAL.ordinal()]++;
            io.offset += bytes;
            io.address += bytes;
            io.length -= bytes;
            io.submit(backend);
            return false;
        }
        return switch (io.edge) {
            case FIRST -> {
                decryptBounced(io, 0, blockBytes);
                readLast(io);
                yield false;
            }
            case LAST -> {
                decryptBounced(io, (io.lead + io.chunk) & ~blockMask, blockBytes);
                writeChunk(io);
                yield false;
            }
            case NONE -> chunkDone(io);
        };
    }

    private boolean chunkDone(BlockIo io) {
        if (io.requestOperation == Operation.READ) {
            decryptBounced(io, 0, io.span);
            copy(io, false);
        }
        io.progress += io.chunk;
        skipZeroed(io);
        if (io.progress < io.requestLength) {
            nextChunk(io);
            return false;
        }
        return true;
    }

    /** Gives back what a request holds; it is over. */
    void release(BlockIo io) {
        io.zeroFill = false;
        io.middleZeroed = false;
        io.edge = Edge.NONE;
        if (io.bounce != 0) {
            pool.give(io.bounce);
            io.bounce = 0;
        }
    }

    private void decryptInPlace(BlockIo io) {
        if (cipher.isEmpty() || io.operation != Operation.READ) {
            return;
        }
        long unit = io.requestOffset / UNIT_BYTES;
        for (int i = 0; i < io.dataVectorCount; i++) {
            long address = io.vectorAddress(i);
            long end = address + io.vectorLength(i);
            for (; address < end; address += UNIT_BYTES) {
                decrypt(unit++, address);
            }
        }
    }

    private void decryptBounced(BlockIo io, int from, int bytes) {
        if (cipher.isPresent()) {
            long unit = firstUnit(io) + from / UNIT_BYTES;
            for (int at = from; at < from + bytes; at += UNIT_BYTES) {
                decrypt(unit++, io.bounce + at);
            }
        }
    }

    private void decrypt(long unit, long address) {
        if (!isZero(address)) {
            cipher.orElseThrow().decrypt(unit, address, address, UNIT_BYTES);
        }
    }

    private static boolean isZero(long address) {
        long at = Memory.base(address);
        for (int i = 0; i < UNIT_BYTES; i += 8) {
            if (Memory.readLong(at + i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Copies the chunk between the guest's buffers and the bounce buffer. */
    private static void copy(BlockIo io, boolean toBounce) {
        long skip = io.progress;
        int done = 0;
        for (int i = 0; i < io.dataVectorCount && done < io.chunk; i++) {
            long length = io.vectorLength(i);
            if (skip >= length) {
                skip -= length;
                continue;
            }
            int part = (int) Math.min(length - skip, io.chunk - done);
            long guest = io.vectorAddress(i) + skip;
            long bounced = io.bounce + io.lead + done;
            if (toBounce) {
                Memory.copy(guest, bounced, part);
            } else {
                Memory.copy(bounced, guest, part);
            }
            done += part;
            skip = 0;
        }
    }
}
