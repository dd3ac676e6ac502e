package dev.iod.vhost.testing;

import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import dev.iod.sys.UnixSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A vhost-user front end with a memory file as guest memory: what a VMM and its guest's driver do
 * together. Listens, as QEMU does with {@code server=on}; {@link #connect()} waits for the back end
 * and runs the whole handshake, and so does every later call, with the rings' positions as QEMU
 * restores them.
 *
 * <p>Guest memory is one region from guest address {@link #GUEST_BASE}; offsets below are relative
 * to it. Rings come first, free space for buffers from {@link #buffers()} on.
 */
public final class FrontEnd implements AutoCloseable {
    public static final long GUEST_BASE = 0x4000_0000L;
    public static final long USER_BASE = 0x7f00_0000_0000L;

    public static final int GET_FEATURES = 1;
    public static final int SET_FEATURES = 2;
    public static final int SET_OWNER = 3;
    public static final int SET_MEM_TABLE = 5;
    public static final int SET_VRING_NUM = 8;
    public static final int SET_VRING_ADDR = 9;
    public static final int SET_VRING_BASE = 10;
    public static final int GET_VRING_BASE = 11;
    public static final int SET_VRING_KICK = 12;
    public static final int SET_VRING_CALL = 13;
    public static final int GET_PROTOCOL_FEATURES = 15;
    public static final int SET_PROTOCOL_FEATURES = 16;
    public static final int GET_QUEUE_NUM = 17;
    public static final int SET_VRING_ENABLE = 18;
    public static final int SET_BACKEND_REQ_FD = 21;
    public static final int GET_CONFIG = 24;
    public static final int SET_CONFIG = 25;
    public static final int GET_INFLIGHT_FD = 31;
    public static final int SET_INFLIGHT_FD = 32;
    public static final int SET_STATUS = 39;
    public static final int GET_STATUS = 40;

    private static final int VERSION = 1;
    private static final int PATIENCE_MILLIS = 60_000;
    private static final int REPLY = 4;
    public static final int NEED_REPLY = 8;
    private static final long REPLY_ACK = 1L << 3;

    private static final long VERSIONED_PROTOCOL =
            1 | REPLY_ACK | 1L << 9 /* CONFIG */ | 1L << 12 /* INFLIGHT_SHMFD */ | 1L << 16;
    private static final long INFLIGHT_SHMFD = 1L << 12;
    private static final long EVENT_IDX = 1L << 29;

    private final Optional<UnixSocket.Listener> listener;
    private final Path path;
    private final int memfd;
    private final long bytes;
    private final Mapping mapping;
    private final List<DriverRing> rings = new ArrayList<>();
    private final long buffers;
    private Optional<UnixSocket> socket = Optional.empty();
    private long features;
    private long protocol;
    private long refused;
    private boolean tracks = true;
    private Optional<Inflight> inflight = Optional.empty();

    /** The memory file of GET_INFLIGHT_FD and what came with it. */
    private record Inflight(int descriptor, byte[] payload) {}

    /** What to build. */
    public record Options(Path socket, int rings, int ringSize, long memoryBytes, boolean sealed) {}

    public FrontEnd(Options options) {
        this(options, Optional.of(UnixSocket.listen(options.socket, 1)));
    }

    /** A front end that dials instead of listening; the back end must listen already. */
    public static FrontEnd dialling(Options options) {
        return new FrontEnd(options, Optional.empty());
    }

    private FrontEnd(Options options, Optional<UnixSocket.Listener> listener) {
        this.listener = listener;
        path = options.socket;
        bytes = options.memoryBytes;
        memfd = Linux.memfd("guest", bytes);
        if (options.sealed) {
            Linux.seal(memfd, Linux.F_SEAL_SHRINK | Linux.F_SEAL_GROW | Linux.F_SEAL_SEAL);
        }
        mapping = Mapping.shared(memfd, 0, bytes);
        long at = 4096;
        for (int i = 0; i < options.rings; i++) {
            rings.add(new DriverRing(this, options.ringSize, at));
            at += DriverRing.bytes(options.ringSize);
        }
        buffers = at;
    }

    /** Where an offset of guest memory is in this process. */
    public long host(long offset) {
        return Memory.base(mapping.address() + offset);
    }

    /** First offset that no ring uses. */
    public long buffers() {
        return buffers;
    }

    public long memoryBytes() {
        return bytes;
    }

    public int memoryDescriptor() {
        return memfd;
    }

    public DriverRing ring(int index) {
        return rings.get(index);
    }

    public int ringCount() {
        return rings.size();
    }

    /** Feature bits of the last handshake. */
    public long features() {
        return features;
    }

    /** Waits for the back end, without any message. */
    public void accept() {
        listener.ifPresent(l -> await(l.fd(), "a connection"));
        socket =
                Optional.of(
                        listener.isPresent() ? listener.get().accept() : UnixSocket.connect(path));
    }

    /** A back end that does nothing fails a test; it does not hold it up for ever. */
    private static void await(int fd, String what) {
        long until = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
        while (Linux.pollReadable(new int[] {fd}, PATIENCE_MILLIS) == 0) {
            if (System.nanoTime() - until > 0) {
                throw new AssertionError("the back end: no " + what + " in a minute");
            }
        }
    }

    /** Waits for the back end and does everything up to running rings, in QEMU's order. */
    public void connect() {
        accept();
        negotiate();
        for (int i = 0; i < rings.size(); i++) {
            request(SET_VRING_ENABLE, ringState(i, 1));
        }
        if (tracks && (protocol & INFLIGHT_SHMFD) != 0) {
            sendInflight();
        }
        sendMemoryTable();
        for (int i = 0; i < rings.size(); i++) {
            startRing(i);
        }
    }

    /** Features and protocol features: all that are offered. */
    public void negotiate() {
        features = ask(GET_FEATURES, new byte[0]).getLong(0) & ~refused;
        protocol = ask(GET_PROTOCOL_FEATURES, new byte[0]).getLong(0) & VERSIONED_PROTOCOL;
        rings.forEach(ring -> ring.eventIndex((features & EVENT_IDX) != 0));
        send(SET_PROTOCOL_FEATURES, VERSION, number(protocol));
        if ((protocol & REPLY_ACK) == 0) {
            throw new AssertionError("the back end has no REPLY_ACK: 0x" + protocol);
        }
        request(SET_OWNER, new byte[0]);
        request(SET_FEATURES, number(features));
    }

    /** Features this driver does not want, before {@link #connect()}. */
    public void refuse(long unwanted) {
        refused = unwanted;
    }

    /** Does without in-flight tracking. */
    public void trackNothing() {
        tracks = false;
    }

    /** GET_INFLIGHT_FD the first time, SET_INFLIGHT_FD every time, as QEMU does. */
    private void sendInflight() {
        if (inflight.isEmpty()) {
            byte[] question =
                    buffer(24)
                            .putShort(16, (short) rings.size())
                            .putShort(18, (short) rings.get(0).size())
                            .array();
            send(GET_INFLIGHT_FD, VERSION, question);
            List<Integer> descriptors = new ArrayList<>();
            byte[] answer = reply(GET_INFLIGHT_FD, descriptors).array();
            inflight = Optional.of(new Inflight(descriptors.getFirst(), answer));
        }
        Inflight file = inflight.get();
        request(SET_INFLIGHT_FD, file.payload, file.descriptor);
    }

    /** The memory file of what is in flight; only after a connection that tracks it. */
    public int inflightDescriptor() {
        return inflight.orElseThrow().descriptor;
    }

    /** Forgets what is in flight, as QEMU does when the guest resets the device. */
    public void forgetInflight() {
        inflight.ifPresent(file -> Linux.close(file.descriptor));
        inflight = Optional.empty();
    }

    /** GET_CONFIG of a number of bytes from the start. */
    public byte[] configuration(int length) {
        byte[] question = buffer(12 + length).putInt(4, length).array();
        ByteBuffer answer = ask(GET_CONFIG, question);
        byte[] bytes = new byte[answer.capacity() - 12];
        answer.get(12, bytes);
        return bytes;
    }

    public void sendMemoryTable() {
        request(SET_MEM_TABLE, memoryTable(GUEST_BASE, bytes, USER_BASE, 0), memfd);
    }

    /** A table of one region. */
    public static byte[] memoryTable(long guest, long size, long user, long offset) {
        return buffer(40)
                .putInt(0, 1)
                .putLong(8, guest)
                .putLong(16, size)
                .putLong(24, user)
                .putLong(32, offset)
                .array();
    }

    /** Number, position (the used index, as QEMU restores it), addresses, kick, call. */
    public void startRing(int index) {
        DriverRing ring = rings.get(index);
        request(SET_VRING_NUM, ringState(index, ring.size()));
        request(SET_VRING_BASE, ringState(index, ring.usedIndex()));
        request(SET_VRING_ADDR, ringAddresses(index));
        request(SET_VRING_KICK, number(index), ring.kickDescriptor().fd());
        request(SET_VRING_CALL, number(index), ring.callDescriptor().fd());
    }

    /** GET_VRING_BASE: stops the ring. @return its position */
    public int stopRing(int index) {
        return ask(GET_VRING_BASE, ringState(index, 0)).getInt(4);
    }

    public byte[] ringAddresses(int index) {
        DriverRing ring = rings.get(index);
        return buffer(40)
                .putInt(0, index)
                .putLong(8, USER_BASE + ring.descriptorsOffset)
                .putLong(16, USER_BASE + ring.usedOffset)
                .putLong(24, USER_BASE + ring.availOffset)
                .array();
    }

    public static byte[] ringState(int index, int value) {
        return buffer(8).putInt(0, index).putInt(4, value).array();
    }

    public static byte[] number(long value) {
        return buffer(8).putLong(0, value).array();
    }

    private static ByteBuffer buffer(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Sends a message and waits for its acknowledgement (REPLY_ACK). */
    public void request(int number, byte[] payload, int... descriptors) {
        send(number, VERSION | NEED_REPLY, payload, descriptors);
        acknowledged(number);
    }

    /** Waits for the acknowledgement of a message that was sent with NEED_REPLY. */
    public void acknowledged(int number) {
        long result = reply(number).getLong(0);
        if (result != 0) {
            throw new AssertionError("message " + number + " was answered with " + result);
        }
    }

    /** Sends a message that has an answer of its own and returns the answer's payload. */
    public ByteBuffer ask(int number, byte[] payload) {
        send(number, VERSION, payload);
        return reply(number);
    }

    /** Sends any message with a right length. */
    public void send(int number, int flags, byte[] payload, int... descriptors) {
        byte[] message = new byte[12 + payload.length];
        ByteBuffer.wrap(message)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .putInt(flags)
                .putInt(payload.length)
                .put(payload);
        sendRaw(message, descriptors);
    }

    private UnixSocket peer() {
        return socket.orElseThrow(() -> new IllegalStateException("not connected"));
    }

    /** Sends any bytes. */
    public void sendRaw(byte[] message, int... descriptors) {
        peer().send(message, 0, message.length, descriptors);
    }

    private ByteBuffer reply(int number) {
        return reply(number, new ArrayList<>());
    }

    private ByteBuffer reply(int number, List<Integer> descriptors) {
        ByteBuffer header = read(12, descriptors);
        if (header.getInt(0) != number || header.getInt(4) != (VERSION | REPLY)) {
            throw new AssertionError("answer " + header.getInt(0) + " to message " + number);
        }
        return read(header.getInt(8), descriptors);
    }

    private ByteBuffer read(int length, List<Integer> descriptors) {
        byte[] bytes = new byte[length];
        int at = 0;
        while (at < length) {
            await(peer().fd(), "answer");
            int n = peer().receive(bytes, at, length - at, descriptors);
            if (n < 0) {
                throw new ClosedByBackEnd();
            }
            at += n;
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Waits until the back end has closed the connection. Unread answers are thrown away. */
    public void awaitClosed() {
        byte[] bytes = new byte[64];
        try {
            do {
                await(peer().fd(), "end");
            } while (peer().receive(bytes, 0, bytes.length, new ArrayList<>()) >= 0);
        } catch (SysException e) {
            // Reset instead of closed: the back end had not read everything. Gone all the same.
        }
    }

    /** Throws away what has been answered, waiting a little for it. */
    void discardAnswers() {
        byte[] bytes = new byte[512];
        while (Linux.pollReadable(new int[] {peer().fd()}, 1) > 0) {
            List<Integer> descriptors = new ArrayList<>();
            int n = peer().receive(bytes, 0, bytes.length, descriptors);
            descriptors.forEach(Linux::close);
            if (n < 0) {
                throw new ClosedByBackEnd();
            }
        }
    }

    /** The back end closed the connection instead of answering. */
    public static final class ClosedByBackEnd extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private ClosedByBackEnd() {
            super("the back end closed the connection instead of answering");
        }
    }

    /** Goes away as a killed VMM does. */
    public void disconnect() {
        socket.ifPresent(UnixSocket::close);
        socket = Optional.empty();
    }

    @Override
    public void close() {
        disconnect();
        forgetInflight();
        listener.ifPresent(UnixSocket.Listener::close);
        rings.forEach(DriverRing::close);
        mapping.close();
        Linux.close(memfd);
    }
}
