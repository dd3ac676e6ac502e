package dev.iod.host;

import dev.iod.host.GuestDirectory.Saved;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * What one machine does, on its thread only. Level-triggered: the next step follows from what is
 * found, so a lost wake-up only delays it. Every change of the status is written down before it is
 * told.
 */
final class MachineAgent {
    private static final long EAGER_TICK_MILLIS = 50;
    private static final long CALM_TICK_MILLIS = 1_000;

    /** A guest that was still booting missed the power button. */
    private static final long PRESS_AGAIN_MILLIS = 5_000;

    /** How long QEMU may take to end when asked, then killed. */
    private static final long END_MILLIS = 2_000;

    private final GuestDirectory directory;
    private final ConsoleLog console;
    private final Dependencies dependencies;
    private final Runnable wake;

    private volatile MachineStatus status;
    private volatile MachineSpec spec;
    private volatile Phase phase = Phase.IDLE;
    private Optional<Vmm> vmm = Optional.empty();
    private Optional<HotPlug> plug = Optional.empty();
    private boolean devicesSettled;
    private Optional<Stopping> stopping = Optional.empty();
    private Optional<String> failure = Optional.empty();
    private long phaseNanos = System.nanoTime();
    private long tickMillis = EAGER_TICK_MILLIS;
    private boolean holdsSlot;

    /** What all machines of the node share. */
    record Dependencies(
            Launcher launcher,
            StartSlots slots,
            long startMillis,
            Consumer<MachineStatus> changed) {}

    /** What the agent waits for. */
    private enum Phase {
        /** A command. */
        IDLE,
        /** A start slot. */
        QUEUED,
        /** QEMU to answer. */
        CONNECTING,
        /** The guest to end, or a stop. */
        RUNNING,
        /** The process to be gone. */
        ENDING,
        /** Nothing any more. */
        REMOVED
    }

    /** A stop under way: when the patience ends, and when the power button is pressed (again). */
    private record Stopping(long deadlineNanos, long pressNanos) {}

    MachineAgent(
            Saved saved,
            GuestDirectory directory,
            ConsoleLog console,
            Dependencies dependencies,
            Runnable wake) {
        this.directory = directory;
        this.console = console;
        this.dependencies = dependencies;
        this.wake = wake;
        this.spec = saved.spec();
        this.status = saved.status();
    }

    MachineStatus status() {
        return status;
    }

    boolean idle() {
        return phase == Phase.IDLE;
    }

    boolean removed() {
        return phase == Phase.REMOVED;
    }

    /** How long the thread may wait for a command before the next {@link #doWork}. */
    long tickMillis() {
        return tickMillis;
    }

    /** Something failed: try again, but not at once. */
    void calm() {
        tickMillis = CALM_TICK_MILLIS;
    }

    /**
     * Takes over what an earlier daemon left: a QEMU that runs is kept, one that is not written
     * down is ended, one that is gone is reported. Called before the thread runs.
     */
    void adopt(Saved saved) throws IOException {
        Optional<GuestProcess> known = GuestProcess.find(saved.status().pid(), saved.startTicks());
        List<GuestProcess> here = GuestProcess.in(directory.vmm());
        boolean wanted = saved.status().state().alive();
        // A daemon killed between start and writing it down leaves one that is only found.
        Optional<GuestProcess> found =
                wanted ? known.or(() -> here.stream().findFirst()) : Optional.empty();
        here.stream()
                .filter(other -> found.isEmpty() || found.get().pid() != other.pid())
                .forEach(GuestProcess::kill);
        if (found.isPresent()) {
            GuestProcess process = found.get();
            take(process);
            if (saved.stopping()) {
                stopping = Optional.of(new Stopping(System.nanoTime(), System.nanoTime()));
            }
            enter(Phase.CONNECTING);
            status =
                    new MachineStatus(
                            spec.id(),
                            saved.status().state(),
                            "",
                            process.pid(),
                            saved.status().startedAtMillis(),
                            saved.status().devices());
        } else if (wanted) {
            become(
                    saved.stopping() ? MachineState.STOPPED : MachineState.LOST,
                    "while virtDaemon did not run, " + Vmm.exitReason(directory));
        }
    }

    /**
     * Does, or refuses, what a command says.
     *
     * @throws HostException CONFLICT, FAILED, TIMEOUT
     */
    void handle(Command command) throws IOException {
        switch (command) {
            case Command.Start start -> start(start.spec());
            case Command.Change change -> change(change.devices());
            case Command.Stop stop -> stop(stop.graceMillis());
            case Command.Pause pause -> pause(pause.paused());
            case Command.Reset _ -> reset();
            case Command.Remove _ -> remove();
            case Command.UseSerial use -> {
                if (phase != Phase.RUNNING || vmm.orElseThrow().guestIsOff()) {
                    throw doesNotRun();
                }
                useSerial(use.console());
            }
            case Command.Drain _ -> {
                if (phase == Phase.RUNNING) {
                    vmm.orElseThrow().drainConsole();
                }
            }
            case Command.Wake _ -> {
                devicesSettled = false;
                tickMillis = EAGER_TICK_MILLIS;
            }
        }
    }

    private void useSerial(CompletableFuture<Console> asker) throws IOException {
        if (asker.isDone()) {
            return; // It has given up.
        }
        Console used = vmm.orElseThrow().useSerial();
        if (!asker.complete(used)) {
            used.leave(); // It gave up meanwhile; the next tick gives the console back.
        }
    }

    private void start(MachineSpec wanted) throws IOException {
        if (phase != Phase.IDLE) {
            boolean ending = stopping.isPresent() || phase == Phase.ENDING;
            if (ending || !wanted.equals(spec)) {
                throw new HostException(
                        HostException.Category.CONFLICT,
                        "machine %s %s: start it again when it is stopped"
                                .formatted(
                                        spec.id(),
                                        ending
                                                ? "is just being stopped"
                                                : "runs with another specification"));
            }
            return;
        }
        spec = wanted;
        directory.create(dependencies.launcher().user());
        enter(Phase.QUEUED);
        become(MachineState.STARTING, "");
    }

    /** The difference to what the machine has is made later, step by step. */
    private void change(Devices devices) throws IOException {
        requireRunning();
        Devices wanted = devices.asIn(spec.devices());
        if (wanted.equals(spec.devices())) {
            return;
        }
        MachineSpec.check(
                spec.model() == MachineModel.Q35,
                "machine %s is a microvm: its devices change when it is stopped only",
                spec.id());
        List<DeviceStatus> next = new ArrayList<>();
        for (DeviceStatus known : status.devices()) {
            if (!wanted.has(known.device().id())) {
                boolean asked = known.state() == DeviceState.DETACHING;
                next.add(
                        asked
                                ? known
                                : new DeviceStatus(known.device(), DeviceState.DETACHING, ""));
            } else if (known.state() == DeviceState.DETACHING) {
                throw new HostException(
                        HostException.Category.CONFLICT,
                        "device " + known.device().id() + " is just being given back");
            } else {
                next.add(known);
            }
        }
        wanted.all().stream()
                .filter(device -> !spec.devices().has(device.id()))
                .forEach(device -> next.add(new DeviceStatus(device, DeviceState.ATTACHING, "")));
        if (next.size() > MachineStatus.MAX_DEVICES) {
            throw new HostException(
                    HostException.Category.EXHAUSTED,
                    "machine %s would have %d devices with those it gives back, of at most %d"
                            .formatted(spec.id(), next.size(), MachineStatus.MAX_DEVICES));
        }
        spec = spec.with(wanted);
        devicesSettled = false;
        tickMillis = EAGER_TICK_MILLIS;
        become(status.with(next));
    }

    private void stop(long graceMillis) throws IOException {
        switch (phase) {
            case QUEUED -> {
                enter(Phase.IDLE);
                become(MachineState.STOPPED, "stopped before it was started");
            }
            case CONNECTING -> {
                plan(0);
                end();
            }
            case RUNNING -> {
                plan(graceMillis);
                save();
            }
            case IDLE, ENDING, REMOVED -> {
                // It is so already, or about to be.
            }
        }
        tickMillis = EAGER_TICK_MILLIS;
    }

    /** Sets the end of the patience; a later one never replaces an earlier one. */
    private void plan(long graceMillis) {
        long now = System.nanoTime();
        long deadline = now + TimeUnit.MILLISECONDS.toNanos(graceMillis);
        if (stopping.isEmpty() || deadline - stopping.get().deadlineNanos() < 0) {
            stopping = Optional.of(new Stopping(deadline, now));
        }
    }

    /** What QEMU says holds: a daemon killed before it writes this down finds it so. */
    private void pause(boolean paused) throws IOException {
        requireRunning();
        Vmm current = vmm.orElseThrow();
        if (current.guestIsOff()) {
            throw doesNotRun();
        }
        current.pause(paused);
        showPaused(current);
    }

    private void showPaused(Vmm current) throws IOException {
        MachineState now = current.paused() ? MachineState.PAUSED : MachineState.RUNNING;
        if (status.state() != now) {
            become(status.with(now));
        }
    }

    /** A connection to the display. Any thread. */
    SocketChannel connectDisplay() {
        MachineModel model = spec.model();
        MachineSpec.check(
                model.hasDisplay(), "machine %s is a microvm: it has no display", spec.id());
        if (phase != Phase.RUNNING) {
            throw doesNotRun();
        }
        return ConsoleSocket.connect(
                directory.consoleSocket(ConsoleKind.VNC), dependencies.launcher().user());
    }

    private void requireRunning() {
        if (phase != Phase.RUNNING || stopping.isPresent()) {
            throw doesNotRun();
        }
    }

    private HostException doesNotRun() {
        return new HostException(
                HostException.Category.CONFLICT, "machine " + spec.id() + " does not run");
    }

    private void reset() {
        requireRunning();
        vmm.orElseThrow().reset();
    }

    private void remove() throws IOException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(END_MILLIS);
        while (vmm.isPresent() && vmm.get().alive()) {
            vmm.get().kill();
            if (System.nanoTime() - end > 0) {
                throw new HostException(
                        HostException.Category.TIMEOUT,
                        "QEMU, process " + vmm.get().process().pid() + ", does not end");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(EAGER_TICK_MILLIS / 5));
        }
        release();
        directory.delete();
        enter(Phase.REMOVED);
    }

    /** Looks at the machine and does what is due. */
    void doWork() throws IOException {
        if (holdsSlot && elapsedMillis() > StartSlots.HOLD_MILLIS) {
            giveSlotBack();
        }
        switch (phase) {
            case IDLE, REMOVED -> {}
            case QUEUED -> launch();
            case CONNECTING -> connect();
            case RUNNING -> supervise();
            case ENDING -> awaitEnd();
        }
    }

    private void launch() throws IOException {
        if (!dependencies.slots().tryTake()) {
            return;
        }
        holdsSlot = true;
        try {
            GuestProcess process = dependencies.launcher().start(spec, directory);
            take(process);
            enter(Phase.CONNECTING);
            become(
                    new MachineStatus(
                            spec.id(),
                            MachineState.STARTING,
                            "",
                            process.pid(),
                            System.currentTimeMillis(),
                            devices(DeviceState.ATTACHING)));
        } catch (HostException e) {
            GuestProcess.in(directory.vmm()).forEach(GuestProcess::kill); // One that came too late.
            release();
            enter(Phase.IDLE);
            become(MachineState.FAILED, e.getMessage());
        }
    }

    private void connect() throws IOException {
        Vmm current = vmm.orElseThrow();
        if (!current.alive()) {
            ended();
        } else if (current.answers()) {
            giveSlotBack();
            enter(Phase.RUNNING);
            devicesSettled = false;
            if (status.state() == MachineState.STARTING) {
                // QEMU answers when all of them are made.
                become(
                        new MachineStatus(
                                spec.id(),
                                MachineState.RUNNING,
                                "",
                                status.pid(),
                                status.startedAtMillis(),
                                devices(DeviceState.ATTACHED)));
            }
            showPaused(current);
        } else if (elapsedMillis() > dependencies.startMillis()) {
            failure = Optional.of(noAnswerReason());
            end();
        }
    }

    private String noAnswerReason() {
        String within = " within " + dependencies.startMillis() + " ms";
        List<String> sockets = spec.devices().sockets().stream().map(Path::toString).toList();
        return sockets.isEmpty() || status.state() != MachineState.STARTING
                ? "QEMU did not answer" + within
                : "no back end answered on socket " + String.join(" or ", sockets) + within;
    }

    private void supervise() throws IOException {
        Vmm current = vmm.orElseThrow();
        boolean off = current.guestIsOff(); // Asked first: its last words are drained after it.
        if (!current.alive()) {
            ended();
        } else if (current.lost()) {
            enter(Phase.CONNECTING); // Ends, or comes back: the deadline tells.
        } else if (stopping.isPresent()
                && System.nanoTime() - stopping.get().deadlineNanos() >= 0) {
            end(); // Before anything QEMU would have to answer.
        } else if (current.serialLeft()) {
            current.leaveSerial();
        } else if (current.drainConsole() | (!off && changeDevices())) {
            tickMillis = EAGER_TICK_MILLIS;
        } else if (off) {
            end();
        } else if (stopping.isPresent()) {
            press(current, stopping.get());
        } else {
            tickMillis = Math.min(CALM_TICK_MILLIS, tickMillis * 2);
        }
    }

    /** Whether there was progress. */
    private boolean changeDevices() throws IOException {
        if (devicesSettled) {
            return false;
        }
        List<DeviceStatus> next = plug.orElseThrow().look(spec, leaving());
        devicesSettled = next.stream().allMatch(d -> d.state() == DeviceState.ATTACHED);
        if (next.equals(status.devices())) {
            return false;
        }
        become(status.with(next));
        return true;
    }

    private List<Device> leaving() {
        return status.devices().stream()
                .filter(known -> known.state() == DeviceState.DETACHING)
                .map(DeviceStatus::device)
                .toList();
    }

    private List<DeviceStatus> devices(DeviceState state) {
        return spec.devices().all().stream()
                .map(device -> new DeviceStatus(device, state, ""))
                .toList();
    }

    private void take(GuestProcess process) {
        Vmm next = new Vmm(process, directory, console, dependencies.launcher().user(), wake);
        vmm = Optional.of(next);
        plug = Optional.of(new HotPlug(dependencies.launcher(), directory.vmm(), next));
    }

    private void press(Vmm current, Stopping stop) {
        long now = System.nanoTime();
        if (now - stop.pressNanos() >= 0) {
            current.pressPowerButton();
            long again = now + TimeUnit.MILLISECONDS.toNanos(PRESS_AGAIN_MILLIS);
            stopping = Optional.of(new Stopping(stop.deadlineNanos(), again));
        }
    }

    private void end() throws IOException {
        enter(Phase.ENDING);
        save();
        vmm.orElseThrow().end();
    }

    private void awaitEnd() throws IOException {
        Vmm current = vmm.orElseThrow();
        if (!current.alive()) {
            ended();
        } else if (elapsedMillis() > END_MILLIS) {
            current.kill();
        }
    }

    private void ended() throws IOException {
        Vmm last = vmm.orElseThrow();
        MachineState state = MachineState.STOPPED;
        String reason;
        if (failure.isPresent()) {
            state = MachineState.FAILED;
            reason = failure.get();
        } else if (last.guestIsOff()) {
            reason =
                    stopping.isPresent()
                            ? "stopped by its power button"
                            : "powered off by its guest";
        } else if (stopping.isPresent()) {
            reason = "powered off";
        } else {
            state = MachineState.FAILED;
            reason = last.exitReason();
        }
        release();
        enter(Phase.IDLE);
        become(state, reason);
    }

    private void release() throws IOException {
        giveSlotBack();
        vmm.ifPresent(Vmm::close);
        vmm = Optional.empty();
        plug = Optional.empty();
        stopping = Optional.empty();
        failure = Optional.empty();
        for (Path socket : spec.devices().sockets()) {
            Files.deleteIfExists(socket); // A killed QEMU leaves it.
        }
        for (Device device : leaving()) {
            Files.deleteIfExists(device.socket());
        }
    }

    private void giveSlotBack() {
        if (holdsSlot) {
            holdsSlot = false;
            dependencies.slots().giveBack();
        }
    }

    private void enter(Phase next) {
        phase = next;
        phaseNanos = System.nanoTime();
        tickMillis = EAGER_TICK_MILLIS;
    }

    private long elapsedMillis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - phaseNanos);
    }

    private void become(MachineState state, String reason) throws IOException {
        become(MachineStatus.without(spec.id(), state, reason, status.startedAtMillis()));
    }

    private void become(MachineStatus next) throws IOException {
        status = next;
        save();
        dependencies.changed().accept(next);
    }

    private void save() throws IOException {
        long ticks = vmm.map(current -> current.process().startTicks()).orElse(0L);
        directory.save(new Saved(spec, status, ticks, stopping.isPresent()));
    }
}
