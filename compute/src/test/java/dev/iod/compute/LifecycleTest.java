package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.compute.Lifecycle.Cause;
import dev.iod.compute.Lifecycle.Changed;
import dev.iod.compute.Lifecycle.Gone;
import dev.iod.compute.Lifecycle.Machine;
import dev.iod.compute.Lifecycle.Report;
import dev.iod.compute.Lifecycle.Resize;
import dev.iod.compute.Lifecycle.State;
import dev.iod.compute.Lifecycle.Unchanged;
import dev.iod.compute.Lifecycle.Verdict;
import dev.iod.compute.Lifecycle.Wish;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LifecycleTest {
    private static final long GOAL = 7;

    private static State state(VmState vm, TaskState task, Wish wish, boolean launched) {
        return new State(
                vm, task, PowerState.NO_STATE, wish, 2, 1, GOAL, false, launched, Resize.NONE);
    }

    private static final State BUILDING =
            state(VmState.BUILDING, TaskState.SPAWNING, Wish.ON, false);
    private static final State ACTIVE = state(VmState.ACTIVE, TaskState.NONE, Wish.ON, true);

    private static Report report(Machine machine, long boot, long soft, boolean network) {
        return new Report(GOAL, machine, Cause.START, "reason", boot, soft, network, true);
    }

    private static Changed to(
            VmState vm, TaskState task, PowerState power, Wish wish, boolean done) {
        return new Changed(vm, task, power, wish, Optional.empty(), done);
    }

    @Test
    void isActiveWhenItRunsAndItsNetworkIsReady() {
        assertThat(Lifecycle.reported(BUILDING, report(Machine.STARTING, 2, 1, false)))
                .isInstanceOf(Unchanged.class);
        assertThat(Lifecycle.reported(BUILDING, report(Machine.RUNNING, 2, 1, false)))
                .isEqualTo(
                        to(
                                VmState.BUILDING,
                                TaskState.SPAWNING,
                                PowerState.RUNNING,
                                Wish.ON,
                                false));
        assertThat(Lifecycle.reported(BUILDING, report(Machine.RUNNING, 2, 1, true)))
                .isEqualTo(to(VmState.ACTIVE, TaskState.NONE, PowerState.RUNNING, Wish.ON, true));
    }

    @Test
    void aFailedStartIsAnErrorWithItsReason() {
        assertThat(Lifecycle.reported(BUILDING, report(Machine.FAILED, 2, 1, false)))
                .isEqualTo(
                        new Changed(
                                VmState.ERROR,
                                TaskState.NONE,
                                PowerState.CRASHED,
                                Wish.ON,
                                Optional.of(
                                        new Failure(
                                                "The server's machine did not start.", "reason")),
                                true));
    }

    @Test
    void aFailureBeforeAnythingRanIsAnErrorToo() {
        Verdict verdict = Lifecycle.reported(BUILDING, report(Machine.FAILED, 0, 0, false));
        assertThat(((Changed) verdict).vm()).isEqualTo(VmState.ERROR);
    }

    @Test
    void anErrorHealsWhenTheMachineRunsAfterAll() {
        State error = state(VmState.ERROR, TaskState.NONE, Wish.ON, false);
        assertThat(Lifecycle.reported(error, report(Machine.RUNNING, 2, 1, true)))
                .isEqualTo(to(VmState.ACTIVE, TaskState.NONE, PowerState.RUNNING, Wish.ON, false));
    }

    @Test
    void aGuestThatSwitchesItselfOffStaysOff() {
        assertThat(Lifecycle.reported(ACTIVE, report(Machine.STOPPED, 2, 1, true)))
                .isEqualTo(
                        to(VmState.STOPPED, TaskState.NONE, PowerState.SHUTDOWN, Wish.OFF, false));
    }

    @Test
    void aStoppedMachineThatIsBeingStartedIsNoNews() {
        State starting = state(VmState.STOPPED, TaskState.POWERING_ON, Wish.ON, true);
        Verdict verdict = Lifecycle.reported(starting, report(Machine.STOPPED, 1, 1, false));
        assertThat(verdict)
                .isEqualTo(
                        to(
                                VmState.STOPPED,
                                TaskState.POWERING_ON,
                                PowerState.SHUTDOWN,
                                Wish.ON,
                                false));
        assertThat(Lifecycle.reported(starting, report(Machine.RUNNING, 2, 1, true)))
                .isEqualTo(to(VmState.ACTIVE, TaskState.NONE, PowerState.RUNNING, Wish.ON, true));
    }

    @Test
    void rebootsEndWithTheirGeneration() {
        State hard = state(VmState.ACTIVE, TaskState.REBOOTING_HARD, Wish.ON, true);
        assertThat(task(Lifecycle.reported(hard, report(Machine.RUNNING, 1, 1, true))))
                .isEqualTo(TaskState.REBOOTING_HARD);
        assertThat(task(Lifecycle.reported(hard, report(Machine.RUNNING, 2, 1, true))))
                .isEqualTo(TaskState.NONE);
        State soft = state(VmState.ACTIVE, TaskState.REBOOTING, Wish.ON, true);
        assertThat(task(Lifecycle.reported(soft, report(Machine.RUNNING, 2, 0, true))))
                .isEqualTo(TaskState.REBOOTING);
        assertThat(task(Lifecycle.reported(soft, report(Machine.RUNNING, 2, 1, true))))
                .isEqualTo(TaskState.NONE);
    }

    @Test
    void aReportOlderThanTheWishDecidesNothing() {
        State stopping = state(VmState.ACTIVE, TaskState.POWERING_OFF, Wish.OFF, true);
        Report old = new Report(GOAL - 1, Machine.STOPPED, Cause.NOT_TOLD, "", 2, 1, true, true);
        assertThat(task(Lifecycle.reported(stopping, old))).isEqualTo(TaskState.POWERING_OFF);
        assertThat(Lifecycle.absent(stopping, GOAL - 1)).isInstanceOf(Unchanged.class);
        assertThat(task(Lifecycle.reported(stopping, report(Machine.STOPPED, 2, 1, true))))
                .isEqualTo(TaskState.NONE);
    }

    private static State resizing(VmState vm, TaskState task, Wish wish) {
        return new State(vm, task, PowerState.RUNNING, wish, 2, 1, GOAL, false, true, Resize.OPEN);
    }

    @Test
    void aResizeGoesThroughNovasSteps() {
        State asked = resizing(VmState.ACTIVE, TaskState.RESIZE_PREP, Wish.ON);
        assertThat(task(Lifecycle.reported(asked, report(Machine.RUNNING, 1, 1, true))))
                .isEqualTo(TaskState.RESIZE_MIGRATING);
        Report stopped = new Report(GOAL, Machine.STARTING, Cause.NOT_TOLD, "", 2, 1, false, false);
        assertThat(task(Lifecycle.reported(asked, stopped))).isEqualTo(TaskState.RESIZE_MIGRATED);
        assertThat(task(Lifecycle.reported(asked, report(Machine.STARTING, 2, 1, false))))
                .isEqualTo(TaskState.RESIZE_FINISH);
        assertThat(Lifecycle.reported(asked, report(Machine.RUNNING, 2, 1, true)))
                .isEqualTo(to(VmState.RESIZED, TaskState.NONE, PowerState.RUNNING, Wish.ON, true));
        assertThat(Lifecycle.reported(asked, report(Machine.STOPPED, 2, 1, true)))
                .isEqualTo(
                        to(VmState.RESIZED, TaskState.NONE, PowerState.SHUTDOWN, Wish.OFF, true));
    }

    @Test
    void onlyAResizeThatIsNotOverIsUndone() {
        for (Wish wish : new Wish[] {Wish.ON, Wish.OFF}) {
            Report failed = report(Machine.FAILED, 2, 1, false);
            assertThat(
                            Lifecycle.reported(
                                    resizing(VmState.ACTIVE, TaskState.RESIZE_MIGRATED, wish),
                                    failed))
                    .isEqualTo(
                            new Lifecycle.Undone(
                                    new Failure("The server's machine did not start.", "reason")));
            assertThat(Lifecycle.reported(resizing(VmState.RESIZED, TaskState.NONE, wish), failed))
                    .isEqualTo(
                            to(VmState.RESIZED, TaskState.NONE, PowerState.CRASHED, wish, false));
        }
    }

    @Test
    void isGoneWhenItsNodeKnowsTheWishAndNoLongerReportsIt() {
        State deleting = state(VmState.ACTIVE, TaskState.DELETING, Wish.ON, true);
        assertThat(Lifecycle.absent(deleting, GOAL - 1)).isInstanceOf(Unchanged.class);
        assertThat(Lifecycle.absent(deleting, GOAL)).isInstanceOf(Gone.class);
        assertThat(task(Lifecycle.reported(deleting, report(Machine.STOPPED, 2, 1, true))))
                .isEqualTo(TaskState.DELETING);
    }

    @Test
    void aStateSetByHandStays() {
        State pinned =
                new State(
                        VmState.ERROR,
                        TaskState.NONE,
                        PowerState.RUNNING,
                        Wish.ON,
                        2,
                        1,
                        GOAL,
                        true,
                        true,
                        Resize.NONE);
        assertThat(Lifecycle.reported(pinned, report(Machine.RUNNING, 2, 1, true)))
                .isInstanceOf(Unchanged.class);
    }

    private static TaskState task(Verdict verdict) {
        assertThat(verdict).isInstanceOf(Changed.class);
        return ((Changed) verdict).task();
    }
}
