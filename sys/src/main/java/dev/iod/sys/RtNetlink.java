package dev.iod.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Questions to the kernel's routing: links, routes, neighbours (rtnetlink(7)), in the network
 * namespace the object was made in. One thread; each question is one request and one answer.
 * Addresses are IPv4 in host order, MAC addresses the low 48 bits of a long.
 */
public final class RtNetlink implements AutoCloseable {
    private static final int AF_NETLINK = 16;
    private static final int AF_INET = 2;
    private static final int SOCK_RAW = 3;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOCK_NONBLOCK = 0x800;
    private static final int NLMSG_ERROR = 2;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int NLM_F_CREATE = 0x400;
    private static final int RTM_GETLINK = 18;
    private static final int RTM_GETROUTE = 26;
    private static final int RTM_NEWNEIGH = 28;
    private static final int RTM_GETNEIGH = 30;
    private static final int IFLA_ADDRESS = 1;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_MTU = 4;
    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_PREFSRC = 7;
    private static final int NDA_DST = 1;
    private static final int NDA_LLADDR = 2;
    private static final int NTF_USE = 1;

    /** REACHABLE, STALE, DELAY, PROBE, NOARP, PERMANENT: the address may be used. */
    private static final int NUD_VALID = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80;

    private static final int IFF_UP = 1;
    private static final int IFF_RUNNING = 0x40;
    private static final int HEADER = 16;
    private static final int BUFFER_BYTES = 32 * 1024;
    private static final int GROUPS_LINK_NEIGH_ADDRESS_ROUTE = 0x1 | 0x4 | 0x10 | 0x40;

    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_BYTES, 16);
    private int sequence;

    private RtNetlink(int fd) {
        this.fd = fd;
    }

    /** A network interface. */
    public record Link(int index, String name, long mac, int mtuBytes, boolean up) {}

    /**
     * How packets to a destination leave.
     *
     * @param source address the kernel would send from
     * @param gateway next hop, or the destination itself when it is on the link
     */
    public record Route(int interfaceIndex, int source, int gateway) {}

    public static RtNetlink open() {
        return new RtNetlink(socket(0, 0));
    }

    private static int socket(int groups, int flags) {
        int fd =
                Linux.check(
                        Libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, 0),
                        "open rtnetlink");
        try (Arena call = Arena.ofConfined()) {
            MemorySegment address = call.allocate(12, 4);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_NETLINK);
            address.set(ValueLayout.JAVA_INT, 8, groups);
            Linux.check(Libc.bind(fd, address, 12), "bind rtnetlink");
            return fd;
        } catch (SysException e) {
            Linux.close(fd);
            throw e;
        }
    }

    /** An interface by name; empty when there is none. */
    public Optional<Link> link(String name) {
        byte[] bytes = (name + "\0").getBytes(StandardCharsets.US_ASCII);
        ByteBuffer request = request(RTM_GETLINK, 0).put(new byte[16]);
        attribute(request, IFLA_IFNAME, bytes);
        return ask(request, "look up interface " + name, Errno.ENODEV).map(RtNetlink::parseLink);
    }

    private static Link parseLink(ByteBuffer answer) {
        int index = answer.getInt(HEADER + 4);
        int flags = answer.getInt(HEADER + 8);
        Attributes attributes = new Attributes(answer, HEADER + 16);
        return new Link(
                index,
                attributes.find(IFLA_IFNAME).map(RtNetlink::text).orElse(""),
                attributes.find(IFLA_ADDRESS).map(RtNetlink::mac).orElse(0L),
                attributes.find(IFLA_MTU).map(b -> b.getInt(0)).orElse(0),
                (flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING));
    }

    /** The kernel's route to an IPv4 address; empty when there is none. */
    public Optional<Route> route(int destination) {
        ByteBuffer request = request(RTM_GETROUTE, 0);
        request.put((byte) AF_INET).put((byte) 32).put(new byte[10]);
        attribute(request, RTA_DST, ip(destination));
        Optional<ByteBuffer> answer =
                ask(request, "look up a route", Errno.ENETUNREACH, Errno.EHOSTUNREACH);
        return answer.map(a -> new Attributes(a, HEADER + 12))
                .map(
                        found ->
                                new Route(
                                        found.find(RTA_OIF).map(b -> b.getInt(0)).orElse(0),
                                        found.find(RTA_PREFSRC).map(RtNetlink::ip).orElse(0),
                                        found.find(RTA_GATEWAY)
                                                .map(RtNetlink::ip)
                                                .orElse(destination)));
    }

    /** The MAC address of a neighbour the kernel knows and would use now. */
    public Optional<Long> neighbor(int interfaceIndex, int address) {
        ByteBuffer request = request(RTM_GETNEIGH, 0);
        request.put((byte) AF_INET).put(new byte[3]).putInt(interfaceIndex);
        request.putShort((short) 0).put((byte) 0).put((byte) 0);
        attribute(request, NDA_DST, ip(address));
        Optional<ByteBuffer> answer = ask(request, "look up a neighbour", Errno.ENOENT);
        return answer.filter(a -> (a.getShort(HEADER + 8) & NUD_VALID) != 0)
                .flatMap(a -> new Attributes(a, HEADER + 12).find(NDA_LLADDR))
                .map(RtNetlink::mac);
    }

    /**
     * Makes the kernel resolve a neighbour, or confirm one it knows, as if it had sent a packet.
     * The result is seen later with {@link #neighbor}; a {@link Monitor} tells when to look.
     */
    public void resolve(int interfaceIndex, int address) {
        ByteBuffer request = request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK);
        request.put((byte) AF_INET).put(new byte[3]).putInt(interfaceIndex);
        request.putShort((short) 0).put((byte) NTF_USE).put((byte) 0);
        attribute(request, NDA_DST, ip(address));
        ask(request, "resolve a neighbour");
    }

    private ByteBuffer request(int type, int flags) {
        ByteBuffer request = ByteBuffer.allocate(256).order(ByteOrder.nativeOrder());
        return request.putInt(0)
                .putShort((short) type)
                .putShort((short) (NLM_F_REQUEST | flags))
                .putInt(++sequence)
                .putInt(0);
    }

    private static void attribute(ByteBuffer request, int type, byte[] value) {
        request.putShort((short) (4 + value.length)).putShort((short) type).put(value);
        request.position((request.position() + 3) & ~3);
    }

    /**
     * One request and its answer.
     *
     * @param absent errnos that mean "there is none" and give an empty answer
     */
    private Optional<ByteBuffer> ask(ByteBuffer request, String operation, int... absent) {
        int length = request.position();
        request.putInt(0, length);
        MemorySegment.copy(request.array(), 0, buffer, ValueLayout.JAVA_BYTE, 0, length);
        Linux.check(Libc.sendto(fd, buffer.address(), length, 0, MemorySegment.NULL, 0), operation);
        while (true) {
            ByteBuffer answer = receive(operation);
            if (answer.getInt(8) != sequence) {
                continue; // An answer to a request that was given up.
            }
            if (answer.getShort(4) != NLMSG_ERROR) {
                return Optional.of(answer);
            }
            int errno = -answer.getInt(HEADER);
            if (errno == 0) {
                return Optional.empty();
            }
            for (int expected : absent) {
                if (errno == expected) {
                    return Optional.empty();
                }
            }
            throw new SysException(operation, errno);
        }
    }

    private ByteBuffer receive(String operation) {
        long n;
        do {
            n = Libc.read(fd, buffer.address(), BUFFER_BYTES);
        } while (n < 0 && Libc.errno() == Errno.EINTR);
        Linux.check(n, operation);
        if (n < HEADER) {
            throw new SysException(operation + ": the kernel's answer is short", 0);
        }
        byte[] bytes = new byte[(int) n];
        MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, 0, (int) n);
        ByteBuffer answer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        return answer.limit(Math.min((int) n, Math.max(HEADER, answer.getInt(0))));
    }

    private static byte[] ip(int address) {
        return ByteBuffer.allocate(4).putInt(address).array();
    }

    private static int ip(ByteBuffer value) {
        return value.duplicate().order(ByteOrder.BIG_ENDIAN).getInt(0);
    }

    private static long mac(ByteBuffer value) {
        long mac = 0;
        for (int i = 0; i < Math.min(6, value.limit()); i++) {
            mac = mac << 8 | value.get(i) & 0xff;
        }
        return mac;
    }

    private static String text(ByteBuffer value) {
        byte[] bytes = new byte[Math.max(0, value.limit() - 1)];
        value.get(0, bytes);
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    /** The attributes after the fixed part of a message (struct rtattr). */
    private record Attributes(ByteBuffer message, int start) {
        Optional<ByteBuffer> find(int type) {
            int at = start;
            while (at + 4 <= message.limit()) {
                int length = message.getShort(at) & 0xffff;
                if (length < 4 || at + length > message.limit()) {
                    return Optional.empty();
                }
                if ((message.getShort(at + 2) & 0x3fff) == type) {
                    return Optional.of(
                            message.slice(at + 4, length - 4).order(ByteOrder.nativeOrder()));
                }
                at += (length + 3) & ~3;
            }
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        Linux.close(fd);
        arena.close();
    }

    /**
     * Tells that links, neighbours, addresses or routes have changed: not what, because who cares
     * asks again, which also covers messages the kernel had no room for.
     */
    public static final class Monitor implements AutoCloseable {
        private final int fd;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment buffer = arena.allocate(BUFFER_BYTES, 16);

        private Monitor(int fd) {
            this.fd = fd;
        }

        /** Watches the namespace of the calling thread. */
        public static Monitor open() {
            return new Monitor(socket(GROUPS_LINK_NEIGH_ADDRESS_ROUTE, SOCK_NONBLOCK));
        }

        /** Readable when something has changed. */
        public int fd() {
            return fd;
        }

        /** Whether something has changed since the last call. Never waits. */
        public boolean drain() {
            boolean changed = false;
            for (int i = 0; i < 1000; i++) {
                long n = Libc.read(fd, buffer.address(), BUFFER_BYTES);
                if (n < 0 && Libc.errno() == Errno.EAGAIN) {
                    return changed;
                }
                if (n < 0 && Libc.errno() != Errno.ENOBUFS && Libc.errno() != Errno.EINTR) {
                    throw new SysException("read rtnetlink changes", Libc.errno());
                }
                changed = true;
            }
            return changed;
        }

        @Override
        public void close() {
            Linux.close(fd);
            arena.close();
        }
    }
}
