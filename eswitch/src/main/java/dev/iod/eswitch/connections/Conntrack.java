package dev.iod.eswitch.connections;

import static dev.iod.eswitch.connections.ConnectionTable.FLAGS;
import static dev.iod.eswitch.connections.ConnectionTable.LABEL_HIGH;
import static dev.iod.eswitch.connections.ConnectionTable.LABEL_LOW;
import static dev.iod.eswitch.connections.ConnectionTable.MARK;
import static dev.iod.eswitch.connections.ConnectionTable.NONE;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.connections.ConnectionGroups.Group;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.eswitch.rules.MarkChange;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineReport;
import org.jspecify.annotations.Nullable;

/**
 * Connection tracking with the meaning ovs-fields(7) gives ct_state. Fragments are not reassembled:
 * a packet that needs its transport header and is a fragment is dropped (FRAGMENT). Bounded as a
 * whole, per zone and per sender ({@link Limits}). Used by the engine thread alone.
 */
public final class Conntrack {
    public static final int NEW = 1;
    public static final int ESTABLISHED = 2;
    public static final int RELATED = 4;
    public static final int REPLY = 8;
    static final int INVALID = 16;
    public static final int TRACKED = 32;

    private final ConnectionTable table;
    private final TcpTracker tcp;
    private final Limits limits;
    private final int reserved;
    private final Counters counters;

    /** The tuple of the present packet, and below that of replies on its connection. */
    private final Tuple tuple = new Tuple();

    private final Tuple answers = new Tuple();
    private final Lookup lookup = new Lookup();

    /** Number of changes that invalidate cached flows; only ever grows. */
    public long changes;

    /**
     * How many connections a zone and a sender may have. Whatever these say, neither may have more
     * than there are rows left, so that a few who take all they can leave some to the next one
     * ("dynamic thresholds", Choudhury and Hahne, 1998); {@link #reserved} rows are for anybody.
     *
     * <p>At a limit the zone's or the sender's own oldest connection goes that is half-open or
     * over; in a full table one of the sender with most of those. When there is none, the new
     * connection is refused: established ones are never given up.
     */
    public record Limits(int perZone, int perSender) {}

    public Conntrack(ConnectionTable table, Limits limits, Counters counters) {
        this.table = table;
        this.tcp = new TcpTracker(table);
        this.limits = limits;
        this.reserved = Math.max(16, table.capacity() >> 10);
        this.counters = counters;
    }

    /**
     * Looks the packet up and sets its ct_state, ct_mark and ct_label.
     *
     * @param peek change nothing but the packet
     * @return why the packet must be dropped, if so
     */
    public @Nullable DropReason track(Packet p, int zone, long nowMillis, boolean peek) {
        lookup.clear();
        p.clearConnection();
        if (zone == 0) {
            return DropReason.NO_ZONE;
        }
        if (p.fragment != 0) {
            return DropReason.FRAGMENT;
        }
        if (isError(p)) {
            trackRelated(p, zone, nowMillis, peek);
        } else if (!tuple.of(p, zone)) {
            p.ctState = TRACKED | INVALID;
        } else {
            trackOwn(p, nowMillis, peek);
        }
        if ((p.ctState & INVALID) != 0 && !peek) {
            counters.add(Counter.CONNECTIONS_INVALID);
        }
        return null;
    }

    /** What the last {@link #track} found; nothing for a new or invalid packet. Reused. */
    public Lookup lookup() {
        return lookup;
    }

    private void trackOwn(Packet p, long nowMillis, boolean peek) {
        find(nowMillis, peek);
        boolean opening = false;
        if (lookup.found() && p.transport == Transport.TCP) {
            int row = lookup.row;
            int stamp = table.stamp(row);
            TcpTracker.Verdict verdict = tcp.segment(row, lookup.reply, p, peek);
            changes += table.stamp(row) - stamp;
            table.review(row);
            switch (verdict) {
                case VALID -> {}
                case OPENING -> opening = true;
                case INVALID -> {
                    p.ctState = TRACKED | INVALID;
                    lookup.clear();
                    return;
                }
                case REOPEN -> {
                    if (!peek) {
                        table.remove(row);
                        changes++;
                    }
                    lookup.clear();
                }
            }
        }
        if (!lookup.found()) {
            p.ctState = mayBegin(p) ? TRACKED | NEW : TRACKED | INVALID;
            return;
        }
        // A SYN that comes again, or from both sides, establishes nothing and replies to nothing.
        lookup.reply &= !opening;
        if (!peek) {
            touch(p, nowMillis);
        }
        int flags = table.readInt(lookup.row, FLAGS);
        boolean replied = !opening && (lookup.reply || (flags & ConnectionTable.REPLIED) != 0);
        p.ctState = TRACKED | (replied ? ESTABLISHED : NEW) | (lookup.reply ? REPLY : 0);
        loadMarks(p);
    }

    /** Looks the tuple at hand up. A connection that has timed out is none. */
    private void find(long nowMillis, boolean peek) {
        if (table.find(tuple, lookup)
                && table.readLong(lookup.row, ConnectionTable.EXPIRY) <= nowMillis) {
            if (!peek) {
                table.remove(lookup.row);
                changes++;
                counters.add(Counter.CONNECTIONS_EXPIRED);
            }
            lookup.clear();
        }
    }

    private void touch(Packet p, long nowMillis) {
        int row = lookup.row;
        int flags = table.readInt(row, FLAGS);
        int seen = flags | (lookup.reply ? ConnectionTable.REPLIED : ConnectionTable.AGAIN);
        if (seen != flags) {
            table.writeInt(row, FLAGS, seen);
            if (lookup.reply) {
                table.bump(row);
                table.review(row);
                changes++;
            }
        }
        ConnectionTimeout timeout = timeout(p.transport, seen);
        if (timeout != null) {
            table.expireAt(row, nowMillis + timeout.millis);
        }
    }

    /** What a connection waits for after the packet at hand; null when that prolongs nothing. */
    private @Nullable ConnectionTimeout timeout(Transport transport, int flags) {
        boolean replied = (flags & ConnectionTable.REPLIED) != 0;
        return switch (transport) {
            case TCP -> tcp.timeout();
            case UDP, SCTP, NONE -> {
                if (replied) {
                    yield ConnectionTimeout.OTHER_TWO_WAY;
                }
                boolean again = (flags & ConnectionTable.AGAIN) != 0;
                yield again ? ConnectionTimeout.OTHER_ONE_WAY : ConnectionTimeout.OTHER_FIRST;
            }
            case ICMP4, ICMP6 ->
                    replied ? ConnectionTimeout.ICMP_REPLIED : ConnectionTimeout.ICMP_REQUEST;
        };
    }

    private boolean mayBegin(Packet p) {
        return switch (p.transport) {
            case TCP -> tcp.mayBegin(p);
            case ICMP4, ICMP6 -> Tuple.isRequest(p);
            case UDP, SCTP, NONE -> true;
        };
    }

    private static boolean isError(Packet p) {
        return switch (p.transport) {
            case ICMP4 -> {
                int type = p.u8(p.l4);
                yield type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
            }
            case ICMP6 -> p.u8(p.l4) < 128;
            case NONE, TCP, UDP, SCTP -> false;
        };
    }

    /** An error belongs to the connection of the packet it quotes and travels against it. */
    private void trackRelated(Packet p, int zone, long nowMillis, boolean peek) {
        if (tuple.ofError(p, zone)) {
            find(nowMillis, peek);
        }
        if (lookup.found()) {
            p.ctState = TRACKED | RELATED | (lookup.reply ? REPLY : 0);
            loadMarks(p);
        } else {
            p.ctState = TRACKED | INVALID;
        }
    }

    private void loadMarks(Packet p) {
        p.ctMark = table.readInt(lookup.row, MARK);
        p.ctLabelHigh = table.readLong(lookup.row, LABEL_HIGH);
        p.ctLabelLow = table.readLong(lookup.row, LABEL_LOW);
    }

    /** Makes the packet's connection unless it exists, and changes its marks. */
    public @Nullable DropReason commit(Packet p, int zone, MarkChange change, long nowMillis) {
        if (zone == 0) {
            return DropReason.NO_ZONE;
        }
        if (p.fragment != 0) {
            return DropReason.FRAGMENT;
        }
        if ((p.ctState & INVALID) != 0 || isError(p) || !tuple.of(p, zone)) {
            return null;
        }
        if (!table.find(tuple, lookup)) {
            if (!mayBegin(p)) {
                return null;
            }
            answers.mirror(tuple);
            DropReason refused = makeRoom(zone, p.sender);
            if (refused != null) {
                return refused;
            }
            lookup.row = begin(p, nowMillis);
        }
        change(lookup.row, change);
        return null;
    }

    private void change(int row, MarkChange change) {
        int markBefore = table.readInt(row, MARK);
        long highBefore = table.readLong(row, LABEL_HIGH);
        long lowBefore = table.readLong(row, LABEL_LOW);
        int mark = markBefore & ~change.markMask() | change.mark();
        long high = highBefore & ~change.labelHighMask() | change.labelHigh();
        long low = lowBefore & ~change.labelLowMask() | change.labelLow();
        if (mark != markBefore || high != highBefore || low != lowBefore) {
            table.writeInt(row, MARK, mark);
            table.writeLong(row, LABEL_HIGH, high);
            table.writeLong(row, LABEL_LOW, low);
            table.bump(row);
            changes++;
        }
    }

    /** Makes the connection of {@link #tuple} and {@link #answers}; there is room. */
    private int begin(Packet p, long nowMillis) {
        ConnectionTimeout timeout =
                switch (p.transport) {
                    case TCP -> ConnectionTimeout.TCP_FIRST;
                    case UDP, SCTP, NONE -> ConnectionTimeout.OTHER_FIRST;
                    case ICMP4, ICMP6 -> ConnectionTimeout.ICMP_REQUEST;
                };
        int row = table.add(tuple, answers, 0, p.sender, nowMillis + timeout.millis);
        if (p.transport == Transport.TCP) {
            tcp.begin(row, p);
        }
        changes++;
        counters.add(Counter.CONNECTIONS_MADE);
        return row;
    }

    /** Sees to it that the connection at hand fits. @return what stands against it, if so */
    private @Nullable DropReason makeRoom(int zone, int sender) {
        if (table.takenByTranslation(answers)) {
            return DropReason.CONNECTION_CLASH;
        }
        int room = Math.max(reserved, table.free());
        Group ofZone = table.zones().of(zone);
        if (ofZone.size() >= Math.min(limits.perZone, room) && !evict(ofZone)) {
            return DropReason.CONNECTION_LIMIT_ZONE;
        }
        Group ofSender = table.senders().of(sender);
        boolean charged = sender != Senders.NOBODY;
        if (charged && ofSender.size() >= Math.min(limits.perSender, room) && !evict(ofSender)) {
            return DropReason.CONNECTION_LIMIT_PORT;
        }
        if (table.free() == 0) {
            Group largest = table.senders().largest();
            if (largest == null || !evict(largest)) {
                return DropReason.CONNECTION_LIMIT;
            }
        }
        return null;
    }

    private boolean evict(Group group) {
        int row = group.oldest();
        if (row == NONE) {
            return false;
        }
        table.remove(row);
        changes++;
        counters.add(Counter.CONNECTIONS_EVICTED);
        return true;
    }

    /** A connection as it is now, for {@link #refresh}: a {@link ConnectionUse}. */
    public long use(Lookup found) {
        return ConnectionUse.of(found.row, found.reply, table.stamp(found.row));
    }

    /** Loads what {@link #refresh} will need; the value has no meaning. */
    public long touch(long use) {
        return table.stamp(ConnectionUse.row(use));
    }

    /**
     * A packet that hit a cached flow: counts it for one of the flow's connections.
     *
     * @param use of {@link #use}
     * @return false when the connection is no longer what the flow assumed
     */
    public boolean refresh(long use, Packet p, long nowMillis) {
        int row = ConnectionUse.row(use);
        boolean reply = ConnectionUse.reply(use);
        if (table.stamp(row) != ConnectionUse.stamp(use)
                || !table.used(row)
                || table.readLong(row, ConnectionTable.EXPIRY) <= nowMillis) {
            return false;
        }
        if (p.transport == Transport.TCP && !tcp.continues(row, reply, p)) {
            return false;
        }
        int flags = table.readInt(row, FLAGS);
        if (!reply && (flags & ConnectionTable.AGAIN) == 0) {
            flags |= ConnectionTable.AGAIN;
            table.writeInt(row, FLAGS, flags);
        }
        ConnectionTimeout timeout = timeout(p.transport, flags);
        if (timeout != null) {
            table.expireAt(row, nowMillis + timeout.millis);
        }
        return true;
    }

    /**
     * Removes timed-out connections.
     *
     * @param rows most that are looked at
     * @return whether there are more to be looked at now
     */
    public boolean expire(long nowMillis, int rows) {
        int removed = table.expire(nowMillis, rows);
        if (removed > 0) {
            changes++;
            counters.add(Counter.CONNECTIONS_EXPIRED, removed);
        }
        return table.expiryDue(nowMillis);
    }

    public EngineReport.Connections report(int cursor, int max, long nowMillis) {
        return table.report(cursor, max, nowMillis);
    }

    public int size() {
        return table.size();
    }
}
