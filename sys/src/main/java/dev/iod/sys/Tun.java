package dev.iod.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A TUN interface: what the kernel routes to it is read here as bare IP packets, and what is
 * written here arrives at the kernel (Documentation/networking/tuntap.rst). A TAP interface does
 * the same with Ethernet frames. Non-blocking.
 */
public final class Tun implements AutoCloseable {
    private static final Path CLONE_DEVICE = Path.of("/dev/net/tun");
    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETPERSIST = 0x400454cbL;
    private static final int IFF_TUN = 1;
    private static final int IFF_TAP = 2;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFREQ_BYTES = 40;
    private static final int MAX_NAME_BYTES = 15;

    private final int fd;
    private final String name;

    private Tun(int fd, String name) {
        this.fd = fd;
        this.name = name;
    }

    /**
     * Makes an interface that stays when nobody has it open; one that exists is left as it is.
     *
     * @param namespace file name below /run/netns
     * @param name 1 to 15 bytes
     */
    public static void createPersistent(String namespace, String name) {
        try (Tun tun = NetNamespace.call(namespace, () -> open(name, IFF_TUN))) {
            Linux.check(
                    Libc.ioctl(tun.fd, TUNSETPERSIST, MemorySegment.ofAddress(1)),
                    "make TUN interface " + name + " persistent");
        }
    }

    /** Removes a persistent interface. */
    public static void delete(String namespace, String name) {
        try (Tun tun = attach(namespace, name)) {
            Linux.check(
                    Libc.ioctl(tun.fd, TUNSETPERSIST, MemorySegment.NULL),
                    "delete TUN interface " + name);
        }
    }

    /** Opens an interface that exists. ENODEV: there is none; EBUSY: somebody has it open. */
    public static Tun attach(String namespace, String name) {
        return NetNamespace.call(
                namespace,
                () -> {
                    // TUNSETIFF would make a temporary interface, with no address and no route.
                    try (RtNetlink netlink = RtNetlink.open()) {
                        if (netlink.link(name).isEmpty()) {
                            throw new SysException(
                                    "attach TUN interface " + name + " in " + namespace,
                                    Errno.ENODEV);
                        }
                    }
                    return open(name, IFF_TUN);
                });
    }

    /** Makes a TAP interface that lives as long as it is open here. */
    public static Tun ethernet(String namespace, String name) {
        return NetNamespace.call(namespace, () -> open(name, IFF_TAP));
    }

    private static Tun open(String name, int kind) {
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        if (bytes.length == 0 || bytes.length > MAX_NAME_BYTES) {
            throw new IllegalArgumentException("an interface name has 1 to 15 bytes: " + name);
        }
        int fd = Linux.open(CLONE_DEVICE, Linux.O_RDWR | Linux.O_NONBLOCK);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ_BYTES, 8);
            MemorySegment.copy(bytes, 0, request, ValueLayout.JAVA_BYTE, 0, bytes.length);
            request.set(ValueLayout.JAVA_SHORT, 16, (short) (kind | IFF_NO_PI));
            Linux.check(Libc.ioctl(fd, TUNSETIFF, request), "attach interface " + name);
            return new Tun(fd, name);
        } catch (SysException e) {
            Linux.close(fd);
            throw e;
        }
    }

    public int fd() {
        return fd;
    }

    /**
     * Reads one packet.
     *
     * @return its length, or -1 when there is none; 0 is never a packet
     */
    public int read(long address, int capacity) {
        return Linux.read(fd, address, capacity);
    }

    /** Writes one packet. @return false when the kernel has no room or the interface is down */
    public boolean write(long address, int length) {
        try {
            return Linux.write(fd, address, length) == length;
        } catch (SysException e) {
            // EIO: the interface is down; EINVAL: the kernel refuses the packet. Both are a drop.
            if (e.errno() == Errno.EIO || e.errno() == Errno.EINVAL) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public String toString() {
        return "tun " + name;
    }

    @Override
    public void close() {
        Linux.close(fd);
    }
}
