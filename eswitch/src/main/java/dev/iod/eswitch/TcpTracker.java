package dev.iod.eswitch;

/**
 * TCP state and window tracking of one connection row, after "Real Stateful TCP Packet Filtering in
 * IP Filter" (van Rooij, 2001), the method Linux uses; out-of-window segments are invalid.
 */
final class TcpTracker {
    static final int NONE = 0;
    static final int SYN_SENT = 1;
    static final int SYN_RECEIVED = 2;
    static final int ESTABLISHED = 3;
    static final int FIN_WAIT = 4;
    static final int CLOSE_WAIT = 5;
    static final int LAST_ACK = 6;
    static final int TIME_WAIT = 7;
    static final int CLOSED = 8;

    /** Simultaneous open: a SYN was seen in both directions. */
    static final int SYN_SENT_BOTH = 9;

    /** Not a transition: the segment says nothing about the state. */
    private static final int SAME = 10;

    private static final int INVALID = 11;

    private static final int SYN = 0;
    private static final int SYN_ACK = 1;
    private static final int FIN = 2;
    private static final int ACK = 3;
    private static final int RST = 4;
    private static final int OTHER = 5;

    /** Next state by segment and present state, for the initiator's direction. */
    private static final int[][] ORIGINAL = {
        row(SYN_SENT, SYN_SENT, SAME, SAME, SAME, SAME, SAME, SYN_SENT, SYN_SENT, SYN_SENT_BOTH),
        row(
                INVALID,
                INVALID,
                SYN_RECEIVED,
                INVALID,
                INVALID,
                INVALID,
                INVALID,
                INVALID,
                INVALID,
                SYN_RECEIVED),
        row(
                INVALID, INVALID, FIN_WAIT, FIN_WAIT, LAST_ACK, LAST_ACK, LAST_ACK, TIME_WAIT,
                CLOSED, INVALID),
        row(
                ESTABLISHED,
                INVALID,
                ESTABLISHED,
                ESTABLISHED,
                CLOSE_WAIT,
                CLOSE_WAIT,
                TIME_WAIT,
                TIME_WAIT,
                CLOSED,
                INVALID),
        row(INVALID, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED),
    };

    private static final int[][] REPLY = {
        row(
                INVALID,
                SYN_SENT_BOTH,
                INVALID,
                INVALID,
                INVALID,
                INVALID,
                INVALID,
                SYN_SENT,
                INVALID,
                SYN_SENT_BOTH),
        row(INVALID, SYN_RECEIVED, SAME, SAME, SAME, SAME, SAME, SAME, SAME, SYN_RECEIVED),
        row(
                INVALID, INVALID, FIN_WAIT, FIN_WAIT, LAST_ACK, LAST_ACK, LAST_ACK, TIME_WAIT,
                CLOSED, INVALID),
        row(
                INVALID,
                SAME,
                SYN_RECEIVED,
                ESTABLISHED,
                CLOSE_WAIT,
                CLOSE_WAIT,
                TIME_WAIT,
                TIME_WAIT,
                CLOSED,
                SAME),
        row(INVALID, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED),
    };

    /** Seconds a connection is kept without packets, by state. */
    private static final int[] TIMEOUT_SECONDS = {0, 120, 60, 86_400, 120, 60, 30, 120, 10, 120};

    // One direction's window, offsets in bytes from its start.
    private static final int END = 0;
    private static final int MAX_END = 4;
    private static final int MAX_WINDOW = 8;
    private static final int MAX_ACK = 12;
    private static final int SCALE = 16;

    /** Its last four bytes belong to {@link ConnectionTable#SENDER} on the first side. */
    private static final int SIDE = 24;

    /** Bits of SCALE beside the shift count in its low byte. */
    private static final int SCALE_SEEN = 0x100;

    private static final int ACK_SEEN = 0x200;

    /** Smallest window an acknowledgement may lie behind; covers delayed segments. */
    private static final int MIN_ACK_WINDOW = 66_000;

    private static final int MAX_SCALE = 14;

    private final ConnectionTable table;

    // The segment at hand.
    private int seq;
    private int ack;
    private int end;
    private int window;
    private int flags;
    private int sack;

    /** What a segment means for its connection. */
    enum Verdict {
        VALID,
        INVALID,
        /** A SYN on a closed connection: forget the connection and start anew. */
        REOPEN
    }

    TcpTracker(ConnectionTable table) {
        this.table = table;
    }

    private static int[] row(int... states) {
        return states;
    }

    static boolean validState(int state) {
        return state <= SYN_SENT_BOTH;
    }

    /** Whether a connection that was replied to is still half-open, or over. */
    static boolean mayGo(int state) {
        return switch (state) {
            case SYN_SENT, SYN_RECEIVED, SYN_SENT_BOTH, TIME_WAIT, CLOSED -> true;
            default -> false;
        };
    }

    static long timeoutMillis(int state) {
        return TIMEOUT_SECONDS[state] * 1000L;
    }

    /** State of a connection that begins with this segment; NONE when none may. */
    int initialState(Packet p) {
        int kind = kind(p.tcpFlags());
        int state = kind == OTHER ? INVALID : ORIGINAL[kind][NONE];
        return state == INVALID ? NONE : state;
    }

    /** Sets up the windows of a new row from its first segment. */
    void begin(int slot, Packet p) {
        read(p);
        int side = side(false);
        if ((flags & Packet.TCP_SYN) != 0) {
            options(slot, side, p);
        }
        startWindow(slot, side, side(true));
    }

    /**
     * Judges a segment and, unless {@code peek}, moves the row on.
     *
     * @return VALID also for segments that leave everything as it is
     */
    Verdict segment(int slot, boolean reply, Packet p, boolean peek) {
        int before = state(slot);
        int kind = kind(p.tcpFlags());
        int after = kind == OTHER ? INVALID : (reply ? REPLY : ORIGINAL)[kind][before];
        if (after == INVALID) {
            return Verdict.INVALID;
        }
        if (after == SAME) {
            return Verdict.VALID;
        }
        if (after == SYN_SENT && before >= TIME_WAIT) {
            return Verdict.REOPEN;
        }
        read(p);
        if (kind == RST && staleReset(slot, reply)) {
            return Verdict.INVALID;
        }
        if (!inWindow(slot, reply, before, p, peek)) {
            return Verdict.INVALID;
        }
        if (!peek && after != before) {
            setState(slot, after);
        }
        return Verdict.VALID;
    }

    /** Whether a plain segment of an established connection changes nothing but its window. */
    boolean continues(int slot, boolean reply, Packet p) {
        int before = state(slot);
        if (before != ESTABLISHED || kind(p.tcpFlags()) != ACK) {
            return false;
        }
        read(p);
        return inWindow(slot, reply, before, p, false);
    }

    int state(int slot) {
        return table.readInt(slot, ConnectionTable.FLAGS) >>> ConnectionTable.TCP_SHIFT & 0xff;
    }

    private void setState(int slot, int state) {
        int rest = table.readInt(slot, ConnectionTable.FLAGS) & ~0xff00;
        table.writeInt(slot, ConnectionTable.FLAGS, rest | state << ConnectionTable.TCP_SHIFT);
        table.bump(slot);
    }

    private static int kind(int tcpFlags) {
        int relevant = tcpFlags & 0x37;
        boolean ack = (relevant & Packet.TCP_ACK) != 0;
        // Urgent, push and ECN bits do not matter; everything else is a combination RFC 9293 knows.
        return switch (relevant & 7) {
            case Packet.TCP_SYN -> ack ? SYN_ACK : SYN;
            case Packet.TCP_RST -> RST;
            case Packet.TCP_FIN -> ack ? FIN : OTHER;
            case 0 -> ack ? ACK : OTHER;
            default -> OTHER;
        };
    }

    private void read(Packet p) {
        flags = p.tcpFlags();
        seq = (int) p.u32(p.l4 + 4);
        ack = (int) p.u32(p.l4 + 8);
        window = p.u16(p.l4 + 14);
        int data = p.length - p.tcpPayload();
        end =
                seq
                        + data
                        + ((flags & Packet.TCP_SYN) != 0 ? 1 : 0)
                        + ((flags & Packet.TCP_FIN) != 0 ? 1 : 0);
        sack = ack;
    }

    private static int side(boolean reply) {
        return ConnectionTable.WINDOWS + (reply ? SIDE : 0);
    }

    private int get(int slot, int side, int offset) {
        return table.readInt(slot, side + offset);
    }

    private void set(int slot, int side, int offset, int value) {
        table.writeInt(slot, side + offset, value);
    }

    private int scale(int slot, int side) {
        return get(slot, side, SCALE) & 0xff;
    }

    /** A reset whose sequence number the other side has long acknowledged is an attack. */
    private boolean staleReset(int slot, boolean reply) {
        int other = side(!reply);
        return (get(slot, other, SCALE) & ACK_SEEN) != 0
                && seq - get(slot, other, MAX_ACK) < 0
                && seq != 0;
    }

    private boolean inWindow(int slot, boolean reply, int state, Packet p, boolean peek) {
        int sender = side(reply);
        int receiver = side(!reply);
        if (get(slot, sender, MAX_WINDOW) == 0) {
            if (!peek) {
                firstOf(slot, sender, receiver, p);
            }
            return true;
        }
        if (restartedHandshake(slot, sender, reply, state)) {
            if (!peek) {
                options(slot, sender, p);
                startWindow(slot, sender, receiver);
            }
            return true;
        }
        if ((flags & Packet.TCP_ACK) == 0 || ((flags & Packet.TCP_RST) != 0 && ack == 0)) {
            ack = get(slot, receiver, END);
            sack = ack;
        }
        if ((flags & Packet.TCP_RST) != 0 && seq == 0 && state == SYN_SENT) {
            seq = get(slot, sender, END);
            end = seq;
        }
        int receiverWindow = get(slot, receiver, MAX_WINDOW);
        int ackWindow = Math.max(get(slot, sender, MAX_WINDOW), MIN_ACK_WINDOW);
        boolean valid =
                seq - (get(slot, sender, MAX_END) + 1) < 0
                        && (receiverWindow == 0
                                || end - (get(slot, sender, END) - receiverWindow - 1) > 0)
                        && sack - (get(slot, receiver, END) + 1) < 0
                        && sack - (get(slot, receiver, END) - ackWindow - 1) > 0;
        if (valid && !peek) {
            advance(slot, sender, receiver);
        }
        return valid;
    }

    /** First segment of a direction: the answer to a SYN, or of a connection met midway. */
    private void firstOf(int slot, int sender, int receiver, Packet p) {
        if ((flags & Packet.TCP_SYN) != 0) {
            options(slot, sender, p);
            if ((get(slot, sender, SCALE) & SCALE_SEEN) == 0
                    || (get(slot, receiver, SCALE) & SCALE_SEEN) == 0) {
                // RFC 7323 §2.2: scaling is used only when both sides offer it.
                clearScale(slot, sender);
                clearScale(slot, receiver);
            }
        }
        startWindow(slot, sender, receiver);
        if ((flags & Packet.TCP_ACK) != 0 && get(slot, receiver, MAX_WINDOW) != 0) {
            advance(slot, sender, receiver);
        }
    }

    private boolean restartedHandshake(int slot, int sender, boolean reply, int state) {
        boolean opening = reply ? state == SYN_RECEIVED : state == SYN_SENT;
        return opening && (flags & Packet.TCP_SYN) != 0 && end - get(slot, sender, END) > 0;
    }

    private void startWindow(int slot, int sender, int receiver) {
        boolean syn = (flags & Packet.TCP_SYN) != 0;
        long scaled = syn ? window : (long) window << scale(slot, sender);
        int first = (int) Math.max(1, scaled);
        set(slot, sender, END, end);
        set(slot, sender, MAX_WINDOW, first);
        set(slot, sender, MAX_END, syn ? end : end + first);
        if (!syn && get(slot, receiver, MAX_WINDOW) == 0) {
            set(slot, receiver, END, sack);
            set(slot, receiver, MAX_END, sack);
        }
    }

    private void advance(int slot, int sender, int receiver) {
        int scaled =
                (flags & Packet.TCP_SYN) != 0
                        ? window
                        : (int) Math.min((long) window << scale(slot, sender), 1 << 30);
        if (get(slot, sender, MAX_WINDOW) < scaled) {
            set(slot, sender, MAX_WINDOW, scaled);
        }
        if (end - get(slot, sender, END) > 0) {
            set(slot, sender, END, end);
        }
        if ((flags & Packet.TCP_ACK) != 0) {
            int bits = get(slot, sender, SCALE);
            if ((bits & ACK_SEEN) == 0 || ack - get(slot, sender, MAX_ACK) > 0) {
                set(slot, sender, SCALE, bits | ACK_SEEN);
                set(slot, sender, MAX_ACK, ack);
            }
        }
        int beyond = end - get(slot, sender, MAX_END);
        if (get(slot, receiver, MAX_WINDOW) != 0 && beyond > 0) {
            set(slot, receiver, MAX_WINDOW, get(slot, receiver, MAX_WINDOW) + beyond);
        }
        int limit = sack + scaled;
        if (limit - (get(slot, receiver, MAX_END) - 1) > 0) {
            set(slot, receiver, MAX_END, scaled == 0 ? limit + 1 : limit);
        }
    }

    private void clearScale(int slot, int side) {
        set(slot, side, SCALE, get(slot, side, SCALE) & ~0xff);
    }

    /** Takes the window scale from a SYN's options (RFC 7323 §2.2). */
    private void options(int slot, int side, Packet p) {
        int at = p.l4 + 20;
        int options = p.tcpPayload();
        int scale = 0;
        while (at < options) {
            int option = p.u8(at);
            if (option == 0) {
                break;
            }
            if (option == 1) {
                at++;
                continue;
            }
            int length = at + 1 < options ? p.u8(at + 1) : 0;
            if (length < 2 || at + length > options) {
                break;
            }
            if (option == 3 && length == 3) {
                scale = Math.min(p.u8(at + 2), MAX_SCALE) | SCALE_SEEN;
            }
            at += length;
        }
        set(slot, side, SCALE, scale);
    }
}
