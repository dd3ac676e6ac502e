package dev.iod.compute;

import dev.iod.region.Collection;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Columns;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** {@code /flavors/{id}/os-extra_specs}. */
final class FlavorSpecsApi {
    private final Collection<Flavor> flavors;

    FlavorSpecsApi(Collection<Flavor> flavors) {
        this.flavors = flavors;
    }

    List<Route> routes() {
        String all = "/v2.1/flavors/{id}/os-extra_specs";
        String one = all + "/{key}";
        return List.of(
                Route.get(all, this::specs).may(Rule.READER),
                Route.post(all, this::addSpecs).may(Rule.ADMIN),
                Route.get(one, this::spec).may(Rule.READER),
                Route.put(one, this::putSpec).may(Rule.ADMIN),
                Route.delete(one, this::deleteSpec).may(Rule.ADMIN));
    }

    private Response specs(Request request) {
        return answer(flavors.find(request).properties());
    }

    private static Response answer(Map<String, String> specs) {
        ObjectNode root = Json.object();
        root.set("extra_specs", Json.object(specs));
        return Response.ok(root);
    }

    private Response spec(Request request) {
        String key = request.pathParameter("key");
        Flavor flavor = flavors.find(request);
        String value = flavor.properties().get(key);
        if (value == null) {
            throw missing(flavor, key);
        }
        return Response.ok(Json.object().put(key, value));
    }

    private Response addSpecs(Request request) {
        Map<String, String> more =
                Json.map(Bodies.read(request, Bodies.EXTRA_SPECS).path("extra_specs"));
        add(request, more);
        return answer(more);
    }

    private Response putSpec(Request request) {
        Map<String, String> one = Json.map(Bodies.read(request, Bodies.EXTRA_SPEC));
        if (!one.keySet().equals(Set.of(request.pathParameter("key")))) {
            throw ApiException.badRequest("Request body and URI mismatch");
        }
        add(request, one);
        return Response.ok(Json.object(one));
    }

    private void add(Request request, Map<String, String> more) {
        String machine = more.get(Flavor.MACHINE);
        if (machine != null && !Set.of("q35", "microvm").contains(machine)) {
            throw ApiException.badRequest(
                    "Validation failed; extra spec %s must be q35 or microvm, not '%s'."
                            .formatted(Flavor.MACHINE, machine));
        }
        flavors.update(
                request,
                flavor -> {
                    Map<String, String> all = new LinkedHashMap<>(flavor.properties());
                    all.putAll(more);
                    return new Columns().set("properties", all);
                });
    }

    private Response deleteSpec(Request request) {
        String key = request.pathParameter("key");
        flavors.update(
                request,
                flavor -> {
                    Map<String, String> all = new LinkedHashMap<>(flavor.properties());
                    if (all.remove(key) == null) {
                        throw missing(flavor, key);
                    }
                    return new Columns().set("properties", all);
                });
        return Response.empty(200);
    }

    private static ApiException missing(Flavor flavor, String key) {
        return ApiException.notFound(
                "Flavor %s has no extra specs with key %s.".formatted(flavor.id(), key));
    }
}
