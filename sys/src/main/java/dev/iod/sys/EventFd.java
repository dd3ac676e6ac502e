package dev.iod.sys;

/**
 * A counter in the kernel that one side adds to and the other waits for (eventfd(2)), non-blocking.
 * {@link #signal()} may be called from any thread while the owner has not closed it.
 */
public final class EventFd implements AutoCloseable {
    private static final int EFD_NONBLOCK = 0x800;
    private static final int EFD_CLOEXEC = 0x80000;

    /** The number 1, eight bytes, never changed: what is written to wake a peer. */
    private static final long ONE = constantOne();

    private final int fd;
    private final Mapping scratch = Mapping.anonymous(Linux.PAGE_BYTES);

    private EventFd(int fd) {
        this.fd = fd;
    }

    public static EventFd create() {
        return new EventFd(Linux.check(Libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
    }

    private static long constantOne() {
        long address = Mapping.anonymous(Linux.PAGE_BYTES).address();
        Memory.writeLong(address, 1);
        return address;
    }

    public int fd() {
        return fd;
    }

    /** Adds one; a full counter is as good as a signal and no error. */
    public void signal() {
        signal(fd);
    }

    /** As {@link #signal()}, for an eventfd received from a peer. */
    public static void signal(int fd) {
        Linux.write(fd, ONE, Long.BYTES);
    }

    /** Sets the counter back to zero. @return what it was */
    public long drain() {
        int n = Linux.read(fd, scratch.address(), Long.BYTES);
        return n == Long.BYTES ? Memory.readLong(scratch.address()) : 0;
    }

    @Override
    public void close() {
        Linux.close(fd);
        scratch.close();
    }
}
