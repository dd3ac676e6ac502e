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
    private final ConnectionKey key = new ConnectionKey();

    /** Number of changes a cached flow would have to notice; only ever grows. */
    public long changes;

    /** Row the last {@link #track} found, NONE for a new or invalid packet. */
    public int slot = NONE;

    /** Whether the last tracked packet travels against the connection's initiator. */
    public boolean reply;

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
        slot = NONE;
        reply = false;
        p.clearConnection();
        if (zone == 0) {
            return DropReason.NO_ZONE;
        }
        if (p.fragment != 0) {
            return DropReason.FRAGMENT;
        }
        if (isError(p)) {
            trackRelated(p, zone);
        } else if (!key.of(p, zone)) {
            p.ctState = TRACKED | INVALID;
        } else {
            trackOwn(p, nowMillis, peek);
        }
        if ((p.ctState & INVALID) != 0 && !peek) {
            counters.add(Counter.CONNECTIONS_INVALID);
        }
        return null;
    }

    private void trackOwn(Packet p, long nowMillis, boolean peek) {
        slot = live(table.find(key), nowMillis);
        boolean opening = false;
        if (slot != NONE && p.transport == Transport.TCP) {
            reply = isReply(slot);
            int stamp = table.stamp(slot);
            TcpTracker.Verdict verdict = tcp.segment(slot, reply, p, peek);
            changes += table.stamp(slot) - stamp;
            table.review(slot);
            switch (verdict) {
                case VALID -> {}
                case OPENING -> opening = true;
                case INVALID -> {
                    p.ctState = TRACKED | INVALID;
                    slot = NONE;
                    return;
                }
                case REOPEN -> {
                    if (!peek) {
                        table.remove(slot);
                        changes++;
                    }
                    slot = NONE;
                    reply = false;
                }
            }
        }
        if (slot == NONE) {
            p.ctState = mayBegin(p) ? TRACKED | NEW : TRACKED | INVALID;
            return;
        }
        // A SYN that comes again, or from both sides, establishes nothing and replies to nothing.
        reply = !opening && isReply(slot);
        if (!peek) {
            touch(p, nowMillis);
        }
        int flags = table.readInt(slot, FLAGS);
        boolean replied = !opening && (reply || (flags & ConnectionTable.REPLIED) != 0);
        p.ctState = TRACKED | (replied ? ESTABLISHED : NEW) | (reply ? REPLY : 0);
        loadMarks(p);
    }

    private int live(int found, long nowMillis) {
        return found != NONE && table.readLong(found, ConnectionTable.EXPIRY) <= nowMillis
                ? expireNow(found)
                : found;
    }

    private int expireNow(int found) {
        table.remove(found);
        changes++;
        counters.add(Counter.CONNECTIONS_EXPIRED);
        return NONE;
    }

    private void touch(Packet p, long nowMillis) {
        int flags = table.readInt(slot, FLAGS);
        int seen = flags | (reply ? ConnectionTable.REPLIED : ConnectionTable.AGAIN);
        if (seen != flags) {
            table.writeInt(slot, FLAGS, seen);
            if (reply) {
                table.bump(slot);
                table.review(slot);
                changes++;
            }
        }
        ConnectionTimeout timeout = timeout(p.transport, seen);
        if (timeout != null) {
            table.expireAt(slot, nowMillis + timeout.millis);
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

    private boolean isReply(int row) {
        boolean fromLow = (table.readInt(row, FLAGS) & ConnectionTable.FROM_LOW) != 0;
        return fromLow != key.sourceIsLow;
    }

    private boolean mayBegin(Packet p) {
        return switch (p.transport) {
            case TCP -> tcp.mayBegin(p);
            case ICMP4, ICMP6 -> ConnectionKey.isRequest(p);
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
    private void trackRelated(Packet p, int zone) {
        int found = key.ofQuoted(p, zone) ? table.find(key) : NONE;
        if (found == NONE) {
            p.ctState = TRACKED | INVALID;
            return;
        }
        boolean quotedIsReply = isReply(found);
        slot = found;
        reply = !quotedIsReply;
        p.ctState = TRACKED | RELATED | (reply ? REPLY : 0);
        loadMarks(p);
    }

    private void loadMarks(Packet p) {
        p.ctMark = table.readInt(slot, MARK);
        p.ctLabelHigh = table.readLong(slot, LABEL_HIGH);
        p.ctLabelLow = table.readLong(slot, LABEL_LOW);
    }

    /** Makes the packet's connection unless it exists, and changes its marks. */
    public @Nullable DropReason commit(Packet p, int zone, MarkChange change, long nowMillis) {
        if (zone == 0) {
            return DropReason.NO_ZONE;
        }
        if (p.fragment != 0) {
            return DropReason.FRAGMENT;
        }
        if ((p.ctState & INVALID) != 0 || isError(p) || !key.of(p, zone)) {
            return null;
        }
        int row = table.find(key);
        if (row == NONE) {
            if (!mayBegin(p)) {
                return null;
            }
            DropReason full = makeRoom(zone, p.sender);
            if (full != null) {
                return full;
            }
            row = begin(p, nowMillis);
        }
        change(row, change);
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

    /** Makes the connection of {@link #key}; there is room. */
    private int begin(Packet p, long nowMillis) {
        int states = p.transport == Transport.TCP ? TcpTracker.firstStates() : 0;
        int flags =
                (key.sourceIsLow ? ConnectionTable.FROM_LOW : 0)
                        | states << ConnectionTable.TCP_SHIFT;
        ConnectionTimeout timeout =
                switch (p.transport) {
                    case TCP -> ConnectionTimeout.TCP_FIRST;
                    case UDP, SCTP, NONE -> ConnectionTimeout.OTHER_FIRST;
                    case ICMP4, ICMP6 -> ConnectionTimeout.ICMP_REQUEST;
                };
        int row = table.add(key, flags, p.sender, nowMillis + timeout.millis);
        if (p.transport == Transport.TCP) {
            tcp.begin(row, p);
        }
        changes++;
        counters.add(Counter.CONNECTIONS_MADE);
        return row;
    }

    /**
     * Sees to it that one more connection fits. @return which limit stands against it, if one does
     */
    private @Nullable DropReason makeRoom(int zone, int sender) {
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

    public int stamp(int row) {
        return table.stamp(row);
    }

    /**
     * A packet that hit a cached flow: counts it for its connection.
     *
     * @return false when the connection is no longer what the flow assumed
     */
    public boolean refresh(int row, int stamp, boolean isReply, Packet p, long nowMillis) {
        if (table.stamp(row) != stamp
                || !table.used(row)
                || table.readLong(row, ConnectionTable.EXPIRY) <= nowMillis) {
            return false;
        }
        if (p.transport == Transport.TCP && !tcp.continues(row, isReply, p)) {
            return false;
        }
        int flags = table.readInt(row, FLAGS);
        if (!isReply && (flags & ConnectionTable.AGAIN) == 0) {
            flags |= ConnectionTable.AGAIN;
            table.writeInt(row, FLAGS, flags);
        }
        ConnectionTimeout timeout = timeout(p.transport, flags);
        if (timeout != null) {
            table.expireAt(row, nowMillis + timeout.millis);
        }
        return true;
    }

    /** Removes timed-out connections, a bounded number per call. */
    public void expire(long nowMillis) {
        int removed = table.expire(nowMillis, 4096);
        if (removed > 0) {
            changes++;
            counters.add(Counter.CONNECTIONS_EXPIRED, removed);
        }
    }

    public EngineReport.Connections report(int cursor, int max, long nowMillis) {
        return table.report(cursor, max, nowMillis);
    }

    public int size() {
        return table.size();
    }
}
