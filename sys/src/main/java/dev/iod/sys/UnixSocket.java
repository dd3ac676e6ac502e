package dev.iod.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A connected stream socket of the unix domain that carries descriptors (unix(7), SCM_RIGHTS). One
 * thread receives and one sends; {@link #shutdown()} may be called by any thread and wakes both.
 */
public final class UnixSocket implements AutoCloseable {
    /** Most descriptors accepted with one message; a message with more is an error. */
    public static final int MAX_DESCRIPTORS = 32;

    /** Longest path the kernel takes (unix(7): 108 bytes with the NUL). */
    public static final int MAX_PATH_BYTES = 107;

    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_SNDTIMEO = 21;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CTRUNC = 8;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;
    private static final int SHUT_RDWR = 2;

    /**
     * Holds a whole vhost-user message; longer ones go in parts. An engine has a thousand sockets.
     */
    private static final int BUFFER_BYTES = 1024;

    private static final int CONTROL_HEADER = 16;

    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final Message incoming = new Message(arena);
    private final Message outgoing = new Message(arena);

    private UnixSocket(int fd) {
        this.fd = fd;
    }

    /** One direction's struct msghdr with one buffer and room for descriptors (recvmsg(2)). */
    private static final class Message {
        final MemorySegment header;
        final MemorySegment buffer;
        final MemorySegment control;
        private final MemorySegment vector;

        Message(Arena arena) {
            header = arena.allocate(56, 8);
            vector = arena.allocate(16, 8);
            buffer = arena.allocate(BUFFER_BYTES, 16);
            control = arena.allocate(CONTROL_HEADER + 4L * MAX_DESCRIPTORS, 8);
        }

        void prepare(long dataBytes, long controlBytes) {
            vector.set(ValueLayout.JAVA_LONG, 0, buffer.address());
            vector.set(ValueLayout.JAVA_LONG, 8, dataBytes);
            header.fill((byte) 0);
            header.set(ValueLayout.JAVA_LONG, 16, vector.address());
            header.set(ValueLayout.JAVA_LONG, 24, 1L);
            header.set(ValueLayout.JAVA_LONG, 32, controlBytes == 0 ? 0 : control.address());
            header.set(ValueLayout.JAVA_LONG, 40, controlBytes);
        }
    }

    /** Dials a listener; ENOENT and ECONNREFUSED say that nobody listens yet. */
    public static UnixSocket connect(Path path) {
        int fd = openSocket();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            Linux.check(Libc.connect(fd, address, (int) address.byteSize()), "connect " + path);
            return new UnixSocket(fd);
        } catch (SysException e) {
            Linux.close(fd);
            throw e;
        }
    }

    /** As {@link #connect} without waiting; EAGAIN says that too many wait there already. */
    public static UnixSocket connectNow(Path path) {
        int fd = openSocket();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            Linux.nonBlocking(fd);
            Linux.check(Libc.connect(fd, address, (int) address.byteSize()), "connect " + path);
            Linux.blocking(fd);
            return new UnixSocket(fd);
        } catch (SysException e) {
            Linux.close(fd);
            throw e;
        }
    }

    /** Takes over the descriptor of a connected socket, received from a peer. */
    public static UnixSocket of(int fd) {
        return new UnixSocket(fd);
    }

    /** Listens at a path that must not exist. */
    public static Listener listen(Path path, int backlog) {
        int fd = openSocket();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            Linux.check(Libc.bind(fd, address, (int) address.byteSize()), "bind " + path);
            Linux.check(Libc.listen(fd, backlog), "listen " + path);
            return new Listener(fd, path);
        } catch (SysException e) {
            Linux.close(fd);
            throw e;
        }
    }

    private static int openSocket() {
        return Linux.check(Libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    }

    private static MemorySegment address(Arena arena, Path path) {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > MAX_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "a socket path has at most " + MAX_PATH_BYTES + " bytes: " + path);
        }
        MemorySegment address = arena.allocate(2 + MAX_PATH_BYTES + 1, 2);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
        return address;
    }

    /** A listening socket. */
    public static final class Listener implements AutoCloseable {
        private final int fd;
        private final Path path;

        private Listener(int fd, Path path) {
            this.fd = fd;
            this.path = path;
        }

        public int fd() {
            return fd;
        }

        /** From now on {@link #accept()} fails with EAGAIN when nobody is there. */
        public void nonBlocking() {
            Linux.nonBlocking(fd);
        }

        /** Waits for a peer; EINVAL after {@link #shutdown()}. */
        public UnixSocket accept() {
            while (true) {
                int peer = Libc.accept4(fd, MemorySegment.NULL, MemorySegment.NULL, SOCK_CLOEXEC);
                if (peer >= 0) {
                    return new UnixSocket(peer);
                }
                if (Libc.errno() != Errno.EINTR) {
                    throw new SysException("accept " + path, Libc.errno());
                }
            }
        }

        /** Makes a waiting and every later {@link #accept()} fail; any thread. */
        public void shutdown() {
            Libc.shutdown(fd, SHUT_RDWR);
        }

        /** Closes and removes the socket's file. */
        @Override
        public void close() {
            Linux.close(fd);
            Linux.unlink(path);
        }
    }

    public int fd() {
        return fd;
    }

    /**
     * Waits for bytes.
     *
     * @param descriptors received descriptors are added; the caller owns (closes) them
     * @return bytes received, -1 when the peer closed
     */
    public int receive(byte[] to, int offset, int length, List<Integer> descriptors) {
        return receive(to, offset, length, descriptors, 0);
    }

    /** As {@link #receive} without waiting. @return 0 when nothing is there now */
    public int receiveNow(byte[] to, int offset, int length, List<Integer> descriptors) {
        return receive(to, offset, length, descriptors, MSG_DONTWAIT);
    }

    private int receive(byte[] to, int offset, int length, List<Integer> descriptors, int flags) {
        int wanted = Math.min(length, BUFFER_BYTES);
        while (true) {
            incoming.prepare(wanted, incoming.control.byteSize());
            long n = Libc.recvmsg(fd, incoming.header, MSG_CMSG_CLOEXEC | flags);
            if (n >= 0) {
                takeDescriptors(descriptors);
                MemorySegment.copy(incoming.buffer, ValueLayout.JAVA_BYTE, 0, to, offset, (int) n);
                return n == 0 && wanted > 0 ? -1 : (int) n;
            }
            int error = Libc.errno();
            if (error == Errno.EAGAIN && flags == MSG_DONTWAIT) {
                return 0;
            }
            if (error != Errno.EINTR) {
                throw new SysException("receive", error);
            }
        }
    }

    private void takeDescriptors(List<Integer> to) {
        MemorySegment control = incoming.control;
        long length = incoming.header.get(ValueLayout.JAVA_LONG, 40);
        List<Integer> taken = new ArrayList<>();
        // One cmsghdr: stream sockets never join the rights of two messages (unix(7)).
        if (length >= CONTROL_HEADER
                && control.get(ValueLayout.JAVA_INT, 8) == SOL_SOCKET
                && control.get(ValueLayout.JAVA_INT, 12) == SCM_RIGHTS) {
            long end = Math.min(length, control.get(ValueLayout.JAVA_LONG, 0));
            for (long at = CONTROL_HEADER; at + 4 <= end; at += 4) {
                taken.add(control.get(ValueLayout.JAVA_INT, at));
            }
        }
        if ((incoming.header.get(ValueLayout.JAVA_INT, 48) & MSG_CTRUNC) != 0) {
            taken.forEach(Linux::close);
            throw new SysException(
                    "the peer sent more than " + MAX_DESCRIPTORS + " descriptors at once", 0);
        }
        to.addAll(taken);
    }

    /** Makes every later {@link #send} fail with EAGAIN when the peer takes nothing for so long. */
    public void limitSending(long millis) {
        try (Arena limited = Arena.ofConfined()) {
            MemorySegment time = limited.allocate(16, 8);
            time.set(ValueLayout.JAVA_LONG, 0, millis / 1000);
            time.set(ValueLayout.JAVA_LONG, 8, millis % 1000 * 1000);
            Linux.check(
                    Libc.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, time, 16),
                    "setsockopt SO_SNDTIMEO");
        }
    }

    /** Sends all bytes; the descriptors travel with the first one and stay open here. */
    public void send(byte[] from, int offset, int length, int... descriptors) {
        if (descriptors.length > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException("at most " + MAX_DESCRIPTORS + " descriptors");
        }
        int sent = 0;
        int rights = descriptors.length;
        while (sent < length) {
            int part = Math.min(length - sent, BUFFER_BYTES);
            MemorySegment.copy(
                    from, offset + sent, outgoing.buffer, ValueLayout.JAVA_BYTE, 0, part);
            outgoing.prepare(part, rights == 0 ? 0 : space(rights));
            putDescriptors(descriptors, rights);
            long n = Libc.sendmsg(fd, outgoing.header, MSG_NOSIGNAL);
            if (n >= 0) {
                sent += (int) n;
                rights = 0;
            } else if (Libc.errno() != Errno.EINTR) {
                throw new SysException("send", Libc.errno());
            }
        }
    }

    /** CMSG_SPACE: the header and the descriptors, rounded up to 8 bytes. */
    private static long space(int descriptors) {
        return CONTROL_HEADER + (4L * descriptors + 7) / 8 * 8;
    }

    private void putDescriptors(int[] descriptors, int count) {
        if (count == 0) {
            return;
        }
        outgoing.control.fill((byte) 0);
        outgoing.control.set(ValueLayout.JAVA_LONG, 0, CONTROL_HEADER + 4L * count);
        outgoing.control.set(ValueLayout.JAVA_INT, 8, SOL_SOCKET);
        outgoing.control.set(ValueLayout.JAVA_INT, 12, SCM_RIGHTS);
        for (int i = 0; i < count; i++) {
            outgoing.control.set(ValueLayout.JAVA_INT, CONTROL_HEADER + 4L * i, descriptors[i]);
        }
    }

    /** Ends both directions: waiting calls return, later ones fail. Any thread. */
    public void shutdown() {
        Libc.shutdown(fd, SHUT_RDWR);
    }

    /** Closes; only when no other thread is inside a call. */
    @Override
    public void close() {
        Linux.close(fd);
        arena.close();
    }
}
