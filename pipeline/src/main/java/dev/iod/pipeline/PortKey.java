package dev.iod.pipeline;

/**
 * The number of a logical port or multicast group: its datapath's key (24 bits) above its own (16
 * bits), both as OVN calls "tunnel_key" (ovn-sb(5)). That of a group has bit 0x8000.
 */
public final class PortKey {
    /** The keys of ports, of which 0 is none. */
    public static final int MAX_PORT = 0x7fff;

    /** The keys of multicast groups. */
    public static final int MIN_GROUP = 0x8000;

    public static final int MAX_GROUP = 0xffff;

    /** The lowest and the highest of all. */
    public static final long MIN = 1L << 16;

    public static final long MAX = 0xff_ffff_ffffL;

    private PortKey() {}

    /**
     * @param datapath 1 to 2^24 − 1
     * @param port of a port or a group, 0 to 65535
     */
    public static long of(int datapath, int port) {
        return (long) datapath << 16 | port;
    }

    public static int datapath(long key) {
        return (int) (key >>> 16);
    }

    /** Whether it is that of a multicast group. */
    public static boolean isGroup(long key) {
        return port(key) >= MIN_GROUP;
    }

    /** Without the datapath. */
    public static int port(long key) {
        return (int) key & 0xffff;
    }
}
