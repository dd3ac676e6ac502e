package dev.iod.block;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.sys.Linux;
import dev.iod.sys.SysException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * An XFS file system in a file, for machines whose own has no reflinks: {@code DIRECTORY/pool.xfs},
 * mounted at {@code DIRECTORY/mount}. What is mounted already is used as it is, so that an engine
 * that was killed is back at once.
 */
final class LoopPool {
    /** mkfs.xfs makes nothing smaller. */
    static final long MIN_BYTES = 300L << 20;

    /** How long a pool that was unmounted may be held by somebody else. */
    private static final long RELEASE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final System.Logger LOG = System.getLogger(LoopPool.class.getName());

    private static final String FILE = "pool.xfs";
    private static final String MOUNT = "mount";

    private LoopPool() {}

    /** Where a pool in this directory is mounted. */
    static Path mountPoint(Path directory) {
        return directory.resolve(MOUNT);
    }

    /**
     * Makes (the first time), attaches and mounts.
     *
     * @param thin the file takes only what is used, and can find its own file system full
     * @throws EngineException CONFIGURATION when the pool is still mounted in another mount
     *     namespace, FULL when there is no room for it
     */
    static Path ensure(Path directory, long sizeBytes, boolean thin) {
        Path mount = mountPoint(directory);
        if (isMounted(mount)) {
            return mount;
        }
        Path file = directory.resolve(FILE);
        try {
            Files.createDirectories(mount);
            if (!Files.exists(file)) {
                make(file, sizeBytes, thin);
            }
        } catch (IOException e) {
            throw new EngineException(Category.CONFIGURATION, "cannot make " + file + ": " + e, e);
        }
        awaitRelease(file);
        String device = loop(file);
        try {
            Tool.run("mount", "-t", "xfs", "-o", "noatime", device, mount.toString());
        } finally {
            // From here it goes with its mount, also after a crash; without mount, now.
            Tool.run("losetup", "--detach", device);
        }
        return mount;
    }

    /**
     * A mount namespace made while the pool was mounted (by {@code ip netns exec}, say) has it too:
     * it is unmounted when that has ended, and the kernel refuses the file system on a second
     * device until then. A device whose maker was killed before it mounted goes at once.
     */
    private static void awaitRelease(Path file) {
        long until = System.nanoTime() + RELEASE_NANOS;
        while (true) {
            String held =
                    Tool.run(
                            "losetup",
                            "--noheadings",
                            "--output=NAME",
                            "--associated=" + file.toAbsolutePath());
            if (held.isEmpty()) {
                return;
            }
            if (System.nanoTime() - until > 0) {
                throw new EngineException(
                        Category.CONFIGURATION,
                        ("%s is still mounted in another mount namespace, on %s: end the processes"
                                        + " whose /proc/PID/mounts names it")
                                .formatted(file, held));
            }
            for (String device : held.split("\\s+")) {
                try {
                    Tool.run("losetup", "--detach", device);
                } catch (EngineException e) {
                    // It went by itself in this moment; the next look tells.
                    LOG.log(System.Logger.Level.DEBUG, e.getMessage());
                }
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** A loop device, past the page cache where the file's own file system allows it. */
    private static String loop(Path file) {
        try {
            return Tool.run("losetup", "--find", "--show", "--direct-io=on", file.toString());
        } catch (EngineException e) {
            return Tool.run("losetup", "--find", "--show", file.toString());
        }
    }

    private static void make(Path file, long sizeBytes, boolean thin) throws IOException {
        if (sizeBytes < MIN_BYTES) {
            throw new EngineException(
                    Category.CONFIGURATION,
                    "pool-bytes must be at least " + MIN_BYTES + ", not " + sizeBytes);
        }
        Path unfinished = file.resolveSibling(FILE + ".new");
        Files.deleteIfExists(unfinished);
        int fd = Linux.open(unfinished, Linux.O_RDWR | Linux.O_CREAT);
        try {
            Linux.truncate(fd, sizeBytes);
            if (!thin) {
                Linux.fallocate(fd, 0, 0, sizeBytes);
            }
        } catch (SysException e) {
            // What was reserved before there was no more room is given back.
            Files.deleteIfExists(unfinished);
            throw new EngineException(
                    Category.FULL,
                    "cannot reserve %d MiB for %s: %s"
                            .formatted(sizeBytes >> 20, file, e.getMessage()),
                    e);
        } finally {
            Linux.close(fd);
        }
        Tool.run("mkfs.xfs", "-q", "-m", "reflink=1", unfinished.toString());
        Files.move(unfinished, file);
    }

    static boolean isMounted(Path mount) {
        try {
            String wanted = " " + mount.toAbsolutePath().normalize() + " ";
            return Files.readString(Path.of("/proc/self/mounts")).contains(wanted);
        } catch (IOException e) {
            throw new EngineException(Category.CONFIGURATION, "cannot read the mounts: " + e, e);
        }
    }

    /** Unmounts; the loop device goes with it. */
    static void unmount(Path directory) {
        Path mount = mountPoint(directory);
        if (isMounted(mount)) {
            Tool.run("umount", mount.toString());
        }
    }
}
