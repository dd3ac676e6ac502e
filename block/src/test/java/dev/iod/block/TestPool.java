package dev.iod.block;

import dev.iod.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * An XFS loop pool in a directory of its own, removed on close; what an earlier run of the same
 * test left behind is removed first.
 */
final class TestPool implements AutoCloseable {
    /** Of this source tree alone: two trees may be tested at once. */
    private static final Path ROOT =
            Path.of(
                    "/tmp/iod-block-test-"
                            + Integer.toHexString(Path.of("").toAbsolutePath().hashCode()));

    final Path directory;
    private final long sizeBytes;
    private final boolean thin;

    TestPool(String name, long sizeBytes, boolean thin) {
        directory = ROOT.resolve(name);
        this.sizeBytes = sizeBytes;
        this.thin = thin;
        close();
        mount();
    }

    static TestPool small(String name) {
        return new TestPool(name, 512L << 20, true);
    }

    Path mount() {
        return LoopPool.ensure(directory, sizeBytes, thin);
    }

    Path path() {
        return LoopPool.mountPoint(directory);
    }

    LocalPool open() {
        return LocalPool.open(path());
    }

    /** Cuts the power as far as the file system can tell: nothing more is written, log included. */
    void cutPower() {
        Tool.run("xfs_io", "-x", "-c", "shutdown", path().toString());
    }

    void unmount() {
        untilNotBusy(() -> LoopPool.unmount(directory));
    }

    /** The kernel may hold a file a moment longer than the process that closed it. */
    static void untilNotBusy(Runnable unmount) {
        long until = System.nanoTime() + 60_000_000_000L;
        while (true) {
            try {
                unmount.run();
                return;
            } catch (EngineException e) {
                if (!String.valueOf(e.getMessage()).contains("busy")
                        || System.nanoTime() - until > 0) {
                    throw e;
                }
                LockSupport.parkNanos(10_000_000);
            }
        }
    }

    @Override
    public void close() {
        try {
            if (LoopPool.isMounted(path())) {
                unmount();
            }
            if (Files.exists(directory)) {
                try (Stream<Path> files = Files.walk(directory)) {
                    for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                        Files.delete(file);
                    }
                }
            }
        } catch (IOException e) {
            throw new AssertionError("cleaning " + directory, e);
        }
    }
}
