package dev.iod.compute;

import java.util.Optional;

/**
 * How a server's state follows from what was asked and what its node reports: one pure function, so
 * a report that is lost, late or repeated does no harm and a restart anywhere needs nothing but the
 * next report.
 */
final class Lifecycle {
    private Lifecycle() {}

    /** Whether the machine shall run. */
    enum Wish {
        ON,
        /** On, with its processors standing still. */
        PAUSED,
        /** On, from its rescue disk. */
        RESCUE,
        OFF
    }

    /** What of a resize is not over. */
    enum Resize {
        NONE,
        /** It has, or gets, another flavor, which is neither confirmed nor reverted. */
        OPEN,
        /** It gets back the flavor that it had. */
        REVERTING
    }

    /**
     * A server's recorded state.
     *
     * @param bootGeneration raised by everything that asks for a new boot (start, hard reboot)
     * @param softRebootGeneration raised by a soft reboot
     * @param goalRevision the node's goal revision that carries the last change of this server
     * @param pinned an administrator set the state by hand, reports leave it alone
     * @param launched it has been ACTIVE once
     * @param resize kept with the resize itself, see {@link Server.Resize}
     */
    record State(
            VmState vm,
            TaskState task,
            PowerState power,
            Wish wish,
            long bootGeneration,
            long softRebootGeneration,
            long goalRevision,
            boolean pinned,
            boolean launched,
            Resize resize) {

        /** A new server that waits for a node, or one that found none. */
        static State initial(VmState vm, TaskState task) {
            return new State(
                    vm, task, PowerState.NO_STATE, Wish.ON, 1, 0, 0, false, false, Resize.NONE);
        }

        /** Something new is asked; a state set by hand ends with it. */
        State asked(TaskState task, Wish wish, long moreBoots, long moreSoftReboots) {
            return new State(
                    vm,
                    task,
                    power,
                    wish,
                    bootGeneration + moreBoots,
                    softRebootGeneration + moreSoftReboots,
                    goalRevision,
                    false,
                    launched,
                    resize);
        }

        /**
         * Set by an administrator's hand; ERROR stays until something is asked. A resize and its
         * revert go on to their end, whatever was set.
         */
        State reset(VmState vm) {
            return new State(
                    vm,
                    resize == Resize.REVERTING
                            ? TaskState.RESIZE_REVERTING
                            : task.isOfResize() ? task : TaskState.NONE,
                    power,
                    wish,
                    bootGeneration,
                    softRebootGeneration,
                    goalRevision,
                    vm == VmState.ERROR && resize == Resize.NONE,
                    launched,
                    resize);
        }

        /** The same while something else is done to it. */
        State during(TaskState other) {
            return new State(
                    vm,
                    other,
                    power,
                    wish,
                    bootGeneration,
                    softRebootGeneration,
                    goalRevision,
                    pinned,
                    launched,
                    resize);
        }

        /** The other flavor is its own. */
        State confirmed() {
            return new State(
                    wish == Wish.OFF ? VmState.STOPPED : VmState.ACTIVE,
                    TaskState.NONE,
                    power,
                    wish,
                    bootGeneration,
                    softRebootGeneration,
                    goalRevision,
                    false,
                    launched,
                    Resize.NONE);
        }

        /** What a report led to. */
        State seen(Changed changed) {
            return new State(
                    changed.vm(),
                    changed.task(),
                    changed.power(),
                    changed.wish(),
                    bootGeneration,
                    softRebootGeneration,
                    goalRevision,
                    pinned,
                    launched,
                    resize);
        }

        /** The same in another revision of the node's goal. */
        State in(long revision) {
            return new State(
                    vm,
                    task,
                    power,
                    wish,
                    bootGeneration,
                    softRebootGeneration,
                    revision,
                    pinned,
                    launched,
                    resize);
        }
    }

    /** The state of a machine on its node. */
    enum Machine {
        STARTING,
        RUNNING,
        PAUSED,
        STOPPED,
        FAILED
    }

    /** What went wrong with a machine, and how its owner is told. */
    enum Cause {
        NOT_TOLD("The server could not be run on its node."),
        UNSUPPORTED("The server's node does not support what it is made of."),
        IMAGE("A part of the server's image could not be brought to its node."),
        DISK("A disk of the server could not be made or has failed."),
        START("The server's machine did not start."),
        END("The server's machine ended unexpectedly."),
        POWERED_OFF("The server's guest switched itself off before the server was ready.");

        private final String message;

        Cause(String message) {
            this.message = message;
        }

        String message() {
            return message;
        }
    }

    /**
     * A node's report about one server.
     *
     * @param goalRevision of the goal the node was acting on
     * @param cause of FAILED
     * @param reason for FAILED and unexpected STOPPED, as the node says it
     * @param bootGeneration of the machine reported on
     * @param networkReady every port is claimed and its flows are live
     * @param devices whether a machine has devices: one that is STARTING without waits for its
     *     disks
     */
    record Report(
            long goalRevision,
            Machine machine,
            Cause cause,
            String reason,
            long bootGeneration,
            long softRebootGeneration,
            boolean networkReady,
            boolean devices) {}

    /** What a report leads to. */
    sealed interface Verdict {}

    /** Nothing changes. */
    record Unchanged() implements Verdict {}

    /**
     * A new state.
     *
     * @param fault why, when the state is ERROR
     * @param done the pending action is over
     */
    record Changed(
            VmState vm,
            TaskState task,
            PowerState power,
            Wish wish,
            Optional<Failure> fault,
            boolean done)
            implements Verdict {}

    /** It cannot have the other flavor: it shall be as it was. */
    record Undone(Failure why) implements Verdict {}

    /** The server is not on its node any more and must not be: rows and ports can go. */
    record Gone() implements Verdict {}

    /** What a node's silence about one of its servers means. */
    static Verdict absent(State state, long reportedGoalRevision) {
        if (reportedGoalRevision < state.goalRevision()) {
            return new Unchanged();
        }
        return switch (state.task()) {
            case DELETING -> new Gone();
            case POWERING_OFF ->
                    changed(state, VmState.STOPPED, TaskState.NONE, PowerState.SHUTDOWN);
            // Wanted and not there yet, or lost with its host: the goal makes the node start it.
            case NONE,
                    SCHEDULING,
                    SPAWNING,
                    POWERING_ON,
                    REBOOTING,
                    REBOOTING_HARD,
                    PAUSING,
                    UNPAUSING,
                    REBUILDING,
                    RESCUING,
                    UNRESCUING,
                    RESIZE_PREP,
                    RESIZE_MIGRATING,
                    RESIZE_MIGRATED,
                    RESIZE_FINISH,
                    RESIZE_REVERTING,
                    IMAGE_SNAPSHOT,
                    IMAGE_BACKUP,
                    IMAGE_PENDING_UPLOAD,
                    IMAGE_UPLOADING ->
                    changed(state, state.vm(), state.task(), idlePower(state));
        };
    }

    /** What a report about a server means. */
    static Verdict reported(State state, Report report) {
        if (state.task() == TaskState.DELETING) {
            return changed(state, state.vm(), state.task(), power(report.machine()));
        }
        if (state.pinned() || report.goalRevision() < state.goalRevision()) {
            // The node does not know yet what was asked last: only the power state is news.
            return changed(state, state.vm(), state.task(), power(report.machine()));
        }
        return switch (state.wish()) {
            case ON -> wantedOn(state, report);
            case PAUSED -> wantedPaused(state, report);
            case RESCUE -> wantedRescue(state, report);
            case OFF -> wantedOff(state, report);
        };
    }

    private static Verdict wantedOn(State state, Report report) {
        boolean thisBoot = report.bootGeneration() >= state.bootGeneration();
        return switch (report.machine()) {
            case STARTING -> changed(state, state.vm(), step(state, report), PowerState.NO_STATE);
            case RUNNING -> running(state, report, thisBoot);
            case PAUSED -> changed(state, state.vm(), state.task(), PowerState.PAUSED);
            case STOPPED -> stopped(state, report, thisBoot);
            case FAILED -> failed(state, report);
        };
    }

    private static Verdict wantedPaused(State state, Report report) {
        return switch (report.machine()) {
            case STARTING, RUNNING ->
                    changed(state, state.vm(), state.task(), power(report.machine()));
            case PAUSED -> changed(state, VmState.PAUSED, TaskState.NONE, PowerState.PAUSED);
            case STOPPED -> stopped(state, report, true);
            case FAILED -> failed(state, report);
        };
    }

    /** A guest that switches itself off while it is rescued is rescued nevertheless, as in Nova. */
    private static Verdict wantedRescue(State state, Report report) {
        boolean thisBoot = report.bootGeneration() >= state.bootGeneration();
        return switch (report.machine()) {
            case STARTING, PAUSED ->
                    changed(state, state.vm(), state.task(), power(report.machine()));
            case RUNNING, STOPPED ->
                    thisBoot
                            ? changed(
                                    state, VmState.RESCUED, TaskState.NONE, power(report.machine()))
                            : changed(state, state.vm(), state.task(), power(report.machine()));
            case FAILED -> failed(state, report);
        };
    }

    /**
     * The node knows this wish and says that it cannot be: that is final for now, whatever ran
     * before. Should it succeed later, the state follows. What fails on its way to another flavor
     * gets its old one again; what has another flavor that is not confirmed may still be reverted.
     */
    private static Verdict failed(State state, Report report) {
        if (state.resize() == Resize.OPEN) {
            return state.task().isOfResize()
                    ? new Undone(new Failure(report.cause().message(), report.reason()))
                    : changed(state, VmState.RESIZED, TaskState.NONE, PowerState.CRASHED);
        }
        return changed(
                state,
                VmState.ERROR,
                TaskState.NONE,
                state.wish(),
                PowerState.CRASHED,
                Optional.of(new Failure(report.cause().message(), report.reason())));
    }

    private static Verdict running(State state, Report report, boolean thisBoot) {
        boolean softDone = report.softRebootGeneration() >= state.softRebootGeneration();
        boolean ready = thisBoot && softDone && (report.networkReady() || state.launched());
        return ready
                ? changed(state, settled(state, VmState.ACTIVE), TaskState.NONE, PowerState.RUNNING)
                : changed(state, state.vm(), step(state, report), PowerState.RUNNING);
    }

    /** How far a resize is; what else is asked of a server has one step. */
    private static TaskState step(State state, Report report) {
        if (!state.task().isOfResize()) {
            return state.task();
        }
        if (report.bootGeneration() < state.bootGeneration()) {
            return TaskState.RESIZE_MIGRATING;
        }
        return report.devices() ? TaskState.RESIZE_FINISH : TaskState.RESIZE_MIGRATED;
    }

    /** What it is when all is as it shall be; with another flavor until that is confirmed. */
    private static VmState settled(State state, VmState vm) {
        return state.resize() == Resize.OPEN ? VmState.RESIZED : vm;
    }

    private static Verdict stopped(State state, Report report, boolean thisBoot) {
        boolean runs =
                state.vm() == settled(state, VmState.ACTIVE) && state.task() == TaskState.NONE;
        if (!thisBoot && !runs) {
            return changed(state, state.vm(), state.task(), PowerState.SHUTDOWN);
        }
        if (!state.launched()) {
            return changed(
                    state,
                    VmState.ERROR,
                    TaskState.NONE,
                    state.wish(),
                    PowerState.SHUTDOWN,
                    Optional.of(new Failure(Cause.POWERED_OFF.message(), report.reason())));
        }
        // The guest switched itself off. It stays off until its owner starts it, as in Nova.
        return changed(
                state,
                settled(state, VmState.STOPPED),
                TaskState.NONE,
                Wish.OFF,
                PowerState.SHUTDOWN,
                Optional.empty());
    }

    private static Verdict wantedOff(State state, Report report) {
        return switch (report.machine()) {
            case STOPPED ->
                    changed(
                            state,
                            settled(state, VmState.STOPPED),
                            TaskState.NONE,
                            PowerState.SHUTDOWN);
            // Its new root disk cannot be made, and it has no other; else what failed shall not run
            // anyway.
            case FAILED ->
                    state.task() == TaskState.REBUILDING
                                    || state.resize() != Resize.NONE
                                    || state.vm() == VmState.ERROR && state.task() == TaskState.NONE
                            ? failed(state, report)
                            : changed(state, VmState.STOPPED, TaskState.NONE, PowerState.CRASHED);
            case STARTING, RUNNING, PAUSED ->
                    changed(state, state.vm(), step(state, report), power(report.machine()));
        };
    }

    private static Verdict changed(State state, VmState vm, TaskState task, PowerState power) {
        return changed(state, vm, task, state.wish(), power, Optional.empty());
    }

    private static Verdict changed(
            State state,
            VmState vm,
            TaskState task,
            Wish wish,
            PowerState power,
            Optional<Failure> fault) {
        TaskState then = state.task().isOfImage() ? state.task() : task;
        boolean same =
                vm == state.vm()
                        && then == state.task()
                        && power == state.power()
                        && wish == state.wish();
        if (same) {
            return new Unchanged();
        }
        boolean done = state.task() != TaskState.NONE && then == TaskState.NONE;
        return new Changed(vm, then, power, wish, fault, done);
    }

    private static PowerState power(Machine machine) {
        return switch (machine) {
            case STARTING -> PowerState.NO_STATE;
            case RUNNING -> PowerState.RUNNING;
            case PAUSED -> PowerState.PAUSED;
            case STOPPED -> PowerState.SHUTDOWN;
            case FAILED -> PowerState.CRASHED;
        };
    }

    private static PowerState idlePower(State state) {
        return switch (state.wish()) {
            case ON, PAUSED, RESCUE -> PowerState.NO_STATE;
            case OFF -> PowerState.SHUTDOWN;
        };
    }
}
