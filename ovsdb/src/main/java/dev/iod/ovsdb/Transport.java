package dev.iod.ovsdb;

import dev.iod.ovsdb.OvsdbException.Category;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** A byte stream to a server; {@link #close} unblocks a reader and a writer at once. */
abstract class Transport extends InputStream {
    private final byte[] one = new byte[1];

    /** Blocks until all is handed to the kernel. */
    abstract void write(byte[] bytes) throws IOException;

    /** Whether the other end can be gone without the kernel knowing: not on the same machine. */
    abstract boolean canVanish();

    /** Whether bytes have arrived that were not read yet, as far as is known. */
    abstract boolean isReadable();

    @Override
    public abstract int read(byte[] target, int offset, int length) throws IOException;

    @Override
    public int read() throws IOException {
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    static Transport open(Endpoint endpoint, Optional<SSLContext> tls, Duration timeout)
            throws IOException {
        return switch (endpoint) {
            case Endpoint.Unix unix ->
                    new Unix(SocketChannel.open(UnixDomainSocketAddress.of(unix.socket())));
            case Endpoint.Tls server -> {
                SSLContext context =
                        tls.orElseThrow(
                                () ->
                                        new OvsdbException(
                                                Category.PROTOCOL,
                                                endpoint + " needs a certificate, none was given"));
                yield Tls.open(server, context, (int) Math.max(1, timeout.toMillis()));
            }
        };
    }

    private static final class Unix extends Transport {
        private final SocketChannel channel;

        Unix(SocketChannel channel) {
            this.channel = channel;
        }

        @Override
        boolean canVanish() {
            return false;
        }

        @Override
        boolean isReadable() {
            return false;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            return channel.read(ByteBuffer.wrap(target, offset, length));
        }

        @Override
        void write(byte[] bytes) throws IOException {
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    private static final class Tls extends Transport {
        private final Socket plain;
        private final InputStream in;
        private final OutputStream out;

        private Tls(Socket plain, SSLSocket secure) throws IOException {
            this.plain = plain;
            this.in = secure.getInputStream();
            this.out = secure.getOutputStream();
        }

        /**
         * The server's certificate must be signed by an authority the context trusts and, for a
         * host given by name, carry it; OVN certificates carry no address, so for a literal address
         * the authority is the whole check.
         */
        static Tls open(Endpoint.Tls server, SSLContext context, int timeoutMillis)
                throws IOException {
            Socket plain = new Socket();
            try {
                plain.connect(
                        new InetSocketAddress(InetAddress.getByName(server.host()), server.port()),
                        timeoutMillis);
                plain.setTcpNoDelay(true);
                plain.setSoTimeout(timeoutMillis);
                var secure =
                        (SSLSocket)
                                context.getSocketFactory()
                                        .createSocket(plain, server.host(), server.port(), true);
                if (Character.isLetter(server.host().charAt(0)) && !server.host().contains(":")) {
                    SSLParameters parameters = secure.getSSLParameters();
                    parameters.setEndpointIdentificationAlgorithm("HTTPS");
                    secure.setSSLParameters(parameters);
                }
                secure.startHandshake();
                plain.setSoTimeout(0);
                return new Tls(plain, secure);
            } catch (IOException | RuntimeException e) {
                plain.close();
                throw e;
            }
        }

        @Override
        boolean canVanish() {
            return true;
        }

        @Override
        boolean isReadable() {
            try {
                return plain.getInputStream().available() > 0;
            } catch (IOException e) {
                // The reader meets the same error, and ends the session.
                return false;
            }
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            return in.read(target, offset, length);
        }

        @Override
        void write(byte[] bytes) throws IOException {
            out.write(bytes);
            out.flush();
        }

        @Override
        public void close() throws IOException {
            // Not the TLS socket: its close waits for a writer that may be stuck.
            plain.close();
        }
    }
}
