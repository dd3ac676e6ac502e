package dev.iod.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
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

/**
 * The C-library functions this module calls, one method each, raw: the result is the C result and
 * {@link #errno()} the calling thread's error number after it.
 *
 * <p>SAFETY (all methods): the descriptors below repeat the prototypes of glibc on LP64 Linux
 * ({@code int} = 32 bits, {@code long}, {@code size_t}, {@code ssize_t}, {@code off_t} and pointers
 * = 64 bits). None of the functions calls back or keeps a pointer after it returns, except {@code
 * mmap}, whose address is handled by {@link Linux}. No call is {@code critical}: each may block or
 * take a lock in the kernel, and a critical call would hold off safepoints.
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

    private static final MethodHandle CLOSE = handle("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle READ =
            handle("read", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle WRITE =
            handle("write", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle EVENTFD = handle("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle EPOLL_CREATE1 = handle("epoll_create1", JAVA_INT, JAVA_INT);
    private static final MethodHandle EPOLL_CTL =
            handle("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle EPOLL_WAIT =
            handle("epoll_wait", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle POLL = handle("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle MMAP =
            handle(
                    "mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                    JAVA_LONG);
    private static final MethodHandle MUNMAP = handle("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MEMFD_CREATE =
            handle("memfd_create", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle FTRUNCATE =
            handle("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle LSEEK =
            handle("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle OPEN =
            variadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle FCNTL =
            variadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle IOCTL =
            variadic("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle UNLINK = handle("unlink", JAVA_INT, ADDRESS);
    private static final MethodHandle SETNS = handle("setns", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SCHED_SETAFFINITY =
            handle("sched_setaffinity", JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle SOCKET =
            handle("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND = handle("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle CONNECT =
            handle("connect", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle LISTEN = handle("listen", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle ACCEPT4 =
            handle("accept4", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    private static final MethodHandle SHUTDOWN = handle("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SENDMSG =
            handle("sendmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECVMSG =
            handle("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SENDTO =
            handle(
                    "sendto", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS,
                    JAVA_INT);
    private static final MethodHandle SETSOCKOPT =
            handle("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle GETSOCKOPT =
            handle("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle SYSCALL =
            variadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private static final MethodHandle SYSCALL4 =
            variadic(
                    "syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle ENTER =
            variadic(
                    "syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                    JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FALLOCATE =
            handle("fallocate", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FSYNC = handle("fsync", JAVA_INT, JAVA_INT);
    private static final MethodHandle STATX =
            handle("statx", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);

    private static final MethodHandle ABS = link("abs", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

    private Libc() {}

    private static MethodHandle handle(String name, MemoryLayout result, MemoryLayout... args) {
        return link(name, FunctionDescriptor.of(result, args), ERRNO);
    }

    /** {@code fixed} = number of arguments before the "..." of the C prototype. */
    private static MethodHandle variadic(
            String name, int fixed, MemoryLayout result, MemoryLayout... args) {
        return link(
                name,
                FunctionDescriptor.of(result, args),
                ERRNO,
                Linker.Option.firstVariadicArg(fixed));
    }

    private static MethodHandle link(
            String name, FunctionDescriptor descriptor, Linker.Option... options) {
        MemorySegment symbol =
                LINKER.defaultLookup()
                        .find(name)
                        .orElseThrow(
                                () ->
                                        new UnsatisfiedLinkError(
                                                "the C library has no "
                                                        + name
                                                        + "; IoD needs glibc 2.27 or newer"));
        // SAFETY: see the class comment; the descriptor repeats the function's prototype.
        return LINKER.downcallHandle(symbol, descriptor, options);
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
        try {
            // SAFETY: a plain number; callers own the descriptor.
            return (int) CLOSE.invokeExact(state(), fd);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static long read(int fd, long address, long length) {
        try {
            // SAFETY: the kernel writes at most length bytes at address, which the caller owns.
            return (long) READ.invokeExact(state(), fd, address, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static long write(int fd, long address, long length) {
        try {
            // SAFETY: the kernel reads at most length bytes at address, which the caller owns.
            return (long) WRITE.invokeExact(state(), fd, address, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int eventfd(int initial, int flags) {
        try {
            // SAFETY: plain numbers.
            return (int) EVENTFD.invokeExact(state(), initial, flags);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int epollCreate1(int flags) {
        try {
            // SAFETY: plain numbers.
            return (int) EPOLL_CREATE1.invokeExact(state(), flags);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int epollCtl(int epfd, int operation, int fd, MemorySegment event) {
        try {
            // SAFETY: event is one struct epoll_event, or NULL for removal.
            return (int) EPOLL_CTL.invokeExact(state(), epfd, operation, fd, event);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int epollWait(int epfd, MemorySegment events, int count, int timeoutMillis) {
        try {
            // SAFETY: events has room for count structures (Epoll).
            return (int) EPOLL_WAIT.invokeExact(state(), epfd, events, count, timeoutMillis);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int poll(MemorySegment fds, long count, int timeoutMillis) {
        try {
            // SAFETY: fds holds count struct pollfd.
            return (int) POLL.invokeExact(state(), fds, count, timeoutMillis);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static long mmap(long address, long length, int protection, int flags, int fd, long offset) {
        try {
            // SAFETY: Linux.mmap never asks for a fixed address, so no mapping is replaced.
            return (long) MMAP.invokeExact(state(), address, length, protection, flags, fd, offset);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int munmap(long address, long length) {
        try {
            // SAFETY: callers unmap what they mapped, after its last use (see Linux.munmap).
            return (int) MUNMAP.invokeExact(state(), address, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int memfdCreate(MemorySegment name, int flags) {
        try {
            // SAFETY: name is NUL-terminated.
            return (int) MEMFD_CREATE.invokeExact(state(), name, flags);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int ftruncate(int fd, long length) {
        try {
            // SAFETY: plain numbers.
            return (int) FTRUNCATE.invokeExact(state(), fd, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static long lseek(int fd, long offset, int whence) {
        try {
            // SAFETY: plain numbers.
            return (long) LSEEK.invokeExact(state(), fd, offset, whence);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int open(MemorySegment path, int flags, int mode) {
        try {
            // SAFETY: path is NUL-terminated.
            return (int) OPEN.invokeExact(state(), path, flags, mode);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int fcntl(int fd, int command, int argument) {
        try {
            // SAFETY: only commands with an int argument are used.
            return (int) FCNTL.invokeExact(state(), fd, command, argument);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        try {
            // SAFETY: callers pass the structure the request wants.
            return (int) IOCTL.invokeExact(state(), fd, request, argument);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int unlink(MemorySegment path) {
        try {
            // SAFETY: path is NUL-terminated.
            return (int) UNLINK.invokeExact(state(), path);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int setns(int fd, int type) {
        try {
            // SAFETY: plain numbers; changes the calling platform thread only.
            return (int) SETNS.invokeExact(state(), fd, type);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int schedSetaffinity(int pid, long size, MemorySegment mask) {
        try {
            // SAFETY: mask has size bytes.
            return (int) SCHED_SETAFFINITY.invokeExact(state(), pid, size, mask);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int socket(int domain, int type, int protocol) {
        try {
            // SAFETY: plain numbers.
            return (int) SOCKET.invokeExact(state(), domain, type, protocol);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int bind(int fd, MemorySegment address, int length) {
        try {
            // SAFETY: address has length bytes.
            return (int) BIND.invokeExact(state(), fd, address, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int connect(int fd, MemorySegment address, int length) {
        try {
            // SAFETY: address has length bytes.
            return (int) CONNECT.invokeExact(state(), fd, address, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int listen(int fd, int backlog) {
        try {
            // SAFETY: plain numbers.
            return (int) LISTEN.invokeExact(state(), fd, backlog);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int accept4(int fd, MemorySegment address, MemorySegment length, int flags) {
        try {
            // SAFETY: both pointers are NULL: the peer's address is not asked for.
            return (int) ACCEPT4.invokeExact(state(), fd, address, length, flags);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int shutdown(int fd, int how) {
        try {
            // SAFETY: plain numbers.
            return (int) SHUTDOWN.invokeExact(state(), fd, how);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static long sendmsg(int fd, MemorySegment message, int flags) {
        try {
            // SAFETY: message is a struct msghdr whose pointers are live (UnixSocket, RtNetlink).
            return (long) SENDMSG.invokeExact(state(), fd, message, flags);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static long recvmsg(int fd, MemorySegment message, int flags) {
        try {
            // SAFETY: as sendmsg; lengths in the header bound what the kernel writes.
            return (long) RECVMSG.invokeExact(state(), fd, message, flags);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static long sendto(
            int fd, long address, long length, int flags, MemorySegment to, int toLength) {
        try {
            // SAFETY: address has length bytes; to has toLength bytes.
            return (long) SENDTO.invokeExact(state(), fd, address, length, flags, to, toLength);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int setsockopt(int fd, int level, int name, MemorySegment value, int length) {
        try {
            // SAFETY: value has length bytes.
            return (int) SETSOCKOPT.invokeExact(state(), fd, level, name, value, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int getsockopt(int fd, int level, int name, MemorySegment value, MemorySegment length) {
        try {
            // SAFETY: length holds the size of value.
            return (int) GETSOCKOPT.invokeExact(state(), fd, level, name, value, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int fallocate(int fd, int mode, long offset, long length) {
        try {
            // SAFETY: plain numbers.
            return (int) FALLOCATE.invokeExact(state(), fd, mode, offset, length);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int fsync(int fd) {
        try {
            // SAFETY: a plain number.
            return (int) FSYNC.invokeExact(state(), fd);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static int statx(int fd, MemorySegment path, int flags, int mask, MemorySegment result) {
        try {
            // SAFETY: path is NUL-terminated; result has the 256 bytes of a struct statx.
            return (int) STATX.invokeExact(state(), fd, path, flags, mask, result);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    /** io_uring_enter(2), which has no wrapper in glibc. */
    static long ioUringEnter(
            long number, int fd, int submit, int complete, int flags, long argument, long size) {
        try {
            // SAFETY: argument has size bytes; what the queue entries point at is their owner's.
            return (long)
                    ENTER.invokeExact(state(), number, fd, submit, complete, flags, argument, size);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    /** Four arguments: io_uring_register(2). */
    static long syscall(long number, long a, long b, long c, long d) {
        try {
            // SAFETY: as the structure at c wants; see IoUring.
            return (long) SYSCALL4.invokeExact(state(), number, a, b, c, d);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    static long syscall(long number, long a, long b, long c) {
        try {
            // SAFETY: bpf(2) and io_uring_setup(2), which have no wrapper in glibc; see Bpf,
            // IoUring.
            return (long) SYSCALL.invokeExact(state(), number, a, b, c);
        } catch (Throwable t) {
            throw broken(t);
        }
    }

    /**
     * A foreign call that does nothing; pending memory faults of this thread are raised after it.
     */
    static int settle() {
        try {
            // SAFETY: abs(3) has no effect.
            return (int) ABS.invokeExact(0);
        } catch (Throwable t) {
            throw broken(t);
        }
    }
}
