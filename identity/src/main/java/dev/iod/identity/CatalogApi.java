package dev.iod.identity;

import dev.iod.rest.Access;
import dev.iod.rest.ApiException;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
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
                Policy.admin("GET", "/v3/domains", "list_domains", this::domains),
                Route.get("/v3/domains/{id}", this::domain).access(Access.TOKEN),
                Route.get("/v3/regions", this::regions).access(Access.TOKEN),
                Route.get("/v3/regions/{id}", this::region).access(Access.TOKEN),
                Policy.admin("GET", "/v3/services", "list_services", this::services),
                Policy.admin("GET", "/v3/services/{id}", "get_service", this::service),
                Policy.admin("GET", "/v3/endpoints", "list_endpoints", this::endpoints),
                Policy.admin("GET", "/v3/endpoints/{id}", "get_endpoint", this::endpoint));
    }

    private Response domains(Request request) {
        boolean asked = request.query().first("name").map("Default"::equalsIgnoreCase).orElse(true);
        return Views.all(request, "domains", asked ? List.of(Views.domain(request)) : List.of());
    }

    private Response domain(Request request) {
        String id = request.pathParameter("id");
        if (!id.equals(Views.DOMAIN)) {
            throw ApiException.notFound("Could not find domain: %s.".formatted(id));
        }
        return Views.one(200, "domain", Views.domain(request));
    }

    private Response regions(Request request) {
        return Views.all(request, "regions", List.of(catalog.regionView(request.baseUrl())));
    }

    private Response region(Request request) {
        String id = request.pathParameter("id");
        if (!id.equals(catalog.region())) {
            throw ApiException.notFound("Could not find region: %s.".formatted(id));
        }
        return Views.one(200, "region", catalog.regionView(request.baseUrl()));
    }

    private Response services(Request request) {
        Optional<String> type = request.query().first("type");
        Optional<String> name = request.query().first("name");
        return Views.all(
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
        return Views.one(200, "service", view);
    }

    private Response endpoints(Request request) {
        Optional<String> service = request.query().first("service_id");
        Optional<String> face = request.query().first("interface");
        return Views.all(
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
        return Views.one(200, "endpoint", view);
    }

    private static boolean matches(ObjectNode view, String name, Optional<String> value) {
        return value.map(view.path(name).asString()::equals).orElse(true);
    }
}
