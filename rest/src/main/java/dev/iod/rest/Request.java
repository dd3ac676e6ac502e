package dev.iod.rest;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** A request after routing and authentication. */
public final class Request {
    /** Largest JSON body taken. */
    public static final int JSON_LIMIT_BYTES = 1 << 20;

    /** The same of a caller without a token. */
    public static final int PUBLIC_LIMIT_BYTES = 64 << 10;

    /** Memory of the buffer that a handler reads a stream with. */
    private static final int STREAM_BYTES = 256 << 10;

    private final Incoming incoming;
    private final Dialect dialect;
    private final Map<String, String> pathParameters;
    private final Optional<Caller> caller;
    private final Microversion microversion;
    private final ByteBudget.Reservation reservation;
    private final Turns.Turn turn;

    /**
     * What arrived, in terms of no web server.
     *
     * @param baseUrl scheme, host and port for links, without a slash at the end
     */
    record Incoming(
            String id,
            String baseUrl,
            String method,
            String path,
            Query query,
            Function<String, Optional<String>> headers,
            RequestBody body) {}

    Request(
            Incoming incoming,
            Dialect dialect,
            Map<String, String> pathParameters,
            Optional<Caller> caller,
            Microversion microversion,
            ByteBudget.Reservation reservation,
            Turns.Turn turn) {
        this.incoming = incoming;
        this.dialect = dialect;
        this.pathParameters = Map.copyOf(pathParameters);
        this.caller = caller;
        this.microversion = microversion;
        this.reservation = reservation;
        this.turn = turn;
    }

    /** The request's id, {@code req-UUID}; also in the log and in the answer's header. */
    public String id() {
        return incoming.id();
    }

    /** Scheme, host and port for links in answers, without a slash at the end. */
    public String baseUrl() {
        return incoming.baseUrl();
    }

    /** GET, POST, … */
    public String method() {
        return incoming.method();
    }

    /** The path, service prefix included. */
    public String path() {
        return incoming.path();
    }

    /** A parameter of the route's template; asking for another one is a programming error. */
    public String pathParameter(String name) {
        String value = pathParameters.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the route has no path parameter " + name);
        }
        return value;
    }

    /** The parameters of the URL. */
    public Query query() {
        return incoming.query();
    }

    /** The first value of a header. */
    public Optional<String> header(String name) {
        return incoming.headers().apply(name);
    }

    /** Who asks. Present on every route but public ones; there it is a programming error. */
    public Caller caller() {
        return caller.orElseThrow(() -> new IllegalStateException("a public route has no caller"));
    }

    /** The microversion asked for. */
    public Microversion microversion() {
        return microversion;
    }

    /**
     * Gives what is left of this request at least that time from now, for work that its sender has
     * to wait for: else it is cut off after {@link ServerLimits#request}.
     */
    public void allow(Duration time) {
        incoming.body().allow(time);
    }

    /** Limit, marker, sort and fields of a list request. */
    public ListQuery list() {
        return ListQuery.of(incoming.query());
    }

    /**
     * The JSON body, an object.
     *
     * @throws ApiException 400 when it is not, 413 when it exceeds {@link #JSON_LIMIT_BYTES}
     */
    public Fields body() {
        byte[] bytes = bytes();
        if (bytes.length == 0) {
            throw ApiException.badRequest("Malformed request body: a JSON object is expected.");
        }
        return Fields.of(Json.parse(bytes), "body", dialect);
    }

    /** The JSON body that is an object with one property, {@code {"server": {…}}}. */
    public Fields body(String wrapper) {
        Fields outer = body();
        Fields inner = outer.object(wrapper);
        outer.end();
        return inner;
    }

    /** The body in memory; 413 beyond {@link #JSON_LIMIT_BYTES}, 503 beyond the budget of all. */
    public byte[] bytes() {
        RequestBody body = incoming.body();
        int limit = caller.isPresent() ? JSON_LIMIT_BYTES : PUBLIC_LIMIT_BYTES;
        if (body.announcedBytes().orElse(0) > limit) {
            throw tooLarge(limit);
        }
        // Charged before it is read: half a body is of no use to anybody.
        reservation.take(body.announcedBytes().orElse(limit));
        try {
            byte[] bytes = body.readNBytes(limit + 1);
            if (bytes.length > limit) {
                throw tooLarge(limit);
            }
            return bytes;
        } catch (SocketTimeoutException e) {
            throw new ApiException(Fault.TIMEOUT, "The body did not arrive in time.", e);
        } catch (IOException e) {
            throw new ApiException(Fault.BAD_REQUEST, "The body did not arrive whole.", e);
        }
    }

    /**
     * The body as a stream without a limit; the handler declares its own. It waits for the client,
     * so from here on it does not count among the requests that run. The memory of its buffer is
     * charged until it has ended: what the handler does then may take long.
     */
    public InputStream stream() {
        reservation.take(STREAM_BYTES);
        turn.close();
        return new FilterInputStream(incoming.body()) {
            private boolean ended;

            @Override
            public int read() throws IOException {
                return end(super.read());
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                return end(super.read(bytes, offset, length));
            }

            private int end(int read) {
                if (read < 0 && !ended) {
                    ended = true;
                    reservation.give(STREAM_BYTES);
                }
                return read;
            }
        };
    }

    private static ApiException tooLarge(int limit) {
        return new ApiException(Fault.TOO_LARGE, "The body is larger than " + limit + " bytes.");
    }
}
