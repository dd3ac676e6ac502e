package dev.iod.vhost;

import dev.iod.sys.Memory;

/**
 * A split virtqueue whose buffers are completed strictly in the order in which they were made
 * available: that is what makes the position a front end restores after a reconnect exact. Engine
 * thread only; allocates nothing per buffer.
 *
 * <p>Use: {@link #available()}, then for each chain {@link #peek()}, {@link #read} or {@link
 * #write}, {@link #complete}; at the end of a batch {@link #publish()} and {@link #interrupt()}.
 */
public final class Vring extends SplitRing {
    static final Vring STOPPED = new Vring();

    /** {@link #write} found that the chain is too small. */
    public static final int TOO_SMALL = -1;

    private static final int LINE_BYTES = 64;

    /** Most buffers one write is spread over: a frame needs two or three. */
    private static final int MAX_PIECES = 64;

    /** Chain of a {@link #write} that has more than one descriptor. */
    private final long[] pieceAddress;

    private final int[] pieceLength;
    private int walked;

    private Vring() {
        pieceAddress = new long[0];
        pieceLength = new int[0];
    }

    /**
     * @param nextAvail position in the available ring to go on from, 0 to 65535
     * @param call eventfd of the guest's interrupt, -1 = none
     */
    Vring(GuestMemory memory, Layout layout, int nextAvail, int call) {
        super(memory, layout, nextAvail, call);
        pieceAddress = new long[Math.min(layout.size(), MAX_PIECES)];
        pieceLength = new int[Math.min(layout.size(), MAX_PIECES)];
    }

    /**
     * As {@link #available()}, asking the guest only when fewer are known than wanted.
     *
     * @return perhaps less than there are, but not less than wanted while there are as many
     */
    public int available(int wanted) {
        int known = (seenAvail - nextAvail) & WRAP;
        return live() && known >= wanted ? known : available();
    }

    /**
     * Loads the first descriptors of the next chains before they are worked on, so that the
     * processor waits for many at a time: what the guest's processor wrote last takes long to come
     * over. Only looks; what is wrong there is found by who uses it.
     *
     * @param count number of chains, at most {@link #available()}
     * @return no meaning: a value that depends on all loads, so that they are not left out
     */
    public long touch(int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Memory.readLong(upcoming(i));
        }
        return sum;
    }

    /**
     * As {@link #touch}, and then what the first buffers hold from their {@code skip}th byte on, as
     * far as the headers of a frame usually go.
     */
    public long touchContents(int count, int skip) {
        long sum = touch(count);
        for (int i = 0; i < count; i++) {
            long buffer = memory.peek(Memory.readLong(upcoming(i)), skip + LINE_BYTES);
            if (buffer != 0) {
                sum += Memory.readLong(buffer + skip);
                sum += Memory.readByte(buffer + skip + LINE_BYTES - 1);
            }
        }
        return sum;
    }

    /** The first descriptor of a chain that is available, counted from the next one. */
    private long upcoming(int index) {
        int head = Memory.readShort(Memory.base(avail + 4 + ((nextAvail + index & mask) << 1)));
        return Memory.base(descriptors + ((long) (head & mask) << 4));
    }

    /**
     * Copies a chain of device-readable buffers from its {@code skip}th byte on. What is skipped is
     * not even loaded: the front end has just written it, and its cache line would have to come
     * over from another processor.
     *
     * @param to room for {@code capacity} bytes; what does not fit is not copied
     * @return bytes of the chain behind those skipped, which may be more than {@code capacity};
     *     negative when the chain is shorter than {@code skip}
     */
    public int read(int head, int skip, long to, int capacity) {
        long total = -skip;
        int index = head;
        for (int count = 0; count <= mask; count++) {
            long descriptor = Memory.base(descriptors + ((long) index << 4));
            // Read once: the guest may change the descriptor at any time.
            long address = Memory.readLong(descriptor);
            long rest = Memory.readLong(descriptor + 8);
            long length = length(rest);
            int flags = flags(rest);
            if ((flags & (DESCRIPTOR_WRITE | DESCRIPTOR_INDIRECT)) != 0) {
                throw violation("a buffer to read from has flags", flags);
            }
            if (length > 0) {
                long from = memory.translate(address, length);
                long done = Math.max(0, total);
                long skipped = done - total;
                int fits = (int) Math.min(length - skipped, capacity - done);
                if (fits > 0) {
                    Memory.copy(from + skipped, to + done, fits);
                }
                total += length;
            }
            if ((flags & DESCRIPTOR_NEXT) == 0) {
                walked = count + 1;
                return (int) Math.min(total, Integer.MAX_VALUE);
            }
            index = next(rest, mask);
        }
        throw violation("a chain is longer than the ring of", mask + 1);
    }

    /** Descriptors of the chain last {@link #read}: what it cost. */
    public int walked() {
        return walked;
    }

    /**
     * Copies a header and a payload into a chain of device-writable buffers.
     *
     * @return bytes written, or {@link #TOO_SMALL} with nothing written
     */
    public int write(int head, long header, int headerLength, long payload, int payloadLength) {
        long descriptor = Memory.base(descriptors + ((long) head << 4));
        long address = Memory.readLong(descriptor);
        long rest = Memory.readLong(descriptor + 8);
        int needed = headerLength + payloadLength;
        if (length(rest) < needed) {
            return writePieces(address, rest, header, headerLength, payload, payloadLength);
        }
        checkWritable(flags(rest));
        long to = memory.translate(address, needed);
        Memory.copy(header, to, headerLength);
        Memory.copy(payload, to + headerLength, payloadLength);
        return needed;
    }

    /** The chain has several descriptors: collect and check them, then copy. */
    private int writePieces(
            long firstAddress,
            long firstRest,
            long header,
            int headerLength,
            long payload,
            int payloadLength) {
        int needed = headerLength + payloadLength;
        int total = 0;
        int pieces = 0;
        long address = firstAddress;
        long rest = firstRest;
        while (total < needed) {
            int flags = flags(rest);
            checkWritable(flags);
            int length = (int) Math.min(length(rest), needed - total);
            if (length > 0) {
                pieceAddress[pieces] = memory.translate(address, length);
            }
            pieceLength[pieces++] = length;
            total += length;
            if (total == needed) {
                break;
            }
            if ((flags & DESCRIPTOR_NEXT) == 0) {
                return TOO_SMALL;
            }
            if (pieces > mask) {
                throw violation("a chain is longer than the ring of", mask + 1);
            }
            if (pieces == MAX_PIECES) {
                throw violation("a buffer to write to is in more pieces than", MAX_PIECES);
            }
            long descriptor = Memory.base(descriptors + ((long) next(rest, mask) << 4));
            address = Memory.readLong(descriptor);
            rest = Memory.readLong(descriptor + 8);
        }
        scatter(pieces, header, headerLength, payload);
        return needed;
    }

    private void scatter(int pieces, long header, int headerLength, long payload) {
        int done = 0;
        for (int i = 0; i < pieces; i++) {
            long to = pieceAddress[i];
            int left = pieceLength[i];
            if (done < headerLength && left > 0) {
                int part = Math.min(left, headerLength - done);
                Memory.copy(header + done, to, part);
                done += part;
                to += part;
                left -= part;
            }
            if (left > 0) {
                Memory.copy(payload + done - headerLength, to, left);
                done += left;
            }
        }
    }

    private static void checkWritable(int flags) {
        if ((flags & DESCRIPTOR_WRITE) == 0 || (flags & DESCRIPTOR_INDIRECT) != 0) {
            throw violation("a buffer to write to has flags", flags);
        }
    }

    /** Hands the chain at the head of the available ring back; seen after {@link #publish()}. */
    public void complete(int head, int writtenBytes) {
        handBack(head, writtenBytes);
        advance();
    }
}
