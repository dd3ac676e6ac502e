package dev.iod.compute;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;
import static dev.iod.rest.View.until;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.rest.View;
import dev.iod.store.Listed;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /flavors} with extra specs and access lists. */
final class FlavorApi {
    private static final View<Flavor> BRIEF =
            new View<>(
                    List.of(
                            field("id", (f, v) -> text(f.id())),
                            field("name", (f, v) -> text(f.name())),
                            field("links", (f, v) -> Links.at(v).of("flavors", f.id())),
                            since(55, "description", (f, v) -> text(f.description()))));

    private static final View<Flavor> FULL =
            new View<>(
                    List.of(
                            field("id", (f, v) -> text(f.id())),
                            field("name", (f, v) -> text(f.name())),
                            field("ram", (f, v) -> number(f.memoryMib())),
                            field("disk", (f, v) -> number(f.diskGib())),
                            // Nova writes "no swap" as an empty text before 2.75.
                            until(
                                    74,
                                    "swap",
                                    (f, v) -> f.swapMib() == 0 ? text("") : number(f.swapMib())),
                            since(75, "swap", (f, v) -> number(f.swapMib())),
                            field("OS-FLV-EXT-DATA:ephemeral", (f, v) -> number(f.ephemeralGib())),
                            field("OS-FLV-DISABLED:disabled", (f, v) -> truth(f.disabled())),
                            field("vcpus", (f, v) -> number(f.vcpus())),
                            field("os-flavor-access:is_public", (f, v) -> truth(f.shared())),
                            field("rxtx_factor", (f, v) -> number(f.rxtxFactor())),
                            field("links", (f, v) -> Links.at(v).of("flavors", f.id())),
                            since(55, "description", (f, v) -> text(f.description())),
                            since(61, "extra_specs", (f, v) -> Rows.object(f.properties()))));

    private final Parts parts;

    FlavorApi(Parts parts) {
        this.parts = parts;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/flavors", request -> list(request, "flavors", BRIEF))
                        .may(Rule.READER),
                Route.get("/v2.1/flavors/detail", request -> list(request, "flavors/detail", FULL))
                        .may(Rule.READER),
                Route.post("/v2.1/flavors", this::create).may(Rule.ADMIN),
                Route.get("/v2.1/flavors/{id}", this::show).may(Rule.READER),
                Route.put("/v2.1/flavors/{id}", this::update).may(Rule.ADMIN),
                Route.delete("/v2.1/flavors/{id}", this::delete).may(Rule.ADMIN),
                Route.post("/v2.1/flavors/{id}/action", this::act).may(Rule.ADMIN),
                Route.get("/v2.1/flavors/{id}/os-flavor-access", this::access).may(Rule.ADMIN),
                Route.get("/v2.1/flavors/{id}/os-extra_specs", this::specs).may(Rule.READER),
                Route.post("/v2.1/flavors/{id}/os-extra_specs", this::addSpecs).may(Rule.ADMIN),
                Route.get("/v2.1/flavors/{id}/os-extra_specs/{key}", this::spec).may(Rule.READER),
                Route.put("/v2.1/flavors/{id}/os-extra_specs/{key}", this::putSpec).may(Rule.ADMIN),
                Route.delete("/v2.1/flavors/{id}/os-extra_specs/{key}", this::deleteSpec)
                        .may(Rule.ADMIN));
    }

    private Response list(Request request, String collection, View<Flavor> view) {
        ComputeQueries.FLAVORS.check(request);
        ListQuery page = request.list();
        View.Scope scope = Scopes.of(request);
        boolean admin = request.caller().isAdmin();
        Optional<Boolean> shared = admin ? shared(request) : Optional.empty();
        FlavorStore.Filter filter =
                new FlavorStore.Filter(
                        request.caller().projectId(),
                        shared,
                        admin,
                        bound(request, "minRam"),
                        (int) Math.min(Integer.MAX_VALUE, bound(request, "minDisk")));
        Listed<Flavor> flavors =
                parts.database().read(handle -> FlavorStore.list(handle, filter, page));
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("flavors");
        flavors.rows().forEach(flavor -> array.add(view.render(flavor, scope)));
        if (flavors.more()) {
            root.set(
                    "flavors_links",
                    Links.at(scope)
                            .next(
                                    collection,
                                    request.query().with("marker", flavors.rows().getLast().id())));
        }
        return Response.ok(root);
    }

    /** Only shared flavors unless an administrator asks for others; {@code none} is all. */
    private static Optional<Boolean> shared(Request request) {
        String text = request.query().first("is_public").orElse("true").toLowerCase(Locale.ROOT);
        return switch (text) {
            case "none" -> Optional.empty();
            case "true", "t", "1", "yes", "y", "on" -> Optional.of(true);
            case "false", "f", "0", "no", "n", "off" -> Optional.of(false);
            default ->
                    throw ApiException.badRequest("Invalid is_public filter [%s]".formatted(text));
        };
    }

    private static long bound(Request request, String name) {
        String text = request.query().first(name).orElse("0");
        if (!text.matches("-?[0-9]{1,15}")) {
            throw ApiException.badRequest("Invalid %s filter [%s]".formatted(name, text));
        }
        return Long.parseLong(text);
    }

    private Response show(Request request) {
        return answer(request, parts.database().read(handle -> visible(handle, request)));
    }

    private static Flavor visible(Handle handle, Request request) {
        String id = request.pathParameter("id");
        return FlavorStore.usable(
                        handle, id, request.caller().projectId(), request.caller().isAdmin())
                .orElseThrow(
                        () -> ApiException.notFound("Flavor %s could not be found.".formatted(id)));
    }

    private static Response answer(Request request, Flavor flavor) {
        ObjectNode root = Json.object();
        root.set("flavor", FULL.render(flavor, Scopes.of(request)));
        return Response.ok(root);
    }

    private Response create(Request request) {
        JsonNode body = Bodies.read(request, Bodies.CREATE_FLAVOR).path("flavor");
        JsonNode id = body.path("id");
        Flavor flavor =
                new Flavor(
                        id.isMissingNode() || id.isNull()
                                ? UUID.randomUUID().toString()
                                : id.asString(),
                        body.path("name").stringValue(),
                        whole(body, "ram"),
                        (int) whole(body, "vcpus"),
                        (int) whole(body, "disk"),
                        (int) whole(body, "OS-FLV-EXT-DATA:ephemeral"),
                        (int) whole(body, "swap"),
                        Double.parseDouble(body.path("rxtx_factor").asString("1")),
                        !body.has("os-flavor-access:is_public")
                                || Schema.Truth.of(body.path("os-flavor-access:is_public")),
                        false,
                        body.path("description").stringValueOpt(),
                        Map.of());
        parts.database()
                .run(
                        handle -> {
                            FlavorStore.insert(handle, flavor);
                            Audit.record(handle, Actor.of(request), "create flavor", flavor.id());
                        });
        return answer(request, flavor);
    }

    private static long whole(JsonNode body, String name) {
        return Long.parseLong(body.path(name).asString("0"));
    }

    private Response update(Request request) {
        if (request.microversion().minor() < 55) {
            throw ApiException.notFound("The resource could not be found.");
        }
        JsonNode body = Bodies.read(request, Bodies.UPDATE_FLAVOR).path("flavor");
        Flavor changed =
                parts.database()
                        .transaction(
                                handle -> {
                                    Flavor flavor = visible(handle, request);
                                    FlavorStore.describe(
                                            handle,
                                            flavor.id(),
                                            body.path("description").stringValueOpt());
                                    return visible(handle, request);
                                });
        return answer(request, changed);
    }

    private Response delete(Request request) {
        parts.database()
                .run(
                        handle -> {
                            Flavor flavor = visible(handle, request);
                            FlavorStore.delete(handle, flavor.id());
                            Audit.record(handle, Actor.of(request), "delete flavor", flavor.id());
                        });
        return Response.empty(202);
    }

    private Response act(Request request) {
        JsonNode body = Json.parse(request.bytes());
        boolean add = body.has("addTenantAccess");
        if (!add && !body.has("removeTenantAccess")) {
            throw ApiException.badRequest("There is no such action.");
        }
        Bodies.checked(
                body,
                add ? Bodies.ADD_ACCESS : Bodies.REMOVE_ACCESS,
                request.microversion().minor());
        String project =
                body.path(add ? "addTenantAccess" : "removeTenantAccess")
                        .path("tenant")
                        .stringValue();
        return parts.database()
                .transaction(
                        handle -> {
                            Flavor flavor = visible(handle, request);
                            if (add && flavor.shared()) {
                                throw ApiException.conflict(
                                        "Can not add access to a public flavor.");
                            }
                            boolean changed =
                                    add
                                            ? FlavorStore.grant(handle, flavor.id(), project)
                                            : FlavorStore.revoke(handle, flavor.id(), project);
                            if (!changed) {
                                throw unchangedAccess(add, flavor.id(), project);
                            }
                            return accessList(handle, flavor);
                        });
    }

    private static ApiException unchangedAccess(boolean add, String flavor, String project) {
        return add
                ? ApiException.conflict(
                        "Flavor access already exists for flavor %s and project %s combination."
                                .formatted(flavor, project))
                : ApiException.notFound(
                        "Flavor access not found for %s / %s combination."
                                .formatted(flavor, project));
    }

    private Response access(Request request) {
        return parts.database()
                .read(
                        handle -> {
                            Flavor flavor = visible(handle, request);
                            if (flavor.shared()) {
                                throw ApiException.notFound(
                                        "Access list not available for public flavors.");
                            }
                            return accessList(handle, flavor);
                        });
    }

    private static Response accessList(Handle handle, Flavor flavor) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("flavor_access");
        for (String project : FlavorStore.access(handle, flavor.id())) {
            array.addObject().put("flavor_id", flavor.id()).put("tenant_id", project);
        }
        return Response.ok(root);
    }

    private Response specs(Request request) {
        Flavor flavor = parts.database().read(handle -> visible(handle, request));
        ObjectNode root = Json.object();
        root.set("extra_specs", Rows.object(flavor.properties()));
        return Response.ok(root);
    }

    private Response spec(Request request) {
        String key = request.pathParameter("key");
        Flavor flavor = parts.database().read(handle -> visible(handle, request));
        String value = flavor.properties().get(key);
        if (value == null) {
            throw noSpec(flavor, key);
        }
        return Response.ok(Json.object().put(key, value));
    }

    private Response addSpecs(Request request) {
        JsonNode body = Bodies.read(request, Bodies.EXTRA_SPECS);
        Map<String, String> more = Rows.map(body.path("extra_specs"));
        changeSpecs(request, more, all -> all);
        ObjectNode root = Json.object();
        root.set("extra_specs", Rows.object(more));
        return Response.ok(root);
    }

    private Response putSpec(Request request) {
        Map<String, String> one = Rows.map(Bodies.read(request, Bodies.EXTRA_SPEC));
        if (!one.keySet().equals(Set.of(request.pathParameter("key")))) {
            throw ApiException.badRequest("Request body and URI mismatch");
        }
        changeSpecs(request, one, all -> all);
        return Response.ok(Rows.object(one));
    }

    private Response deleteSpec(Request request) {
        String key = request.pathParameter("key");
        changeSpecs(
                request,
                Map.of(),
                all -> {
                    all.remove(key);
                    return all;
                });
        return Response.empty(200);
    }

    private void changeSpecs(
            Request request, Map<String, String> more, UnaryOperator<Map<String, String>> change) {
        String machine = more.get(Flavor.MACHINE);
        if (machine != null && !Set.of("q35", "microvm").contains(machine)) {
            throw ApiException.badRequest(
                    "Validation failed; extra spec %s must be q35 or microvm, not '%s'."
                            .formatted(Flavor.MACHINE, machine));
        }
        parts.database()
                .run(
                        handle -> {
                            Flavor flavor = visible(handle, request);
                            Map<String, String> all = new LinkedHashMap<>(flavor.properties());
                            all.putAll(more);
                            int before = all.size();
                            Map<String, String> changed = change.apply(all);
                            if (more.isEmpty() && changed.size() == before) {
                                throw noSpec(flavor, request.pathParameter("key"));
                            }
                            FlavorStore.setProperties(handle, flavor.id(), changed);
                        });
    }

    private static ApiException noSpec(Flavor flavor, String key) {
        return ApiException.notFound(
                "Flavor %s has no extra specs with key %s.".formatted(flavor.id(), key));
    }
}
