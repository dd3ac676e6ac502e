package dev.iod.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An AF_XDP socket on one queue of an interface, in copy mode, which works on every driver, veth
 * included (Documentation/networking/af_xdp.rst). Half of the frames receive and half transmit. One
 * thread; allocates nothing per packet.
 */
public final class AfXdp implements AutoCloseable {
    private static final int AF_XDP = 44;
    private static final int SOCK_RAW = 3;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_XDP = 283;
    private static final int XDP_MMAP_OFFSETS = 1;
    private static final int XDP_RX_RING = 2;
    private static final int XDP_TX_RING = 3;
    private static final int XDP_UMEM_REG = 4;
    private static final int XDP_FILL_RING = 5;
    private static final int XDP_COMPLETION_RING = 6;
    private static final int XDP_STATISTICS = 7;
    private static final int XDP_COPY = 2;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int DESCRIPTOR_BYTES = 16;
    private static final int ADDRESS_BYTES = 8;

    /** The kernel takes at most this many frames in one send in copy mode (TX_BATCH_SIZE). */
    private static final int KERNEL_SEND_BATCH = 32;

    /** What the kernel keeps in front of a received packet (XDP_PACKET_HEADROOM). */
    private static final int KERNEL_HEADROOM = 256;

    private final int fd;
    private final int entries;
    private final int mask;
    private final int frameBytes;
    private final Mapping frames;
    private final Ring receive;
    private final Ring transmit;
    private final Ring fill;
    private final Ring completion;
    private int received;
    private int filled;
    private int queued;
    private int completed;

    /** Transmit frames (offsets) the kernel does not have; a stack. */
    private final long[] free;

    private int freeCount;

    /** One ring shared with the kernel: producer and consumer words and the entries. */
    private record Ring(long producer, long consumer, long entries, Mapping mapping) {}

    /**
     * @param entries ring size, a power of two; also the number of frames per direction
     * @param frameBytes 2048 or 4096; a received packet has at most 256 bytes less
     */
    public record Options(int interfaceIndex, int queue, int entries, int frameBytes) {
        public Options {
            if (Integer.bitCount(entries) != 1 || (frameBytes != 2048 && frameBytes != 4096)) {
                throw new IllegalArgumentException(entries + " frames of " + frameBytes);
            }
        }

        /** Options that carry Ethernet frames of the given IP MTU. */
        public static Options forMtu(int interfaceIndex, int mtuBytes) {
            int needed = mtuBytes + 18 + KERNEL_HEADROOM;
            if (needed > 4096) {
                throw new IllegalArgumentException(
                        "AF_XDP without multi-buffer carries an MTU of at most "
                                + (4096 - 18 - KERNEL_HEADROOM)
                                + " bytes, not "
                                + mtuBytes);
            }
            return new Options(interfaceIndex, 0, 2048, needed > 2048 ? 4096 : 2048);
        }
    }

    /** Opens, binds, and gives all receive frames to the kernel. */
    public AfXdp(Options options) {
        entries = options.entries;
        mask = entries - 1;
        frameBytes = options.frameBytes;
        frames = Mapping.anonymous(2L * entries * frameBytes);
        fd = Linux.check(Libc.socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), "open AF_XDP socket");
        try (Arena arena = Arena.ofConfined()) {
            registerFrames(arena);
            int[] rings = {XDP_FILL_RING, XDP_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING};
            MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_INT, entries);
            for (int ring : rings) {
                set(ring, size, "size an AF_XDP ring");
            }
            MemorySegment offsets = query(arena, XDP_MMAP_OFFSETS, 128);
            receive = map(offsets, 0, DESCRIPTOR_BYTES);
            transmit = map(offsets, 1, DESCRIPTOR_BYTES);
            fill = map(offsets, 2, ADDRESS_BYTES);
            completion = map(offsets, 3, ADDRESS_BYTES);
            bind(arena, options);
        } catch (SysException e) {
            Linux.close(fd);
            frames.close();
            throw e;
        }
        for (int i = 0; i < entries; i++) {
            Memory.writeLong(fill.entries + (long) i * ADDRESS_BYTES, (long) i * frameBytes);
        }
        filled = entries;
        Memory.writeIntRelease(fill.producer, filled);
        free = new long[entries];
        for (freeCount = 0; freeCount < entries; freeCount++) {
            free[freeCount] = (long) (entries + freeCount) * frameBytes;
        }
    }

    private void registerFrames(Arena arena) {
        MemorySegment registration = arena.allocate(32, 8);
        registration.set(ValueLayout.JAVA_LONG, 0, frames.address());
        registration.set(ValueLayout.JAVA_LONG, 8, frames.lengthBytes());
        registration.set(ValueLayout.JAVA_INT, 16, frameBytes);
        set(XDP_UMEM_REG, registration, "register AF_XDP frames");
    }

    private void set(int option, MemorySegment value, String operation) {
        Linux.check(Libc.setsockopt(fd, SOL_XDP, option, value, (int) value.byteSize()), operation);
    }

    private MemorySegment query(Arena arena, int option, int bytes) {
        MemorySegment value = arena.allocate(bytes, 8);
        MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, bytes);
        Linux.check(Libc.getsockopt(fd, SOL_XDP, option, value, length), "query AF_XDP socket");
        return value;
    }

    /** Maps ring 0 to 3 (rx, tx, fill, completion) at the page offsets of if_xdp.h. */
    private Ring map(MemorySegment offsets, int index, int entryBytes) {
        long at = 32L * index;
        long first = offsets.get(ValueLayout.JAVA_LONG, at + 16);
        long page = index < 2 ? 0x8000_0000L * index : 0x1_0000_0000L + 0x8000_0000L * (index - 2);
        Mapping mapping = Mapping.shared(fd, page, first + (long) entries * entryBytes);
        return new Ring(
                Memory.base(mapping.address() + offsets.get(ValueLayout.JAVA_LONG, at)),
                Memory.base(mapping.address() + offsets.get(ValueLayout.JAVA_LONG, at + 8)),
                Memory.base(mapping.address() + first),
                mapping);
    }

    private void bind(Arena arena, Options options) {
        MemorySegment address = arena.allocate(16, 4);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_XDP);
        address.set(ValueLayout.JAVA_SHORT, 2, (short) XDP_COPY);
        address.set(ValueLayout.JAVA_INT, 4, options.interfaceIndex);
        address.set(ValueLayout.JAVA_INT, 8, options.queue);
        Linux.check(Libc.bind(fd, address, 16), "bind AF_XDP socket");
    }

    public int fd() {
        return fd;
    }

    /** Number of received packets not yet given back with {@link #release}. */
    public int receivable() {
        return Memory.readIntAcquire(receive.producer) - received;
    }

    /** Where received packet {@code index} (0 = oldest) is. */
    public long receivedAddress(int index) {
        long offset = Memory.readLong(receiveDescriptor(index));
        return Memory.base(frames.address() + offset);
    }

    public int receivedLength(int index) {
        return Memory.readInt(receiveDescriptor(index) + 8);
    }

    private long receiveDescriptor(int index) {
        return Memory.base(receive.entries + (long) ((received + index) & mask) * DESCRIPTOR_BYTES);
    }

    /** Gives the frames of the oldest {@code count} packets back to the kernel. */
    public void release(int count) {
        for (int i = 0; i < count; i++) {
            long frame = Memory.readLong(receiveDescriptor(i)) & -frameBytes;
            Memory.writeLong(
                    Memory.base(fill.entries + (long) ((filled + i) & mask) * ADDRESS_BYTES),
                    frame);
        }
        received += count;
        filled += count;
        Memory.writeIntRelease(receive.consumer, received);
        Memory.writeIntRelease(fill.producer, filled);
    }

    /**
     * Copies a frame into the transmit ring. @return false when it is full or the frame too long
     */
    public boolean transmit(long address, int length) {
        if (length > frameBytes) {
            return false;
        }
        if (freeCount == 0) {
            reclaim();
            if (freeCount == 0) {
                return false;
            }
        }
        long offset = free[--freeCount];
        Memory.copy(address, Memory.base(frames.address() + offset), length);
        long descriptor = Memory.base(transmit.entries + (long) (queued & mask) * DESCRIPTOR_BYTES);
        Memory.writeLong(descriptor, offset);
        Memory.writeLong(descriptor + 8, length);
        queued++;
        return true;
    }

    private void reclaim() {
        int done = Memory.readIntAcquire(completion.producer);
        if (done == completed) {
            return;
        }
        while (completed != done && freeCount < entries) {
            free[freeCount++] =
                    Memory.readLong(
                            Memory.base(
                                    completion.entries
                                            + (long) (completed & mask) * ADDRESS_BYTES));
            completed++;
        }
        Memory.writeIntRelease(completion.consumer, completed);
    }

    /**
     * Lets the kernel send what is in the ring; frames it does not take now stay for the next call.
     *
     * @return whether the kernel has taken all of them
     */
    public boolean flush() {
        Memory.writeIntRelease(transmit.producer, queued);
        int pending = queued - Memory.readIntAcquire(transmit.consumer);
        for (int left = pending; left > 0; left -= KERNEL_SEND_BATCH) {
            long sent = Libc.sendto(fd, 0, 0, MSG_DONTWAIT, MemorySegment.NULL, 0);
            if (sent < 0 && Libc.errno() != Errno.EAGAIN) {
                checkTransient(Libc.errno());
                break;
            }
        }
        reclaim();
        return Memory.readIntAcquire(transmit.consumer) == queued;
    }

    /**
     * EBUSY, ENOBUFS, ENOMEM: try later; ENETDOWN, ENXIO: the interface is down. None ends the
     * socket.
     */
    private static void checkTransient(int errno) {
        boolean passing =
                errno == Errno.EBUSY
                        || errno == Errno.ENOBUFS
                        || errno == Errno.ENOMEM
                        || errno == Errno.ENETDOWN
                        || errno == Errno.ENXIO
                        || errno == Errno.EINTR;
        if (!passing) {
            throw new SysException("send on AF_XDP socket", errno);
        }
    }

    /**
     * Packets the kernel dropped for this socket: no frame, or no room in the receive ring. How
     * often it looked for a frame in vain is a number beside these, and counts the first of them
     * again.
     */
    public long dropped() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = query(arena, XDP_STATISTICS, 48);
            return values.get(ValueLayout.JAVA_LONG, 0) + values.get(ValueLayout.JAVA_LONG, 24);
        }
    }

    @Override
    public void close() {
        Linux.close(fd);
        receive.mapping.close();
        transmit.mapping.close();
        fill.mapping.close();
        completion.mapping.close();
        frames.close();
    }
}
