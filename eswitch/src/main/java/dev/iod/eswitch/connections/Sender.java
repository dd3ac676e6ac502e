package dev.iod.eswitch.connections;

/** One sender's share of what all have in common ({@link Senders}). Engine thread only. */
public final class Sender {
    private static final int NEIGHBORS_PER_SECOND = 20;
    private static final int NEIGHBORS_AT_ONCE = 100;

    /** What connections are charged to; see {@link Senders}. */
    public final int key;

    /** Entries of the flow table made by this sender's packets. */
    public int flows;

    /**
     * Packets that may need the pipeline. Limited for a remote sender, who shares the uplink's turn
     * with all others; a local device has a turn of its own ({@code Turns}).
     */
    public final Budget misses;

    /** Neighbours that may be reported to the agent. */
    public final Budget neighbors = new Budget(NEIGHBORS_PER_SECOND, NEIGHBORS_AT_ONCE);

    /**
     * @param missesPerSecond packets that may need the pipeline, a tenth of them at once
     */
    public Sender(int key, int missesPerSecond) {
        this.key = key;
        this.misses = new Budget(missesPerSecond, Math.max(1, missesPerSecond / 10));
    }
}
