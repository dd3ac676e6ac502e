package dev.iod.eswitch.connections;

/**
 * What a connection lookup found: a row of the {@link ConnectionTable}, and which of its two tuples
 * the packet has. Reused; engine thread only.
 */
public final class Lookup {
    int row = ConnectionTable.NONE;
    boolean reply;

    /** Nothing is found. */
    void clear() {
        row = ConnectionTable.NONE;
        reply = false;
    }

    public void copyFrom(Lookup other) {
        row = other.row;
        reply = other.reply;
    }

    /** Whether there is such a connection. */
    public boolean found() {
        return row != ConnectionTable.NONE;
    }

    /** Whether the packet travels against the connection's initiator. */
    public boolean reply() {
        return reply;
    }

    public boolean same(Lookup other) {
        return row == other.row && reply == other.reply;
    }
}
