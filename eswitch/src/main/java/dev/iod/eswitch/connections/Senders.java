package dev.iod.eswitch.connections;

import dev.iod.eswitch.packet.Packet;

/**
 * Who a packet is charged to: the local device it came from or, when it came by a tunnel, one of
 * {@link #REMOTE_GROUPS} groups the remote ports are spread over. Nobody can choose it, whatever
 * addresses a packet carries. Engine thread only.
 */
public final class Senders {
    /** Remote ports may share a group; then they share what it may hold. */
    static final int REMOTE_GROUPS = 256;

    /** Key of connections nobody is charged for: those of a file written by an older engine. */
    public static final int NOBODY = Packet.NOBODY;

    private final Sender[] remote = new Sender[REMOTE_GROUPS];

    /**
     * @param missesPerSecond packets of one remote group that may need the pipeline
     */
    public Senders(int missesPerSecond) {
        for (int i = 0; i < REMOTE_GROUPS; i++) {
            remote[i] = new Sender(-1 - i, missesPerSecond);
        }
    }

    /** Key of a local device, which is never {@link #NOBODY} nor that of a remote group. */
    public static int local(int device) {
        return device + 1;
    }

    /** Who sent a packet that came by a tunnel. */
    public Sender remote(int vni, int ingressPort) {
        int hash = (vni << 15 ^ ingressPort) * 0x9E37_79B9;
        return remote[hash >>> 24];
    }
}
