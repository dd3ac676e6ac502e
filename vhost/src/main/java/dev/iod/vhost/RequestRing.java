package dev.iod.vhost;

import dev.iod.sys.EventFd;
import dev.iod.sys.Memory;
import java.util.Optional;

/**
 * A live split virtqueue, device side (virtio 1.2 §2.7), whose requests are answered in any order.
 * What is in flight is noted in memory that outlives the process when the front end offers it
 * (INFLIGHT_SHMFD); then the next process takes the same requests again, in their old order, and
 * none is answered twice. Engine thread only; allocates nothing per request.
 *
 * <p>Use: {@link #next()}, {@link #chain}, later {@link #complete}; at the end of a batch {@link
 * #publish()} and {@link #interrupt()}.
 */
public final class RequestRing implements LiveRing {
    /** {@link #next()} found nothing. */
    public static final int NONE = -1;

    static final RequestRing STOPPED = new RequestRing();

    private static final int DESCRIPTOR_BYTES = 16;
    private static final int DESCRIPTOR_NEXT = 1;
    private static final int DESCRIPTOR_WRITE = 2;
    private static final int DESCRIPTOR_INDIRECT = 4;
    private static final int NO_NOTIFY = 1;
    private static final int WRAP = 0xffff;

    /** Entries of an indirect table: more than any request may have buffers. */
    private static final long MAX_INDIRECT = 4096;

    private final boolean live;
    private final GuestMemory memory;
    private final int mask;
    private final RingAddresses at;
    private final boolean eventIndex;
    private final int call;
    private final Optional<InflightRegion> inflight;

    /** Heads in flight; a guest that offers one again breaks the rules. */
    private final boolean[] busy;

    /** Left by the previous process, oldest first. */
    private int[] resumed = new int[0];

    private int resumedNext;
    private int nextAvail;
    private int usedIndex;
    private int publishedIndex;
    private int signalledFrom;
    private int outstanding;

    /** Where the three parts of a ring are here; aligned and checked by the control thread. */
    record RingAddresses(long descriptors, long avail, long used) {}

    private RequestRing() {
        live = false;
        memory = GuestMemory.NONE;
        mask = 0;
        at = new RingAddresses(0, 0, 0);
        eventIndex = false;
        call = -1;
        inflight = Optional.empty();
        busy = new boolean[0];
    }

    /**
     * @param size power of two
     * @param eventIndex VIRTIO_F_EVENT_IDX was negotiated
     * @param nextAvail position to go on from when nothing tracks what is in flight
     * @param call eventfd of the guest's interrupt, -1 = none
     */
    RequestRing(
            GuestMemory memory,
            int size,
            RingAddresses at,
            boolean eventIndex,
            int nextAvail,
            int call,
            Optional<InflightRegion> inflight) {
        this.live = true;
        this.memory = memory;
        this.mask = size - 1;
        this.at = at;
        this.eventIndex = eventIndex;
        this.nextAvail = nextAvail;
        this.call = call;
        this.inflight = inflight;
        this.busy = new boolean[size];
    }

    @Override
    public void adopt() {
        if (!live) {
            return;
        }
        usedIndex = Memory.readShortAcquire(at.used + 2);
        publishedIndex = usedIndex;
        signalledFrom = usedIndex;
        if (inflight.isPresent()) {
            // Whatever position the front end sent: it cannot know what was taken.
            resumed = inflight.get().recover(usedIndex);
            nextAvail = (usedIndex + resumed.length) & WRAP;
        }
        suppressKicks();
    }

    @Override
    public void retire() {
        if (live) {
            publish();
        }
    }

    @Override
    public boolean live() {
        return live;
    }

    @Override
    public int position() {
        return nextAvail;
    }

    /** Entries of the ring; heads are smaller. */
    public int size() {
        return busy.length;
    }

    /** Requests taken and not answered. */
    public int outstanding() {
        return outstanding;
    }

    private int available() {
        int count = (Memory.readShortAcquire(at.avail + 2) - nextAvail) & WRAP;
        if (count > mask + 1) {
            throw violation("the available index runs " + count + " ahead of a ring of", mask + 1);
        }
        return count;
    }

    /** Takes the next request. @return its head, or {@link #NONE} */
    public int next() {
        if (!live) {
            return NONE;
        }
        int head;
        if (resumedNext < resumed.length) {
            head = resumed[resumedNext++];
        } else if (available() > 0) {
            head = Memory.readShort(Memory.base(at.avail + 4 + ((nextAvail & mask) << 1)));
            if (head > mask) {
                throw violation("a head descriptor has index", head);
            }
            if (busy[head]) {
                throw violation("a request is offered that is in flight: head", head);
            }
            if (inflight.isPresent()) {
                inflight.get().taken(head);
            }
            nextAvail = (nextAvail + 1) & WRAP;
        } else {
            return NONE;
        }
        busy[head] = true;
        outstanding++;
        return head;
    }

    /** Collects and checks the buffers of a request. */
    public void chain(int head, Chain into) {
        into.clear();
        long table = at.descriptors;
        int limit = mask;
        int index = head;
        boolean indirect = false;
        for (int left = limit + 1; left > 0; left--) {
            long descriptor = Memory.base(table + (long) index * DESCRIPTOR_BYTES);
            // Read once: the guest may change the descriptor at any time.
            long address = Memory.readLong(descriptor);
            long rest = Memory.readLong(descriptor + 8);
            long length = rest & 0xffff_ffffL;
            int flags = (int) (rest >>> 32) & 0xffff;
            if ((flags & DESCRIPTOR_INDIRECT) != 0) {
                if (indirect || (flags & DESCRIPTOR_NEXT) != 0) {
                    throw violation("an indirect descriptor has flags", flags);
                }
                if (length == 0
                        || length % DESCRIPTOR_BYTES != 0
                        || length > MAX_INDIRECT * DESCRIPTOR_BYTES) {
                    throw violation("an indirect table has bytes", (int) length);
                }
                table = memory.translate(address, length);
                limit = (int) (length / DESCRIPTOR_BYTES) - 1;
                index = 0;
                indirect = true;
                left = limit + 2;
                continue;
            }
            if (length > 0) {
                into.add(
                        memory.translate(address, length), length, (flags & DESCRIPTOR_WRITE) != 0);
            }
            if ((flags & DESCRIPTOR_NEXT) == 0) {
                return;
            }
            index = (int) (rest >>> 48);
            if (index > limit) {
                throw violation("a chained descriptor has index", index);
            }
        }
        throw violation("a chain is longer than its table of", limit + 1);
    }

    /** Answers a request; seen after {@link #publish()}. */
    public void complete(int head, int writtenBytes) {
        if (!busy[head]) {
            throw new IllegalStateException("head " + head + " is answered twice");
        }
        long entry = Memory.base(at.used + 4 + ((long) (usedIndex & mask) << 3));
        Memory.writeLong(entry, head | (long) writtenBytes << 32);
        usedIndex = (usedIndex + 1) & WRAP;
        busy[head] = false;
        outstanding--;
        if (inflight.isPresent()) {
            inflight.get().answered(head);
        }
    }

    /** Makes answers visible to the guest. @return whether there were any */
    public boolean publish() {
        if (usedIndex == publishedIndex) {
            return false;
        }
        publishedIndex = usedIndex;
        Memory.writeShortRelease(at.used + 2, usedIndex);
        if (inflight.isPresent()) {
            inflight.get().published(usedIndex);
        }
        return true;
    }

    /** Interrupts the guest if it wants to hear of what was published since the last time. */
    public void interrupt() {
        if (!live || call < 0 || publishedIndex == signalledFrom) {
            return;
        }
        // The index must be visible before the driver's wish is read (virtio 1.2 §2.7.7.2).
        Memory.fence();
        int from = signalledFrom;
        signalledFrom = publishedIndex;
        boolean wanted;
        if (eventIndex) {
            int event = Memory.readShort(at.avail + 4 + 2L * (mask + 1));
            wanted = ((publishedIndex - event - 1) & WRAP) < ((publishedIndex - from) & WRAP);
        } else {
            wanted = (Memory.readShort(at.avail) & NO_NOTIFY) == 0;
        }
        if (wanted) {
            EventFd.signal(call);
        }
    }

    /**
     * Asks the guest to kick. Both ways are used, because a front end may repeat features that lack
     * the driver's EVENT_IDX (see {@link Session}).
     *
     * @return false when requests are there already
     */
    public boolean requestKicks() {
        if (!live) {
            return true;
        }
        Memory.writeShort(at.used, 0);
        Memory.writeShort(at.used + 4 + 8L * (mask + 1), nextAvail);
        Memory.fence();
        return resumedNext == resumed.length && available() == 0;
    }

    /** Tells the guest that kicks are not needed now. */
    public void suppressKicks() {
        if (live) {
            Memory.writeShort(at.used, NO_NOTIFY);
        }
    }

    private static VhostException violation(String what, int value) {
        return new VhostException(VhostException.Category.RING, what + " " + value);
    }
}
