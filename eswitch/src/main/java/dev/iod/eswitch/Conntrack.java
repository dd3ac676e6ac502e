package dev.iod.eswitch;

import static dev.iod.eswitch.ConnectionTable.FLAGS;
import static dev.iod.eswitch.ConnectionTable.LABEL_HIGH;
import static dev.iod.eswitch.ConnectionTable.LABEL_LOW;
import static dev.iod.eswitch.ConnectionTable.MARK;
import static dev.iod.eswitch.ConnectionTable.NONE;

import dev.iod.eswitch.ConnectionGroups.Group;
import dev.iod.eswitch.Packet.Transport;
import org.jspecify.annotations.Nullable;

/**
 * Connection tracking with the meaning ovs-fields(7) gives ct_state. Fragments are not reassembled:
 * a packet that needs its transport header and is a fragment is dropped (FRAGMENT). Bounded as a
 * whole, per zone and per sender ({@link Limits}). Used by the engine thread alone.
 */
final class Conntrack {
    static final int NEW = 1;
    static final int ESTABLISHED = 2;
    static final int RELATED = 4;
    static final int REPLY = 8;
    static final int INVALID = 16;
    static final int TRACKED = 32;

    private static final long UDP_MILLIS = 30_000;
    private static final long UDP_REPLIED_MILLIS = 120_000;
    private static final long ICMP_MILLIS = 30_000;
    private static final long OTHER_MILLIS = 600_000;

    private final ConnectionTable table;
    private final TcpTracker tcp;
    private final Limits limits;
    private final int reserved;
    private final Counters counters;
    private final ConnectionKey key = new ConnectionKey();

    /** Number of changes a cached flow would have to notice; only ever grows. */
    long changes;

    /** Row the last {@link #track} found, NONE for a new or invalid packet. */
    int slot = NONE;

    /** Whether the last tracked packet travels against the connection's initiator. */
    boolean reply;

    /**
     * How many connections a zone and a sender may have. Whatever these say, neither may have more
     * than there are rows left, so that a few who take all they can leave some to the next one
     * ("dynamic thresholds", Choudhury and Hahne, 1998); {@link #reserved} rows are for anybody.
     *
     * <p>At a limit the zone's or the sender's own oldest connection goes that is half-open or
     * over; in a full table one of the sender with most of those. When there is none, the new
     * connection is refused: established ones are never given up.
     */
    record Limits(int perZone, int perSender) {}

    Conntrack(ConnectionTable table, Limits limits, Counters counters) {
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
    @Nullable DropReason track(Packet p, int zone, long nowMillis, boolean peek) {
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
        if (slot != NONE && p.transport == Transport.TCP) {
            reply = isReply(slot);
            int stamp = table.stamp(slot);
            TcpTracker.Verdict verdict = tcp.segment(slot, reply, p, peek);
            changes += table.stamp(slot) - stamp;
            table.review(slot);
            switch (verdict) {
                case VALID -> {}
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
        reply = isReply(slot);
        if (!peek) {
            touch(p, nowMillis);
        }
        int flags = table.readInt(slot, FLAGS);
        boolean replied = reply || (flags & ConnectionTable.REPLIED) != 0;
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
        if (reply && (flags & ConnectionTable.REPLIED) == 0) {
            table.writeInt(slot, FLAGS, flags | ConnectionTable.REPLIED);
            table.bump(slot);
            table.review(slot);
            changes++;
        }
        refreshExpiry(p.transport, nowMillis);
    }

    private void refreshExpiry(Transport transport, long nowMillis) {
        table.expireAt(slot, nowMillis + timeoutMillis(transport, slot));
    }

    private long timeoutMillis(Transport transport, int row) {
        boolean replied = (table.readInt(row, FLAGS) & ConnectionTable.REPLIED) != 0;
        return switch (transport) {
            case TCP -> TcpTracker.timeoutMillis(tcp.state(row));
            case UDP, SCTP -> replied ? UDP_REPLIED_MILLIS : UDP_MILLIS;
            case ICMP4, ICMP6 -> ICMP_MILLIS;
            case NONE -> OTHER_MILLIS;
        };
    }

    private boolean isReply(int row) {
        boolean fromLow = (table.readInt(row, FLAGS) & ConnectionTable.FROM_LOW) != 0;
        return fromLow != key.sourceIsLow;
    }

    private boolean mayBegin(Packet p) {
        return switch (p.transport) {
            case TCP -> tcp.initialState(p) != TcpTracker.NONE;
            case ICMP4, ICMP6 -> ConnectionKey.isEchoRequest(p);
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
    @Nullable DropReason commit(Packet p, int zone, MarkChange change, long nowMillis) {
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
        int state = p.transport == Transport.TCP ? tcp.initialState(p) : TcpTracker.NONE;
        int flags =
                (key.sourceIsLow ? ConnectionTable.FROM_LOW : 0)
                        | state << ConnectionTable.TCP_SHIFT;
        long timeout =
                switch (p.transport) {
                    case TCP -> TcpTracker.timeoutMillis(state);
                    case UDP, SCTP -> UDP_MILLIS;
                    case ICMP4, ICMP6 -> ICMP_MILLIS;
                    case NONE -> OTHER_MILLIS;
                };
        int row = table.add(key, flags, p.sender, nowMillis + timeout);
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

    int stamp(int row) {
        return table.stamp(row);
    }

    /**
     * A packet that hit a cached flow: counts it for its connection.
     *
     * @return false when the connection is no longer what the flow assumed
     */
    boolean refresh(int row, int stamp, boolean isReply, Packet p, long nowMillis) {
        if (table.stamp(row) != stamp
                || !table.used(row)
                || table.readLong(row, ConnectionTable.EXPIRY) <= nowMillis) {
            return false;
        }
        if (p.transport == Transport.TCP && !tcp.continues(row, isReply, p)) {
            return false;
        }
        table.expireAt(row, nowMillis + timeoutMillis(p.transport, row));
        return true;
    }

    /** Removes timed-out connections, a bounded number per call. */
    void expire(long nowMillis) {
        int removed = table.expire(nowMillis, 4096);
        if (removed > 0) {
            changes++;
            counters.add(Counter.CONNECTIONS_EXPIRED, removed);
        }
    }

    int size() {
        return table.size();
    }
}
