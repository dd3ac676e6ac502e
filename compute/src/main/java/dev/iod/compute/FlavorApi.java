package dev.iod.compute;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;
import static dev.iod.rest.View.until;

import dev.iod.region.Actor;
import dev.iod.region.Collection;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Queries;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.rest.View;
import dev.iod.store.Columns;
import dev.iod.store.Where;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** {@code /flavors}. */
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
                            since(61, "extra_specs", (f, v) -> Json.object(f.properties()))));

    private final Parts parts;
    private final Collection<Flavor> flavors;

    FlavorApi(Parts parts) {
        this.parts = parts;
        flavors =
                NovaStyle.collection(parts, Flavor.TABLE, "flavor", "id", Flavor::id)
                        .shown(BRIEF, FULL)
                        .visible(request -> Flavor.usable(Actor.of(request)))
                        .filters(FlavorApi::filtered)
                        .parameters(ComputeQueries.FLAVORS, Queries.ANY)
                        .missing((request, id) -> "Flavor %s could not be found.".formatted(id))
                        .duplicate(
                                (columns, constraint) ->
                                        constraint.equals("flavor_name")
                                                ? "Flavor with name %s already exists."
                                                        .formatted(columns.text("name"))
                                                : "Flavor with ID %s already exists."
                                                        .formatted(columns.text("id")))
                        .deleted(request -> 202)
                        .build();
    }

    List<Route> routes() {
        String all = "/v2.1/flavors";
        String one = all + "/{id}";
        List<Route> own =
                List.of(
                        Route.get(all, flavors::list).may(Rule.READER),
                        Route.get(all + "/detail", request -> flavors.list(request, FULL))
                                .may(Rule.READER),
                        Route.post(all, this::create).may(Rule.ADMIN),
                        Route.get(one, flavors::show).may(Rule.READER),
                        Route.put(one, this::update).may(Rule.ADMIN),
                        Route.delete(one, flavors::delete).may(Rule.ADMIN));
        return Stream.of(
                        own,
                        new FlavorAccessApi(parts.database(), flavors).routes(),
                        new FlavorSpecsApi(flavors).routes())
                .flatMap(List::stream)
                .toList();
    }

    private static Where filtered(Request request, Where visible) {
        boolean admin = request.caller().isAdmin();
        Where where =
                visible.and("memory_mib >= ?", bound(request, "minRam"))
                        .and("disk_gib >= ?", bound(request, "minDisk"));
        return admin
                ? shared(request).map(only -> where.and("shared = ?", only)).orElse(where)
                : where.and("NOT disabled");
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

    private Response create(Request request) {
        JsonNode body = Bodies.read(request, Bodies.CREATE_FLAVOR).path("flavor");
        JsonNode id = body.path("id");
        JsonNode shared = body.path("os-flavor-access:is_public");
        Columns columns =
                new Columns()
                        .set(
                                "id",
                                id.isMissingNode() || id.isNull()
                                        ? UUID.randomUUID().toString()
                                        : id.asString())
                        .set("name", body.path("name").stringValue())
                        .set("memory_mib", whole(body, "ram"))
                        .set("vcpus", whole(body, "vcpus"))
                        .set("disk_gib", whole(body, "disk"))
                        .set("ephemeral_gib", whole(body, "OS-FLV-EXT-DATA:ephemeral"))
                        .set("swap_mib", whole(body, "swap"))
                        .set(
                                "rxtx_factor",
                                Double.parseDouble(body.path("rxtx_factor").asString("1")))
                        .set("shared", shared.isMissingNode() || Schema.Truth.of(shared))
                        .set("description", body.path("description").stringValueOpt());
        return flavors.show(request, flavors.create(request, columns));
    }

    private static int whole(JsonNode body, String name) {
        return Integer.parseInt(body.path(name).asString("0"));
    }

    private Response update(Request request) {
        if (!request.microversion().since(2, 55)) {
            throw ApiException.notFound("The resource could not be found.");
        }
        JsonNode body = Bodies.read(request, Bodies.UPDATE_FLAVOR).path("flavor");
        Columns columns =
                new Columns().set("description", body.path("description").stringValueOpt());
        return flavors.show(request, flavors.update(request, flavor -> columns));
    }
}
