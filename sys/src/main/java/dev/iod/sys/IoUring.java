package dev.iod.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One io_uring(7) of one thread: made, used and closed by it (IORING_SETUP_SINGLE_ISSUER and
 * DEFER_TASKRUN, Linux 6.1), so that completions are worked off only when this thread asks. Queued
 * entries go to the kernel with {@link #submit} or {@link #await}; allocates nothing per entry.
 *
 * <p>Each entry has a token, a number of the caller's that comes back with its result. The caller
 * keeps buffers alive until then.
 */
public final class IoUring implements AutoCloseable {
    private static final long SYS_SETUP = 425;
    private static final long SYS_ENTER = 426;
    private static final long SYS_REGISTER = 427;

    private static final int SETUP_SUBMIT_ALL = 1 << 7;
    private static final int SETUP_TASKRUN_FLAG = 1 << 9;
    private static final int SETUP_SINGLE_ISSUER = 1 << 12;
    private static final int SETUP_DEFER_TASKRUN = 1 << 13;
    private static final int ENTER_GETEVENTS = 1;
    private static final int ENTER_EXT_ARG = 1 << 3;
    private static final int REGISTER_BUFFERS = 0;
    private static final long OFFSET_ENTRIES = 0x1000_0000L;
    private static final int SQE_BYTES = 64;
    private static final int CQE_BYTES = 16;
    private static final int RWF_DSYNC = 2;
    private static final int FSYNC_DATASYNC = 1;
    private static final int POLLIN = 1;
    private static final int SQ_TASKRUN = 1 << 2;

    /** enum io_uring_op. */
    private static final int OP_NOP = 0;

    private static final int OP_READV = 1;
    private static final int OP_WRITEV = 2;
    private static final int OP_FSYNC = 3;
    private static final int OP_READ_FIXED = 4;
    private static final int OP_WRITE_FIXED = 5;
    private static final int OP_POLL_ADD = 6;
    private static final int OP_ASYNC_CANCEL = 14;
    private static final int OP_FALLOCATE = 17;
    private static final int OP_READ = 22;
    private static final int OP_WRITE = 23;

    /** struct io_uring_sqe. */
    private static final int SQE_FD = 4;

    private static final int SQE_OFFSET = 8;
    private static final int SQE_ADDRESS = 16;
    private static final int SQE_LENGTH = 24;
    private static final int SQE_OP_FLAGS = 28;
    private static final int SQE_TOKEN = 32;
    private static final int SQE_BUFFER = 40;

    private final int fd;
    private final int submissionMask;
    private final int completionMask;
    private final Mapping rings;
    private final Mapping entries;
    private final long submissionHead;
    private final long submissionTail;
    private final long submissionFlags;
    private final long completionHead;
    private final long completionTail;
    private final long completions;
    private final Arena arena = Arena.ofConfined();

    /** struct io_uring_getevents_arg and the struct __kernel_timespec it points at. */
    private final MemorySegment waitArgument = arena.allocate(40, 8);

    private int tail;
    private int queued;
    private int head;

    private IoUring(int fd, MemorySegment parameters) {
        this.fd = fd;
        int submissions = parameters.get(ValueLayout.JAVA_INT, 0);
        int completionCount = parameters.get(ValueLayout.JAVA_INT, 4);
        // struct io_sqring_offsets at 40, struct io_cqring_offsets at 80.
        int array = parameters.get(ValueLayout.JAVA_INT, 64);
        int events = parameters.get(ValueLayout.JAVA_INT, 100);
        long length =
                Math.max(array + 4L * submissions, events + (long) CQE_BYTES * completionCount);
        // One mapping for both rings (IORING_FEAT_SINGLE_MMAP, Linux 5.4).
        rings = Mapping.shared(fd, 0, length);
        entries = Mapping.shared(fd, OFFSET_ENTRIES, (long) SQE_BYTES * submissions);
        long base = rings.address();
        submissionHead = base + parameters.get(ValueLayout.JAVA_INT, 40);
        submissionTail = base + parameters.get(ValueLayout.JAVA_INT, 44);
        submissionFlags = base + parameters.get(ValueLayout.JAVA_INT, 56);
        completionHead = base + parameters.get(ValueLayout.JAVA_INT, 80);
        completionTail = base + parameters.get(ValueLayout.JAVA_INT, 84);
        completions = base + events;
        submissionMask = submissions - 1;
        completionMask = completionCount - 1;
        for (int i = 0; i < submissions; i++) {
            Memory.writeInt(base + array + 4L * i, i);
        }
        waitArgument.set(ValueLayout.JAVA_LONG, 16, waitArgument.address() + 24);
    }

    /**
     * Opens a ring for the calling thread.
     *
     * @param size most entries queued between two submissions, a power of two up to 32768; twice as
     *     many completions fit, and the kernel keeps what is beyond
     */
    public static IoUring open(int size) {
        if (size < 1 || size > 32768 || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("a ring of " + size + " entries");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parameters = arena.allocate(120, 8);
            parameters.set(
                    ValueLayout.JAVA_INT,
                    8,
                    SETUP_SUBMIT_ALL
                            | SETUP_TASKRUN_FLAG
                            | SETUP_SINGLE_ISSUER
                            | SETUP_DEFER_TASKRUN);
            long fd =
                    Linux.check(
                            Libc.syscall(SYS_SETUP, size, parameters.address(), 0),
                            "io_uring_setup (IoD needs Linux 6.1 and"
                                    + " kernel.io_uring_disabled=0)");
            return new IoUring((int) fd, parameters);
        }
    }

    /** Makes memory known as fixed buffer 0; its pages stay in memory until the ring is closed. */
    public void registerBuffer(long address, long length) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment vector = call.allocate(16, 8);
            vector.set(ValueLayout.JAVA_LONG, 0, address);
            vector.set(ValueLayout.JAVA_LONG, 8, length);
            Linux.check(
                    Libc.syscall(SYS_REGISTER, fd, REGISTER_BUFFERS, vector.address(), 1),
                    "register a buffer of " + length + " bytes");
        }
    }

    public void nop(long token) {
        entry(OP_NOP, -1, 0, 0, 0, 0, token);
    }

    public void read(int file, long offset, long address, int length, long token) {
        entry(OP_READ, file, offset, address, length, 0, token);
    }

    /**
     * @param durable the result comes when the data is on stable media (RWF_DSYNC)
     */
    public void write(
            int file, long offset, long address, int length, boolean durable, long token) {
        entry(OP_WRITE, file, offset, address, length, durable ? RWF_DSYNC : 0, token);
    }

    /** The address lies in the buffer given to {@link #registerBuffer}. */
    public void readFixed(int file, long offset, long address, int length, long token) {
        entry(OP_READ_FIXED, file, offset, address, length, 0, token);
    }

    /** The address lies in the buffer given to {@link #registerBuffer}. */
    public void writeFixed(
            int file, long offset, long address, int length, boolean durable, long token) {
        entry(OP_WRITE_FIXED, file, offset, address, length, durable ? RWF_DSYNC : 0, token);
    }

    /**
     * @param vectors address of {@code count} struct iovec (address, length: 64 bits each), 1 to
     *     1024
     */
    public void readVector(int file, long offset, long vectors, int count, long token) {
        entry(OP_READV, file, offset, vectors, count, 0, token);
    }

    public void writeVector(
            int file, long offset, long vectors, int count, boolean durable, long token) {
        entry(OP_WRITEV, file, offset, vectors, count, durable ? RWF_DSYNC : 0, token);
    }

    /** As fdatasync(2). */
    public void dataSync(int file, long token) {
        entry(OP_FSYNC, file, 0, 0, 0, FSYNC_DATASYNC, token);
    }

    /** As fallocate(2), with {@code Linux.FALLOCATE_…} bits. */
    public void fallocate(int file, int mode, long offset, long length, long token) {
        // The mode travels in "len", the length in "addr" (io_fallocate_prep).
        entry(OP_FALLOCATE, file, offset, length, mode, 0, token);
    }

    /** Completes once, when the descriptor can be read. */
    public void pollReadable(int file, long token) {
        entry(OP_POLL_ADD, file, 0, 0, 0, POLLIN, token);
    }

    /** Asks to end an entry early; that one then completes with ECANCELED, if it still runs. */
    public void cancel(long target, long token) {
        entry(OP_ASYNC_CANCEL, -1, 0, target, 0, 0, token);
    }

    private void entry(
            int operation,
            int file,
            long offset,
            long address,
            int length,
            int operationFlags,
            long token) {
        while (tail - Memory.readIntAcquire(submissionHead) > submissionMask) {
            submit();
        }
        long at = Memory.base(entries.address() + (long) (tail & submissionMask) * SQE_BYTES);
        Memory.writeLong(at, operation);
        Memory.writeInt(at + SQE_FD, file);
        Memory.writeLong(at + SQE_OFFSET, offset);
        Memory.writeLong(at + SQE_ADDRESS, address);
        Memory.writeInt(at + SQE_LENGTH, length);
        Memory.writeInt(at + SQE_OP_FLAGS, operationFlags);
        Memory.writeLong(at + SQE_TOKEN, token);
        Memory.writeLong(at + SQE_BUFFER, 0);
        Memory.writeLong(at + SQE_BUFFER + 8, 0);
        Memory.writeLong(at + SQE_BUFFER + 16, 0);
        tail++;
        queued++;
    }

    /** Entries queued and not given to the kernel yet. */
    public int queued() {
        return queued;
    }

    /**
     * Whether the kernel has completions that only appear after {@link #submit} or {@link #await}
     * (DEFER_TASKRUN): who polls without waiting asks this.
     */
    public boolean workPending() {
        return (Memory.readIntAcquire(submissionFlags) & SQ_TASKRUN) != 0;
    }

    /** Gives what is queued to the kernel and collects what is complete, without waiting. */
    public void submit() {
        enter(0, 0, 0, 0);
    }

    /**
     * As {@link #submit}, and waits for a completion.
     *
     * @param timeoutNanos negative = without limit
     */
    public void await(long timeoutNanos) {
        if (hasCompletion()) {
            submit();
        } else if (timeoutNanos < 0) {
            enter(1, 0, 0, 0);
        } else {
            waitArgument.set(ValueLayout.JAVA_LONG, 24, timeoutNanos / 1_000_000_000);
            waitArgument.set(ValueLayout.JAVA_LONG, 32, timeoutNanos % 1_000_000_000);
            enter(1, ENTER_EXT_ARG, waitArgument.address(), 24);
        }
    }

    private void enter(int complete, int flags, long argument, long size) {
        Memory.writeIntRelease(submissionTail, tail);
        while (true) {
            long n =
                    Libc.ioUringEnter(
                            SYS_ENTER,
                            fd,
                            queued,
                            complete,
                            ENTER_GETEVENTS | flags,
                            argument,
                            size);
            if (n >= 0) {
                queued -= (int) n;
                if (queued == 0 || complete > 0) {
                    return;
                }
            } else {
                int errno = Libc.errno();
                queued = tail - Memory.readIntAcquire(submissionHead);
                if (errno == Errno.ETIME || errno == Errno.EINTR && complete > 0) {
                    return;
                }
                // EBUSY, EAGAIN: the kernel is short of memory or completions must be taken first.
                if (errno == Errno.EBUSY || errno == Errno.EAGAIN) {
                    return;
                }
                if (errno != Errno.EINTR) {
                    throw new SysException("io_uring_enter", errno);
                }
            }
        }
    }

    /** Whether {@link #token()} and {@link #result()} are those of a completion. */
    public boolean hasCompletion() {
        return head != Memory.readIntAcquire(completionTail);
    }

    public long token() {
        return Memory.readLong(completion());
    }

    /** What the system call would have returned, or a negative errno. */
    public int result() {
        return Memory.readInt(completion() + 8);
    }

    /** Goes on to the next completion. */
    public void advance() {
        head++;
        Memory.writeIntRelease(completionHead, head);
    }

    private long completion() {
        return Memory.base(completions + (long) (head & completionMask) * CQE_BYTES);
    }

    /** Closes the ring; the kernel cancels or finishes what runs. */
    @Override
    public void close() {
        entries.close();
        rings.close();
        Linux.close(fd);
        arena.close();
    }
}
