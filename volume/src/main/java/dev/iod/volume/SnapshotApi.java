package dev.iod.volume;

import dev.iod.region.Actor;
import dev.iod.region.Collection;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Query;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import dev.iod.store.Where;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;

/** {@code /snapshots}. */
final class SnapshotApi {
    private final SnapshotChanges changes;
    private final Collection<VolumeSnapshot> snapshots;

    SnapshotApi(Database database, SnapshotChanges changes) {
        this.changes = changes;
        snapshots =
                Collection.of(
                                database,
                                new CinderStyle(),
                                VolumeSnapshot.TABLE,
                                "snapshot",
                                "id",
                                snapshot -> snapshot.id().toString())
                        .shown(SnapshotView.BRIEF, SnapshotView.DETAIL)
                        .keys(Formats::uuid)
                        .visible(VolumeFilters::visible)
                        .filters((request, visible) -> listed(request))
                        .paging(CinderStyle::page)
                        .missing((request, id) -> SnapshotChanges.missing(id))
                        .build();
    }

    List<Route> routes() {
        String all = "/v3/snapshots";
        String one = all + "/{id}";
        List<Route> routes =
                new ArrayList<>(
                        List.of(
                                Route.get(all, snapshots::list).may(Rule.READER),
                                Route.post(all, this::create).may(Rule.MEMBER),
                                Route.get(
                                                all + "/detail",
                                                request ->
                                                        snapshots.list(
                                                                request, SnapshotView.DETAIL))
                                        .may(Rule.READER),
                                Route.get(one, snapshots::show).may(Rule.READER),
                                Route.put(one, this::update).may(Rule.MEMBER),
                                Route.delete(one, this::delete).may(Rule.MEMBER),
                                Route.post(one + "/action", this::act).may(Rule.MEMBER)));
        routes.addAll(
                new MetadataItems(
                                "Snapshot",
                                request -> snapshots.find(request).metadata(),
                                this::changeMetadata)
                        .routes(one + "/metadata"));
        return routes;
    }

    private static Where listed(Request request) {
        Query query = request.query();
        Where where = VolumeFilters.projects(request);
        for (String column : List.of("name", "status")) {
            Optional<String> value = query.first(column);
            if (value.isPresent()) {
                where = where.and(column + " = ?", value.get());
            }
        }
        Optional<String> volume = query.first("volume_id");
        if (volume.isPresent()) {
            where =
                    Formats.uuid(volume.get()).isPresent()
                            ? where.and("volume_id = ?", Formats.uuid(volume.get()).get())
                            : where.and("false");
        }
        return where;
    }

    private Response create(Request request) {
        JsonNode body = Bodies.CREATE_SNAPSHOT.read(request).path("snapshot");
        SnapshotChanges.NewSnapshot wanted =
                new SnapshotChanges.NewSnapshot(
                        body.path("volume_id").asString(""),
                        VolumeApi.named(body, "name", "display_name"),
                        VolumeApi.named(body, "description"),
                        MetadataItems.of(body),
                        body.hasNonNull("force") && Schema.Truth.of(body.path("force")));
        return snapshots.show(
                request, 202, SnapshotView.BRIEF, changes.create(Actor.of(request), wanted));
    }

    private Response update(Request request) {
        JsonNode body = Bodies.UPDATE_SNAPSHOT.read(request).path("snapshot");
        if (body.isEmpty()) {
            throw ApiException.badRequest(
                    "Invalid input for field/attribute snapshot. Value: {}. {} is not valid under"
                            + " any of the given schemas");
        }
        VolumeSnapshot changed =
                snapshots.update(
                        request,
                        old -> {
                            Columns columns = new Columns();
                            VolumeApi.rename(columns, "name", body, "name", "display_name");
                            VolumeApi.rename(
                                    columns,
                                    "description",
                                    body,
                                    "description",
                                    "display_description");
                            return columns.set("updated_at", Instant.now());
                        });
        return snapshots.show(request, 200, SnapshotView.BRIEF, changed);
    }

    private Response delete(Request request) {
        changes.delete(Actor.of(request), request.pathParameter("id"), false);
        return Response.empty(202);
    }

    private Response act(Request request) {
        JsonNode body = Bodies.ACTION.read(request);
        String action = body.propertyNames().stream().findFirst().orElse("");
        if (!action.equals("os-force_delete")) {
            snapshots.find(request);
            throw ApiException.badRequest("There is no such action: " + action);
        }
        Bodies.FORCE_DELETE.checked(body, request.microversion().minor());
        VolumeApi.administrators(request, "volume_extension:snapshot_admin_actions:force_delete");
        changes.delete(Actor.of(request), request.pathParameter("id"), true);
        return Response.empty(202);
    }

    private Map<String, String> changeMetadata(
            Request request, UnaryOperator<Map<String, String>> change) {
        return snapshots
                .update(request, old -> new Columns().set("metadata", change.apply(old.metadata())))
                .metadata();
    }
}
