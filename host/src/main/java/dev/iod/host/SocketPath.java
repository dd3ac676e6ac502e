package dev.iod.host;

import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Unix socket addresses hold 107 bytes of path (unix(7)): a relative path may fit better. */
final class SocketPath {
    static final int MAX_BYTES = 107;

    private SocketPath() {}

    /**
     * The address of a socket, by whichever of its absolute path and its path from this process's
     * working directory is shorter.
     *
     * @throws HostException INVALID when neither fits
     */
    static UnixDomainSocketAddress address(Path socket) {
        Path absolute = socket.toAbsolutePath().normalize();
        Path relative = Path.of("").toAbsolutePath().relativize(absolute);
        Path shorter = bytes(relative) < bytes(absolute) ? relative : absolute;
        checkFits(shorter);
        return UnixDomainSocketAddress.of(shorter);
    }

    static void checkFits(Path socket) {
        MachineSpec.check(
                bytes(socket) <= MAX_BYTES,
                "socket %s: longer than %s bytes, use a shorter directory",
                socket,
                MAX_BYTES);
    }

    private static int bytes(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length;
    }
}
