package dev.iod.block;

import dev.iod.sys.Memory;
import dev.iod.vhost.Chain;

/**
 * Makes a {@link BlockIo} of a chain of buffers (virtio 1.2 §5.2.6). Everything in guest memory is
 * read once. Buffers may be cut anywhere ("message framing", §2.7.4): the header is the first 16
 * bytes to read, the status the last byte to write. Shard thread only.
 */
final class RequestParser {
    /** The request is to be carried out. */
    static final int GO = -1;

    static final int SECTOR_BYTES = 512;

    private static final int TYPE_IN = 0;
    private static final int TYPE_OUT = 1;
    private static final int TYPE_FLUSH = 4;
    private static final int TYPE_GET_ID = 8;
    private static final int TYPE_DISCARD = 11;
    private static final int TYPE_WRITE_ZEROES = 13;
    private static final int HEADER_BYTES = 16;
    private static final int SEGMENT_BYTES = 16;
    private static final int UNMAP = 1;

    /** One step of a kernel's transfer is smaller than 2 GiB; drivers send a few MiB. */
    private static final long MAX_BYTES = 1L << 30;

    private final byte[] id;
    private final byte[] bytes = new byte[HEADER_BYTES];

    /**
     * @param id what GET_ID answers, 20 bytes
     */
    RequestParser(byte[] id) {
        this.id = id.clone();
    }

    /**
     * Reads the request whose chain was collected. One that is only odd is answered with an error,
     * as far as there is a byte for it: too many buffers (a driver that ignores seg_max), buffers
     * in the wrong order, no room for a header or for the status.
     *
     * @param sizeBytes of the volume
     * @return {@link #GO}, or the status that answers it
     */
    int parse(BlockIo io, long sizeBytes, boolean readOnly) {
        Chain chain = io.chain;
        io.statusAddress = chain.lastWritable();
        if (!chain.sound() || chain.readableBytes() < HEADER_BYTES || chain.writableBytes() < 1) {
            return VirtioBlk.IO_ERROR;
        }
        int firstReadable = cut(chain, 0);
        int type = intAt(0);
        long sector = intAt(8) & 0xffff_ffffL | (long) intAt(12) << 32;
        takeStatus(io);
        io.written = 1;
        io.requestOffset = 0;
        io.requestLength = 0;
        io.unmap = false;
        return switch (type) {
            case TYPE_IN -> {
                io.requestOperation = Operation.READ;
                data(io, chain.readable(), io.statusVector - chain.readable());
                yield range(io, sector, chain.writableBytes() - 1, sizeBytes);
            }
            case TYPE_OUT -> {
                io.requestOperation = Operation.WRITE;
                data(io, firstReadable, chain.readable() - firstReadable);
                long length = chain.readableBytes() - HEADER_BYTES;
                yield readOnly ? VirtioBlk.IO_ERROR : range(io, sector, length, sizeBytes);
            }
            case TYPE_FLUSH -> {
                io.requestOperation = Operation.FLUSH;
                yield GO;
            }
            case TYPE_GET_ID -> identify(io);
            case TYPE_DISCARD, TYPE_WRITE_ZEROES ->
                    readOnly
                            ? VirtioBlk.IO_ERROR
                            : segment(io, firstReadable, type == TYPE_DISCARD, sizeBytes);
            default -> VirtioBlk.UNSUPPORTED;
        };
    }

    /**
     * Takes the next 16 bytes off the readable buffers, from buffer {@code index} on.
     *
     * @return the first buffer that has bytes left
     */
    private int cut(Chain chain, int index) {
        int taken = 0;
        while (taken < HEADER_BYTES) {
            long vector = chain.vector(index);
            long address = Memory.readLong(vector);
            long length = Memory.readLong(vector + 8);
            int part = (int) Math.min(length, HEADER_BYTES - taken);
            Memory.copyToArray(address, bytes, taken, part);
            taken += part;
            if (part == length) {
                index++;
            } else {
                Memory.writeLong(vector, address + part);
                Memory.writeLong(vector + 8, length - part);
            }
        }
        return index;
    }

    private int intAt(int at) {
        return bytes[at] & 0xff
                | (bytes[at + 1] & 0xff) << 8
                | (bytes[at + 2] & 0xff) << 16
                | (bytes[at + 3] & 0xff) << 24;
    }

    private static void takeStatus(BlockIo io) {
        int last = io.chain.count() - 1;
        long vector = io.chain.vector(last);
        long length = Memory.readLong(vector + 8) - 1;
        Memory.writeLong(vector + 8, length);
        // How many buffers there are without the status; a buffer it emptied is none.
        io.statusVector = length == 0 ? last : last + 1;
    }

    private static void data(BlockIo io, int first, int count) {
        io.dataVectors = io.chain.vector(first);
        io.dataVectorCount = count;
    }

    private static int range(BlockIo io, long sector, long length, long sizeBytes) {
        io.requestOffset = sector * SECTOR_BYTES;
        io.requestLength = length;
        boolean inside =
                sector >= 0
                        && sector <= sizeBytes / SECTOR_BYTES
                        && length > 0
                        && length <= MAX_BYTES
                        && length <= sizeBytes - io.requestOffset;
        if (!inside || (length & (SECTOR_BYTES - 1)) != 0) {
            return VirtioBlk.IO_ERROR;
        }
        if (io.requestOperation == Operation.READ) {
            io.written = (int) length + 1;
        }
        return GO;
    }

    private int identify(BlockIo io) {
        int copied = 0;
        for (int i = io.chain.readable(); i < io.statusVector && copied < id.length; i++) {
            long vector = io.chain.vector(i);
            int part = (int) Math.min(Memory.readLong(vector + 8), id.length - copied);
            Memory.copyFromArray(id, copied, Memory.readLong(vector), part);
            copied += part;
        }
        io.written = copied + 1;
        return VirtioBlk.OK;
    }

    /** One segment, as max_discard_seg and max_write_zeroes_seg say (§5.2.6.1). */
    private int segment(BlockIo io, int firstReadable, boolean discard, long sizeBytes) {
        if (io.chain.readableBytes() != HEADER_BYTES + SEGMENT_BYTES) {
            return VirtioBlk.IO_ERROR;
        }
        cut(io.chain, firstReadable);
        long sector = intAt(0) & 0xffff_ffffL | (long) intAt(4) << 32;
        long length = (intAt(8) & 0xffff_ffffL) * SECTOR_BYTES;
        int flags = intAt(12);
        if ((flags & ~UNMAP) != 0 || discard && flags != 0) {
            return VirtioBlk.UNSUPPORTED;
        }
        io.requestOperation = discard ? Operation.DISCARD : Operation.WRITE_ZEROES;
        io.unmap = flags == UNMAP;
        io.dataVectorCount = 0;
        io.requestOffset = sector * SECTOR_BYTES;
        io.requestLength = length;
        boolean inside =
                sector >= 0
                        && sector <= sizeBytes / SECTOR_BYTES
                        && length > 0
                        && length <= sizeBytes - io.requestOffset;
        return inside ? GO : VirtioBlk.IO_ERROR;
    }
}
