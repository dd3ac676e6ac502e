package dev.iod.sys;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * System calls on descriptors and memory. Every failure is a {@link SysException}; EINTR is retried
 * here and never seen by callers. Descriptors are opened close-on-exec.
 */
public final class Linux {
    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;

    /** Transfers go past the page cache; the value is the machine's (asm/fcntl.h). */
    public static final int O_DIRECT =
            System.getProperty("os.arch").equals("aarch64") ? 0x10000 : 0x4000;

    /** fallocate(2): reserve space; the file's size stays. */
    public static final int FALLOCATE_KEEP_SIZE = 1;

    /** fallocate(2), with KEEP_SIZE: give space back; the range reads as zeros. */
    public static final int FALLOCATE_PUNCH_HOLE = 2;

    /** fallocate(2): the range reads as zeros and stays reserved. */
    public static final int FALLOCATE_ZERO_RANGE = 0x10;

    public static final int PROT_READ = 1;
    public static final int PROT_WRITE = 2;
    public static final int MAP_SHARED = 1;
    public static final int MAP_PRIVATE = 2;
    public static final int MAP_ANONYMOUS = 0x20;
    public static final int F_SEAL_SEAL = 1;
    public static final int F_SEAL_SHRINK = 2;
    public static final int F_SEAL_GROW = 4;

    /** Size of a page this module assumes when it rounds (4 KiB); mappings are page-aligned. */
    public static final int PAGE_BYTES = 4096;

    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;
    private static final int SEEK_END = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    /** struct statfs of statfs(2); its first word is the type. */
    private static final int STATFS_BYTES = 120;

    private static final long HUGETLBFS_MAGIC = 0x9584_58f6L;
    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final int MAX_CPUS = 1024;
    private static final long FICLONE = 0x4004_9409L;
    private static final long SYS_SCHED_SETATTR =
            System.getProperty("os.arch").equals("aarch64") ? 274 : 314;

    private static final long SYS_GETPRIORITY =
            System.getProperty("os.arch").equals("aarch64") ? 141 : 140;
    private static final long SYS_SETPRIORITY =
            System.getProperty("os.arch").equals("aarch64") ? 140 : 141;
    private static final long PRIO_PROCESS = 0;

    /** Passes over the threads of a process; each new one needs a thread made during the last. */
    private static final int MAX_PRIORITY_PASSES = 1000;

    /** struct sched_attr of sched_setattr(2): policy 0 is the usual one. */
    private static final int SCHED_ATTR_BYTES = 48;

    private static final int SCHED_ATTR_NICE = 16;
    private static final int SCHED_ATTR_RUNTIME = 24;
    private static final int SIGCONT = 18;
    private static final int SIGSTOP = 19;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_DIOALIGN = 0x2000;

    private Linux() {}

    /** Throws what errno says when {@code result} is negative, otherwise returns it. */
    static int check(int result, String operation) {
        if (result < 0) {
            throw new SysException(operation, Libc.errno());
        }
        return result;
    }

    static long check(long result, String operation) {
        if (result < 0) {
            throw new SysException(operation, Libc.errno());
        }
        return result;
    }

    /** Closes a descriptor. EINTR counts as closed (Linux releases the number in any case). */
    public static void close(int fd) {
        if (Libc.close(fd) < 0 && Libc.errno() != Errno.EINTR) {
            throw new SysException("close " + fd, Libc.errno());
        }
    }

    /**
     * Reads up to {@code length} bytes to an address.
     *
     * @return bytes read, 0 at the end, or -1 when a non-blocking descriptor has nothing now
     */
    public static int read(int fd, long address, int length) {
        while (true) {
            long n = Libc.read(fd, address, length);
            if (n >= 0) {
                return (int) n;
            }
            if (Libc.errno() == Errno.EAGAIN) {
                return -1;
            }
            if (Libc.errno() != Errno.EINTR) {
                throw new SysException("read " + fd, Libc.errno());
            }
        }
    }

    /**
     * Writes up to {@code length} bytes from an address.
     *
     * @return bytes written, or -1 when a non-blocking descriptor has no room now
     */
    public static int write(int fd, long address, int length) {
        while (true) {
            long n = Libc.write(fd, address, length);
            if (n >= 0) {
                return (int) n;
            }
            if (Libc.errno() == Errno.EAGAIN) {
                return -1;
            }
            if (Libc.errno() != Errno.EINTR) {
                throw new SysException("write " + fd, Libc.errno());
            }
        }
    }

    /** Opens a file; {@code O_CLOEXEC} is added. New files get mode 0600. */
    public static int open(Path path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path.toString());
            return check(Libc.open(name, flags | O_CLOEXEC, 0600), "open " + path);
        }
    }

    public static void nonBlocking(int fd) {
        int flags = check(Libc.fcntl(fd, F_GETFL, 0), "fcntl F_GETFL");
        check(Libc.fcntl(fd, F_SETFL, flags | O_NONBLOCK), "fcntl F_SETFL");
    }

    /** Takes back what {@link #nonBlocking} did. */
    static void blocking(int fd) {
        int flags = check(Libc.fcntl(fd, F_GETFL, 0), "fcntl F_GETFL");
        check(Libc.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK), "fcntl F_SETFL");
    }

    public static void truncate(int fd, long lengthBytes) {
        check(Libc.ftruncate(fd, lengthBytes), "truncate to " + lengthBytes + " bytes");
    }

    /** Size of the file behind a descriptor, bytes; moves its position to the end. */
    public static long size(int fd) {
        return check(Libc.lseek(fd, 0, SEEK_END), "size of descriptor " + fd);
    }

    /**
     * Where a file has data next, from an offset on: bytes from its start, the offset itself when
     * it is in no hole, the file's size when there is only a hole. Moves its position.
     */
    public static long nextData(int fd, long offset) {
        long found = Libc.lseek(fd, offset, SEEK_DATA);
        return found < 0 && Libc.errno() == Errno.ENXIO
                ? size(fd)
                : check(found, "data of descriptor " + fd + " from " + offset);
    }

    /** Where a file has a hole next, from an offset in it on; its size when it has none. */
    public static long nextHole(int fd, long offset) {
        return check(Libc.lseek(fd, offset, SEEK_HOLE), "hole of descriptor " + fd);
    }

    /** fallocate(2) with {@code FALLOCATE_…} bits; waits for the file system. */
    public static void fallocate(int fd, int mode, long offset, long lengthBytes) {
        check(Libc.fallocate(fd, mode, offset, lengthBytes), "fallocate " + lengthBytes + " bytes");
    }

    /** Waits until everything written to the file, and its size, is on stable media. */
    public static void fsync(int fd) {
        check(Libc.fsync(fd), "fsync");
    }

    /** As {@link #fsync(int)} for a file or directory by name. */
    public static void fsync(Path path) {
        int fd = open(path, O_RDONLY);
        try {
            check(Libc.fsync(fd), "fsync " + path);
        } finally {
            close(fd);
        }
    }

    /**
     * Makes an empty file share all blocks of another one of the same file system, as of one moment
     * (ioctl_ficlonerange(2)). EOPNOTSUPP: the file system has no reflinks.
     */
    public static void reflink(int from, int to) {
        check(Libc.ioctl(to, FICLONE, MemorySegment.ofAddress(from)), "reflink");
    }

    /**
     * What statx(2) says of an open file.
     *
     * @param sizeBytes its length
     * @param allocatedBytes space it takes, shared blocks included
     * @param directMemoryAlignment what O_DIRECT wants of buffer addresses, bytes; 0 = not told
     * @param directOffsetAlignment what O_DIRECT wants of offsets and lengths; 0 = not told
     */
    public record FileStatus(
            long sizeBytes,
            long allocatedBytes,
            int directMemoryAlignment,
            int directOffsetAlignment) {}

    public static FileStatus status(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(256, 8);
            check(
                    Libc.statx(
                            fd,
                            arena.allocateFrom(""),
                            AT_EMPTY_PATH,
                            STATX_BASIC_STATS | STATX_DIOALIGN,
                            status),
                    "statx");
            boolean direct = (status.get(ValueLayout.JAVA_INT, 0) & STATX_DIOALIGN) != 0;
            return new FileStatus(
                    status.get(ValueLayout.JAVA_LONG, 40),
                    status.get(ValueLayout.JAVA_LONG, 48) * 512,
                    direct ? status.get(ValueLayout.JAVA_INT, 152) : 0,
                    direct ? status.get(ValueLayout.JAVA_INT, 156) : 0);
        }
    }

    /** An anonymous file in memory of the given size that can be sealed. */
    public static int memfd(String name, long lengthBytes) {
        try (Arena arena = Arena.ofConfined()) {
            int fd =
                    check(
                            Libc.memfdCreate(
                                    arena.allocateFrom(name), MFD_CLOEXEC | MFD_ALLOW_SEALING),
                            "memfd_create");
            truncate(fd, lengthBytes);
            return fd;
        }
    }

    /** Adds {@code F_SEAL_…} bits to a memory file. */
    public static void seal(int fd, int seals) {
        check(Libc.fcntl(fd, F_ADD_SEALS, seals), "seal memory file");
    }

    /** The {@code F_SEAL_…} bits of a file; 0 for a file that has no seals at all. */
    public static int seals(int fd) {
        return Math.max(0, Libc.fcntl(fd, F_GET_SEALS, 0));
    }

    /** Whether a file is made of huge pages, which can run out when they are touched. */
    public static boolean isHugePages(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(STATFS_BYTES, 8);
            check(Libc.fstatfs(fd, result), "fstatfs");
            return result.get(ValueLayout.JAVA_LONG, 0) == HUGETLBFS_MAGIC;
        }
    }

    /** Maps memory at an address the kernel chooses, and registers it with {@link Memory}. */
    public static long mmap(long length, int protection, int flags, int fd, long offset) {
        long address = Libc.mmap(0, length, protection, flags, fd, offset);
        if (address == -1) {
            throw new SysException("mmap " + length + " bytes", Libc.errno());
        }
        Memory.register(address, length);
        return address;
    }

    /** Undoes {@link #mmap}. Nothing may touch the memory any more, in any thread. */
    public static void munmap(long address, long length) {
        Memory.unregister(address);
        check(Libc.munmap(address, length), "munmap");
    }

    /** Waits until one of the descriptors can be read. @return how many can; 0 = time is up */
    public static int pollReadable(int[] fds, int timeoutMillis) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entries = arena.allocate(8L * Math.max(1, fds.length), 8);
            for (int i = 0; i < fds.length; i++) {
                entries.set(ValueLayout.JAVA_INT, 8L * i, fds[i]);
                entries.set(ValueLayout.JAVA_SHORT, 8L * i + 4, (short) 1 /* POLLIN */);
            }
            int ready = Libc.poll(entries, fds.length, timeoutMillis);
            return ready < 0 && Libc.errno() == Errno.EINTR ? 0 : check(ready, "poll");
        }
    }

    /** Removes a file; one that is gone already is no error. */
    public static void unlink(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            if (Libc.unlink(arena.allocateFrom(path.toString())) < 0
                    && Libc.errno() != Errno.ENOENT) {
                throw new SysException("unlink " + path, Libc.errno());
            }
        }
    }

    /** Moves the calling platform thread, and it alone, into a network namespace. */
    public static void enterNetworkNamespace(int namespaceFd) {
        check(Libc.setns(namespaceFd, CLONE_NEWNET), "setns");
    }

    /** Binds the calling platform thread to one CPU, 0 to 1023. */
    public static void pinThread(int cpu) {
        if (cpu < 0 || cpu >= MAX_CPUS) {
            throw new IllegalArgumentException("a CPU is 0 to " + (MAX_CPUS - 1) + ", not " + cpu);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MAX_CPUS / 8, 8);
            mask.set(ValueLayout.JAVA_BYTE, cpu / 8, (byte) (1 << (cpu % 8)));
            check(Libc.schedSetaffinity(0, MAX_CPUS / 8, mask), "pin to CPU " + cpu);
        }
    }

    /** CPU time of a process so far, ended threads included, nanoseconds. */
    public static long processCpuNanos(long pid) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(16, 8);
            // The clock of a process by number: clock_getcpuclockid(3).
            check(Libc.clockGettime((int) (~pid << 3 | 2), time), "CPU time of process " + pid);
            return time.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000L
                    + time.get(ValueLayout.JAVA_LONG, 8);
        }
    }

    /**
     * Sets how readily the calling thread gets a processor. A thread with short slices runs soon
     * when it wakes, also in the middle of another one's longer slice (sched_setattr(2); before
     * Linux 6.12 only niceness counts).
     *
     * @param nice -20 (most) to 19
     * @param sliceNanos how long it runs at a time while others wait, 100,000 to 100,000,000; 0 =
     *     as the kernel likes
     * @return false when this process may not have that much (it lacks CAP_SYS_NICE)
     */
    public static boolean prioritizeThread(int nice, long sliceNanos) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = arena.allocate(SCHED_ATTR_BYTES, 8);
            attributes.set(ValueLayout.JAVA_INT, 0, SCHED_ATTR_BYTES);
            attributes.set(ValueLayout.JAVA_INT, SCHED_ATTR_NICE, nice);
            attributes.set(ValueLayout.JAVA_LONG, SCHED_ATTR_RUNTIME, sliceNanos);
            if (Libc.syscall(SYS_SCHED_SETATTR, 0, attributes.address(), 0) == 0) {
                return true;
            }
        }
        int errno = Libc.errno();
        if (errno == Errno.EACCES || errno == Errno.EPERM) {
            return false;
        }
        throw new SysException("set the priority of a thread", errno);
    }

    /**
     * Sets the niceness of every thread of this process, those of the JVM (compilers, collector)
     * included; threads made later inherit it from those that make them. Slices stay as they are.
     *
     * @param nice -20 (most) to 19
     * @return false when this process may not have that much (it lacks CAP_SYS_NICE); some threads
     *     may have it then
     * @throws UncheckedIOException when /proc is not there
     */
    public static boolean prioritizeProcess(int nice) {
        // A thread that was not set yet may have made others after the threads were listed.
        for (int pass = 0; pass < MAX_PRIORITY_PASSES; pass++) {
            int changed = 0;
            for (int thread : threads()) {
                // The kernel's own answer is 40 (niceness -20) to 1; -1: that thread has ended.
                if (20 - Libc.syscall(SYS_GETPRIORITY, PRIO_PROCESS, thread, 0) == nice) {
                    continue;
                }
                if (Libc.syscall(SYS_SETPRIORITY, PRIO_PROCESS, thread, nice) == 0) {
                    changed++;
                } else if (Libc.errno() == Errno.EACCES || Libc.errno() == Errno.EPERM) {
                    return false;
                } else if (Libc.errno() != Errno.ESRCH) {
                    throw new SysException("set the niceness of thread " + thread, Libc.errno());
                }
            }
            if (changed == 0) {
                return true;
            }
        }
        throw new IllegalStateException(
                "threads of another niceness were made during %d passes"
                        .formatted(MAX_PRIORITY_PASSES));
    }

    /**
     * Lets a process group stand still (SIGSTOP) or go on (SIGCONT); nothing happens when there is
     * none any more.
     *
     * @param group number of its leader
     */
    public static void stopGroup(long group, boolean still) {
        if (group <= 1) {
            throw new IllegalArgumentException("not a process group of its own: " + group);
        }
        if (Libc.kill(-(int) group, still ? SIGSTOP : SIGCONT) != 0
                && Libc.errno() != Errno.ESRCH) {
            throw new SysException("signal process group " + group, Libc.errno());
        }
    }

    /** The threads of this process at about this moment. */
    private static List<Integer> threads() {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return tasks.map(task -> Integer.valueOf(task.getFileName().toString())).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
