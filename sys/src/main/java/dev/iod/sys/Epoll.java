package dev.iod.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A set of descriptors to wait on (epoll(7)). One thread waits; others may add and remove. The set
 * is itself a descriptor that is readable while something in it is ready, so sets nest.
 */
public final class Epoll implements AutoCloseable {
    public static final int READABLE = 1;
    public static final int WRITABLE = 4;

    /** Edge-triggered: reported once per change, so that the descriptor need not be read. */
    public static final int EDGE = 1 << 31;

    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int ADD = 1;
    private static final int REMOVE = 2;
    private static final int CAPACITY = 64;

    /** struct epoll_event is packed on x86-64 alone (epoll_ctl(2), sys/epoll.h). */
    private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");

    private static final long EVENT_BYTES = PACKED ? 12 : 16;
    private static final long DATA_OFFSET = PACKED ? 4 : 8;

    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment events = arena.allocate(EVENT_BYTES * CAPACITY, 8);

    private Epoll(int fd) {
        this.fd = fd;
    }

    public static Epoll create() {
        return new Epoll(Linux.check(Libc.epollCreate1(EPOLL_CLOEXEC), "epoll_create1"));
    }

    public int fd() {
        return fd;
    }

    /**
     * Adds a descriptor.
     *
     * @param events READABLE, WRITABLE, EDGE in any combination
     */
    public void add(int target, int events) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment event = call.allocate(EVENT_BYTES, 8);
            event.set(ValueLayout.JAVA_INT, 0, events);
            event.set(ValueLayout.JAVA_INT_UNALIGNED, DATA_OFFSET, target);
            Linux.check(Libc.epollCtl(fd, ADD, target, event), "epoll add " + target);
        }
    }

    /** Removes a descriptor, before it is closed. */
    public void remove(int target) {
        Linux.check(
                Libc.epollCtl(fd, REMOVE, target, MemorySegment.NULL), "epoll remove " + target);
    }

    /**
     * Waits until something is ready; allocates nothing.
     *
     * @param timeoutMillis 0 = do not wait, -1 = without limit
     * @return number of ready descriptors (up to 64), 0 when the time is up or a signal came
     */
    public int await(int timeoutMillis) {
        int ready = Libc.epollWait(fd, events, CAPACITY, timeoutMillis);
        return ready < 0 && Libc.errno() == Errno.EINTR ? 0 : Linux.check(ready, "epoll_wait");
    }

    /** The descriptor of ready entry {@code index} of the last {@link #await}. */
    public int readyDescriptor(int index) {
        return events.get(ValueLayout.JAVA_INT_UNALIGNED, EVENT_BYTES * index + DATA_OFFSET);
    }

    @Override
    public void close() {
        Linux.close(fd);
        arena.close();
    }
}
