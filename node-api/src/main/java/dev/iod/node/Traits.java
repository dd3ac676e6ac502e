package dev.iod.node;

/** What a node can say of itself in {@link Hello#getTraitsList}, where the region depends on it. */
public final class Traits {
    /** It keeps volumes and snapshots whatever servers it has, and knows what a copy is. */
    public static final String VOLUMES = "VOLUMES";

    /**
     * A root disk that its goal names with a source is made as a copy of that when the machine that
     * had it has stopped, and both stay as long as the goal names them.
     */
    public static final String RESIZES = "RESIZES";

    /** It sends the content of disks to the region. */
    public static final String CAPTURES = "CAPTURES";

    /** Uses of consoles of one node at a time. */
    public static final int MAX_CONSOLES = 32;

    private Traits() {}
}
