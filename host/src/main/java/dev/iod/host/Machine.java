package dev.iod.host;

import dev.iod.host.GuestDirectory.Saved;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * One machine as others see it: they put commands into its inbox, and its thread hands them to the
 * agent one after the other. Any thread may call it.
 */
final class Machine {
    /** Commands that may wait for the agent. */
    static final int MAX_COMMANDS = 16;

    private static final System.Logger LOG = System.getLogger(Machine.class.getName());

    /** Users of the display at a time. */
    static final int MAX_DISPLAYS = 4;

    private static final long ANSWER_MILLIS = 8_000;

    private final String id;
    private final ConsoleLog console;
    private final MachineAgent agent;
    private final ReentrantLock displaysLock = new ReentrantLock();
    private final Set<Console> displays = new HashSet<>();
    private final BlockingQueue<Command> inbox = new ArrayBlockingQueue<>(MAX_COMMANDS);

    /**
     * A machine with what was written down of it; a new one is STOPPED.
     *
     * @throws IOException when what was found of it cannot be written down
     */
    Machine(Saved saved, GuestDirectory directory, MachineAgent.Dependencies dependencies)
            throws IOException {
        this.id = saved.spec().id();
        this.console = new ConsoleLog(directory.console());
        this.agent = new MachineAgent(saved, directory, console, dependencies, this::wake);
        agent.adopt(saved);
    }

    /** Starts the machine's thread. */
    void run() {
        Thread.ofVirtual().name("machine-" + id).start(this::work);
    }

    MachineStatus status() {
        return agent.status();
    }

    MachineStatus start(MachineSpec spec) {
        return ask(answer -> new Command.Start(spec, answer));
    }

    MachineStatus stop(long graceMillis) {
        return ask(answer -> new Command.Stop(graceMillis, answer));
    }

    MachineStatus change(Devices devices) {
        return ask(answer -> new Command.Change(devices, answer));
    }

    MachineStatus pause(boolean paused) {
        return ask(answer -> new Command.Pause(paused, answer));
    }

    MachineStatus reset() {
        return ask(Command.Reset::new);
    }

    void remove() {
        ask(Command.Remove::new);
    }

    /** The newest console output, what QEMU still holds included. */
    byte[] console(int maxBytes) {
        if (status().state().alive()) {
            ask(Command.Drain::new);
        }
        try {
            return console.tail(maxBytes);
        } catch (IOException e) {
            throw new HostException(
                    HostException.Category.FAILED, "cannot read the console: " + e, e);
        }
    }

    /**
     * A new use of a console, to be served and closed by the caller. The serial console is taken
     * from whoever has it; of displays there are {@link #MAX_DISPLAYS} uses at a time.
     *
     * @throws HostException INVALID when the model has no such console, CONFLICT when the machine
     *     does not run, EXHAUSTED, FAILED
     */
    Console use(ConsoleKind kind) {
        return switch (kind) {
            case SERIAL -> useSerial();
            case VNC -> useDisplay();
        };
    }

    private Console useSerial() {
        CompletableFuture<Console> used = new CompletableFuture<>();
        try {
            ask(answer -> new Command.UseSerial(used, answer));
            return used.join();
        } catch (HostException e) {
            if (!used.cancel(false)) {
                used.join().leave(); // It came at the last moment.
            }
            throw e;
        }
    }

    private Console useDisplay() {
        displaysLock.lock();
        try {
            displays.removeIf(Console::over);
            if (displays.size() >= MAX_DISPLAYS) {
                throw new HostException(
                        HostException.Category.EXHAUSTED,
                        "the display of machine %s has %d users already"
                                .formatted(id, MAX_DISPLAYS));
            }
            Console used = new Console(agent.connectDisplay(), output -> {}, Console::hangUp);
            displays.add(used);
            return used;
        } finally {
            displaysLock.unlock();
        }
    }

    private void wake() {
        // When the inbox is full the agent is about to look anyway.
        inbox.offer(new Command.Wake(new CompletableFuture<>()));
    }

    private MachineStatus ask(Function<CompletableFuture<MachineStatus>, Command> command) {
        CompletableFuture<MachineStatus> answer = new CompletableFuture<>();
        if (!inbox.offer(command.apply(answer))) {
            throw new HostException(
                    HostException.Category.EXHAUSTED,
                    "machine " + id + " has " + MAX_COMMANDS + " commands to do already");
        }
        if (agent.removed()) {
            refuseAll(); // The thread may have looked into the inbox for the last time.
        }
        try {
            return answer.get(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof HostException failure) {
                throw failure;
            }
            throw new HostException(HostException.Category.FAILED, "" + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new HostException(
                    HostException.Category.TIMEOUT, "machine " + id + " is busy", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HostException(HostException.Category.UNAVAILABLE, "interrupted", e);
        }
    }

    private void work() {
        while (!agent.removed()) {
            try {
                Command command =
                        agent.idle()
                                ? inbox.take()
                                : inbox.poll(agent.tickMillis(), TimeUnit.MILLISECONDS);
                if (command != null) {
                    handle(command);
                }
                agent.doWork();
            } catch (InterruptedException e) {
                return; // Only the end of the process does that.
            } catch (IOException | RuntimeException e) {
                LOG.log(Level.WARNING, "machine " + id + ": " + e.getMessage());
                agent.calm();
            }
        }
        refuseAll();
    }

    private void refuseAll() {
        HostException gone =
                new HostException(
                        HostException.Category.NOT_FOUND, "machine " + id + " is removed");
        inbox.forEach(command -> command.answer().completeExceptionally(gone));
    }

    private void handle(Command command) {
        try {
            agent.handle(command);
            command.answer().complete(agent.status());
        } catch (HostException e) {
            command.answer().completeExceptionally(e);
        } catch (IOException | RuntimeException e) {
            command.answer()
                    .completeExceptionally(
                            new HostException(
                                    HostException.Category.FAILED, "machine " + id + ": " + e, e));
        }
    }
}
