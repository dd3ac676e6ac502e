package dev.iod.rest;

import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/** Route, authenticate, authorize, handle, and word every error in the service's format. */
final class Dispatcher {
    private static final System.Logger LOG = System.getLogger(Dispatcher.class.getName());
    private static final int MAX_TOKEN_LENGTH = 4096;

    private final Router router;
    private final Authenticator authenticator;
    private final Outcomes outcomes;
    private final Turns turns;
    private final ByteBudget budget;

    /**
     * A request before routing.
     *
     * @param source who pays for it when nobody is known to have sent it
     * @param path with its escapes
     */
    record Raw(
            String baseUrl,
            String source,
            String method,
            String path,
            String query,
            Function<String, Optional<String>> headers,
            RequestBody body) {}

    Dispatcher(Router router, Authenticator authenticator, Outcomes outcomes, ServerLimits limits) {
        this.router = router;
        this.authenticator = authenticator;
        this.outcomes = outcomes;
        this.turns = new Turns(limits.running(), limits.runningPerPayer(), limits.patience());
        this.budget = new ByteBudget(limits.bodyBytes(), limits.bodyBytesPerPayer());
    }

    /** Bytes of bodies that are in memory. */
    long bodyBytes() {
        return budget.usedBytes();
    }

    /** The answer to something that does not get as far as a route. */
    Response refuse(String path, ApiException error) {
        return worded(router.dialect(path), error);
    }

    /** Answers; the answer is to be closed when it is written. */
    Exchange dispatch(Raw raw) {
        String id = "req-" + UUID.randomUUID();
        Exchange exchange;
        try {
            Optional<Router.Match> match = router.find(Router.split(raw.path()));
            exchange =
                    match.isEmpty()
                            ? free(
                                    raw,
                                    refuse(
                                            raw.path(),
                                            ApiException.notFound(
                                                    "The resource could not be found.")))
                            : dispatch(raw, id, match.get());
        } catch (ApiException e) {
            exchange = free(raw, refuse(raw.path(), e));
        }
        return new Exchange(
                exchange.response()
                        .header("X-Openstack-Request-Id", id)
                        .header("X-Compute-Request-Id", id),
                exchange.reservation());
    }

    private Exchange free(Raw raw, Response response) {
        return new Exchange(response, budget.open(raw.source()));
    }

    private Exchange dispatch(Raw raw, String id, Router.Match match) {
        Api api = match.target().api();
        Map<String, Route> methods = match.target().methods();
        Route route = methods.get(raw.method());
        if (route == null && raw.method().equals("HEAD")) {
            route = methods.get("GET");
        }
        if (route == null) {
            return free(
                    raw,
                    api.dialect()
                            .render(
                                    new ApiException(
                                            Fault.METHOD_NOT_ALLOWED,
                                            "The method %s is not allowed for this resource."
                                                    .formatted(raw.method())))
                            .header("Allow", String.join(", ", methods.keySet())));
        }
        Microversion version = api.microversions().min();
        ByteBudget.Reservation reservation = budget.open(raw.source());
        Response response;
        try {
            version = api.microversions().requested(raw.headers()::apply);
            Optional<Caller> caller =
                    route.rule() == Rule.PUBLIC ? Optional.empty() : Optional.of(caller(raw));
            if (caller.isPresent()) {
                authorize(api, route, caller.get());
            }
            String payer = caller.map(Dispatcher::payer).orElse(raw.source());
            reservation = budget.open(payer);
            response = handle(raw, id, match, route, caller, version, payer, reservation);
            if (response.body() instanceof Response.Body.Bytes(String type, byte[] bytes)) {
                reservation.take(bytes.length);
            }
        } catch (RuntimeException e) {
            String path = path(raw.path(), api.prefix() + route.template(), match.parameters());
            response = render(raw, api, answer(id + " " + raw.method() + " " + path, id, e));
        }
        return new Exchange(api.microversions().decorate(response, version), reservation);
    }

    /** Whose share a request counts in. */
    private static String payer(Caller caller) {
        return caller.project().map(id -> "project " + id).orElse("user " + caller.userId());
    }

    /** A request's path for the log, which shall hold no token that can still be used. */
    static String path(String path, String template, Map<String, String> parameters) {
        return parameters.containsKey("token") ? template : path;
    }

    private ApiException answer(String what, String id, RuntimeException failure) {
        Optional<ApiException> known =
                failure instanceof ApiException e ? Optional.of(e) : outcomes.error(failure);
        if (known.isEmpty()) {
            LOG.log(System.Logger.Level.ERROR, what, failure);
        } else if (known.get().fault().status() >= Fault.INTERNAL.status()
                && known.get().getCause() != null) {
            // Without a cause it is a limit, which whoever reaches it can reach again and again.
            LOG.log(System.Logger.Level.WARNING, what, known.get());
        }
        return known.orElseGet(
                () ->
                        new ApiException(
                                Fault.INTERNAL,
                                "Unexpected error; the region's log has it under " + id + "."));
    }

    private Response handle(
            Raw raw,
            String id,
            Router.Match match,
            Route route,
            Optional<Caller> caller,
            Microversion version,
            String payer,
            ByteBudget.Reservation reservation) {
        Request.Incoming incoming =
                new Request.Incoming(
                        id,
                        raw.baseUrl(),
                        raw.method(),
                        raw.path(),
                        Query.parse(raw.query()),
                        raw.headers(),
                        raw.body());
        try (Turns.Turn turn = turns.take(payer)) {
            return route.handler()
                    .handle(
                            new Request(
                                    incoming,
                                    match.target().api().dialect(),
                                    match.parameters(),
                                    caller,
                                    version,
                                    reservation,
                                    turn));
        }
    }

    private Caller caller(Raw raw) {
        return raw.headers()
                .apply("X-Auth-Token")
                .filter(token -> token.length() <= MAX_TOKEN_LENGTH)
                .flatMap(authenticator::authenticate)
                .orElseThrow(
                        () ->
                                new ApiException(
                                        Fault.UNAUTHORIZED,
                                        "The request you have made requires authentication."));
    }

    private static void authorize(Api api, Route route, Caller caller) {
        if (route.rule().allows(caller)) {
            return;
        }
        throw ApiException.forbidden(
                route.rule().needsProject() && caller.project().isEmpty()
                        ? Caller.UNSCOPED
                        : api.dialect().refusal(route));
    }

    private static Response render(Raw raw, Api api, ApiException error) {
        if (error.fault() != Fault.UNAUTHORIZED) {
            return worded(api.dialect(), error);
        }
        // keystonemiddleware answers 401 for every service in this one form.
        return Dialect.PLAIN
                .render(error)
                .header("WWW-Authenticate", "Keystone uri=\"" + raw.baseUrl() + "/identity\"");
    }

    private static Response worded(Dialect dialect, ApiException error) {
        Response response = dialect.render(error);
        return error.fault() == Fault.UNAVAILABLE || error.fault() == Fault.TOO_MANY_REQUESTS
                ? response.header("Retry-After", "1")
                : response;
    }
}
