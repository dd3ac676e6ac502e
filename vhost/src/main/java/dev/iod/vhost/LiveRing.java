package dev.iod.vhost;

/** What the hand-over between control and engine thread needs to know of a ring of either kind. */
sealed interface LiveRing permits Vring, RequestRing {
    boolean live();

    /** Engine thread, once, before the first use: takes over positions from shared memory. */
    void adopt();

    /** Engine thread, after the last use: nothing that was completed stays unpublished. */
    void retire();

    /** Where the next connection would go on; exact while the ring is quiet. */
    int position();
}
