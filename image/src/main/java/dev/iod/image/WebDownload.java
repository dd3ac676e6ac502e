package dev.iod.image;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * Reads images of other servers by HTTP/1.1 (RFC 9112), for strangers who name the address. A name
 * is looked up once, what it means is looked at, and the connection goes to just that; each
 * redirect begins anew. An answer has to say how long it is, so that half an image is not taken for
 * one.
 */
final class WebDownload {
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final int MAX_REDIRECTS = 5;
    private static final int MAX_HEAD_BYTES = 32 << 10;
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int OK = 200;
    private static final int CONNECT_MILLIS = 10_000;

    /** Without a byte. */
    private static final int SILENCE_MILLIS = 30_000;

    /** From the first connection to the last byte. */
    private static final Duration LIMIT = Duration.ofHours(1);

    private final AllowedHosts hosts;
    private final Resolver resolver;
    private final Predicate<InetAddress> reachable;
    private final SSLSocketFactory tls;
    private final Duration limit;

    /** Addresses of names. */
    @FunctionalInterface
    interface Resolver {
        InetAddress[] resolve(String host) throws UnknownHostException;
    }

    WebDownload(AllowedHosts hosts) {
        this(
                hosts,
                InetAddress::getAllByName,
                PublicAddresses::contain,
                (SSLSocketFactory) SSLSocketFactory.getDefault(),
                LIMIT);
    }

    WebDownload(
            AllowedHosts hosts,
            Resolver resolver,
            Predicate<InetAddress> reachable,
            SSLSocketFactory tls,
            Duration limit) {
        this.hosts = hosts;
        this.resolver = resolver;
        this.reachable = reachable;
        this.tls = tls;
        this.limit = limit;
    }

    /** Whether anything can be downloaded. */
    boolean enabled() {
        return !hosts.entries().isEmpty();
    }

    /**
     * Whether an address may be asked for, before its name is looked up.
     *
     * @throws ApiException 400
     */
    void check(URI uri) {
        String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        if (!Set.of("http", "https").contains(scheme)) {
            throw refused(uri, "only http and https are taken");
        }
        if (uri.getHost() == null || uri.getUserInfo() != null) {
            throw refused(uri, "it has to name a host, and neither a user nor a password");
        }
        if (!hosts.allow(uri)) {
            throw refused(uri, "this region does not download from that host and port");
        }
    }

    private static ApiException refused(URI uri, String reason) {
        return ApiException.badRequest(
                "URI for web-download does not pass filtering: %s: %s".formatted(uri, reason));
    }

    /** What a server sends; to be closed. */
    record Body(InputStream stream, OptionalLong sizeBytes, Closeable connection)
            implements Closeable {
        @Override
        public void close() throws IOException {
            connection.close();
        }
    }

    /**
     * Asks for it, and follows redirects.
     *
     * @throws ApiException 400 when an address is not allowed, or the answer is none to read
     * @throws IOException when a server cannot be reached or breaks off
     */
    Body open(URI uri) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        URI at = uri;
        for (int i = 0; i <= MAX_REDIRECTS; i++) {
            check(at);
            Connection connection = connect(at, deadline);
            boolean answered = false;
            try {
                Answer answer = connection.ask(at);
                if (answer.status == OK) {
                    answered = true;
                    return answer.body(connection);
                }
                if (!REDIRECTS.contains(answer.status)) {
                    throw failed("%s answered with status %d".formatted(at, answer.status));
                }
                at = next(at, answer.header("location"));
            } finally {
                if (!answered) {
                    connection.close();
                }
            }
        }
        throw failed("%s redirects more than %d times".formatted(uri, MAX_REDIRECTS));
    }

    private static URI next(URI at, String location) {
        URI next;
        try {
            next = at.resolve(location);
        } catch (IllegalArgumentException e) {
            throw failed("%s redirects to what is no address".formatted(at));
        }
        if (at.getScheme().equalsIgnoreCase("https")
                && !"https".equalsIgnoreCase(next.getScheme())) {
            throw refused(next, "it was to come by https");
        }
        return next;
    }

    private Connection connect(URI uri, long deadline) throws IOException {
        InetAddress[] addresses = resolver.resolve(uri.getHost());
        for (InetAddress address : addresses) {
            if (!reachable.test(address)) {
                throw refused(uri, "that name is of an address that is not public");
            }
        }
        Socket socket = new Socket();
        Connection connection = new Connection(socket, deadline);
        boolean connected = false;
        try {
            socket.connect(
                    new InetSocketAddress(addresses[0], AllowedHosts.port(uri)), CONNECT_MILLIS);
            socket.setSoTimeout(SILENCE_MILLIS);
            if (uri.getScheme().equalsIgnoreCase("https")) {
                connection.encrypt(tls, uri);
            }
            connected = true;
            return connection;
        } finally {
            if (!connected) {
                connection.close();
            }
        }
    }

    private static ApiException failed(String reason) {
        return new ApiException(Fault.BAD_REQUEST, "The image could not be downloaded: " + reason);
    }

    /** A connection that is closed when the time is over. */
    private static final class Connection implements Closeable {
        private final Socket socket;
        private final Thread end;
        private Socket top;

        Connection(Socket socket, long deadlineNanos) {
            this.socket = socket;
            this.top = socket;
            this.end =
                    Thread.ofVirtual()
                            .name("image-download-end")
                            .start(
                                    () -> {
                                        try {
                                            Thread.sleep(
                                                    Duration.ofNanos(
                                                            deadlineNanos - System.nanoTime()));
                                            socket.close();
                                        } catch (InterruptedException | IOException e) {
                                            // It ended before, and is closed.
                                            return;
                                        }
                                    });
        }

        /** With the server's certificate for the name that was asked for. */
        void encrypt(SSLSocketFactory tls, URI uri) throws IOException {
            SSLSocket secure =
                    (SSLSocket)
                            tls.createSocket(socket, uri.getHost(), AllowedHosts.port(uri), true);
            SSLParameters parameters = secure.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            secure.setSSLParameters(parameters);
            secure.startHandshake();
            top = secure;
        }

        Answer ask(URI uri) throws IOException {
            String path =
                    uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
            String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
            String host = uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
            String request =
                    ("GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: IoD\r\nAccept: */*\r\n"
                                    + "Accept-Encoding: identity\r\nConnection: close\r\n\r\n")
                            .formatted(path, query, host);
            top.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            InputStream in = new BufferedInputStream(top.getInputStream(), BUFFER_BYTES);
            return Answer.read(in);
        }

        @Override
        public void close() throws IOException {
            end.interrupt();
            // Without a farewell of TLS, for which a server could let us wait.
            socket.close();
        }
    }

    /** The head of an answer, and where its body begins. */
    private record Answer(int status, Map<String, String> headers, InputStream in) {
        static Answer read(InputStream in) throws IOException {
            int[] left = {MAX_HEAD_BYTES};
            String[] status = line(in, left).split(" ", 3);
            if (status.length < 2
                    || !status[0].startsWith("HTTP/1.")
                    || !status[1].matches("[1-5][0-9]{2}")) {
                throw failed("the server does not speak HTTP/1.1");
            }
            Map<String, String> headers = new HashMap<>();
            for (String line = line(in, left); !line.isEmpty(); line = line(in, left)) {
                int colon = line.indexOf(':');
                String name = line.substring(0, Math.max(0, colon)).toLowerCase(Locale.ROOT);
                String value = line.substring(colon + 1).strip();
                if (headers.put(name, value) != null
                        && List.of("content-length", "transfer-encoding", "location")
                                .contains(name)) {
                    throw failed("the server's answer has two headers " + name);
                }
            }
            return new Answer(Integer.parseInt(status[1]), headers, in);
        }

        String header(String name) {
            return headers.getOrDefault(name, "");
        }

        Body body(Closeable connection) {
            String encoding = header("content-encoding").toLowerCase(Locale.ROOT);
            if (!Set.of("", "identity").contains(encoding)) {
                throw failed("the server sends it in the encoding " + encoding);
            }
            String length = header("content-length");
            String transfer = header("transfer-encoding").toLowerCase(Locale.ROOT);
            if (transfer.equals("chunked") && length.isEmpty()) {
                return new Body(new Chunks(in), OptionalLong.empty(), connection);
            }
            if (!transfer.isEmpty() || !length.matches("[0-9]{1,18}")) {
                throw failed("the server does not say how long it is");
            }
            long size = Long.parseLong(length);
            return new Body(new Exactly(in, size), OptionalLong.of(size), connection);
        }
    }

    /** A line without its end, of ISO 8859-1. */
    private static String line(InputStream in, int[] left) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException("the server broke off");
            }
            if (left[0]-- == 0) {
                throw failed("the head of the server's answer is too long");
            }
            line.append((char) next);
        }
        return line.toString().stripTrailing();
    }

    /** So many bytes. */
    private static class Exactly extends InputStream {
        final InputStream in;
        long left;

        Exactly(InputStream in, long bytes) {
            this.in = in;
            this.left = bytes;
        }

        /** What follows when so many are read; false for nothing. */
        boolean more() throws IOException {
            return false;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (left == 0 && !more()) {
                return -1;
            }
            int count = in.read(bytes, offset, (int) Math.min(length, left));
            if (count < 0) {
                throw new EOFException("the server broke off");
            }
            left -= count;
            return count;
        }
    }

    /** RFC 9112 §7.1; what comes after the last chunk is not read. */
    private static final class Chunks extends Exactly {
        private static final int MAX_LINE_BYTES = 1024;
        private boolean started;
        private boolean ended;

        Chunks(InputStream in) {
            super(in, 0);
        }

        @Override
        boolean more() throws IOException {
            if (ended) {
                return false;
            }
            if (started && !line(in, new int[] {2}).isEmpty()) {
                throw failed("a chunk does not end where it should");
            }
            started = true;
            String size = line(in, new int[] {MAX_LINE_BYTES}).split(";", 2)[0].strip();
            if (!size.matches("[0-9A-Fa-f]{1,15}")) {
                throw failed("the size of a chunk is malformed");
            }
            left = Long.parseLong(size, 16);
            ended = left == 0;
            return !ended;
        }
    }
}
