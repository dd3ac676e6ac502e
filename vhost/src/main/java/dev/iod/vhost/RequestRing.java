package dev.iod.vhost;

import dev.iod.sys.Memory;
import java.util.Optional;

/**
 * A split virtqueue whose requests are answered in any order. What is in flight is noted in memory
 * that outlives the process when the front end offers it (INFLIGHT_SHMFD); then the next process
 * takes the same requests again, in their old order, and none is answered twice. Engine thread
 * only; allocates nothing per request.
 *
 * <p>Use: {@link #take()}, {@link #chain}, later {@link #complete}; at the end of a batch {@link
 * #publish()} and {@link #interrupt()}.
 */
public final class RequestRing extends SplitRing {
    /** {@link #take()} found nothing. */
    public static final int NONE = -1;

    static final RequestRing STOPPED = new RequestRing();

    /** Entries of an indirect table: more than any request may have buffers. */
    static final long MAX_INDIRECT = 4096;

    private final Optional<InflightRegion> inflight;

    /** Heads in flight; a guest that offers one again breaks the rules. */
    private final boolean[] busy;

    /** Left by the previous process, oldest first. */
    private int[] resumed = new int[0];

    private int resumedNext;
    private int outstanding;

    private RequestRing() {
        inflight = Optional.empty();
        busy = new boolean[0];
    }

    /**
     * @param nextAvail position to go on from when nothing tracks what is in flight
     * @param call eventfd of the guest's interrupt, -1 = none
     */
    RequestRing(
            GuestMemory memory,
            Layout layout,
            int nextAvail,
            int call,
            Optional<InflightRegion> inflight) {
        super(memory, layout, nextAvail, call);
        this.inflight = inflight;
        this.busy = new boolean[layout.size()];
    }

    @Override
    void adopt() {
        super.adopt();
        if (inflight.isPresent()) {
            // Whatever position the front end sent: it cannot know what was taken.
            resumed = inflight.get().recover(usedIndex);
            goOnFrom(usedIndex + resumed.length);
        }
    }

    /** Entries of the ring; heads are smaller. */
    public int size() {
        return busy.length;
    }

    /** Requests taken and not answered. */
    public int outstanding() {
        return outstanding;
    }

    /** Takes the next request. @return its head, or {@link #NONE} */
    public int take() {
        int head;
        if (resumedNext < resumed.length) {
            head = resumed[resumedNext++];
        } else if (hasAvailable()) {
            head = peek();
            if (busy[head]) {
                throw violation("a request is offered that is in flight: head", head);
            }
            if (inflight.isPresent()) {
                inflight.get().taken(head);
            }
            advance();
        } else {
            return NONE;
        }
        busy[head] = true;
        outstanding++;
        return head;
    }

    /**
     * Collects the buffers of a request.
     *
     * @throws VhostException when it is not clear what the request's buffers are, or one of them is
     *     not the guest's memory; a chain that is clear but cannot be served is not {@link
     *     Chain#sound()}
     */
    public void chain(int head, Chain into) {
        into.clear();
        long table = descriptors;
        int limit = mask;
        int index = head;
        boolean indirect = false;
        for (int left = limit + 1; left > 0; left--) {
            long descriptor = Memory.base(table + (long) index * DESCRIPTOR_BYTES);
            // Read once: the guest may change the descriptor at any time.
            long address = Memory.readLong(descriptor);
            long rest = Memory.readLong(descriptor + 8);
            long length = length(rest);
            int flags = flags(rest);
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
            index = next(rest, limit);
        }
        throw violation("a chain is longer than its table of", limit + 1);
    }

    /** Answers a request; seen after {@link #publish()}. */
    public void complete(int head, int writtenBytes) {
        if (!busy[head]) {
            throw new IllegalStateException("head " + head + " is answered twice");
        }
        handBack(head, writtenBytes);
        busy[head] = false;
        outstanding--;
        if (inflight.isPresent()) {
            inflight.get().answered(head);
        }
    }

    @Override
    public boolean publish() {
        if (!super.publish()) {
            return false;
        }
        if (inflight.isPresent()) {
            inflight.get().published(usedIndex);
        }
        return true;
    }

    @Override
    public boolean requestKicks() {
        return super.requestKicks() && resumedNext == resumed.length;
    }
}
