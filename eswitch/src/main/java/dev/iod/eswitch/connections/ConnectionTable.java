package dev.iod.eswitch.connections;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.ConnectionStatus;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.IpProtocol;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The connections, 128 bytes each, in a file that outlives the engine: a restarted engine finds
 * them again. A row counts only when its state word says so, which is written last when a row is
 * made and first when it is freed, so an engine may be killed anywhere. The index and the timeout
 * wheel are rebuilt on open. Owned by the engine thread.
 *
 * <p>A row is two cache lines: what packets read and change, and the two tuples that they are found
 * by. The upper halves of IPv6 addresses are behind all rows, so that nobody else pays for them.
 */
public final class ConnectionTable implements AutoCloseable {
    public static final int NONE = -1;

    // Row layout, offsets in bytes: the first cache line.
    static final int STATE = 0;
    static final int STAMP = 4;
    static final int EXPIRY = 8;
    static final int FLAGS = 16;
    static final int MARK = 20;
    static final int LABEL_HIGH = 24;
    static final int LABEL_LOW = 32;

    /** What {@link TcpTracker} keeps, 24 bytes. */
    static final int WINDOWS = 40;

    // The second cache line: a tuple is its head, then the lower halves of its addresses.
    static final int ORIGINAL = 64;
    static final int REPLY = 88;
    static final int SENDER = 112;

    static final int ROW = 128;

    /** Of an IPv6 row, behind all rows: the upper halves of both tuples' addresses. */
    static final int UPPER_HALVES = 32;

    private static final int UPPER_REPLY = 16;

    /** Bit of FLAGS: a reply was seen. */
    static final int REPLIED = 1;

    /** Bit of FLAGS: the initiator sent more than one packet. */
    static final int AGAIN = 2;

    /** FLAGS bits 8 to 11: state of the initiator's TCP, 12 to 15 of the responder's. */
    static final int TCP_SHIFT = 8;

    /** FLAGS bits 16 to 23: window scale of the initiator's TCP, 24 to 31 of the responder's. */
    static final int SCALE_SHIFT = 16;

    private static final System.Logger LOG = System.getLogger(ConnectionTable.class.getName());
    private static final int USED = 1;

    /** Most rows one report looks at and lists: what the engine thread spends on it is bounded. */
    private static final int REPORT_ROWS = 8192;

    private static final int REPORT_MOST = 1024;
    private static final int WHEEL = 1024;
    private static final long TICK_MILLIS = 1000;

    /** The longest that a connection may be idle. */
    static final long MAX_TIMEOUT_MILLIS = 86_400_000;

    private final Mapping mapping;
    private final long rows;
    private final long upperHalves;
    private final int capacity;
    private final TupleIndex index;
    private final int[] wheelHeads = new int[WHEEL];
    private final int[] wheelNext;
    private final int[] wheelPrevious;
    private final int[] wheelBucket;

    /** Rows that were used before, the next one last. */
    private final int[] free;

    private int freeCount;

    /**
     * Rows from here on were never used. Kept in the file, so that a restarted engine need not look
     * at them.
     */
    private int fresh;

    private final ConnectionGroups zones;
    private final ConnectionGroups senders;
    private long wheelTick;

    /** Connections whose tuples do not mirror each other. */
    private int translated;

    // Of the row at hand, and what stands in the way of a new one.
    private final Tuple original = new Tuple();
    private final Tuple reply = new Tuple();
    private final Lookup taken = new Lookup();

    private ConnectionTable(Mapping mapping, int capacity, long nowMillis) {
        this.mapping = mapping;
        this.rows = mapping.address() + ConnectionFile.HEADER;
        this.upperHalves = rows + (long) capacity * ROW;
        this.capacity = capacity;
        index = new TupleIndex(capacity);
        Arrays.fill(wheelHeads, NONE);
        wheelNext = filled(capacity);
        wheelPrevious = filled(capacity);
        wheelBucket = filled(capacity);
        free = new int[capacity];
        zones = new ConnectionGroups(capacity);
        senders = new ConnectionGroups(capacity);
        wheelTick = nowMillis / TICK_MILLIS;
        takeOver(nowMillis);
    }

    private static int[] filled(int length) {
        int[] array = new int[length];
        Arrays.fill(array, NONE);
        return array;
    }

    /**
     * Opens or makes the file {@code connections} in a directory.
     *
     * @param nowMillis the monotonic clock; a file of another boot is discarded, for it counts from
     *     another start
     */
    public static ConnectionTable open(Path directory, int capacity, long nowMillis)
            throws IOException {
        Mapping mapping = ConnectionFile.open(directory, capacity);
        ConnectionTable table = new ConnectionTable(mapping, capacity, nowMillis);
        OneTupleFile.moveInto(table, directory, nowMillis);
        return table;
    }

    /** Takes rows over as far as they make sense: the file may hold anything. */
    private void takeOver(long nowMillis) {
        int found = 0;
        fresh = ConnectionFile.fresh(mapping, capacity);
        for (int slot = fresh - 1; slot >= 0; slot--) {
            if (readInt(slot, STATE) == USED && readTuples(slot) && !taken()) {
                long latest = nowMillis + MAX_TIMEOUT_MILLIS;
                writeLong(slot, EXPIRY, Math.min(readLong(slot, EXPIRY), latest));
                enter(slot, original, reply);
                found++;
            } else {
                writeInt(slot, STATE, 0);
                free[freeCount++] = slot;
            }
        }
        if (found > 0) {
            LOG.log(System.Logger.Level.INFO, "kept " + found + " connections of the last run");
        }
    }

    /** Whether another connection has one of the tuples at hand. */
    private boolean taken() {
        return find(original, taken) || find(reply, taken);
    }

    /** Takes both tuples of a row. @return whether the row makes sense */
    private boolean readTuples(int slot) {
        readTuple(slot, ORIGINAL, original);
        readTuple(slot, REPLY, reply);
        return mayHold(original, reply, readInt(slot, FLAGS));
    }

    /** Whether there can be such a connection: what a file says may be anything. */
    boolean mayHold(Tuple originalTuple, Tuple replyTuple, int flags) {
        return originalTuple.valid()
                && replyTuple.valid()
                && originalTuple.zone == replyTuple.zone
                && originalTuple.protocol == replyTuple.protocol
                && originalTuple.ip6 == replyTuple.ip6
                && originalTuple.query == replyTuple.query
                && originalTuple.request == originalTuple.isIcmp()
                && !replyTuple.request
                && TcpTracker.validStates(flags >>> TCP_SHIFT & 0xff);
    }

    private void readTuple(int slot, int offset, Tuple tuple) {
        long at = address(slot, offset);
        tuple.head(Memory.readLong(at));
        tuple.sourceLow = Memory.readLong(at + 8);
        tuple.destinationLow = Memory.readLong(at + 16);
        long upper = upperHalves(slot, offset);
        tuple.sourceHigh = tuple.ip6 ? Memory.readLong(upper) : 0;
        tuple.destinationHigh = tuple.ip6 ? Memory.readLong(upper + 8) : 0;
    }

    private void writeTuple(int slot, int offset, Tuple tuple) {
        long at = address(slot, offset);
        Memory.writeLong(at, tuple.head());
        Memory.writeLong(at + 8, tuple.sourceLow);
        Memory.writeLong(at + 16, tuple.destinationLow);
        if (tuple.ip6) {
            long upper = upperHalves(slot, offset);
            Memory.writeLong(upper, tuple.sourceHigh);
            Memory.writeLong(upper + 8, tuple.destinationHigh);
        }
    }

    private long upperHalves(int slot, int offset) {
        return upperHalves + (long) slot * UPPER_HALVES + (offset == REPLY ? UPPER_REPLY : 0);
    }

    /**
     * Looks a packet's connection up.
     *
     * @param into set to what was found
     * @return whether there is one
     */
    public boolean find(Tuple tuple, Lookup into) {
        long head = tuple.head();
        int entry = index.first(tuple.hash());
        while (entry != NONE) {
            int slot = TupleIndex.row(entry);
            boolean isReply = !has(slot, ORIGINAL, head, tuple);
            if (!isReply || has(slot, REPLY, head, tuple)) {
                into.row = slot;
                into.reply = isReply;
                return true;
            }
            entry = index.after(entry);
        }
        into.clear();
        return false;
    }

    private boolean has(int slot, int offset, long head, Tuple tuple) {
        long at = address(slot, offset);
        if (Memory.readLong(at) != head
                || Memory.readLong(at + 8) != tuple.sourceLow
                || Memory.readLong(at + 16) != tuple.destinationLow) {
            return false;
        }
        if (!tuple.ip6) {
            return true;
        }
        long upper = upperHalves(slot, offset);
        return Memory.readLong(upper) == tuple.sourceHigh
                && Memory.readLong(upper + 8) == tuple.destinationHigh;
    }

    private void group(int slot, int zone) {
        boolean waits = mayGo(slot);
        zones.add(zone, slot, waits);
        senders.add(readInt(slot, SENDER), slot, waits);
    }

    /**
     * Makes a row with zero mark, label and windows. There must be room ({@link #free}), and no
     * connection that has one of the tuples ({@link #find}).
     *
     * @param originalTuple of the packets of who begins the connection
     * @param replyTuple of those that answer them, in the same zone, family and protocol; the
     *     mirror of the other unless addresses are translated
     * @param sender who is charged for it
     * @return the row
     */
    public int add(
            Tuple originalTuple, Tuple replyTuple, int flags, int sender, long expiryMillis) {
        int slot = take();
        writeTuple(slot, ORIGINAL, originalTuple);
        writeTuple(slot, REPLY, replyTuple);
        writeLong(slot, EXPIRY, expiryMillis);
        writeInt(slot, FLAGS, flags);
        writeInt(slot, MARK, 0);
        Memory.fill(address(slot, LABEL_HIGH), ORIGINAL - LABEL_HIGH, 0);
        writeInt(slot, SENDER, sender);
        bump(slot);
        Memory.writeIntRelease(address(slot, STATE), USED);
        enter(slot, originalTuple, replyTuple);
        return slot;
    }

    private void enter(int slot, Tuple originalTuple, Tuple replyTuple) {
        boolean mirror = replyTuple.mirrors(originalTuple);
        int hash = originalTuple.hash();
        index.add(slot, hash, mirror ? hash : replyTuple.hash());
        translated += mirror ? 0 : 1;
        group(slot, originalTuple.zone);
        schedule(slot);
    }

    /**
     * Whether a connection has a tuple of which none has the mirror: that takes a translated one.
     */
    boolean takenByTranslation(Tuple tuple) {
        return translated > 0 && find(tuple, taken);
    }

    private int take() {
        if (freeCount > 0) {
            return free[--freeCount];
        }
        if (fresh == capacity) {
            throw new IllegalStateException("no room for a connection was made");
        }
        ConnectionFile.keepFresh(mapping, fresh + 1);
        return fresh++;
    }

    void remove(int slot) {
        Memory.writeIntRelease(address(slot, STATE), 0);
        bump(slot);
        readTuple(slot, ORIGINAL, original);
        readTuple(slot, REPLY, reply);
        zones.remove(original.zone, slot);
        senders.remove(readInt(slot, SENDER), slot);
        boolean mirror = reply.mirrors(original);
        int hash = original.hash();
        index.remove(slot, hash, mirror ? hash : reply.hash());
        translated -= mirror ? 0 : 1;
        unschedule(slot);
        free[freeCount++] = slot;
    }

    boolean used(int slot) {
        return readInt(slot, STATE) == USED;
    }

    int stamp(int slot) {
        return readInt(slot, STAMP);
    }

    /** Every change that a cached flow must notice. */
    void bump(int slot) {
        writeInt(slot, STAMP, stamp(slot) + 1);
    }

    public int size() {
        return fresh - freeCount;
    }

    public int size(int zone) {
        return zones.size(zone);
    }

    int capacity() {
        return capacity;
    }

    /** Rows that can still be made. */
    public int free() {
        return capacity - size();
    }

    ConnectionGroups zones() {
        return zones;
    }

    public ConnectionGroups senders() {
        return senders;
    }

    /** To be called when flags of a row have changed: it may be established now, or no longer. */
    void review(int slot) {
        boolean waits = mayGo(slot);
        zones.review(Tuple.zone(readLong(slot, ORIGINAL)), slot, waits);
        senders.review(readInt(slot, SENDER), slot, waits);
    }

    /** Whether a connection may be given up for another: it is not established, or over. */
    private boolean mayGo(int slot) {
        int flags = readInt(slot, FLAGS);
        return (flags & REPLIED) == 0 || TcpTracker.mayGo(flags >>> TCP_SHIFT & 0xff);
    }

    /** Removes what has timed out; at most {@code limit} rows are looked at. @return removed */
    int expire(long nowMillis, int limit) {
        int removed = 0;
        int looked = 0;
        long now = nowMillis / TICK_MILLIS;
        while (wheelTick <= now && looked < limit) {
            int slot = wheelHeads[(int) (wheelTick % WHEEL)];
            if (slot == NONE) {
                wheelTick++;
                continue;
            }
            looked++;
            if (readLong(slot, EXPIRY) <= nowMillis) {
                remove(slot);
                removed++;
            } else {
                unschedule(slot);
                schedule(slot);
            }
        }
        return removed;
    }

    /** Whether {@link #expire} has more to look at now. */
    boolean expiryDue(long nowMillis) {
        return wheelTick <= nowMillis / TICK_MILLIS;
    }

    /** Sets when a row times out. The wheel notices a later time by itself, an earlier one here. */
    void expireAt(int slot, long expiryMillis) {
        boolean earlier = expiryMillis < readLong(slot, EXPIRY);
        writeLong(slot, EXPIRY, expiryMillis);
        if (earlier) {
            unschedule(slot);
            schedule(slot);
        }
    }

    /** Puts a row into the bucket of its expiry, or the farthest one, from where it moves on. */
    private void schedule(int slot) {
        long tick = readLong(slot, EXPIRY) / TICK_MILLIS + 1;
        tick = Math.max(wheelTick + 1, Math.min(tick, wheelTick + WHEEL - 1));
        int bucket = (int) (tick % WHEEL);
        wheelBucket[slot] = bucket;
        wheelPrevious[slot] = NONE;
        wheelNext[slot] = wheelHeads[bucket];
        if (wheelHeads[bucket] != NONE) {
            wheelPrevious[wheelHeads[bucket]] = slot;
        }
        wheelHeads[bucket] = slot;
    }

    private void unschedule(int slot) {
        if (wheelPrevious[slot] == NONE) {
            wheelHeads[wheelBucket[slot]] = wheelNext[slot];
        } else {
            wheelNext[wheelPrevious[slot]] = wheelNext[slot];
        }
        if (wheelNext[slot] != NONE) {
            wheelPrevious[wheelNext[slot]] = wheelPrevious[slot];
        }
    }

    /**
     * @param cursor row to begin with
     */
    EngineReport.Connections report(int cursor, int max, long nowMillis) {
        List<ConnectionStatus> found = new ArrayList<>();
        int row = Math.max(cursor, 0);
        int end = (int) Math.min(fresh, (long) row + REPORT_ROWS);
        int most = Math.min(max, REPORT_MOST);
        while (row < end && found.size() < most) {
            if (used(row)) {
                found.add(status(row, nowMillis));
            }
            row++;
        }
        return new EngineReport.Connections(row < fresh ? row : 0, size(), List.copyOf(found));
    }

    private ConnectionStatus status(int row, long nowMillis) {
        readTuple(row, ORIGINAL, original);
        readTuple(row, REPLY, reply);
        int flags = readInt(row, FLAGS);
        boolean tcp = original.protocol == IpProtocol.TCP;
        return new ConnectionStatus(
                original.zone,
                original.protocol,
                original.ip6,
                status(original),
                status(reply),
                tcp ? TcpTracker.name(flags >>> TCP_SHIFT & 0xff) : "",
                (flags & REPLIED) != 0,
                readLong(row, EXPIRY) - nowMillis,
                readInt(row, MARK),
                new Bits(readLong(row, LABEL_HIGH), readLong(row, LABEL_LOW)));
    }

    private static ConnectionStatus.Tuple status(Tuple tuple) {
        return new ConnectionStatus.Tuple(
                new Bits(tuple.sourceHigh, tuple.sourceLow),
                new Bits(tuple.destinationHigh, tuple.destinationLow),
                tuple.sourcePort,
                tuple.destinationPort,
                tuple.icmpType());
    }

    private long address(int slot, int offset) {
        return rows + (long) slot * ROW + offset;
    }

    int readInt(int slot, int offset) {
        return Memory.readInt(address(slot, offset));
    }

    void writeInt(int slot, int offset, int value) {
        Memory.writeInt(address(slot, offset), value);
    }

    long readLong(int slot, int offset) {
        return Memory.readLong(address(slot, offset));
    }

    void writeLong(int slot, int offset, long value) {
        Memory.writeLong(address(slot, offset), value);
    }

    @Override
    public void close() {
        mapping.close();
    }
}
