package dev.iod.volume;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;

import dev.iod.region.Collection;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import dev.iod.store.Database;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** {@code /types}: all are for everybody, and have no extra specs. */
final class VolumeTypeApi {
    private static final View<VolumeType> VIEW =
            new View<>(
                    List.of(
                            field("id", (t, s) -> text(t.id().toString())),
                            field("name", (t, s) -> text(t.name())),
                            field("description", (t, s) -> text(t.description())),
                            field("is_public", (t, s) -> truth(true)),
                            field("os-volume-type-access:is_public", (t, s) -> truth(true)),
                            field("extra_specs", (t, s) -> Json.object())));

    private final Database database;
    private final Collection<VolumeType> types;

    VolumeTypeApi(Database database) {
        this.database = database;
        types =
                Collection.of(
                                database,
                                new CinderStyle(),
                                VolumeType.TABLE,
                                "volume_type",
                                "id",
                                type -> type.id().toString())
                        .shown(VIEW, VIEW)
                        .keys(Formats::uuid)
                        .paging(CinderStyle::page)
                        .missing(
                                (request, id) -> "Volume type %s could not be found.".formatted(id))
                        .build();
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v3/types", types::list).may(Rule.READER),
                Route.get("/v3/types/default", this::standard).may(Rule.READER),
                Route.get("/v3/types/{id}", types::show).may(Rule.READER),
                Route.get("/v3/types/{id}/extra_specs", this::extraSpecs).may(Rule.READER));
    }

    private Response standard(Request request) {
        return types.show(
                request, database.read(handle -> VolumeType.find(handle, VolumeType.DEFAULT)));
    }

    private Response extraSpecs(Request request) {
        types.find(request);
        ObjectNode root = Json.object();
        root.putObject("extra_specs");
        return Response.ok(root);
    }
}
