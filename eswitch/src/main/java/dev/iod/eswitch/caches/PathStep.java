package dev.iod.eswitch.caches;

import dev.iod.eswitch.rules.MarkChange;
import dev.iod.pipeline.DropReason;

/** Something a packet's path does outside the packet. */
public sealed interface PathStep {
    /** Looks the connection up; the path goes on by what is found. */
    record Track(int zone) implements PathStep {}

    /**
     * Commits the connection.
     *
     * @param ctState the packet's connection state at this point
     */
    record Commit(int zone, int ctState, MarkChange change) implements PathStep {}

    record Send(FlowOutput output) implements PathStep {}

    record Drop(DropReason reason) implements PathStep {}
}
