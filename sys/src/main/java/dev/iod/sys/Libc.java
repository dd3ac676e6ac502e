package dev.iod.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;

/**
 * The C-library functions this module calls, one method each, raw: the result is the C result and
 * {@link #errno()} the calling thread's error number after it.
 *
 * <p>SAFETY (all methods): the methods below repeat the prototypes of glibc on LP64 Linux ({@code
 * int} = 32 bits, {@code long}, {@code size_t}, {@code ssize_t}, {@code off_t} and pointers = 64
 * bits). None of the functions calls back or keeps a pointer after it returns, except {@code mmap},
 * whose address is handled by {@link Linux}. No call is {@code critical}: each may block or take a
 * lock in the kernel, and a critical call would hold off safepoints.
 */
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    private static final VarHandle ERRNO_VALUE =
            STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    /** Where errno of the last call lands; lives as long as its thread can be referenced. */
    private static final ThreadLocal<MemorySegment> CALL_STATE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

    /**
     * One shape for all functions, because linking a shape takes 10 to 20 ms of a process' start.
     *
     * <p>SAFETY: on the LP64 calling conventions of Linux (x86-64 System V, AArch64, LoongArch64,
     * RISC-V) integers and pointers travel in the same registers, six at least, the callee looks at
     * no more of a register than its type has and at no register that its prototype lacks, and
     * variable arguments travel as others do. The result's unused upper half is cut off.
     */
    private static final MethodHandle CALL =
            LINKER.downcallHandle(
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                            JAVA_LONG),
                    ERRNO);

    private static final MemorySegment CLOSE = symbol("close");
    private static final MemorySegment READ = symbol("read");
    private static final MemorySegment WRITE = symbol("write");
    private static final MemorySegment EVENTFD = symbol("eventfd");
    private static final MemorySegment EPOLL_CREATE1 = symbol("epoll_create1");
    private static final MemorySegment EPOLL_CTL = symbol("epoll_ctl");
    private static final MemorySegment EPOLL_WAIT = symbol("epoll_wait");
    private static final MemorySegment POLL = symbol("poll");
    private static final MemorySegment MMAP = symbol("mmap");
    private static final MemorySegment MUNMAP = symbol("munmap");
    private static final MemorySegment MEMFD_CREATE = symbol("memfd_create");
    private static final MemorySegment FTRUNCATE = symbol("ftruncate");
    private static final MemorySegment FSTATFS = symbol("fstatfs");
    private static final MemorySegment LSEEK = symbol("lseek");
    private static final MemorySegment OPEN = symbol("open");
    private static final MemorySegment FCNTL = symbol("fcntl");
    private static final MemorySegment IOCTL = symbol("ioctl");
    private static final MemorySegment UNLINK = symbol("unlink");
    private static final MemorySegment SETNS = symbol("setns");
    private static final MemorySegment SCHED_SETAFFINITY = symbol("sched_setaffinity");
    private static final MemorySegment CLOCK_GETTIME = symbol("clock_gettime");
    private static final MemorySegment KILL = symbol("kill");
    private static final MemorySegment SOCKET = symbol("socket");
    private static final MemorySegment BIND = symbol("bind");
    private static final MemorySegment CONNECT = symbol("connect");
    private static final MemorySegment LISTEN = symbol("listen");
    private static final MemorySegment ACCEPT4 = symbol("accept4");
    private static final MemorySegment SHUTDOWN = symbol("shutdown");
    private static final MemorySegment SENDMSG = symbol("sendmsg");
    private static final MemorySegment RECVMSG = symbol("recvmsg");
    private static final MemorySegment SENDTO = symbol("sendto");
    private static final MemorySegment SETSOCKOPT = symbol("setsockopt");
    private static final MemorySegment GETSOCKOPT = symbol("getsockopt");
    private static final MemorySegment SYSCALL = symbol("syscall");
    private static final MemorySegment FALLOCATE = symbol("fallocate");
    private static final MemorySegment FSYNC = symbol("fsync");
    private static final MemorySegment STATX = symbol("statx");

    /** abs(3); linked when first used. */
    private static final class Abs {
        static final MethodHandle CALL =
                LINKER.downcallHandle(symbol("abs"), FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    }

    /** syscall(2) with six arguments beside the number; linked when first used. */
    private static final class Syscall6 {
        static final MethodHandle CALL =
                LINKER.downcallHandle(
                        SYSCALL,
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                                JAVA_LONG, JAVA_LONG),
                        ERRNO,
                        Linker.Option.firstVariadicArg(1));
    }

    private Libc() {}

    private static MemorySegment symbol(String name) {
        return LINKER.defaultLookup()
                .find(name)
                .orElseThrow(
                        () ->
                                new UnsatisfiedLinkError(
                                        "the C library has no "
                                                + name
                                                + "; IoD needs glibc 2.27 or newer"));
    }

    private static long call(
            MemorySegment function, long a, long b, long c, long d, long e, long f) {
        try {
            // SAFETY: see the class comment and CALL.
            return (long) CALL.invokeExact(function, state(), a, b, c, d, e, f);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    /** Where a segment is; its caller keeps it reachable until the call is over. */
    private static long at(MemorySegment segment) {
        if (!segment.isNative() || !segment.scope().isAlive()) {
            throw new IllegalArgumentException("no native memory in use: " + segment);
        }
        return segment.address();
    }

    /** Error number of this thread's last call in this class; meaningful after a failure only. */
    static int errno() {
        return (int) ERRNO_VALUE.get(CALL_STATE.get(), 0L);
    }

    private static MemorySegment state() {
        return CALL_STATE.get();
    }

    /** A downcall throws nothing of its own: only a defect of this class or a dying JVM does. */
    private static Error broken(Throwable t) {
        return t instanceof Error e ? e : new AssertionError("foreign call", t);
    }

    static int close(int fd) {
        // SAFETY: a plain number; callers own the descriptor.
        return (int) call(CLOSE, fd, 0, 0, 0, 0, 0);
    }

    static long read(int fd, long address, long length) {
        // SAFETY: the kernel writes at most length bytes at address, which the caller owns.
        return call(READ, fd, address, length, 0, 0, 0);
    }

    static long write(int fd, long address, long length) {
        // SAFETY: the kernel reads at most length bytes at address, which the caller owns.
        return call(WRITE, fd, address, length, 0, 0, 0);
    }

    static int eventfd(int initial, int flags) {
        // SAFETY: plain numbers.
        return (int) call(EVENTFD, initial, flags, 0, 0, 0, 0);
    }

    static int epollCreate1(int flags) {
        // SAFETY: plain numbers.
        return (int) call(EPOLL_CREATE1, flags, 0, 0, 0, 0, 0);
    }

    static int epollCtl(int epfd, int operation, int fd, MemorySegment event) {
        try {
            // SAFETY: event is one struct epoll_event, or NULL for removal.
            return (int) call(EPOLL_CTL, epfd, operation, fd, at(event), 0, 0);
        } finally {
            Reference.reachabilityFence(event);
        }
    }

    static int epollWait(int epfd, MemorySegment events, int count, int timeoutMillis) {
        try {
            // SAFETY: events has room for count structures (Epoll).
            return (int) call(EPOLL_WAIT, epfd, at(events), count, timeoutMillis, 0, 0);
        } finally {
            Reference.reachabilityFence(events);
        }
    }

    static int poll(MemorySegment fds, long count, int timeoutMillis) {
        try {
            // SAFETY: fds holds count struct pollfd.
            return (int) call(POLL, at(fds), count, timeoutMillis, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(fds);
        }
    }

    static long mmap(long address, long length, int protection, int flags, int fd, long offset) {
        // SAFETY: Linux.mmap never asks for a fixed address, so no mapping is replaced.
        return call(MMAP, address, length, protection, flags, fd, offset);
    }

    static int munmap(long address, long length) {
        // SAFETY: callers unmap what they mapped, after its last use (see Linux.munmap).
        return (int) call(MUNMAP, address, length, 0, 0, 0, 0);
    }

    static int memfdCreate(MemorySegment name, int flags) {
        try {
            // SAFETY: name is NUL-terminated.
            return (int) call(MEMFD_CREATE, at(name), flags, 0, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(name);
        }
    }

    static int ftruncate(int fd, long length) {
        // SAFETY: plain numbers.
        return (int) call(FTRUNCATE, fd, length, 0, 0, 0, 0);
    }

    static long lseek(int fd, long offset, int whence) {
        // SAFETY: plain numbers.
        return call(LSEEK, fd, offset, whence, 0, 0, 0);
    }

    static int fstatfs(int fd, MemorySegment result) {
        try {
            // SAFETY: result is a struct statfs (Linux.isHugePages).
            return (int) call(FSTATFS, fd, at(result), 0, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(result);
        }
    }

    static int open(MemorySegment path, int flags, int mode) {
        try {
            // SAFETY: path is NUL-terminated.
            return (int) call(OPEN, at(path), flags, mode, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(path);
        }
    }

    static int fcntl(int fd, int command, int argument) {
        // SAFETY: only commands with an int argument are used.
        return (int) call(FCNTL, fd, command, argument, 0, 0, 0);
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        try {
            // SAFETY: callers pass the structure the request wants.
            return (int) call(IOCTL, fd, request, at(argument), 0, 0, 0);
        } finally {
            Reference.reachabilityFence(argument);
        }
    }

    static int unlink(MemorySegment path) {
        try {
            // SAFETY: path is NUL-terminated.
            return (int) call(UNLINK, at(path), 0, 0, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(path);
        }
    }

    static int setns(int fd, int type) {
        // SAFETY: plain numbers; changes the calling platform thread only.
        return (int) call(SETNS, fd, type, 0, 0, 0, 0);
    }

    static int kill(int pid, int signal) {
        return (int) call(KILL, pid, signal, 0, 0, 0, 0);
    }

    static int schedSetaffinity(int pid, long size, MemorySegment mask) {
        try {
            // SAFETY: mask has size bytes.
            return (int) call(SCHED_SETAFFINITY, pid, size, at(mask), 0, 0, 0);
        } finally {
            Reference.reachabilityFence(mask);
        }
    }

    static int clockGettime(int clock, MemorySegment timespec) {
        try {
            // SAFETY: timespec has 16 bytes.
            return (int) call(CLOCK_GETTIME, clock, at(timespec), 0, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(timespec);
        }
    }

    static int socket(int domain, int type, int protocol) {
        // SAFETY: plain numbers.
        return (int) call(SOCKET, domain, type, protocol, 0, 0, 0);
    }

    static int bind(int fd, MemorySegment address, int length) {
        try {
            // SAFETY: address has length bytes.
            return (int) call(BIND, fd, at(address), length, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(address);
        }
    }

    static int connect(int fd, MemorySegment address, int length) {
        try {
            // SAFETY: address has length bytes.
            return (int) call(CONNECT, fd, at(address), length, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(address);
        }
    }

    static int listen(int fd, int backlog) {
        // SAFETY: plain numbers.
        return (int) call(LISTEN, fd, backlog, 0, 0, 0, 0);
    }

    static int accept4(int fd, MemorySegment address, MemorySegment length, int flags) {
        try {
            // SAFETY: both pointers are NULL: the peer's address is not asked for.
            return (int) call(ACCEPT4, fd, at(address), at(length), flags, 0, 0);
        } finally {
            Reference.reachabilityFence(address);
            Reference.reachabilityFence(length);
        }
    }

    static int shutdown(int fd, int how) {
        // SAFETY: plain numbers.
        return (int) call(SHUTDOWN, fd, how, 0, 0, 0, 0);
    }

    static long sendmsg(int fd, MemorySegment message, int flags) {
        try {
            // SAFETY: message is a struct msghdr whose pointers are live (UnixSocket, RtNetlink).
            return call(SENDMSG, fd, at(message), flags, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(message);
        }
    }

    static long recvmsg(int fd, MemorySegment message, int flags) {
        try {
            // SAFETY: as sendmsg; lengths in the header bound what the kernel writes.
            return call(RECVMSG, fd, at(message), flags, 0, 0, 0);
        } finally {
            Reference.reachabilityFence(message);
        }
    }

    static long sendto(
            int fd, long address, long length, int flags, MemorySegment to, int toLength) {
        try {
            // SAFETY: address has length bytes; to has toLength bytes.
            return call(SENDTO, fd, address, length, flags, at(to), toLength);
        } finally {
            Reference.reachabilityFence(to);
        }
    }

    static int setsockopt(int fd, int level, int name, MemorySegment value, int length) {
        try {
            // SAFETY: value has length bytes.
            return (int) call(SETSOCKOPT, fd, level, name, at(value), length, 0);
        } finally {
            Reference.reachabilityFence(value);
        }
    }

    static int getsockopt(int fd, int level, int name, MemorySegment value, MemorySegment length) {
        try {
            // SAFETY: length holds the size of value.
            return (int) call(GETSOCKOPT, fd, level, name, at(value), at(length), 0);
        } finally {
            Reference.reachabilityFence(value);
            Reference.reachabilityFence(length);
        }
    }

    static int fallocate(int fd, int mode, long offset, long length) {
        // SAFETY: plain numbers.
        return (int) call(FALLOCATE, fd, mode, offset, length, 0, 0);
    }

    static int fsync(int fd) {
        // SAFETY: a plain number.
        return (int) call(FSYNC, fd, 0, 0, 0, 0, 0);
    }

    static int statx(int fd, MemorySegment path, int flags, int mask, MemorySegment result) {
        try {
            // SAFETY: path is NUL-terminated; result has the 256 bytes of a struct statx.
            return (int) call(STATX, fd, at(path), flags, mask, at(result), 0);
        } finally {
            Reference.reachabilityFence(path);
            Reference.reachabilityFence(result);
        }
    }

    /** io_uring_enter(2), which has no wrapper in glibc. */
    static long ioUringEnter(
            long number, int fd, int submit, int complete, int flags, long argument, long size) {
        try {
            // SAFETY: argument has size bytes; what the queue entries point at is their owner's.
            return (long)
                    Syscall6.CALL.invokeExact(
                            state(),
                            number,
                            (long) fd,
                            (long) submit,
                            (long) complete,
                            (long) flags,
                            argument,
                            size);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    /** Four arguments: io_uring_register(2). */
    static long syscall(long number, long a, long b, long c, long d) {
        // SAFETY: as the structure at c wants; see IoUring.
        return call(SYSCALL, number, a, b, c, d, 0);
    }

    static long syscall(long number, long a, long b, long c) {
        // SAFETY: bpf(2), io_uring_setup(2) and sched_setattr(2), which have no wrapper in glibc,
        // see Bpf, IoUring, Linux; and numbers alone.
        return call(SYSCALL, number, a, b, c, 0, 0);
    }

    /**
     * A foreign call that does nothing; pending memory faults of this thread are raised after it.
     */
    static int settle() {
        try {
            // SAFETY: abs(3) has no effect.
            return (int) Abs.CALL.invokeExact(0);
        } catch (Throwable t) {
            throw broken(t);
        }
    }
}
