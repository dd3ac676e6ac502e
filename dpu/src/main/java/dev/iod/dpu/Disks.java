package dev.iod.dpu;

import dev.iod.node.RootDisk;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalLong;

/** The root disks of this node's servers. What is wanted comes by itself; nobody waits for it. */
interface Disks {
    /**
     * How a server's disk shall be.
     *
     * @param socket where its VMM listens
     * @param attached whether a VMM has it, or is about to
     */
    record Wanted(RootDisk disk, Path socket, boolean attached) {}

    /** Where a disk stands. */
    sealed interface State {
        /** As it is wanted. */
        record Ready() implements State {}

        /** On its way; whoever asked is woken when that changes. */
        record Coming() implements State {}

        /** Cannot be as it is wanted, and why; it is tried again. */
        record Failed(String reason) implements State {}
    }

    /** Says which disks there shall be, by server; every other root disk is deleted. */
    void wanted(Map<String, Wanted> disks);

    /** How large their pool is, in MiB; empty until that is known. */
    OptionalLong poolMib();

    /** Where the disk of a server stands, compared with what was wanted last. */
    State state(String server);
}
