package dev.iod.block;

import dev.iod.sys.AesXts;
import dev.iod.sys.Memory;
import java.util.Optional;

/**
 * The stage between a device and its back end: hands requests on as they are when the back end can
 * use the guest's buffers, and otherwise moves them through bounce buffers, encrypting on the way.
 * The guest's own buffer is never encrypted in place; a read is decrypted in place.
 *
 * <p>Encryption is AES-256-XTS in units of 4 KiB, the tweak being the unit's number. A unit that is
 * all zeros on the medium was never written, discarded or zeroed, and reads as zeros. Shard thread
 * only.
 */
final class Transfer {
    /** Encryption unit, and block size of encrypted volumes, bytes. */
    static final int UNIT_BYTES = 4096;

    private final Backend backend;
    private final Optional<AesXts> cipher;
    private final BouncePool pool;
    private final long[] counters;
    private final int blockMask;
    private final int addressMask;

    Transfer(Backend backend, Optional<AesXts> cipher, BouncePool pool, long[] counters) {
        this.backend = backend;
        this.cipher = cipher;
        this.pool = pool;
        this.counters = counters;
        blockMask = backend.blockBytes() - 1;
        addressMask = backend.memoryAlignment() - 1;
    }

    /** Block size a guest has to respect. */
    int blockBytes() {
        return cipher.isPresent() ? UNIT_BYTES : backend.blockBytes();
    }

    /** Starts a read or write. */
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

    /** Writes zeros over a range, for storage that cannot zero by itself. */
    void beginZeros(BlockIo io) {
        io.progress = 0;
        io.operation = Operation.WRITE;
        io.zeroFill = true;
        bounce(io);
    }

    private boolean direct(BlockIo io) {
        int lengthMask = blockMask;
        if (cipher.isPresent()) {
            if (io.requestOperation == Operation.WRITE) {
                return false;
            }
            lengthMask = UNIT_BYTES - 1;
        }
        long lengths = 0;
        long addresses = 0;
        for (int i = 0; i < io.dataVectorCount; i++) {
            addresses |= io.vectorAddress(i);
            lengths |= io.vectorLength(i);
        }
        return (lengths & lengthMask) == 0 && (addresses & addressMask) == 0;
    }

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

    void nextChunk(BlockIo io) {
        io.chunk = (int) Math.min(BouncePool.BUFFER_BYTES, io.requestLength - io.progress);
        if (io.operation == Operation.WRITE) {
            if (io.zeroFill) {
                Memory.fill(io.bounce, io.chunk, 0);
            } else {
                gather(io);
                io.front.settle();
            }
        }
        io.offset = io.requestOffset + io.progress;
        io.length = io.chunk;
        io.address = io.bounce;
        io.fixed = true;
        io.submit(backend);
    }

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
        if (io.operation == Operation.READ) {
            scatter(io);
        }
        io.progress += io.chunk;
        if (io.progress < io.requestLength) {
            nextChunk(io);
            return false;
        }
        return true;
    }

    /** Gives back what a request holds; it is over. */
    void release(BlockIo io) {
        io.zeroFill = false;
        if (io.bounce != 0) {
            pool.give(io.bounce);
            io.bounce = 0;
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

    /** Copies the chunk from the guest's buffers, encrypted. */
    private void gather(BlockIo io) {
        copy(io, true);
        if (cipher.isPresent()) {
            AesXts xts = cipher.get();
            long unit = (io.requestOffset + io.progress) / UNIT_BYTES;
            for (int at = 0; at < io.chunk; at += UNIT_BYTES) {
                xts.encrypt(unit++, io.bounce + at, io.bounce + at, UNIT_BYTES);
            }
        }
    }

    /** Copies the chunk to the guest's buffers, decrypted. */
    private void scatter(BlockIo io) {
        if (cipher.isPresent()) {
            long unit = (io.requestOffset + io.progress) / UNIT_BYTES;
            for (int at = 0; at < io.chunk; at += UNIT_BYTES) {
                decrypt(unit++, io.bounce + at);
            }
        }
        copy(io, false);
    }

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
            if (toBounce) {
                Memory.copy(guest, io.bounce + done, part);
            } else {
                Memory.copy(io.bounce + done, guest, part);
            }
            done += part;
            skip = 0;
        }
    }
}
