package dev.iod.pipeline;

import dev.iod.engine.Coded;

/** What the engine counts, beside drops ({@link DropReason}) and per-device packets. */
public enum Counter implements Coded {
    /** Packets received from devices and the uplink. */
    RECEIVED(0),
    /** Packets handed to devices and the uplink. */
    SENT(1),
    /** Packets that found their whole path in the flow table. */
    FLOW_HITS(2),
    /** Packets without an entry whose path was known: they met no rule. */
    PATH_HITS(3),
    /** Packets that ran the whole pipeline. */
    FLOW_MISSES(4),
    /** Paths of one ingress forgotten because there were too many, or their program changed. */
    PATHS_FORGOTTEN(5),
    /** Entries written to the flow table. */
    FLOW_INSTALLS(6),
    /** Entries found to belong to an older program or connection state. */
    FLOW_STALE(7),
    /** Entries that had to give way because their bucket was full. */
    FLOW_EVICTIONS(8),
    /** Entries removed after not having been used. */
    FLOW_EXPIRATIONS(9),
    /** Packets that leave no path because the engine made a packet or changed a neighbour. */
    UNCACHED_CRAFTED(10),
    /** Packets that leave no path because their connection could not be tracked or is related. */
    UNCACHED_CONNECTION(11),
    /** Packets that leave no path because a rule looked at something the flow key does not have. */
    UNCACHED_FIELD(12),
    /** Packets that leave no path because it is too long or leads nowhere that is known. */
    UNCACHED_SHAPE(13),
    /** Connections committed. */
    CONNECTIONS_MADE(14),
    /** Connections that timed out. */
    CONNECTIONS_EXPIRED(15),
    /** Connections evicted to make room. */
    CONNECTIONS_EVICTED(16),
    /** Packets conntrack called invalid. */
    CONNECTIONS_INVALID(17),
    /** Neighbours reported to the agent. */
    NEIGHBORS_REPORTED(18),
    /** Events lost because the agent did not take them in time. */
    EVENTS_LOST(19),
    /** Times the engine slept because there was nothing to do. */
    SLEEPS(20),
    /** Packets not cached because their sender has as many entries as it may. */
    FLOW_LIMIT(21),
    /** Times a port had to wait because its packets took more than its share of the engine. */
    TURNS_SKIPPED(22),
    /** Neighbours not reported because their port had too many of them at once. */
    NEIGHBORS_LIMITED(23),
    /** Batches that could not be received because the port failed; the log says why. */
    RECEIVE_FAILURES(24),
    /** The longest that packets of one port waited for those of others and for commands, in µs. */
    LONGEST_TURN_MICROS(25);

    private final int code;

    Counter(int code) {
        this.code = code;
    }

    @Override
    public int code() {
        return code;
    }
}
