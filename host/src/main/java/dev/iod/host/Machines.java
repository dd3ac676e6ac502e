package dev.iod.host;

import dev.iod.host.GuestDirectory.Saved;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/** All machines of the node, one directory each. Any thread may call it. */
final class Machines {
    /** The most machines a node keeps, stopped ones too. */
    static final int MAX_MACHINES = 512;

    /** Uses of consoles at a time, of all machines. */
    static final int MAX_CONSOLES = 32;

    private static final System.Logger LOG = System.getLogger(Machines.class.getName());

    private final Path root;
    private final MachineAgent.Dependencies dependencies;
    private final Semaphore consoles = new Semaphore(MAX_CONSOLES);
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Machine> byId = new HashMap<>();

    Machines(Path root, MachineAgent.Dependencies dependencies) {
        this.root = root;
        this.dependencies = dependencies;
    }

    /**
     * Takes over what an earlier daemon left. What cannot be understood is ended and deleted:
     * nobody could ever ask for it.
     */
    void adopt() throws IOException {
        List<Path> directories;
        try (Stream<Path> entries = Files.list(root)) {
            directories = entries.filter(Files::isDirectory).sorted().toList();
        }
        for (Path path : directories) {
            GuestDirectory directory = new GuestDirectory(path);
            Optional<Saved> saved = load(path, directory);
            if (saved.isPresent()) {
                Machine machine = new Machine(saved.get(), directory, dependencies);
                byId.put(saved.get().spec().id(), machine);
                machine.run();
                LOG.log(Level.INFO, "found machine {0}", machine.status());
            } else {
                GuestProcess.in(directory.vmm()).forEach(GuestProcess::kill);
                directory.delete();
            }
        }
    }

    private static Optional<Saved> load(Path path, GuestDirectory directory) {
        try {
            Optional<Saved> saved = directory.load();
            String name = path.getFileName().toString();
            if (saved.isPresent() && saved.get().spec().id().equals(name)) {
                return saved;
            }
            LOG.log(Level.WARNING, "{0} holds no machine of this name, deleting it", path);
        } catch (IOException | HostException e) {
            LOG.log(Level.WARNING, "{0}: {1}, deleting it", path, e.getMessage());
        }
        return Optional.empty();
    }

    /**
     * Starts a machine, a new one or one that is known.
     *
     * @throws HostException EXHAUSTED, or as the machine
     */
    MachineStatus start(MachineSpec spec) {
        Machine machine;
        lock.lock();
        try {
            machine = byId.get(spec.id());
            if (machine == null) {
                machine = create(spec);
                byId.put(spec.id(), machine);
            }
        } finally {
            lock.unlock();
        }
        return machine.start(spec);
    }

    private Machine create(MachineSpec spec) {
        if (byId.size() >= MAX_MACHINES) {
            throw new HostException(
                    HostException.Category.EXHAUSTED,
                    "this node keeps " + MAX_MACHINES + " machines already");
        }
        MachineStatus none = MachineStatus.without(spec.id(), MachineState.STOPPED, "", 0);
        GuestDirectory directory = new GuestDirectory(root.resolve(spec.id()));
        try {
            Machine machine = new Machine(new Saved(spec, none, 0, false), directory, dependencies);
            machine.run();
            return machine;
        } catch (IOException e) {
            throw new HostException(
                    HostException.Category.FAILED, "cannot make " + spec.id() + ": " + e, e);
        }
    }

    /**
     * A machine by its id.
     *
     * @throws HostException NOT_FOUND
     */
    Machine machine(String id) {
        lock.lock();
        try {
            Machine machine = byId.get(id);
            if (machine == null) {
                throw new HostException(
                        HostException.Category.NOT_FOUND, "no machine " + id + " here");
            }
            return machine;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives a client a console until one of them ends; closes the client then.
     *
     * @param ready sends the client the answer; after it come the console's bytes
     * @throws HostException NOT_FOUND, or as {@link Machine#use}; then the client is as it was
     */
    void use(String id, ConsoleKind kind, SocketChannel client, ConsoleReady ready)
            throws IOException {
        Machine machine = machine(id);
        if (!consoles.tryAcquire()) {
            throw new HostException(
                    HostException.Category.EXHAUSTED,
                    "%d consoles of this node are in use already".formatted(MAX_CONSOLES));
        }
        try (Console console = machine.use(kind)) {
            LOG.log(Level.INFO, "machine {0}: its console {1} is in use", id, kind);
            ready.run();
            console.serve(client);
            LOG.log(Level.INFO, "machine {0}: its console {1} was left", id, kind);
        } finally {
            consoles.release();
        }
    }

    /** Tells a client that its console is there. */
    interface ConsoleReady {
        void run() throws IOException;
    }

    /** Removes a machine; one nobody knows is removed already. */
    void remove(String id) {
        Machine machine;
        lock.lock();
        try {
            machine = byId.get(id);
        } finally {
            lock.unlock();
        }
        if (machine == null) {
            return;
        }
        machine.remove();
        lock.lock();
        try {
            byId.remove(id, machine);
        } finally {
            lock.unlock();
        }
    }

    List<MachineStatus> list() {
        lock.lock();
        try {
            return byId.values().stream()
                    .map(Machine::status)
                    .sorted(Comparator.comparing(MachineStatus::id))
                    .toList();
        } finally {
            lock.unlock();
        }
    }
}
