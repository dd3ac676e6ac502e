package dev.iod.eswitch;

import dev.iod.eswitch.caches.FlowTable;

/**
 * Looks for idle flows and connections, a bounded number of them between two rounds of the ports:
 * packets wait meanwhile. Engine thread only.
 */
final class Housekeeping {
    /** Most flows, and most connections, of one step: a few microseconds. */
    static final int MOST = 64;

    /** How often it is to be begun while there is anything. */
    static final long PERIOD_MILLIS = 1000;

    private final Core core;
    private long nextMillis;

    /** Entries of the flow table still to be looked at. */
    private long owed;

    Housekeeping(Core core) {
        this.core = core;
    }

    /** Takes a step, if there is anything to look at. @return whether another one is due at once */
    boolean step(long nowMillis) {
        if (nowMillis >= nextMillis) {
            nextMillis = nowMillis + PERIOD_MILLIS;
            // Every entry is looked at twice in its idle time.
            long share = core.flows().capacity() * 2L * PERIOD_MILLIS / FlowTable.IDLE_MILLIS + 1;
            owed = core.flows().size() == 0 ? 0 : Math.min(owed + share, core.flows().capacity());
        }
        boolean more = core.conntrack().expire(nowMillis, MOST);
        if (owed > 0) {
            int looks = (int) Math.min(owed, MOST);
            core.packets().sweepFlows(looks, nowMillis);
            owed -= looks;
        }
        return more || owed > 0;
    }

    /** Whether there is anything that may become idle. */
    boolean needed() {
        return core.flows().size() > 0 || core.conntrack().size() > 0;
    }
}
