package dev.iod.pipeline;

/**
 * ICMP messages that ask and those that answer, with an identifier (RFC 792, RFC 950, RFC 4443 §4).
 * Each kind of query has a small number of its own in its family.
 */
public final class IcmpQuery {
    /** Not a query's type. */
    public static final int NONE = -1;

    /** The kind of echo requests and replies, in both families. */
    public static final int ECHO = 0;

    private static final int[] REQUESTS4 = {8, 13, 15};
    private static final int[] REPLIES4 = {0, 14, 16};
    private static final int[] REQUESTS6 = {128};
    private static final int[] REPLIES6 = {129};

    private IcmpQuery() {}

    /** Number of kinds in a family. */
    public static int kinds(boolean ip6) {
        return (ip6 ? REQUESTS6 : REQUESTS4).length;
    }

    /** The kind a type asks, or {@link #NONE}. */
    public static int asked(boolean ip6, int type) {
        return find(type, ip6 ? REQUESTS6 : REQUESTS4);
    }

    /** The kind a type answers, or {@link #NONE}. */
    public static int answered(boolean ip6, int type) {
        return find(type, ip6 ? REPLIES6 : REPLIES4);
    }

    /** The type that asks a kind. */
    public static int request(boolean ip6, int kind) {
        return (ip6 ? REQUESTS6 : REQUESTS4)[kind];
    }

    /** The type that answers a kind. */
    public static int reply(boolean ip6, int kind) {
        return (ip6 ? REPLIES6 : REPLIES4)[kind];
    }

    /** Of a query's type: what answers it, or what it answers. */
    public static int other(boolean ip6, int type) {
        int asked = asked(ip6, type);
        return asked == NONE ? request(ip6, answered(ip6, type)) : reply(ip6, asked);
    }

    private static int find(int type, int[] types) {
        for (int i = 0; i < types.length; i++) {
            if (types[i] == type) {
                return i;
            }
        }
        return NONE;
    }
}
