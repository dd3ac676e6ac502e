package dev.iod.eswitch.connections;

/** A token bucket: so much a second, and a part of that at once. One thread. */
public final class Budget {
    public static final int UNLIMITED = 0;

    private final int perSecond;
    private final int burst;
    private long tokens;
    private long refilledMillis;

    /**
     * @param perSecond how often {@link #take} may succeed, {@link #UNLIMITED} = always
     * @param burst how often at once, after a pause
     */
    public Budget(int perSecond, int burst) {
        this.perSecond = perSecond;
        this.burst = burst;
        this.tokens = burst;
    }

    /** Takes one. @return false when nothing is left */
    public boolean take(long nowMillis) {
        if (perSecond == UNLIMITED) {
            return true;
        }
        long earned = (nowMillis - refilledMillis) * perSecond / 1000;
        if (earned > 0) {
            tokens = Math.min(burst, tokens + earned);
            // What is short of a whole one is kept for the next time.
            refilledMillis += earned * 1000 / perSecond;
        }
        if (tokens == 0) {
            return false;
        }
        tokens--;
        return true;
    }
}
