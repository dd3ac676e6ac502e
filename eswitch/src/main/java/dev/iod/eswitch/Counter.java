package dev.iod.eswitch;

/** What the engine counts, beside drops ({@link DropReason}) and per-device packets. */
public enum Counter {
    /** Packets received from devices and the uplink. */
    RECEIVED,
    /** Packets handed to devices and the uplink. */
    SENT,
    /** Packets that found their whole path in the flow table. */
    FLOW_HITS,
    /** Packets that ran the whole pipeline. */
    FLOW_MISSES,
    /** Entries written to the flow table. */
    FLOW_INSTALLS,
    /** Entries found to belong to an older program or connection state. */
    FLOW_STALE,
    /** Entries that had to give way because their bucket was full. */
    FLOW_EVICTIONS,
    /** Entries removed after not having been used. */
    FLOW_EXPIRATIONS,
    /** Packets not cached because the engine made a packet or changed one beyond its header. */
    UNCACHED_CRAFTED,
    /** Packets not cached because a connection was made, changed state or is not committed. */
    UNCACHED_CONNECTION,
    /** Packets not cached because a rule looked at something the flow key does not have. */
    UNCACHED_FIELD,
    /** Packets not cached because they were dropped or have too many outputs. */
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
    SLEEPS
}
