package dev.iod.host;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import jdk.net.ExtendedSocketOptions;

/** Connecting to the sockets where a VMM listens for users of its consoles. */
final class ConsoleSocket {
    /**
     * Linux wakes who waits to write when three quarters of this are taken: a guest that takes a
     * few KiB a second is slow, and not gone.
     */
    private static final int SEND_BYTES = 16 * 1024;

    private ConsoleSocket() {}

    /**
     * Connects. The VMM's user may put anything into the place of its socket, so whoever listens
     * must be that user: what tenants send must reach no socket of another's.
     *
     * @throws HostException FAILED when nobody listens, or somebody else does
     */
    static SocketChannel connect(Path socket, VmmUser user) {
        try {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                channel.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BYTES);
                channel.connect(SocketPath.address(socket));
                String peer = channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
                if (!peer.equals(user.principal().getName())) {
                    throw new HostException(
                            HostException.Category.FAILED,
                            "%s is of %s, and not of %s".formatted(socket, peer, user.name()));
                }
                return channel;
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new HostException(
                    HostException.Category.FAILED,
                    "QEMU does not listen on " + socket + ": " + e.getMessage(),
                    e);
        }
    }
}
