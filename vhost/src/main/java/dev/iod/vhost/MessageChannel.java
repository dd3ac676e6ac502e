package dev.iod.vhost;

import dev.iod.sys.Errno;
import dev.iod.sys.Linux;
import dev.iod.sys.SysException;
import dev.iod.sys.UnixSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Reads and checks messages of one connection and writes replies. One thread at a time; reading
 * waits for nothing.
 */
final class MessageChannel implements AutoCloseable {
    private static final int HEADER_BYTES = 12;
    private static final int VERSION = 1;
    private static final int VERSION_MASK = 3;
    private static final int FLAG_REPLY = 4;
    private static final int FLAG_NEED_REPLY = 8;

    private final UnixSocket socket;
    private final long stallMillis;

    /** The message that has begun, as far as it is here. */
    private final byte[] header = new byte[HEADER_BYTES];

    private Optional<Begun> begun = Optional.empty();
    private int have;
    private final List<Integer> descriptors = new ArrayList<>();
    private long deadlineNanos = ControlThread.NEVER;
    private boolean closed;

    /** A message whose header is here and good. */
    private record Begun(Request request, boolean needsReply, byte[] payload) {}

    /**
     * @param stallMillis how long the rest of a message, and room for an answer, may be waited for
     */
    MessageChannel(UnixSocket socket, long stallMillis) {
        this.socket = socket;
        this.stallMillis = stallMillis;
        socket.limitSending(stallMillis);
    }

    /**
     * The next message when all of it is here. Empty: to be called again when the socket is
     * readable or {@link #deadlineNanos()} is over, unless {@link #closed()}.
     */
    Optional<Message> next() {
        if (begun.isEmpty()) {
            if (!fill(header, 0)) {
                return Optional.empty();
            }
            begun = Optional.of(begin());
        }
        Begun message = begun.get();
        if (!fill(message.payload, HEADER_BYTES)) {
            return Optional.empty();
        }
        ByteBuffer body = ByteBuffer.wrap(message.payload).order(ByteOrder.LITTLE_ENDIAN);
        checkDescriptors(message.request, body, descriptors.size());
        List<Integer> owned = new ArrayList<>(descriptors);
        descriptors.clear();
        begun = Optional.empty();
        have = 0;
        deadlineNanos = ControlThread.NEVER;
        return Optional.of(new Message(message.request, message.needsReply, body, owned));
    }

    private Begun begin() {
        ByteBuffer fields = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        int number = fields.getInt(0);
        int flags = fields.getInt(4);
        int size = fields.getInt(8);
        Request request =
                Request.of(number).orElseThrow(() -> violation("unknown message " + number));
        if ((flags & VERSION_MASK) != VERSION || (flags & FLAG_REPLY) != 0) {
            throw violation(request + " has flags 0x" + Integer.toHexString(flags));
        }
        checkSize(request, size);
        return new Begun(request, (flags & FLAG_NEED_REPLY) != 0, new byte[size]);
    }

    /** Whether the front end closed the connection. */
    boolean closed() {
        return closed;
    }

    /** Until when the rest of a message must come, of {@link ControlThread#now()}. */
    long deadlineNanos() {
        return deadlineNanos;
    }

    /**
     * @param before bytes of the message that come before these
     * @return whether all of it is here
     */
    private boolean fill(byte[] to, int before) {
        while (have < before + to.length) {
            int at = have - before;
            int n = socket.receiveNow(to, at, to.length - at, descriptors);
            if (n < 0) {
                closed = true;
                return false;
            }
            if (n == 0) {
                checkStall();
                return false;
            }
            if (have == 0) {
                deadlineNanos = ControlThread.now() + TimeUnit.MILLISECONDS.toNanos(stallMillis);
            }
            if (descriptors.size() > UnixSocket.MAX_DESCRIPTORS) {
                throw violation("too many descriptors with one message");
            }
            have += n;
        }
        return true;
    }

    /** Nobody waits for ever for a front end that has begun a message and does not end it. */
    private void checkStall() {
        if (ControlThread.now() >= deadlineNanos) {
            throw violation(
                    "a message stopped after "
                            + have
                            + " bytes and did not go on for "
                            + stallMillis
                            + " ms");
        }
    }

    /** Closes the descriptors of a message that did not come to its end; the socket stays open. */
    @Override
    public void close() {
        descriptors.forEach(Linux::close);
        descriptors.clear();
    }

    private static void checkSize(Request request, int size) {
        if (!request.fits(size)) {
            throw violation(request + " with a payload of " + (size & 0xffff_ffffL) + " bytes");
        }
    }

    private static void checkDescriptors(Request request, ByteBuffer body, int count) {
        int expected =
                switch (request.descriptors) {
                    case NONE -> 0;
                    case ONE -> 1;
                    case ONE_UNLESS_FLAGGED -> (body.getInt(0) & 0x100) == 0 ? 1 : 0;
                    case PER_REGION -> body.getInt(0);
                };
        if (count != expected) {
            throw violation(request + " with " + count + " descriptors, not " + expected);
        }
    }

    void replyNumber(Request request, long value) {
        ByteBuffer body = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value);
        reply(request, body.array());
    }

    void replyRingState(Request request, int ring, int value) {
        ByteBuffer body = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        reply(request, body.putInt(0, ring).putInt(4, value).array());
    }

    void reply(Request request, byte[] body, int... descriptors) {
        ByteBuffer message =
                ByteBuffer.allocate(HEADER_BYTES + body.length).order(ByteOrder.LITTLE_ENDIAN);
        message.putInt(request.number).putInt(VERSION | FLAG_REPLY).putInt(body.length).put(body);
        try {
            socket.send(message.array(), 0, message.position(), descriptors);
        } catch (SysException e) {
            if (e.errno() == Errno.EAGAIN) {
                throw violation("the front end took no answer for " + stallMillis + " ms");
            }
            throw e;
        }
    }

    private static VhostException violation(String what) {
        return new VhostException(VhostException.Category.PROTOCOL, what);
    }
}
