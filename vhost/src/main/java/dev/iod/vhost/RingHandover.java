package dev.iod.vhost;

/** How the control side gives rings to the engine thread and takes them away. */
interface RingHandover {
    /** Lets the engine use the set from its next poll on. */
    void publish(RingSet set);

    /** As {@link #publish}, and returns when the engine no longer uses any earlier set. */
    void publishAndWait(RingSet set);
}
