package dev.iod.pipeline;

/** What the engine tells the agent unasked. Events are bounded; lost ones are counted. */
public sealed interface EngineEvent {
    /** A rule learned a neighbour ({@link Action.NeighborPut}); repeated at most once a second. */
    record NeighborLearned(long port, Bits ip, long mac) implements EngineEvent {}

    /** A device can, or no longer can, carry packets. Sent for every device to a new agent. */
    record DeviceState(int device, boolean up) implements EngineEvent {}

    /** A packet met a rule with {@link Action.Unsupported}; once per rule and minute. */
    record UnsupportedHit(String cookie, String what) implements EngineEvent {}
}
