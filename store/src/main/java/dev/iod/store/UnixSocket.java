package dev.iod.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * A {@link Socket} over a UNIX-domain channel, with read timeouts. The JDK has such channels but no
 * socket for them ({@link SocketChannel#socket()} throws). The channel does not block; each
 * direction waits with its own selector, so that reads time out and a close wakes both.
 */
final class UnixSocket extends Socket {
    private final Path path;
    private Optional<Open> open = Optional.empty();
    private volatile int timeoutMillis;
    private volatile boolean closed;

    private record Open(SocketChannel channel, Selector readable, Selector writable) {}

    UnixSocket(Path path) {
        this.path = path;
    }

    @Override
    public void connect(SocketAddress endpoint) throws IOException {
        connect(endpoint, 0);
    }

    /** Connecting to a UNIX socket does not wait for the network, so there is nothing to time. */
    @Override
    public void connect(SocketAddress endpoint, int connectTimeoutMillis) throws IOException {
        if (closed) {
            throw new SocketException("the socket is closed");
        }
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
        try {
            channel.configureBlocking(false);
            Selector readable = Selector.open();
            Selector writable = Selector.open();
            channel.register(readable, SelectionKey.OP_READ);
            channel.register(writable, SelectionKey.OP_WRITE);
            open = Optional.of(new Open(channel, readable, writable));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new Input(connected());
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
        return new Output(connected());
    }

    @Override
    public synchronized void close() throws IOException {
        closed = true;
        if (open.isPresent()) {
            Open sides = open.get();
            try (sides.channel;
                    sides.readable;
                    sides.writable) {
                // Closing a selector wakes whoever waits in it.
            }
        }
    }

    @Override
    public boolean isConnected() {
        return open.isPresent();
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    @Override
    public void setSoTimeout(int millis) {
        timeoutMillis = millis;
    }

    @Override
    public int getSoTimeout() {
        return timeoutMillis;
    }

    // TCP's options mean nothing here; the driver sets them on every socket.

    @Override
    public void setTcpNoDelay(boolean on) {}

    @Override
    public void setKeepAlive(boolean on) {}

    @Override
    public void setSendBufferSize(int size) {}

    @Override
    public void setReceiveBufferSize(int size) {}

    @Override
    public int getSendBufferSize() {
        return 1 << 16;
    }

    @Override
    public int getReceiveBufferSize() {
        return 1 << 16;
    }

    @Override
    public InetAddress getInetAddress() {
        return InetAddress.getLoopbackAddress();
    }

    @Override
    public String toString() {
        return "UnixSocket[" + path + "]";
    }

    private Open connected() throws SocketException {
        return open.orElseThrow(() -> new SocketException("the socket is not connected"));
    }

    private final class Input extends InputStream {
        private final Open sides;

        Input(Open sides) {
            this.sides = sides;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, bytes.length);
            if (length == 0) {
                return 0;
            }
            ByteBuffer target = ByteBuffer.wrap(bytes, offset, length);
            int timeout = timeoutMillis;
            long deadlineNanos = System.nanoTime() + timeout * 1_000_000L;
            while (true) {
                int count = sides.channel.read(target);
                if (count != 0) {
                    return count;
                }
                long leftMillis =
                        timeout == 0 ? 0 : (deadlineNanos - System.nanoTime()) / 1_000_000L;
                if (timeout != 0 && leftMillis <= 0) {
                    throw new SocketTimeoutException("no answer within " + timeout + " ms");
                }
                await(sides.readable, leftMillis);
            }
        }

        @Override
        public void close() throws IOException {
            UnixSocket.this.close();
        }
    }

    private final class Output extends OutputStream {
        private final Open sides;

        Output(Open sides) {
            this.sides = sides;
        }

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            ByteBuffer source = ByteBuffer.wrap(bytes, offset, length);
            while (source.hasRemaining()) {
                if (sides.channel.write(source) == 0) {
                    await(sides.writable, 0);
                }
            }
        }

        @Override
        public void close() throws IOException {
            UnixSocket.this.close();
        }
    }

    private static void await(Selector selector, long millis) throws IOException {
        try {
            selector.select(millis);
            selector.selectedKeys().clear();
        } catch (java.nio.channels.ClosedSelectorException e) {
            throw new SocketException("the socket was closed", e);
        }
    }
}
