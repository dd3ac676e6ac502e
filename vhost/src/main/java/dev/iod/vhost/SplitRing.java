package dev.iod.vhost;

import dev.iod.sys.EventFd;
import dev.iod.sys.Memory;

/**
 * A split virtqueue, device side (virtio 1.2 §2.7): its indexes, its used ring, its notifications.
 * What may be done with its chains is the kind's: {@link Vring} completes them in order, {@link
 * RequestRing} in any. Engine thread only; allocates nothing per chain.
 *
 * <p>Everything here throws {@link VhostException} for what a driver must not write, and {@link
 * InternalError} when the memory of the ring has gone: use it inside {@link VhostDevice#guarded}.
 */
public abstract sealed class SplitRing permits Vring, RequestRing {
    static final int DESCRIPTOR_BYTES = 16;
    static final int DESCRIPTOR_NEXT = 1;
    static final int DESCRIPTOR_WRITE = 2;
    static final int DESCRIPTOR_INDIRECT = 4;

    /** VIRTQ_AVAIL_F_NO_INTERRUPT and VIRTQ_USED_F_NO_NOTIFY. */
    private static final int NO_NOTIFICATION = 1;

    /** Ring indexes count modulo 2^16. */
    static final int WRAP = 0xffff;

    /** A ring that is not live never has chains. */
    private final boolean live;

    final GuestMemory memory;

    /** Entries less one. */
    final int mask;

    final long descriptors;
    final long avail;
    final long used;
    private final boolean eventIndex;
    private final int call;

    /** Position in the available ring of the next chain to take. */
    int nextAvail;

    /** The available index when it was last read: the guest writes its cache line all the time. */
    int seenAvail;

    /** Position in the used ring of the next chain to hand back. */
    int usedIndex;

    private int publishedIndex;
    private int signalledIndex;

    /**
     * Where a ring is here; checked by the control side.
     *
     * @param size entries, a power of two
     * @param descriptors address of the descriptor table, 16-byte aligned
     * @param avail address of the available ring, 2-byte aligned
     * @param used address of the used ring, 4-byte aligned
     * @param eventIndex VIRTIO_F_EVENT_IDX was negotiated
     */
    record Layout(int size, long descriptors, long avail, long used, boolean eventIndex) {}

    /** Not live. */
    SplitRing() {
        live = false;
        memory = GuestMemory.NONE;
        mask = 0;
        descriptors = 0;
        avail = 0;
        used = 0;
        eventIndex = false;
        call = -1;
    }

    /**
     * @param nextAvail position in the available ring to go on from, 0 to 65535
     * @param call eventfd of the guest's interrupt, -1 = none
     */
    SplitRing(GuestMemory memory, Layout layout, int nextAvail, int call) {
        this.live = true;
        this.memory = memory;
        this.mask = layout.size - 1;
        this.descriptors = layout.descriptors;
        this.avail = layout.avail;
        this.used = layout.used;
        this.eventIndex = layout.eventIndex;
        this.call = call;
        goOnFrom(nextAvail);
    }

    final void goOnFrom(int position) {
        nextAvail = position & WRAP;
        seenAvail = nextAvail;
    }

    // ---------------------------------------------------------------- going live and back

    public final boolean live() {
        return live;
    }

    /** Once, before the first use: takes over the used position from guest memory. */
    void adopt() {
        if (live) {
            usedIndex = Memory.readShortAcquire(used + 2);
            publishedIndex = usedIndex;
            signalledIndex = usedIndex;
            suppressKicks();
        }
    }

    /** After the last use: nothing that was completed stays unpublished. */
    final void retire() {
        if (live) {
            publish();
        }
    }

    /** Where the next connection would go on; exact while the ring is quiet. */
    final int position() {
        return nextAvail;
    }

    // ---------------------------------------------------------------- available chains

    /** Number of chains the guest has made available and this side has not taken. */
    public final int available() {
        if (!live) {
            return 0;
        }
        int seen = Memory.readShortAcquire(avail + 2);
        int count = (seen - nextAvail) & WRAP;
        if (count > mask + 1) {
            throw violation("the available index runs " + count + " ahead of a ring of", mask + 1);
        }
        seenAvail = seen;
        return count;
    }

    /** Whether there is a chain, asking the guest only when none is left of those known. */
    public final boolean hasAvailable() {
        return seenAvail != nextAvail || available() > 0;
    }

    /** Head of the next available chain; only when there is one. */
    public final int peek() {
        int head = Memory.readShort(Memory.base(avail + 4 + ((nextAvail & mask) << 1)));
        if (head > mask) {
            throw violation("a head descriptor has index", head);
        }
        return head;
    }

    /** The chain at {@link #peek()} is taken. */
    final void advance() {
        nextAvail = (nextAvail + 1) & WRAP;
    }

    /**
     * The descriptor that follows.
     *
     * @param rest second half of a descriptor
     * @param limit last index of its table
     */
    static int next(long rest, int limit) {
        int index = (int) (rest >>> 48);
        if (index > limit) {
            throw violation("a chained descriptor has index", index);
        }
        return index;
    }

    /** Bytes of a buffer, from the second half of its descriptor. */
    static long length(long rest) {
        return rest & 0xffff_ffffL;
    }

    /** Flags, from the second half of a descriptor. */
    static int flags(long rest) {
        return (int) (rest >>> 32) & 0xffff;
    }

    // ---------------------------------------------------------------- used chains

    /** Puts a chain into the used ring; seen after {@link #publish()}. */
    final void handBack(int head, int writtenBytes) {
        long entry = Memory.base(used + 4 + ((long) (usedIndex & mask) << 3));
        Memory.writeLong(entry, head | (long) writtenBytes << 32);
        usedIndex = (usedIndex + 1) & WRAP;
    }

    /** Makes completed chains visible to the guest. @return whether there were any */
    public boolean publish() {
        if (usedIndex == publishedIndex) {
            return false;
        }
        publishedIndex = usedIndex;
        Memory.writeShortRelease(used + 2, usedIndex);
        return true;
    }

    /** Interrupts the guest if it wants to hear of what was published since the last time. */
    public final void interrupt() {
        if (!live || call < 0 || publishedIndex == signalledIndex) {
            return;
        }
        // The index must be visible before the driver's wish is read (virtio 1.2 §2.7.7.2 and
        // §2.7.22.2; the driver's half of the same race is in §2.7.14).
        Memory.fence();
        int from = signalledIndex;
        signalledIndex = publishedIndex;
        boolean wanted;
        if (eventIndex) {
            int event = Memory.readShort(avail + 4 + 2L * (mask + 1));
            wanted = ((publishedIndex - event - 1) & WRAP) < ((publishedIndex - from) & WRAP);
        } else {
            wanted = (Memory.readShort(avail) & NO_NOTIFICATION) == 0;
        }
        if (wanted) {
            EventFd.signal(call);
        }
    }

    // ---------------------------------------------------------------- kicks

    /**
     * Asks the guest to kick. Both ways are used, because a front end may repeat features that lack
     * the driver's EVENT_IDX (see {@link Session}); the used ring has room for the event index
     * whether or not it was negotiated (virtio 1.2 §2.7).
     *
     * @return false when it already has made chains available
     */
    public boolean requestKicks() {
        if (!live) {
            return true;
        }
        Memory.writeShort(used, 0);
        Memory.writeShort(used + 4 + 8L * (mask + 1), nextAvail);
        Memory.fence();
        return available() == 0;
    }

    /** Tells the guest that kicks are not needed now. */
    public final void suppressKicks() {
        if (live) {
            Memory.writeShort(used, NO_NOTIFICATION);
        }
    }

    static VhostException violation(String what, int value) {
        return new VhostException(VhostException.Category.RING, what + " " + value);
    }
}
