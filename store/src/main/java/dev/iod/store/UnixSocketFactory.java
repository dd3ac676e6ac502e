package dev.iod.store;

import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import javax.net.SocketFactory;

/**
 * Lets the PostgreSQL driver use a UNIX socket: {@code
 * jdbc:postgresql:///DB?socketFactory=dev.iod.store.UnixSocketFactory&socketFactoryArg=PATH}. Host
 * and port of the URL are ignored.
 */
public final class UnixSocketFactory extends SocketFactory {
    private final Path path;

    /**
     * @param path the socket, such as {@code run/postgres/socket/.s.PGSQL.5432}
     */
    public UnixSocketFactory(String path) {
        this.path = Path.of(path);
    }

    @Override
    public Socket createSocket() {
        return new UnixSocket(path);
    }

    @Override
    public Socket createSocket(String host, int port) {
        return createSocket();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
        return createSocket();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
        return createSocket();
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
        return createSocket();
    }
}
