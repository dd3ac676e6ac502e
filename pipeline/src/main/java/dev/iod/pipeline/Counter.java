package dev.iod.pipeline;

/** What the engine counts, beside drops ({@link DropReason}) and per-device packets. */
public enum Counter {
    /** Packets received from devices and the uplink. */
    RECEIVED,
    /** Packets handed to devices and the uplink. */
    SENT,
    /** Packets that found their whole path in the flow table. */
    FLOW_HITS,
    /** Packets without an entry whose path was known: they met no rule. */
    PATH_HITS,
    /** Packets that ran the whole pipeline. */
    FLOW_MISSES,
    /** Paths of one ingress forgotten because there were too many, or their program changed. */
    PATHS_FORGOTTEN,
    /** Entries written to the flow table. */
    FLOW_INSTALLS,
    /** Entries found to belong to an older program or connection state. */
    FLOW_STALE,
    /** Entries that had to give way because their bucket was full. */
    FLOW_EVICTIONS,
    /** Entries removed after not having been used. */
    FLOW_EXPIRATIONS,
    /** Packets that leave no path because the engine made a packet or changed a neighbour. */
    UNCACHED_CRAFTED,
    /** Packets that leave no path because their connection could not be tracked or is related. */
    UNCACHED_CONNECTION,
    /** Packets that leave no path because a rule looked at something the flow key does not have. */
    UNCACHED_FIELD,
    /** Packets that leave no path because it is too long or leads nowhere that is known. */
    UNCACHED_SHAPE,
    /** Connections committed. */
    CONNECTIONS_MADE,
    /** Connections that timed out. */
    CONNECTIONS_EXPIRED,
    /** Connections evicted to make room. */
    CONNECTIONS_EVICTED,
    /** Packets conntrack called invalid. */
    CONNECTIONS_INVALID,
    /** Neighbours reported to the agent. */
    NEIGHBORS_REPORTED,
    /** Events lost because the agent did not take them in time. */
    EVENTS_LOST,
    /** Times the engine slept because there was nothing to do. */
    SLEEPS,
    // Codes on the control socket are positions: what is new comes last.
    /** Packets not cached because their sender has as many entries as it may. */
    FLOW_LIMIT,
    /** Times a port had to wait because its packets took more than its share of the engine. */
    TURNS_SKIPPED,
    /** Neighbours not reported because their port had too many of them at once. */
    NEIGHBORS_LIMITED,
    /** Batches that could not be received because the port failed; the log says why. */
    RECEIVE_FAILURES,
    /** The longest that packets of one port waited for those of others and for commands, in µs. */
    LONGEST_TURN_MICROS
}
