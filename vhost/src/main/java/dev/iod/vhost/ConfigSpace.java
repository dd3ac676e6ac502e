package dev.iod.vhost;

import dev.iod.sys.Linux;
import dev.iod.sys.SysException;
import dev.iod.sys.UnixSocket;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * The device's configuration space, and the channel on which the front end hears that it changed.
 * Any thread.
 */
final class ConfigSpace {
    private static final System.Logger LOG = System.getLogger(ConfigSpace.class.getName());

    /** VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, version 1, no payload. */
    private static final byte[] CHANGED =
            ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putInt(2).putInt(1).array();

    private byte[] bytes = new byte[0];
    private Optional<UnixSocket> channel = Optional.empty();

    /** Sets what the guest sees and tells the front end, if one is there. */
    synchronized void replace(byte[] next) {
        bytes = next.clone();
        try {
            channel.ifPresent(c -> c.send(CHANGED, 0, CHANGED.length));
        } catch (SysException e) {
            // It is going away and reads the new space when it comes back.
            LOG.log(Level.DEBUG, "telling a front end of a new configuration", e);
        }
    }

    /**
     * Answers GET_CONFIG. Front ends ask for as much as their version knows (60, 72, 256 bytes):
     * what this side does not have is zero, and the size comes back as it was asked.
     */
    void answer(MessageChannel to, Message message) {
        byte[] payload = new byte[message.payload().capacity()];
        message.payload().get(0, payload);
        int offset = message.payload().getInt(0);
        int room = payload.length - Request.CONFIG_HEADER;
        int size = message.payload().getInt(4);
        if (offset < 0 || offset > Request.MAX_CONFIG || size != room) {
            throw new VhostException(
                    VhostException.Category.PROTOCOL,
                    "GET_CONFIG of " + size + " bytes from " + offset + " in " + room);
        }
        Arrays.fill(payload, Request.CONFIG_HEADER, payload.length, (byte) 0);
        synchronized (this) {
            int length = Math.min(room, Math.max(0, bytes.length - offset));
            if (length > 0) {
                System.arraycopy(bytes, offset, payload, Request.CONFIG_HEADER, length);
            }
        }
        to.reply(message.request(), payload);
    }

    /** Takes over the descriptor of SET_BACKEND_REQ_FD. */
    synchronized void requestChannel(int fd) {
        RingSettings.requireKind(fd, "socket", "the descriptor of SET_BACKEND_REQ_FD");
        forgetChannel();
        // The front end reads it in its own time; nobody here may wait for that.
        Linux.nonBlocking(fd);
        channel = Optional.of(UnixSocket.of(fd));
    }

    synchronized void forgetChannel() {
        channel.ifPresent(UnixSocket::close);
        channel = Optional.empty();
    }
}
