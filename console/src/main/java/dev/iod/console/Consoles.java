package dev.iod.console;

import dev.iod.region.Actor;
import dev.iod.region.NodeConsole;
import dev.iod.region.NodeConsoles;
import dev.iod.region.Service;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.WebSocket;
import dev.iod.store.Database;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/** Gives out tokens for consoles, and serves those who come with one. Thread-safe. */
public final class Consoles implements AutoCloseable {
    /** Visits at a time, in all and of one project. */
    static final int MAX_VISITS = 256;

    static final int MAX_OF_PROJECT = 16;

    /** How long a client may not even answer a ping. */
    private static final Duration SILENCE = Duration.ofSeconds(60);

    private static final Duration LOOK = Duration.ofSeconds(30);
    static final String PREFIX = "/console";
    private static final String TOKEN = "token";
    private static final int MAX_REASON = 100;
    private static final System.Logger LOG = System.getLogger(Consoles.class.getName());

    private final Database database;
    private final NodeConsoles nodes;
    private final ConsoleServers servers;
    private final ConsoleTokens tokens;
    private final NoVnc page;
    private final Set<String> origins;
    private final Optional<String> base;
    private final Set<Visit> visits = new HashSet<>();
    private final Thread watch = Thread.ofVirtual().name("console-watch").unstarted(this::watch);
    private boolean closed;

    /**
     * @param origins hosts with their ports, if those are not the standard ones, from whose pages
     *     browsers may connect, beside the region's own
     * @param base scheme, host and port that browsers reach the region by, {@code
     *     https://cloud.example.org}; without it those of the request for a console
     * @param novnc where {@code console/novnc} has put noVNC; without it there is no page for it
     */
    public Consoles(
            Database database,
            NodeConsoles nodes,
            ConsoleServers servers,
            Set<String> origins,
            Optional<String> base,
            Optional<Path> novnc,
            Clock clock) {
        this.database = database;
        this.nodes = nodes;
        this.servers = servers;
        this.origins =
                Stream.concat(origins.stream(), base.flatMap(Consoles::authority).stream())
                        .collect(Collectors.toUnmodifiableSet());
        this.base = base;
        this.page = new NoVnc(novnc, origins);
        this.tokens = new ConsoleTokens(clock);
    }

    /** Begins to end visits that take too long, and to forget tokens. */
    public Consoles start() {
        watch.start();
        return this;
    }

    /** What a token that can be used is good for. */
    public record Target(UUID server, Optional<String> node) {}

    /**
     * A URL that opens a console once.
     *
     * @param project whose server it is
     * @param asked scheme, host and port that the request for it came by, {@code http://…}
     */
    public String issue(
            Handle handle,
            Actor actor,
            UUID server,
            String project,
            ConsoleType type,
            String asked) {
        String root = base.orElse(asked);
        String token = tokens.issue(handle, actor, server, project, type);
        return switch (type) {
            case SERIAL ->
                    "ws" + root.substring("http".length()) + PREFIX + "/serial?token=" + token;
            case NOVNC -> root + PREFIX + "/vnc.html?path=console%2Fvnc%3Ftoken%3D" + token;
        };
    }

    /** What a token is good for; empty when it is not. */
    public Optional<Target> find(String token) {
        return database.read(
                handle ->
                        tokens.find(handle, token)
                                .map(
                                        grant ->
                                                new Target(
                                                        grant.server(),
                                                        servers.node(handle, grant.server()))));
    }

    /** {@code /console}. */
    public Service service() {
        List<Route> routes = new ArrayList<>();
        routes.add(
                Route.get("/serial", request -> visit(request, ConsoleType.SERIAL))
                        .may(Rule.PUBLIC));
        routes.add(
                Route.get("/vnc", request -> visit(request, ConsoleType.NOVNC)).may(Rule.PUBLIC));
        routes.addAll(page.routes());
        return Service.unlisted(PREFIX, routes).migrations("db/console").build();
    }

    private Response visit(Request request, ConsoleType type) {
        String token = request.query().first(TOKEN).orElse("");
        Response upgrade =
                WebSocket.accept(
                        request, SILENCE, socket -> serve(type, token, request.id(), socket));
        if (!(upgrade.body() instanceof Response.Body.Upgrade)) {
            return upgrade;
        }
        Optional<ConsoleTokens.Grant> grant =
                mayCome(request)
                        ? database.read(handle -> tokens.find(handle, token))
                        : Optional.empty();
        if (grant.isEmpty() || grant.get().type() != type) {
            return refusal();
        }
        if (full(grant.get().project())) { // The token stays good for another try.
            throw tooMany();
        }
        return upgrade;
    }

    /** Without a body, as Nova's proxies say nothing to those they do not know. */
    private static Response refusal() {
        return Response.empty(Fault.FORBIDDEN.status());
    }

    /**
     * Whether the page that a browser comes from is the region's or one that is allowed, as Nova's
     * proxies check it; clients that are no browsers say nothing of it.
     */
    private boolean mayCome(Request request) {
        Optional<String> origin = request.header("Origin");
        if (origin.isEmpty()) {
            return true;
        }
        Optional<String> from = authority(origin.get());
        return from.isPresent()
                && (from.equals(request.header("Host").map(host -> host.toLowerCase(Locale.ROOT)))
                        || origins.contains(from.get()));
    }

    private static Optional<String> authority(String origin) {
        try {
            URI uri = URI.create(origin);
            boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            return Optional.ofNullable(uri.getRawAuthority())
                    .filter(authority -> web && uri.getUserInfo() == null)
                    .map(authority -> authority.toLowerCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** The handshake is over: now the token is used up, unless there is no console after all. */
    private void serve(ConsoleType type, String token, String requestId, WebSocket socket)
            throws IOException {
        Optional<ConsoleTokens.Grant> grant;
        try {
            grant =
                    database.locked(handle -> tokens.use(handle, token, requestId))
                            .filter(used -> used.type() == type);
        } catch (RuntimeException e) {
            refuse(socket, requestId, e);
            return;
        }
        if (grant.isEmpty()) { // Another was faster.
            socket.close(WebSocket.Close.POLICY, "the token was used");
            return;
        }
        Visit visit = new Visit(grant.get(), socket);
        try {
            visit.serve(open(visit));
        } catch (Unopened e) {
            giveBack(token);
            refuse(socket, requestId, e.why);
        } finally {
            leave(visit);
        }
    }

    /** There is no console for a visit. */
    private static final class Unopened extends Exception {
        private static final long serialVersionUID = 1L;
        private final RuntimeException why;

        Unopened(RuntimeException why) {
            super(why);
            this.why = why;
        }
    }

    private NodeConsole open(Visit visit) throws Unopened {
        ConsoleTokens.Grant grant = visit.grant();
        try {
            if (!admit(visit)) {
                throw tooMany();
            }
            String node =
                    database.read(handle -> servers.node(handle, grant.server()))
                            .orElseThrow(() -> ApiException.conflict("The server is on no node."));
            return nodes.use(node, grant.server().toString(), grant.project(), grant.type().kind());
        } catch (RuntimeException e) {
            throw new Unopened(e);
        }
    }

    private void giveBack(String token) {
        try {
            database.runLocked(handle -> tokens.giveBack(handle, token));
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "a token is used up without a console", e);
        }
    }

    /** Says why there is no console; what is no user's business goes to the log only. */
    private static void refuse(WebSocket socket, String requestId, RuntimeException why) {
        String reason = "Unexpected error; the region's log has it under " + requestId + ".";
        if (why instanceof ApiException known) {
            reason = known.detail();
            LOG.log(
                    System.Logger.Level.INFO,
                    "console not opened request={0} reason={1}",
                    requestId,
                    reason);
        } else {
            LOG.log(System.Logger.Level.WARNING, "console not opened request=" + requestId, why);
        }
        socket.close(
                WebSocket.Close.INTERNAL,
                reason.substring(0, Math.min(MAX_REASON, reason.length())));
    }

    private static ApiException tooMany() {
        return new ApiException(
                Fault.TOO_MANY_REQUESTS, "Too many consoles are open; close one and try again.");
    }

    /** Whether a project, or the region, has as many visits as it may have. */
    boolean full(String project) {
        synchronized (visits) {
            long own = visits.stream().filter(v -> v.grant().project().equals(project)).count();
            return visits.size() >= MAX_VISITS || own >= MAX_OF_PROJECT;
        }
    }

    /** Those that have a visit. */
    Set<String> projects() {
        return visits().stream().map(v -> v.grant().project()).collect(Collectors.toSet());
    }

    private boolean admit(Visit visit) {
        synchronized (visits) {
            return !closed && !full(visit.grant().project()) && visits.add(visit);
        }
    }

    private void leave(Visit visit) {
        synchronized (visits) {
            visits.remove(visit);
        }
    }

    private List<Visit> visits() {
        synchronized (visits) {
            return List.copyOf(visits);
        }
    }

    private void watch() {
        try {
            while (true) {
                Thread.sleep(LOOK);
                look(System.nanoTime());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // The region stops.
        }
    }

    /** Whether a visit has something that its other side has not taken. */
    boolean areCarrying() {
        return visits().stream().anyMatch(Visit::isCarrying);
    }

    /** Ends the visits that take too long, and forgets the tokens that have expired. */
    void look(long nowNanos) {
        for (Visit visit : visits()) {
            visit.over(nowNanos).ifPresent(reason -> visit.end(WebSocket.Close.POLICY, reason));
        }
        try {
            database.runLocked(tokens::purge);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "expired tokens stay until the next look", e);
        }
    }

    /** Ends all visits, and lets no other in. */
    @Override
    public void close() {
        watch.interrupt();
        synchronized (visits) {
            closed = true;
        }
        visits().forEach(visit -> visit.end(WebSocket.Close.GOING_AWAY, "the region is stopping"));
    }
}
