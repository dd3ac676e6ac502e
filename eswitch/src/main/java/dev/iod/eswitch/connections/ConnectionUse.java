package dev.iod.eswitch.connections;

/**
 * A connection that packets of a cached flow belong to, as it was when the flow was recorded, in
 * one word: packets read it, and what they read together should lie together.
 *
 * <p>The upper half is the row's stamp, which changes with all that the flow relies on; below are
 * the row of the {@link ConnectionTable}, and in the lowest bit whether the packets travel against
 * the initiator.
 */
final class ConnectionUse {
    private ConnectionUse() {}

    static long of(int row, boolean reply, int stamp) {
        return (long) stamp << 32 | (long) row << 1 | (reply ? 1 : 0);
    }

    static int row(long use) {
        return (int) use >>> 1;
    }

    static boolean reply(long use) {
        return (use & 1) != 0;
    }

    static int stamp(long use) {
        return (int) (use >>> 32);
    }
}
