package dev.iod.block;

import dev.iod.block.Command.Attach;
import dev.iod.block.VolumeStatus.Kind;
import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.sys.AesXts;
import dev.iod.sys.Linux;
import dev.iod.sys.SysException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Carries out commands: knows the pool, the shards and what is attached. One command at a time;
 * guests' requests never wait for one, and no command waits for a volume that is being detached.
 */
final class BlockEngine implements AutoCloseable {
    static final int MAX_ATTACHED = 1024;

    private static final System.Logger LOG = System.getLogger(BlockEngine.class.getName());

    /** A shard answers at once; a detach waits for the storage. */
    private static final long SHARD_SECONDS = 60;

    private final LocalPool pool;
    private final List<Shard> shards;
    private final AttachmentStore store;
    private final BackendFactory backends;
    private final boolean requireSealed;
    private final Map<String, Attached> attached = new TreeMap<>();

    /** Threads that note failures of volumes; shards add, commands wait for them. */
    private final Queue<Thread> notes = new ConcurrentLinkedQueue<>();

    /**
     * A volume that is shown to a VMM.
     *
     * @param leaving ends when it is detached; empty when nobody has asked for that
     */
    private record Attached(
            Attach attach,
            Shard shard,
            VirtioFront front,
            Optional<CompletableFuture<VirtioFront>> leaving) {

        boolean inPool() {
            return attach.location() instanceof Location.Pool;
        }
    }

    /**
     * @param shards started
     */
    BlockEngine(
            LocalPool pool,
            List<Shard> shards,
            AttachmentStore store,
            BackendFactory backends,
            boolean requireSealed) {
        this.pool = pool;
        this.shards = List.copyOf(shards);
        this.store = store;
        this.backends = backends;
        this.requireSealed = requireSealed;
    }

    /** Attaches again what was attached when the last process ended. */
    synchronized void restore() {
        for (Attach attach : remembered()) {
            try {
                attach(attach);
            } catch (EngineException e) {
                LOG.log(
                        Level.ERROR,
                        "not attached again: " + attach.name() + ": " + e.getMessage());
            }
        }
    }

    /** A file that cannot be used must not keep the engine down: agents attach again. */
    private List<Attach> remembered() {
        try {
            return store.read();
        } catch (EngineException e) {
            LOG.log(Level.ERROR, "nothing is attached again: " + e.getMessage());
            return List.of();
        }
    }

    Answer run(Command command) {
        Answer answer = begin(command);
        if (command instanceof Command.Detach(String name)) {
            awaitDetached(name);
        }
        return answer;
    }

    private synchronized Answer begin(Command command) {
        switch (command) {
            case Command.Create c -> {
                checkFree(c.name());
                pool.create(c.name(), c.sizeBytes(), c.thin());
            }
            case Command.Clone c -> {
                checkFree(c.name());
                checkSound(c.source());
                pool.clone(c.source(), c.name(), Kind.VOLUME, c.sizeBytes());
            }
            case Command.Snapshot c -> {
                checkFree(c.name());
                checkSound(c.volume());
                pool.clone(c.volume(), c.name(), Kind.SNAPSHOT, 0);
            }
            case Command.Fill c -> {
                checkFree(c.name());
                pool.fill(c.name(), c.file());
            }
            case Command.Resize c -> resize(c);
            case Command.Delete c -> delete(c.name());
            case Attach c -> {
                attach(c);
                remember();
            }
            case Command.Detach c -> beginDetach(c.name());
            case Command.Limit c -> limit(c);
            case Command.ClearFailure c -> clearFailure(c.name());
            case Command.List c -> {
                return new Answer.Volumes(list());
            }
            case Command.Space c -> {
                return new Answer.Space(pool.space());
            }
            case Command.Status c -> {
                return new Answer.Volumes(List.of(status(c.name())));
            }
            case Command.File c -> {
                return new Answer.File(pool.unchanging(c.name()));
            }
        }
        return new Answer.Done();
    }

    /** A name is that of one volume, in the pool or elsewhere. */
    private void checkFree(String name) {
        Attached known = attached.get(name);
        if (known != null && !known.inPool()) {
            throw new EngineException(
                    Category.CONFLICT, name + " is attached: " + known.attach.location());
        }
    }

    /** A copy of what has failed would look as if it were whole. */
    private void checkSound(String source) {
        awaitNotes();
        String reason = failure(source);
        if (!reason.isEmpty()) {
            throw new EngineException(Category.FAILED, source + " has failed: " + reason);
        }
    }

    private void resize(Command.Resize command) {
        pool.resize(command.name(), command.sizeBytes());
        Attached known = attached.get(command.name());
        if (known != null) {
            await(
                    known.shard.call(
                            () -> {
                                known.front.resize(command.sizeBytes());
                                return true;
                            }));
        }
    }

    private void delete(String name) {
        checkDetached(name);
        pool.delete(name);
        store.forgetFailure(name);
    }

    private void clearFailure(String name) {
        checkDetached(name);
        awaitNotes();
        String reason = failure(name);
        if (reason.isEmpty()) {
            pool.entry(name);
            throw new EngineException(Category.CONFLICT, name + " has not failed");
        }
        if (pool.exists(name)) {
            pool.forgetFailure(name);
        }
        store.forgetFailure(name);
        LOG.log(Level.WARNING, name + " may be attached and used again; it had failed: " + reason);
    }

    private void checkDetached(String name) {
        if (attached.containsKey(name)) {
            throw new EngineException(Category.CONFLICT, name + " is attached: detach it first");
        }
    }

    private String failure(String name) {
        String failure = pool.failure(name);
        return failure.isEmpty() ? store.failure(name) : failure;
    }

    // ---------------------------------------------------------------- attaching

    private void attach(Attach command) {
        checkLocation(command);
        Attached known = attached.get(command.name());
        if (known != null) {
            if (known.leaving.isPresent()) {
                throw new EngineException(Category.CONFLICT, command.name() + " is being detached");
            }
            if (!known.attach.isLike(command)) {
                throw new EngineException(
                        Category.CONFLICT,
                        command.name() + " is attached to " + known.attach.socket());
            }
            return;
        }
        if (attached.size() >= MAX_ATTACHED) {
            throw new EngineException(Category.LIMIT, MAX_ATTACHED + " volumes are attached");
        }
        awaitNotes();
        Shard shard = leastLoaded();
        Optional<AesXts> cipher = cipher(command.key());
        Backend backend;
        try {
            backend = backends.open(shard, command);
        } catch (EngineException e) {
            cipher.ifPresent(AesXts::close);
            throw e;
        }
        String failed = failure(command.name());
        VirtioFront front = await(shard.call(() -> open(shard, command, backend, cipher, failed)));
        attached.put(command.name(), new Attached(command, shard, front, Optional.empty()));
    }

    private void checkLocation(Attach command) {
        switch (command.location()) {
            case Location.Pool() -> {
                Kind kind = pool.entry(command.name()).kind();
                if (kind != Kind.VOLUME && !command.readOnly()) {
                    throw new EngineException(
                            Category.INVALID, command.name() + ", a " + kind + ", is read-only");
                }
            }
            case Location.RawFile file -> {
                if (pool.exists(command.name())) {
                    throw new EngineException(
                            Category.CONFLICT, command.name() + " is a name in the pool");
                }
                for (Attached each : attached.values()) {
                    if (each.attach.location().equals(file)
                            && !each.attach.name().equals(command.name())
                            && !(each.attach.readOnly() && command.readOnly())) {
                        throw new EngineException(
                                Category.CONFLICT,
                                file.path() + " is attached as " + each.attach.name());
                    }
                }
            }
        }
    }

    private Shard leastLoaded() {
        Map<Shard, Long> loads =
                attached.values().stream()
                        .collect(Collectors.groupingBy(Attached::shard, Collectors.counting()));
        return shards.stream()
                .min(Comparator.comparingLong(s -> loads.getOrDefault(s, 0L)))
                .orElseThrow();
    }

    /** Shard thread. */
    private VirtioFront open(
            Shard shard, Attach command, Backend backend, Optional<AesXts> cipher, String failed) {
        Volume volume =
                new Volume(
                        backend,
                        cipher,
                        shard.bounces(),
                        command.limits(),
                        failed,
                        reason -> volumeFailed(command, reason));
        try {
            VirtioFront front = new VirtioFront(command, requireSealed, shard, volume);
            shard.attach(front);
            return front;
        } catch (SysException e) {
            volume.close();
            throw e;
        }
    }

    private static Optional<AesXts> cipher(byte[] key) {
        if (key.length == 0) {
            return Optional.empty();
        }
        try {
            return Optional.of(new AesXts(key));
        } catch (IllegalArgumentException e) {
            throw new EngineException(Category.INVALID, String.valueOf(e.getMessage()), e);
        }
    }

    /** Shard thread, which must not wait for a file system that has just failed. */
    private void volumeFailed(Attach attach, String reason) {
        String name = attach.name();
        LOG.log(Level.ERROR, name + " has failed for good: " + reason);
        notes.removeIf(note -> !note.isAlive());
        notes.add(
                Thread.ofPlatform()
                        .daemon()
                        .name("note-failure")
                        .start(
                                () -> {
                                    note(() -> store.markFailed(name, reason));
                                    if (attach.location() instanceof Location.Pool) {
                                        note(() -> pool.markFailed(name, reason));
                                    }
                                }));
    }

    /** In one of two places, of which each is enough: the other one may be broken itself. */
    private static void note(Runnable mark) {
        try {
            mark.run();
        } catch (EngineException e) {
            LOG.log(Level.ERROR, e.getMessage());
        }
    }

    /** Neither a new attachment nor the end of the process may miss that a volume has failed. */
    private void awaitNotes() {
        try {
            for (Thread note = notes.poll(); note != null; note = notes.poll()) {
                if (!note.join(Duration.ofSeconds(SHARD_SECONDS))) {
                    LOG.log(Level.ERROR, "a volume's failure could not be noted: no answer");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void beginDetach(String name) {
        Attached known = attached.get(name);
        if (known == null) {
            pool.entry(name);
        } else if (known.leaving.isEmpty()) {
            store.write(staying(a -> a != known));
            beginDetach(known);
        }
    }

    /** From here on it takes nothing from its guest; until it is gone nobody else may have it. */
    private Attached beginDetach(Attached known) {
        Attached next =
                new Attached(
                        known.attach,
                        known.shard,
                        known.front,
                        Optional.of(known.shard.detach(known.front)));
        attached.put(known.attach.name(), next);
        return next;
    }

    /** Waits without the lock: other volumes are attached and detached meanwhile. */
    private void awaitDetached(String name) {
        Optional<Attached> leaving = leaving(name);
        if (leaving.isPresent()) {
            awaitGone(leaving.get());
            forget(name, leaving.get());
        }
    }

    private synchronized Optional<Attached> leaving(String name) {
        return Optional.ofNullable(attached.get(name)).filter(a -> a.leaving.isPresent());
    }

    private synchronized void forget(String name, Attached gone) {
        attached.remove(name, gone);
    }

    private static void awaitGone(Attached leaving) {
        VirtioFront front = await(leaving.leaving.orElseThrow());
        try {
            front.vhost().awaitClosed(TimeUnit.SECONDS.toMillis(SHARD_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void limit(Command.Limit command) {
        Attached known = attached.get(command.name());
        if (known == null || known.leaving.isPresent()) {
            throw new EngineException(Category.NOT_FOUND, command.name() + " is not attached");
        }
        await(
                known.shard.call(
                        () -> {
                            known.front.volume().limit(command.limits());
                            return true;
                        }));
        attached.put(
                command.name(),
                new Attached(
                        known.attach.with(command.limits()),
                        known.shard,
                        known.front,
                        Optional.empty()));
        remember();
    }

    private void remember() {
        store.write(staying(a -> true));
    }

    private List<Attach> staying(Predicate<Attached> which) {
        return attached.values().stream()
                .filter(a -> a.leaving.isEmpty())
                .filter(which)
                .map(Attached::attach)
                .toList();
    }

    /** The pool's names, then what is attached from elsewhere. */
    private List<VolumeStatus> list() {
        Stream<String> elsewhere =
                attached.values().stream().filter(a -> !a.inPool()).map(a -> a.attach.name());
        return Stream.concat(pool.names().stream(), elsewhere).map(this::status).toList();
    }

    synchronized VolumeStatus status(String name) {
        Attached known = attached.get(name);
        Optional<VolumeStatus.Device> device =
                known == null
                        ? Optional.empty()
                        : Optional.of(await(known.shard.call(known.front::report)));
        if (known != null && !known.inPool()) {
            long sizeBytes = await(known.shard.call(() -> known.front.volume().sizeBytes()));
            return new VolumeStatus(name, Kind.ELSEWHERE, sizeBytes, 0, false, "", device);
        }
        LocalPool.Entry entry = pool.entry(name);
        Linux.FileStatus file = pool.status(name);
        return new VolumeStatus(
                name,
                entry.kind(),
                file.sizeBytes(),
                file.allocatedBytes(),
                entry.thin(),
                entry.base(),
                device);
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(SHARD_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof EngineException known) {
                throw known;
            }
            throw new EngineException(Category.FAILED, String.valueOf(e.getCause()), e);
        } catch (TimeoutException e) {
            throw new EngineException(
                    Category.FAILED, "the storage has not answered for " + SHARD_SECONDS + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineException(Category.UNAVAILABLE, "interrupted", e);
        }
    }

    /** Answers what is in flight and lets go of all volumes; they are attached at next start. */
    @Override
    public synchronized void close() {
        List<Attached> all =
                List.copyOf(attached.values()).stream()
                        .map(each -> each.leaving.isPresent() ? each : beginDetach(each))
                        .toList();
        for (Attached each : all) {
            try {
                awaitGone(each);
            } catch (EngineException e) {
                LOG.log(Level.ERROR, each.attach.name() + ": " + e.getMessage());
            }
        }
        attached.clear();
        shards.forEach(Shard::close);
        awaitNotes();
    }
}
