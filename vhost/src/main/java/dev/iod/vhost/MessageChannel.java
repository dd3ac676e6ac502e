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

/** Reads and checks messages of one connection and writes replies. Control thread only. */
final class MessageChannel {
    private static final int HEADER_BYTES = 12;
    private static final int VERSION = 1;
    private static final int VERSION_MASK = 3;
    private static final int FLAG_REPLY = 4;
    private static final int FLAG_NEED_REPLY = 8;

    private final UnixSocket socket;
    private final long stallMillis;
    private long deadlineNanos;

    /**
     * @param stallMillis how long the rest of a message, and room for an answer, may be waited for
     */
    MessageChannel(UnixSocket socket, long stallMillis) {
        this.socket = socket;
        this.stallMillis = stallMillis;
        socket.limitSending(stallMillis);
    }

    /** Waits for the next message; empty when the front end closed the connection. */
    Optional<Message> next() {
        List<Integer> descriptors = new ArrayList<>();
        try {
            byte[] header = new byte[HEADER_BYTES];
            if (!readFully(header, 0, descriptors)) {
                return Optional.empty();
            }
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
            byte[] payload = new byte[size];
            if (!readFully(payload, HEADER_BYTES, descriptors)) {
                return Optional.empty();
            }
            ByteBuffer body = ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
            checkDescriptors(request, body, descriptors.size());
            List<Integer> owned = List.copyOf(descriptors);
            descriptors.clear();
            return Optional.of(
                    new Message(
                            request, (flags & FLAG_NEED_REPLY) != 0, body, new ArrayList<>(owned)));
        } finally {
            descriptors.forEach(Linux::close);
        }
    }

    /**
     * @param before bytes of the message that came already
     * @return false when the front end closed the connection
     */
    private boolean readFully(byte[] to, int before, List<Integer> descriptors) {
        int at = 0;
        while (at < to.length) {
            if (before + at > 0) {
                awaitMore(before + at);
            }
            int n = socket.receive(to, at, to.length - at, descriptors);
            if (before + at == 0) {
                deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(stallMillis);
            }
            if (n < 0) {
                return false;
            }
            if (descriptors.size() > UnixSocket.MAX_DESCRIPTORS) {
                throw violation("too many descriptors with one message");
            }
            at += n;
        }
        return true;
    }

    /** Nobody waits for ever for a front end that has begun a message and does not end it. */
    private void awaitMore(int have) {
        while (true) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
            if (left < 0) {
                throw violation(
                        "a message stopped after "
                                + have
                                + " bytes and did not go on for "
                                + stallMillis
                                + " ms");
            }
            if (Linux.pollReadable(new int[] {socket.fd()}, (int) left + 1) > 0) {
                return;
            }
        }
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
