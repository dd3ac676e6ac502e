package dev.iod.block;

import dev.iod.sys.EventFd;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** The engine in this process, with a back end that can be told to misbehave. */
final class TestEngine implements AutoCloseable {
    final BlockEngine engine;
    private final Path directory;
    private final Map<String, InjectingBackend> backends = new ConcurrentHashMap<>();
    private final Shard shard;
    private volatile int blockBytes = 512;

    TestEngine(LocalPool pool, Path directory) {
        this(pool, directory, "state");
    }

    TestEngine(LocalPool pool, Path directory, String state) {
        this(pool, directory, state, true);
    }

    TestEngine(LocalPool pool, Path directory, String state, boolean requireSealed) {
        this.directory = directory;
        shard = new Shard("shard", OptionalInt.empty(), 20_000);
        try {
            shard.start();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        BackendFactory files = BackendFactory.of(pool);
        engine =
                new BlockEngine(
                        pool,
                        java.util.List.of(shard),
                        new AttachmentStore(directory.resolve(state)),
                        (context, attach) -> {
                            InjectingBackend backend =
                                    new InjectingBackend(
                                            context, files.open(context, attach), blockBytes);
                            backends.put(attach.name(), backend);
                            return backend;
                        },
                        requireSealed);
    }

    /** From now on the storage of what is attached reads and writes no less than so much. */
    void blockBytes(int bytes) {
        blockBytes = bytes;
    }

    Path socket(String name) {
        return directory.resolve(name + ".sock");
    }

    /** Shows a volume to a new guest and lets its driver start. */
    Guest attach(String name, int queues, Limits limits, byte[] key) {
        Guest guest = new Guest(socket(name), queues);
        engine.run(
                new Command.Attach(
                        name,
                        new Location.Pool(),
                        socket(name),
                        false,
                        queues,
                        false,
                        limits,
                        key));
        guest.frontEnd.connect();
        return guest;
    }

    Guest attach(String name) {
        return attach(name, 1, Limits.NONE, new byte[0]);
    }

    /** Changes what the back end of a volume does, on its shard. */
    void inject(String name, Consumer<InjectingBackend> change) {
        InjectingBackend backend = backends.get(name);
        if (backend == null) {
            throw new IllegalArgumentException(name + " is not attached");
        }
        shard.call(
                        () -> {
                            change.accept(backend);
                            return true;
                        })
                .join();
    }

    /** Runs something on the shard's thread. */
    <T> T onShard(java.util.function.Supplier<T> action) {
        return shard.call(action).join();
    }

    /** Makes the calls of the shard's thread often enough for the JIT compiler to see to them. */
    void manyForeignCalls() {
        onShard(
                () -> {
                    try (EventFd any = EventFd.create()) {
                        for (int i = 0; i < 30_000; i++) {
                            shard.ring().submit();
                            shard.ring().await(0);
                            any.signal();
                        }
                    }
                    return true;
                });
    }

    /** Shard thread. */
    int freeBounces() {
        return shard.bounces().free();
    }

    VolumeStatus.Device device(String name) {
        return engine.status(name).device().orElseThrow();
    }

    static byte[] key(int seed) {
        byte[] key = new byte[64];
        IntStream.range(0, 64).forEach(i -> key[i] = (byte) (i * 31 + seed));
        return key;
    }

    @Override
    public void close() {
        engine.close();
    }
}
