package dev.iod.region;

import dev.iod.rest.Api;
import dev.iod.rest.ApiException;
import dev.iod.rest.ApiServer;
import dev.iod.rest.Authenticator;
import dev.iod.rest.Dialect;
import dev.iod.rest.Fault;
import dev.iod.rest.Json;
import dev.iod.rest.Microversions;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.ServerLimits;
import dev.iod.store.Database;
import dev.iod.store.StoreException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/** What is done with all services of a region alike. */
public final class Services {
    /** The tables of nodes, goals and audit. */
    private static final String OWN_MIGRATIONS = "db/region";

    private Services() {}

    /** Brings the schema of the region and of the services up to date; then they start. */
    public static void prepare(Database database, List<Service> services) {
        database.migrate(
                Stream.concat(
                                Stream.of(OWN_MIGRATIONS),
                                services.stream().map(Service::migrations).flatMap(List::stream))
                        .toList());
        services.forEach(service -> service.start().run());
    }

    /**
     * Starts to answer requests, at the root with the document that says where each service is.
     *
     * @param port 0 for any free port
     * @throws IllegalStateException when the port cannot be had
     */
    public static ApiServer serve(
            InetAddress address,
            int port,
            ServerLimits limits,
            List<Service> services,
            Authenticator authenticator) {
        List<Api> apis = new ArrayList<>();
        apis.add(
                new Api(
                        "",
                        Dialect.PLAIN,
                        Microversions.NONE,
                        List.of(
                                Route.get("/", request -> root(request, services))
                                        .may(Rule.PUBLIC))));
        services.forEach(service -> apis.add(service.api()));
        return ApiServer.start(address, port, apis, authenticator, Services::error, limits);
    }

    private static Response root(Request request, List<Service> services) {
        ObjectNode listed = Json.object();
        services.stream()
                .filter(Service::listed)
                .forEach(
                        service ->
                                listed.put(service.type(), request.baseUrl() + service.prefix()));
        ObjectNode root = Json.object();
        root.set("services", listed);
        return Response.ok(root);
    }

    private static Optional<ApiException> error(RuntimeException failure) {
        if (!(failure instanceof StoreException outcome)) {
            return Optional.empty();
        }
        Fault fault =
                switch (outcome.reason()) {
                    case UNAVAILABLE -> Fault.UNAVAILABLE;
                    case DUPLICATE -> Fault.CONFLICT;
                    case UNKNOWN_SORT_KEY, UNKNOWN_MARKER -> Fault.BAD_REQUEST;
                };
        return Optional.of(new ApiException(fault, String.valueOf(outcome.getMessage()), outcome));
    }
}
