package dev.iod.block;

import dev.iod.block.BlockException.Category;
import dev.iod.block.Command.Attach;
import dev.iod.block.VolumeStatus.Kind;
import dev.iod.sys.AesXts;
import dev.iod.sys.Linux;
import dev.iod.sys.SysException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
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
import java.util.stream.Collectors;

/**
 * Carries out commands: knows the pool, the shards and what is attached. One command at a time;
 * guests' requests never wait for one.
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

    private record Attached(Attach attach, Shard shard, VolumeDevice device) {}

    /** Opens the back end of a volume, on the shard's thread. */
    interface BackendFactory {
        Backend open(ShardContext shard, LocalPool pool, String name, boolean readOnly);

        /** For measurements: nothing is kept. */
        static Backend nothing(ShardContext shard, LocalPool pool, String name, boolean readOnly) {
            return new NullBackend(pool.status(name).sizeBytes());
        }

        /** What volumes are kept in. */
        static Backend file(ShardContext shard, LocalPool pool, String name, boolean readOnly) {
            return new FileBackend(shard, pool.data(name), pool.entry(name).thin(), readOnly);
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
        for (Attach attach : store.read()) {
            try {
                attach(attach);
            } catch (BlockException e) {
                LOG.log(
                        Level.ERROR,
                        "not attached again: " + attach.name() + ": " + e.getMessage());
            }
        }
    }

    synchronized Answer run(Command command) {
        switch (command) {
            case Command.Create c -> pool.create(c.name(), c.sizeBytes(), c.thin());
            case Command.Clone c -> pool.clone(c.source(), c.name(), Kind.VOLUME, c.sizeBytes());
            case Command.Snapshot c -> pool.clone(c.volume(), c.name(), Kind.SNAPSHOT, 0);
            case Command.Fill c -> pool.fill(c.name(), c.file());
            case Command.Resize c -> resize(c);
            case Command.Delete c -> delete(c.name());
            case Attach c -> {
                attach(c);
                remember();
            }
            case Command.Detach c -> detach(c.name());
            case Command.Limit c -> limit(c);
            case Command.ClearFailure c -> clearFailure(c.name());
            case Command.List c -> {
                return new Answer.Volumes(pool.names().stream().map(this::status).toList());
            }
            case Command.Space c -> {
                return new Answer.Space(pool.space());
            }
            case Command.Status c -> {
                return new Answer.Volumes(List.of(status(c.name())));
            }
        }
        return new Answer.Done();
    }

    private void resize(Command.Resize command) {
        pool.resize(command.name(), command.sizeBytes());
        Attached known = attached.get(command.name());
        if (known != null) {
            await(
                    known.shard.call(
                            () -> {
                                known.device.resize(command.sizeBytes());
                                return true;
                            }));
        }
    }

    private void delete(String name) {
        if (attached.containsKey(name)) {
            throw new BlockException(Category.CONFLICT, name + " is attached");
        }
        pool.delete(name);
        store.forgetFailure(name);
    }

    private void clearFailure(String name) {
        pool.entry(name);
        if (attached.containsKey(name)) {
            throw new BlockException(Category.CONFLICT, name + " is attached: detach it first");
        }
        awaitNotes();
        String reason = failure(name);
        if (reason.isEmpty()) {
            throw new BlockException(Category.CONFLICT, name + " has not failed");
        }
        pool.forgetFailure(name);
        store.forgetFailure(name);
        LOG.log(Level.WARNING, name + " may be attached and used again; it had failed: " + reason);
    }

    private String failure(String name) {
        String failure = pool.failure(name);
        return failure.isEmpty() ? store.failure(name) : failure;
    }

    // ---------------------------------------------------------------- attaching

    private void attach(Attach command) {
        LocalPool.Entry entry = pool.entry(command.name());
        Attached known = attached.get(command.name());
        if (known != null) {
            checkSame(known.attach, command);
            return;
        }
        if (attached.size() >= MAX_ATTACHED) {
            throw new BlockException(Category.LIMIT, MAX_ATTACHED + " volumes are attached");
        }
        if (entry.kind() != Kind.VOLUME && !command.readOnly()) {
            throw new BlockException(
                    Category.INVALID, command.name() + ", a " + entry.kind() + ", is read-only");
        }
        awaitNotes();
        Attachment attachment =
                new Attachment(
                        command.name(),
                        command.socket(),
                        command.listen(),
                        command.queues(),
                        command.readOnly(),
                        command.limits(),
                        requireSealed,
                        failure(command.name()));
        Shard shard = leastLoaded();
        VolumeDevice device = await(shard.call(() -> open(shard, attachment, command)));
        attached.put(command.name(), new Attached(command, shard, device));
    }

    private static void checkSame(Attach known, Attach wanted) {
        boolean same =
                known.socket().equals(wanted.socket())
                        && known.listen() == wanted.listen()
                        && known.queues() == wanted.queues()
                        && known.readOnly() == wanted.readOnly()
                        && java.security.MessageDigest.isEqual(known.key(), wanted.key());
        if (!same) {
            throw new BlockException(
                    Category.CONFLICT, known.name() + " is attached to " + known.socket());
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
    private VolumeDevice open(Shard shard, Attachment attachment, Attach command) {
        Optional<AesXts> cipher = cipher(command.key());
        Backend backend;
        try {
            backend = backends.open(shard, pool, command.name(), command.readOnly());
        } catch (SysException | BlockException e) {
            cipher.ifPresent(AesXts::close);
            throw e;
        }
        try {
            VolumeDevice device =
                    new VolumeDevice(
                            attachment,
                            shard,
                            backend,
                            cipher,
                            reason -> volumeFailed(command.name(), reason));
            shard.attach(device);
            return device;
        } catch (SysException e) {
            cipher.ifPresent(AesXts::close);
            backend.close();
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
            throw new BlockException(Category.INVALID, String.valueOf(e.getMessage()), e);
        }
    }

    /** Shard thread, which must not wait for a file system that has just failed. */
    private void volumeFailed(String name, String reason) {
        LOG.log(Level.ERROR, name + " has failed for good: " + reason);
        notes.removeIf(note -> !note.isAlive());
        notes.add(
                Thread.ofPlatform()
                        .daemon()
                        .name("note-failure")
                        .start(
                                () -> {
                                    note(() -> store.markFailed(name, reason));
                                    note(() -> pool.markFailed(name, reason));
                                }));
    }

    /** In one of two places, of which each is enough: the other one may be broken itself. */
    private static void note(Runnable mark) {
        try {
            mark.run();
        } catch (BlockException e) {
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

    private void detach(String name) {
        Attached known = attached.get(name);
        if (known == null) {
            pool.entry(name);
            return;
        }
        attached.remove(name);
        remember();
        release(known);
    }

    private static void release(Attached known) {
        VolumeDevice device = await(known.shard.detach(known.device));
        try {
            device.vhost().awaitClosed(TimeUnit.SECONDS.toMillis(SHARD_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void limit(Command.Limit command) {
        Attached known = attached.get(command.name());
        if (known == null) {
            throw new BlockException(Category.NOT_FOUND, command.name() + " is not attached");
        }
        Attach a = known.attach;
        Attach next =
                new Attach(
                        a.name(),
                        a.socket(),
                        a.listen(),
                        a.queues(),
                        a.readOnly(),
                        command.limits(),
                        a.key());
        await(
                known.shard.call(
                        () -> {
                            known.device.limit(command.limits());
                            return true;
                        }));
        attached.put(command.name(), new Attached(next, known.shard, known.device));
        remember();
    }

    private void remember() {
        store.write(attached.values().stream().map(Attached::attach).toList());
    }

    synchronized VolumeStatus status(String name) {
        LocalPool.Entry entry = pool.entry(name);
        Linux.FileStatus file = pool.status(name);
        Attached known = attached.get(name);
        Optional<VolumeStatus.Device> device =
                known == null
                        ? Optional.empty()
                        : Optional.of(await(known.shard.call(known.device::report)));
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
            if (e.getCause() instanceof BlockException known) {
                throw known;
            }
            throw new BlockException(Category.FAILED, String.valueOf(e.getCause()), e);
        } catch (TimeoutException e) {
            throw new BlockException(
                    Category.FAILED, "the storage has not answered for " + SHARD_SECONDS + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Category.UNAVAILABLE, "interrupted", e);
        }
    }

    /** Answers what is in flight and lets go of all volumes; they are attached at next start. */
    @Override
    public synchronized void close() {
        for (Attached each : new ArrayList<>(attached.values())) {
            try {
                release(each);
            } catch (BlockException e) {
                LOG.log(Level.ERROR, each.attach.name() + ": " + e.getMessage());
            }
        }
        attached.clear();
        shards.forEach(Shard::close);
        awaitNotes();
    }
}
