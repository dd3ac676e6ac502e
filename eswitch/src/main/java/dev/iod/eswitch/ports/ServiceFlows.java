package dev.iod.eswitch.ports;

/**
 * Which guest a reply of a local service goes back to: (port key, client's TCP port) → the client's
 * MAC and IPv4 address. Bounded: {@link #SETS} sets of {@link #WAYS} connections; a port uses one
 * set, so a guest that opens connections without end only evicts its own oldest ones (and those of
 * ports whose key is equal modulo {@link #SETS}). One thread; allocates nothing after it was made.
 */
final class ServiceFlows {
    static final int SETS = 64;
    static final int WAYS = 32;

    private static final int NONE = -1;

    private final int[] keys = new int[SETS * WAYS];
    private final int[] addresses = new int[SETS * WAYS];
    private final long[] macs = new long[SETS * WAYS];

    /** When the entry was last used, in packets seen; 0 = free. */
    private final long[] lastUse = new long[SETS * WAYS];

    private long clock;

    private static int key(int portKey, int tcpPort) {
        return portKey << 16 | tcpPort;
    }

    /** Index of an entry, or -1. Marks it as used. */
    int find(int portKey, int tcpPort) {
        int first = (portKey & (SETS - 1)) * WAYS;
        int wanted = key(portKey, tcpPort);
        for (int i = first; i < first + WAYS; i++) {
            if (keys[i] == wanted && lastUse[i] != 0) {
                lastUse[i] = ++clock;
                return i;
            }
        }
        return NONE;
    }

    /**
     * Makes or replaces an entry, in place of the one of its set that was not used for longest when
     * there is no free one.
     */
    void put(int portKey, int tcpPort, int address, long mac) {
        int at = find(portKey, tcpPort);
        if (at == NONE) {
            at = oldest((portKey & (SETS - 1)) * WAYS);
        }
        keys[at] = key(portKey, tcpPort);
        addresses[at] = address;
        macs[at] = mac;
        lastUse[at] = ++clock;
    }

    private int oldest(int first) {
        int oldest = first;
        for (int i = first + 1; i < first + WAYS; i++) {
            if (lastUse[i] < lastUse[oldest]) {
                oldest = i;
            }
        }
        return oldest;
    }

    /** The client's IPv4 address, host order. */
    int address(int index) {
        return addresses[index];
    }

    long mac(int index) {
        return macs[index];
    }
}
