package dev.iod.identity;

import dev.iod.rest.ApiException;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Domains, regions, services and endpoints: fixed, so they can only be read. */
final class CatalogApi {
    private final Catalog catalog;

    CatalogApi(Catalog catalog) {
        this.catalog = catalog;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v3/domains", this::domains).may(Rule.ADMIN, "list_domains"),
                Route.get("/v3/domains/{id}", this::domain).may(Rule.TOKEN),
                Route.get("/v3/regions", this::regions).may(Rule.TOKEN),
                Route.get("/v3/regions/{id}", this::region).may(Rule.TOKEN),
                Route.get("/v3/services", this::services).may(Rule.ADMIN, "list_services"),
                Route.get("/v3/services/{id}", this::service).may(Rule.ADMIN, "get_service"),
                Route.get("/v3/endpoints", this::endpoints).may(Rule.ADMIN, "list_endpoints"),
                Route.get("/v3/endpoints/{id}", this::endpoint).may(Rule.ADMIN, "get_endpoint"));
    }

    private Response domains(Request request) {
        boolean asked = request.query().first("name").map("Default"::equalsIgnoreCase).orElse(true);
        return KeystoneStyle.all(
                request, "domains", asked ? List.of(Domain.DEFAULT) : List.of(), Domain.VIEW);
    }

    private Response domain(Request request) {
        String id = request.pathParameter("id");
        if (!id.equals(Domain.DEFAULT.id())) {
            throw ApiException.notFound("Could not find domain: %s.".formatted(id));
        }
        return KeystoneStyle.one(
                200, "domain", Domain.VIEW.render(Domain.DEFAULT, KeystoneStyle.of(request)));
    }

    private Response regions(Request request) {
        return KeystoneStyle.all(
                request, "regions", List.of(catalog.regionView(request.baseUrl())));
    }

    private Response region(Request request) {
        String id = request.pathParameter("id");
        if (!id.equals(catalog.region())) {
            throw ApiException.notFound("Could not find region: %s.".formatted(id));
        }
        return KeystoneStyle.one(200, "region", catalog.regionView(request.baseUrl()));
    }

    private Response services(Request request) {
        Optional<String> type = request.query().first("type");
        Optional<String> name = request.query().first("name");
        return KeystoneStyle.all(
                request,
                "services",
                catalog.entries().stream()
                        .filter(service -> type.map(service.type()::equals).orElse(true))
                        .filter(service -> name.map(service.name()::equals).orElse(true))
                        .map(service -> service.view(request.baseUrl()))
                        .toList());
    }

    private Response service(Request request) {
        String id = request.pathParameter("id");
        ObjectNode view =
                catalog.entries().stream()
                        .filter(service -> service.id().equals(id))
                        .map(service -> service.view(request.baseUrl()))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        ApiException.notFound(
                                                "Could not find service: %s.".formatted(id)));
        return KeystoneStyle.one(200, "service", view);
    }

    private Response endpoints(Request request) {
        Optional<String> service = request.query().first("service_id");
        Optional<String> face = request.query().first("interface");
        return KeystoneStyle.all(
                request,
                "endpoints",
                catalog.endpoints(request.baseUrl()).stream()
                        .filter(one -> matches(one, "service_id", service))
                        .filter(one -> matches(one, "interface", face))
                        .toList());
    }

    private Response endpoint(Request request) {
        String id = request.pathParameter("id");
        ObjectNode view =
                catalog.endpoints(request.baseUrl()).stream()
                        .filter(one -> matches(one, "id", Optional.of(id)))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        ApiException.notFound(
                                                "Could not find endpoint: %s.".formatted(id)));
        return KeystoneStyle.one(200, "endpoint", view);
    }

    private static boolean matches(ObjectNode view, String name, Optional<String> value) {
        return value.map(view.path(name).asString()::equals).orElse(true);
    }
}
