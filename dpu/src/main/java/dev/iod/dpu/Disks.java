package dev.iod.dpu;

import dev.iod.node.Disk;
import dev.iod.node.Snapshot;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Declarative interface to the disks in this node's pool: {@link #wanted} sets the desired state, a
 * reconciler makes it so, {@link #state} reads how far it is. No call blocks.
 */
interface Disks {
    /**
     * The desired state of a disk.
     *
     * @param socket where its VMM listens
     * @param attached whether a VMM has it, or is about to
     */
    record Wanted(Disk disk, Path socket, boolean attached) {}

    /** How far a disk is. */
    sealed interface State {
        /** As it is wanted. */
        record Ready() implements State {}

        /** On its way; whoever asked is woken when that changes. */
        record Coming() implements State {}

        /** Cannot be as it is wanted, and why; it is tried again. */
        record Failed(String reason) implements State {}
    }

    /**
     * The desired state of the pool.
     *
     * @param disks by id
     * @param snapshots by id, those that are captures among them
     * @param captures ids of snapshots whose content is sent to the region, in that order
     * @param held disks that a machine has not given back yet: they stay as they are
     * @param complete whether this is all that the pool shall have: only then the rest is deleted
     */
    record Wish(
            Map<String, Wanted> disks,
            Map<String, Snapshot> snapshots,
            List<String> captures,
            Set<String> held,
            boolean complete) {
        public Wish {
            disks = Map.copyOf(disks);
            snapshots = Map.copyOf(snapshots);
            captures = List.copyOf(captures);
            held = Set.copyOf(held);
        }
    }

    /** Says what there shall be. */
    void wanted(Wish wish);

    /**
     * How large the pool is without the images that its disks need, in MiB; empty until that is
     * known.
     */
    OptionalLong poolMib();

    /**
     * What the pool has that is not wanted, with the reason why it is still there; empty until the
     * pool was looked at with what was wanted last, and when that is not complete.
     */
    Optional<Map<String, String>> unwanted();

    /** How far a disk is, compared with what was wanted last. */
    State state(String disk);

    /** How far a snapshot is, likewise; a capture that cannot be sent has failed. */
    State snapshot(String snapshot);
}
