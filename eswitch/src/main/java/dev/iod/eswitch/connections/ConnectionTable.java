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
 * made and first when it is freed, so an engine may be killed anywhere. The hash index and the
 * timeout wheel are rebuilt on open. Owned by the engine thread.
 */
public final class ConnectionTable implements AutoCloseable {
    public static final int NONE = -1;

    // Row layout, offsets in bytes.
    static final int STATE = 0;
    static final int STAMP = 4;
    static final int KIND = 8;
    static final int PORTS = 12;
    static final int LOW_HIGH = 16;
    static final int LOW_LOW = 24;
    static final int HIGH_HIGH = 32;
    static final int HIGH_LOW = 40;
    static final int EXPIRY = 48;
    static final int FLAGS = 56;
    static final int MARK = 60;
    static final int LABEL_HIGH = 64;
    static final int LABEL_LOW = 72;
    static final int WINDOWS = 80;

    /** In the gap behind the first direction's window ({@link TcpTracker}). */
    static final int SENDER = 100;

    static final int ROW = 128;

    /** Bit of FLAGS: the initiator is the lower endpoint. */
    static final int FROM_LOW = 1;

    /** Bit of FLAGS: a reply was seen. */
    static final int REPLIED = 2;

    /** Bit of FLAGS: the initiator sent more than one packet. */
    static final int AGAIN = 4;

    /** FLAGS bits 8 to 11: state of the initiator's TCP, 12 to 15 of the responder's. */
    static final int TCP_SHIFT = 8;

    private static final System.Logger LOG = System.getLogger(ConnectionTable.class.getName());
    private static final int USED = 1;

    /** Most rows one report looks at and lists: what the engine thread spends on it is bounded. */
    private static final int REPORT_ROWS = 8192;

    private static final int REPORT_MOST = 1024;
    private static final int WHEEL = 1024;
    private static final long TICK_MILLIS = 1000;

    /** The longest that a connection may be idle. */
    private static final long MAX_TIMEOUT_MILLIS = 86_400_000;

    private final Mapping mapping;
    private final long rows;
    private final int capacity;
    private final int[] heads;
    private final int[] next;
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

    private ConnectionTable(Mapping mapping, int capacity, long nowMillis) {
        this.mapping = mapping;
        this.rows = mapping.address() + ConnectionFile.HEADER;
        this.capacity = capacity;
        heads = filled(Integer.highestOneBit(capacity) * 2);
        next = filled(capacity);
        Arrays.fill(wheelHeads, NONE);
        wheelNext = filled(capacity);
        wheelPrevious = filled(capacity);
        wheelBucket = filled(capacity);
        free = new int[capacity];
        zones = new ConnectionGroups(capacity);
        senders = new ConnectionGroups(capacity);
        wheelTick = nowMillis / TICK_MILLIS;
        index(nowMillis);
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
        return new ConnectionTable(ConnectionFile.open(directory, capacity), capacity, nowMillis);
    }

    /** Takes rows over as far as they make sense: the file may hold anything. */
    private void index(long nowMillis) {
        ConnectionKey key = new ConnectionKey();
        int found = 0;
        fresh = ConnectionFile.fresh(mapping, capacity);
        for (int slot = fresh - 1; slot >= 0; slot--) {
            if (readInt(slot, STATE) == USED && readKey(slot, key) && find(key) == NONE) {
                long latest = nowMillis + MAX_TIMEOUT_MILLIS;
                writeLong(slot, EXPIRY, Math.min(readLong(slot, EXPIRY), latest));
                link(slot, key.hash());
                group(slot, key.zone);
                schedule(slot);
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

    private boolean readKey(int slot, ConnectionKey key) {
        int kind = readInt(slot, KIND);
        key.zone = kind & 0xffff;
        key.proto = kind >>> 16 & 0xff;
        key.ip6 = (kind >>> 24 & 1) != 0;
        key.variant = kind >>> 25;
        key.lowPort = readInt(slot, PORTS) >>> 16;
        key.highPort = readInt(slot, PORTS) & 0xffff;
        key.lowHigh = readLong(slot, LOW_HIGH);
        key.lowLow = readLong(slot, LOW_LOW);
        key.highHigh = readLong(slot, HIGH_HIGH);
        key.highLow = readLong(slot, HIGH_LOW);
        return key.zone != 0
                && key.variant <= (key.ip6 ? 1 : 5)
                && TcpTracker.validStates(readInt(slot, FLAGS) >>> TCP_SHIFT & 0xff);
    }

    int find(ConnectionKey key) {
        int kind = key.kind();
        int ports = key.ports();
        int slot = heads[key.hash() & heads.length - 1];
        while (slot != NONE) {
            if (readInt(slot, KIND) == kind
                    && readInt(slot, PORTS) == ports
                    && readLong(slot, LOW_LOW) == key.lowLow
                    && readLong(slot, HIGH_LOW) == key.highLow
                    && readLong(slot, LOW_HIGH) == key.lowHigh
                    && readLong(slot, HIGH_HIGH) == key.highHigh) {
                return slot;
            }
            slot = next[slot];
        }
        return NONE;
    }

    private void group(int slot, int zone) {
        boolean waits = mayGo(slot);
        zones.add(zone, slot, waits);
        senders.add(readInt(slot, SENDER), slot, waits);
    }

    /**
     * Makes a row with zero mark, label and windows.
     *
     * @param sender who is charged for it
     * @return NONE when the table is full
     */
    int add(ConnectionKey key, int flags, int sender, long expiryMillis) {
        int slot = take();
        if (slot == NONE) {
            return NONE;
        }
        writeInt(slot, KIND, key.kind());
        writeInt(slot, PORTS, key.ports());
        writeLong(slot, LOW_HIGH, key.lowHigh);
        writeLong(slot, LOW_LOW, key.lowLow);
        writeLong(slot, HIGH_HIGH, key.highHigh);
        writeLong(slot, HIGH_LOW, key.highLow);
        writeLong(slot, EXPIRY, expiryMillis);
        writeInt(slot, FLAGS, flags);
        writeInt(slot, MARK, 0);
        writeLong(slot, LABEL_HIGH, 0);
        writeLong(slot, LABEL_LOW, 0);
        Memory.fill(address(slot, WINDOWS), ROW - WINDOWS, 0);
        writeInt(slot, SENDER, sender);
        bump(slot);
        Memory.writeIntRelease(address(slot, STATE), USED);
        link(slot, key.hash());
        group(slot, key.zone);
        schedule(slot);
        return slot;
    }

    private int take() {
        if (freeCount > 0) {
            return free[--freeCount];
        }
        if (fresh == capacity) {
            return NONE;
        }
        ConnectionFile.keepFresh(mapping, fresh + 1);
        return fresh++;
    }

    void remove(int slot) {
        Memory.writeIntRelease(address(slot, STATE), 0);
        bump(slot);
        ConnectionKey key = new ConnectionKey();
        readKey(slot, key);
        zones.remove(key.zone, slot);
        senders.remove(readInt(slot, SENDER), slot);
        unlink(slot, key.hash());
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
        zones.review(readInt(slot, KIND) & 0xffff, slot, waits);
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

    private void link(int slot, int hash) {
        int bucket = hash & heads.length - 1;
        next[slot] = heads[bucket];
        heads[bucket] = slot;
    }

    private void unlink(int slot, int hash) {
        int bucket = hash & heads.length - 1;
        if (heads[bucket] == slot) {
            heads[bucket] = next[slot];
            return;
        }
        int before = heads[bucket];
        while (next[before] != slot) {
            before = next[before];
        }
        next[before] = next[slot];
    }

    /**
     * @param cursor row to begin with
     */
    EngineReport.Connections report(int cursor, int max, long nowMillis) {
        List<ConnectionStatus> found = new ArrayList<>();
        ConnectionKey key = new ConnectionKey();
        int row = Math.max(cursor, 0);
        int end = (int) Math.min(fresh, (long) row + REPORT_ROWS);
        int most = Math.min(max, REPORT_MOST);
        while (row < end && found.size() < most) {
            if (used(row) && readKey(row, key)) {
                found.add(status(row, key, nowMillis));
            }
            row++;
        }
        return new EngineReport.Connections(row < fresh ? row : 0, size(), List.copyOf(found));
    }

    private ConnectionStatus status(int row, ConnectionKey key, long nowMillis) {
        int flags = readInt(row, FLAGS);
        boolean fromLow = (flags & FROM_LOW) != 0;
        Bits low = new Bits(key.lowHigh, key.lowLow);
        Bits high = new Bits(key.highHigh, key.highLow);
        boolean tcp = key.proto == IpProtocol.TCP;
        boolean icmp = key.proto == (key.ip6 ? IpProtocol.ICMP6 : IpProtocol.ICMP4);
        boolean asks = fromLow == ((key.variant & 1) != 0);
        return new ConnectionStatus(
                key.zone,
                key.proto,
                key.ip6,
                fromLow ? low : high,
                fromLow ? high : low,
                fromLow ? key.lowPort : key.highPort,
                fromLow ? key.highPort : key.lowPort,
                icmp ? ConnectionKey.icmpType(key.ip6, key.variant, asks) : -1,
                tcp ? TcpTracker.name(flags >>> TCP_SHIFT & 0xff) : "",
                (flags & REPLIED) != 0,
                readLong(row, EXPIRY) - nowMillis,
                readInt(row, MARK),
                new Bits(readLong(row, LABEL_HIGH), readLong(row, LABEL_LOW)));
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
