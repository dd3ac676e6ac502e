package dev.iod.rest;

import java.io.InputStream;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;

/** Route, authenticate, authorize, handle, and word every error in the service's format. */
final class Dispatcher {
    private static final System.Logger LOG = System.getLogger(Dispatcher.class.getName());
    private static final int MAX_TOKEN_LENGTH = 4096;

    private final Router router;
    private final Authenticator authenticator;
    private final Outcomes outcomes;

    /** A request before routing. */
    record Raw(
            String baseUrl,
            String method,
            String path,
            String query,
            Function<String, Optional<String>> headers,
            Supplier<InputStream> body) {}

    Dispatcher(Router router, Authenticator authenticator, Outcomes outcomes) {
        this.router = router;
        this.authenticator = authenticator;
        this.outcomes = outcomes;
    }

    Response dispatch(Raw raw) {
        String id = "req-" + UUID.randomUUID();
        Optional<Router.Match> match = router.find(Router.split(raw.path()));
        Response response;
        if (match.isEmpty()) {
            response =
                    router.dialect(raw.path())
                            .render(ApiException.notFound("The resource could not be found."));
        } else {
            response = dispatch(raw, id, match.get());
        }
        return response.header("X-Openstack-Request-Id", id).header("X-Compute-Request-Id", id);
    }

    private Response dispatch(Raw raw, String id, Router.Match match) {
        Api api = match.target().api();
        Map<String, Route> methods = match.target().methods();
        Route route = methods.get(raw.method());
        if (route == null && raw.method().equals("HEAD")) {
            route = methods.get("GET");
        }
        if (route == null) {
            return api.dialect()
                    .render(
                            new ApiException(
                                    Fault.METHOD_NOT_ALLOWED,
                                    "The method %s is not allowed for this resource."
                                            .formatted(raw.method())))
                    .header("Allow", String.join(", ", methods.keySet()));
        }
        Microversion version = api.microversions().min();
        Response response;
        try {
            version = api.microversions().requested(raw.headers()::apply);
            response = handle(raw, id, match, route, version);
        } catch (RuntimeException e) {
            response = render(raw, api, answer(raw, id, e));
        }
        return api.microversions().decorate(response, version);
    }

    private ApiException answer(Raw raw, String id, RuntimeException failure) {
        Optional<ApiException> known =
                failure instanceof ApiException e ? Optional.of(e) : outcomes.error(failure);
        String what = id + " " + raw.method() + " " + raw.path();
        if (known.isEmpty()) {
            LOG.log(System.Logger.Level.ERROR, what, failure);
        } else if (known.get().fault().status() >= Fault.INTERNAL.status()) {
            LOG.log(System.Logger.Level.WARNING, what, known.get());
        }
        return known.orElseGet(
                () ->
                        new ApiException(
                                Fault.INTERNAL,
                                "Unexpected error; the region's log has it under " + id + "."));
    }

    private Response handle(
            Raw raw, String id, Router.Match match, Route route, Microversion version) {
        Optional<Caller> caller =
                route.rule() == Rule.PUBLIC ? Optional.empty() : Optional.of(caller(raw));
        caller.ifPresent(known -> authorize(match.target().api(), route, known));
        Request.Incoming incoming =
                new Request.Incoming(
                        id,
                        raw.baseUrl(),
                        raw.method(),
                        raw.path(),
                        Query.parse(raw.query()),
                        raw.headers(),
                        raw.body());
        return route.handler()
                .handle(
                        new Request(
                                incoming,
                                match.target().api().dialect(),
                                match.parameters(),
                                caller,
                                version));
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
            return api.dialect().render(error);
        }
        // keystonemiddleware answers 401 for every service in this one form.
        return Dialect.PLAIN
                .render(error)
                .header("WWW-Authenticate", "Keystone uri=\"" + raw.baseUrl() + "/identity\"");
    }
}
