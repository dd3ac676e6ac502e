package dev.iod.host;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import jdk.net.ExtendedSocketOptions;

/** Connecting to the sockets where a VMM listens for users of its consoles. */
final class ConsoleSocket {
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
