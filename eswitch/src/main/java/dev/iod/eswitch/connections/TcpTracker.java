package dev.iod.eswitch.connections;

import dev.iod.eswitch.packet.Packet;
import org.jspecify.annotations.Nullable;

/**
 * TCP state and window tracking of one connection row, after "Real Stateful TCP Packet Filtering in
 * IP Filter" (van Rooij, 2001): each direction has a state, the highest sequence number it sent and
 * the highest it may send. Verdicts, states and timeouts are those of Open vSwitch's user-space
 * datapath, beside which the tracker is tested. Engine thread only.
 */
final class TcpTracker {
    /** Nothing was seen from this side. */
    static final int CLOSED = 0;

    static final int SYN_SENT = 1;

    /** The other side acknowledged something. */
    static final int ESTABLISHED = 2;

    /** This side sent a FIN that the other has not acknowledged. */
    static final int CLOSING = 3;

    /** The FIN of this side was acknowledged. */
    static final int FIN_WAIT_2 = 4;

    /** One side sent a reset. */
    static final int TIME_WAIT = 5;

    private static final String[] NAMES = {
        "CLOSED", "SYN_SENT", "ESTABLISHED", "CLOSING", "TIME_WAIT", "TIME_WAIT"
    };

    // One direction's record, offsets in bytes from its start.
    private static final int SENT = 0;
    private static final int LIMIT = 4;
    private static final int WINDOW = 8;

    /** Two of them are what a row has. */
    static final int SIDE = 12;

    /** Bits of a scale beside the shift count: offered in a SYN; the connection was met midway. */
    private static final int OFFERED = 0x80;

    private static final int UNKNOWN = 0x40;
    private static final int SHIFT = 0x0f;
    private static final int MAX_SHIFT = 14;

    /** How far an acknowledgement may be from what it should be: a window and a segment. */
    private static final int SLACK = 0xffff + 1500;

    private static final int OPTION_END = 0;
    private static final int OPTION_NOTHING = 1;
    private static final int OPTION_SCALE = 3;

    /** Bits of the row's flags that hold the states, and those that are not ours. */
    private static final int STATES = 0xff << ConnectionTable.TCP_SHIFT;

    private static final int ALL_OTHERS = 0xff;

    private final ConnectionTable table;
    private final Side initiator = new Side();
    private final Side responder = new Side();

    // The segment at hand.
    private int flags;
    private int seq;
    private int ack;
    private int window;
    private int data;

    /** Set by {@link #segment}: what the connection waits for now; null leaves its expiry alone. */
    private @Nullable ConnectionTimeout timeout;

    /** What a segment means for its connection. */
    enum Verdict {
        VALID,
        /** A first SYN again, or one from the other side: still a new connection. */
        OPENING,
        INVALID,
        /** A SYN on a closed connection: forget the connection and start anew. */
        REOPEN
    }

    /** One direction of the connection at hand. */
    private static final class Side {
        int state;

        /** Highest sequence number sent. */
        int sent;

        /** Highest sequence number this side may send: acknowledged and window. */
        int limit;

        /** Largest window advertised, before scaling. */
        int window;

        int scale;

        /**
         * @param states the row's flags, with the state of this side in the lowest four bits
         * @param scales the same, with its scale in the lowest eight
         */
        void load(ConnectionTable table, int row, int at, int states, int scales) {
            state = states & 0xf;
            scale = scales & 0xff;
            sent = table.readInt(row, at + SENT);
            limit = table.readInt(row, at + LIMIT);
            window = table.readInt(row, at + WINDOW);
        }

        void store(ConnectionTable table, int row, int at) {
            table.writeInt(row, at + SENT, sent);
            table.writeInt(row, at + LIMIT, limit);
            table.writeInt(row, at + WINDOW, window);
        }

        void begin(int atLeast) {
            state = Math.max(state, atLeast);
        }
    }

    TcpTracker(ConnectionTable table) {
        this.table = table;
    }

    static boolean validStates(int both) {
        return (both & 0xf) <= TIME_WAIT && both >>> 4 <= TIME_WAIT;
    }

    /** Whether a connection that was replied to is still half-open, or over. */
    static boolean mayGo(int both) {
        int nearer = Math.min(both & 0xf, both >>> 4);
        return both != 0 && (nearer < ESTABLISHED || nearer >= FIN_WAIT_2);
    }

    /**
     * The state of a connection as a whole: that of the side that is further, with the names of
     * {@code dpctl/dump-conntrack}, which tells both ends apart no more.
     */
    static String name(int both) {
        return NAMES[Math.min(Math.max(both & 0xf, both >>> 4), TIME_WAIT)];
    }

    /** Whether a segment may begin a connection: not with half of a handshake. */
    boolean mayBegin(Packet p) {
        int of = p.tcpFlags();
        boolean answer = (of & Packet.TCP_SYN) != 0 && (of & Packet.TCP_ACK) != 0;
        return !nonsense(of) && !answer;
    }

    /** Combinations no TCP sends (RFC 9293 §3.5, §3.10). */
    private static boolean nonsense(int of) {
        boolean acknowledges = (of & Packet.TCP_ACK) != 0;
        if ((of & Packet.TCP_SYN) != 0) {
            if ((of & (Packet.TCP_RST | Packet.TCP_FIN)) != 0) {
                return true;
            }
        } else if (!acknowledges && (of & Packet.TCP_RST) == 0) {
            return true;
        }
        return !acknowledges && (of & (Packet.TCP_FIN | Packet.TCP_PSH | Packet.TCP_URG)) != 0;
    }

    /** Sets up both directions of a new row from its first segment. */
    void begin(int row, Packet p) {
        read(p);
        initiator.sent = seq;
        initiator.limit = seq + length() + 1;
        boolean syn = is(Packet.TCP_SYN);
        initiator.scale = syn ? offeredScale(p) : UNKNOWN;
        initiator.window = divided(Math.max(window, 1), initiator.scale & SHIFT);
        responder.sent = 0;
        responder.limit = 1;
        responder.window = 1;
        responder.scale = syn ? 0 : UNKNOWN;
        initiator.state = SYN_SENT;
        responder.state = CLOSED;
        store(row);
    }

    /** Judges a segment and, unless {@code peek}, moves the row on. */
    Verdict segment(int row, boolean reply, Packet p, boolean peek) {
        timeout = null;
        read(p);
        if (nonsense(flags)) {
            return Verdict.INVALID;
        }
        load(row);
        Verdict verdict = judge(reply ? responder : initiator, reply ? initiator : responder, p);
        if (!peek && (verdict == Verdict.VALID || verdict == Verdict.OPENING)) {
            store(row);
        }
        return verdict;
    }

    /** What {@link #segment} found the connection to wait for now. */
    @Nullable ConnectionTimeout timeout() {
        return timeout;
    }

    /** Whether a plain segment of an established connection changes nothing but its window. */
    boolean continues(int row, boolean reply, Packet p) {
        if (states(row) != (ESTABLISHED | ESTABLISHED << 4)) {
            return false;
        }
        read(p);
        if (nonsense(flags)
                || !is(Packet.TCP_ACK)
                || is(Packet.TCP_SYN)
                || is(Packet.TCP_FIN)
                || is(Packet.TCP_RST)) {
            return false;
        }
        load(row);
        if (judge(reply ? responder : initiator, reply ? initiator : responder, p)
                != Verdict.VALID) {
            return false;
        }
        store(row);
        return true;
    }

    /** The initiator's state in the low four bits, the responder's above. */
    int states(int row) {
        return table.readInt(row, ConnectionTable.FLAGS) >>> ConnectionTable.TCP_SHIFT & 0xff;
    }

    private void load(int row) {
        int known = table.readInt(row, ConnectionTable.FLAGS);
        int states = known >>> ConnectionTable.TCP_SHIFT;
        int scales = known >>> ConnectionTable.SCALE_SHIFT;
        initiator.load(table, row, ConnectionTable.WINDOWS, states, scales);
        responder.load(table, row, ConnectionTable.WINDOWS + SIDE, states >>> 4, scales >>> 8);
    }

    private void store(int row) {
        initiator.store(table, row, ConnectionTable.WINDOWS);
        responder.store(table, row, ConnectionTable.WINDOWS + SIDE);
        int known = table.readInt(row, ConnectionTable.FLAGS);
        int states = (initiator.state | responder.state << 4) << ConnectionTable.TCP_SHIFT;
        int scales = (initiator.scale | responder.scale << 8) << ConnectionTable.SCALE_SHIFT;
        int now = known & ALL_OTHERS | states | scales;
        if (now != known) {
            table.writeInt(row, ConnectionTable.FLAGS, now);
            if (((now ^ known) & STATES) != 0) {
                table.bump(row);
            }
        }
    }

    private void read(Packet p) {
        flags = p.tcpFlags();
        seq = (int) p.u32(p.l4 + 4);
        ack = (int) p.u32(p.l4 + 8);
        window = p.u16(p.l4 + 14);
        data = p.length - p.tcpPayload();
    }

    private boolean is(int flag) {
        return (flags & flag) != 0;
    }

    /** Sequence numbers the segment takes (RFC 9293 §3.4). */
    private int length() {
        return data + (is(Packet.TCP_SYN) ? 1 : 0) + (is(Packet.TCP_FIN) ? 1 : 0);
    }

    private Verdict judge(Side from, Side to, Packet p) {
        if (is(Packet.TCP_SYN) && !is(Packet.TCP_ACK)) {
            if (from.state >= FIN_WAIT_2 && to.state >= FIN_WAIT_2) {
                return Verdict.REOPEN;
            }
            if (from.state <= SYN_SENT) {
                from.state = SYN_SENT;
                timeout = ConnectionTimeout.TCP_FIRST;
                return Verdict.OPENING;
            }
        }
        int fromShift = shift(from, to);
        int toShift = shift(to, from);
        boolean lenient = false;
        if (from.state < SYN_SENT) {
            if (is(Packet.TCP_SYN) && (to.scale & OFFERED) != 0) {
                from.scale = offeredScale(p);
                fromShift = 0;
                if ((from.scale & OFFERED) != 0) {
                    fromShift = from.scale & SHIFT;
                    toShift = to.scale & SHIFT;
                    window = divided(window, fromShift);
                } else {
                    // Scaling is used only when both sides offer it (RFC 7323 §2.2).
                    to.window <<= to.scale & SHIFT;
                    to.scale = 0;
                }
            }
            lenient = firstOf(from, seq + length() + Math.max(1, to.window << toShift));
        }
        int acknowledged = is(Packet.TCP_ACK) && !(ack == 0 && is(Packet.TCP_RST)) ? ack : to.sent;
        int first = length() == 0 ? from.sent : seq;
        int end = length() == 0 ? from.sent : seq + length();
        int behind = lenient ? 0 : to.sent - acknowledged;
        boolean inside =
                from.limit - end >= 0
                        && first - (from.sent - (to.window << toShift)) >= 0
                        && behind >= -SLACK
                        && behind <= SLACK << fromShift
                        && (!is(Packet.TCP_RST) || (seq - from.sent >= -1 && seq - from.sent <= 1));
        if (inside) {
            move(from, to, end, acknowledged, fromShift);
            advance(from, to);
            timeout = waitsFor(from.state, to.state);
            return Verdict.VALID;
        }
        boolean unsettled =
                to.state < SYN_SENT || to.state >= FIN_WAIT_2 || from.state >= FIN_WAIT_2;
        if (unsettled && from.limit + SLACK - end >= 0 && first - (from.sent - SLACK) >= 0) {
            // Met midway, or stray segments after the end: passed, but they prolong nothing.
            move(from, to, end, acknowledged, fromShift);
            if (is(Packet.TCP_FIN)) {
                from.begin(CLOSING);
            }
            reset(from, to);
            return Verdict.VALID;
        }
        return Verdict.INVALID;
    }

    /** The first segment a side sends. @return whether its acknowledgement proves nothing yet */
    private boolean firstOf(Side from, int limit) {
        from.sent = seq;
        from.state = SYN_SENT;
        boolean opened = from.limit == 1 || limit - from.limit >= 0;
        if (opened) {
            from.limit = limit;
        }
        from.window = Math.max(from.window, window);
        return opened;
    }

    /** How far the sender's window is shifted: not in SYNs, and only when both offered it. */
    private int shift(Side of, Side other) {
        if (is(Packet.TCP_SYN)) {
            return 0;
        }
        int both = of.scale & other.scale;
        return (both & OFFERED) != 0 ? of.scale & SHIFT : (both & UNKNOWN) != 0 ? MAX_SHIFT : 0;
    }

    private void move(Side from, Side to, int end, int acknowledged, int fromShift) {
        from.window = Math.max(from.window, window);
        if (end - from.sent > 0) {
            from.sent = end;
        }
        int scaled = window << fromShift;
        if (acknowledged + scaled - to.limit >= 0) {
            to.limit = acknowledged + Math.max(scaled, 1);
        }
    }

    private void advance(Side from, Side to) {
        if (is(Packet.TCP_FIN)) {
            from.begin(CLOSING);
        }
        if (is(Packet.TCP_ACK)) {
            if (to.state == SYN_SENT) {
                to.state = ESTABLISHED;
            } else if (to.state == CLOSING) {
                to.state = FIN_WAIT_2;
            }
        }
        reset(from, to);
    }

    private void reset(Side from, Side to) {
        if (is(Packet.TCP_RST)) {
            from.state = TIME_WAIT;
            to.state = TIME_WAIT;
        }
    }

    private static ConnectionTimeout waitsFor(int from, int to) {
        int nearer = Math.min(from, to);
        if (nearer >= FIN_WAIT_2) {
            return ConnectionTimeout.TCP_CLOSED;
        }
        if (nearer >= CLOSING) {
            return ConnectionTimeout.TCP_FIN_WAIT;
        }
        if (nearer < ESTABLISHED) {
            return ConnectionTimeout.TCP_OPENING;
        }
        return Math.max(from, to) >= CLOSING
                ? ConnectionTimeout.TCP_CLOSING
                : ConnectionTimeout.TCP_ESTABLISHED;
    }

    private static int divided(int value, int shift) {
        return (value + (1 << shift) - 1) >>> shift;
    }

    /** The window scale among a SYN's options (RFC 7323 §2.2), 0 when there is none. */
    private static int offeredScale(Packet p) {
        int at = p.l4 + 20;
        int end = p.tcpPayload();
        while (at + 2 < end) {
            int option = p.u8(at);
            if (option == OPTION_END) {
                return 0;
            }
            if (option == OPTION_NOTHING) {
                at++;
                continue;
            }
            if (option == OPTION_SCALE) {
                return Math.min(p.u8(at + 2), MAX_SHIFT) | OFFERED;
            }
            at += Math.max(2, p.u8(at + 1));
        }
        return 0;
    }
}
