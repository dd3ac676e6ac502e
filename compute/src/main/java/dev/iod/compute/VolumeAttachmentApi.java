package dev.iod.compute;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;
import static dev.iod.rest.View.until;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.rest.View;
import dev.iod.volume.ServerVolumes;
import dev.iod.volume.ServerVolumes.Attached;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /servers/ID/os-volume_attachments}. */
final class VolumeAttachmentApi {
    /** Since then an attachment has ids of its own, and no longer the volume's. */
    private static final int OWN_IDS_SINCE = 89;

    private static final View<Attached> CREATED =
            new View<>(
                    List.of(
                            field("id", (a, v) -> text(a.volumeId().toString())),
                            field("volumeId", (a, v) -> text(a.volumeId().toString())),
                            field("serverId", (a, v) -> text(a.serverId().toString())),
                            field("device", (a, v) -> text(a.device())),
                            since(70, "tag", (a, v) -> nothing()),
                            since(
                                    79,
                                    "delete_on_termination",
                                    (a, v) -> truth(a.deleteOnTermination()))));

    private static final View<Attached> VIEW =
            new View<>(
                            CREATED.fields().stream()
                                    .filter(field -> !field.name().equals("id"))
                                    .toList())
                    .with(until(OWN_IDS_SINCE - 1, "id", (a, v) -> text(a.volumeId().toString())))
                    .with(since(OWN_IDS_SINCE, "attachment_id", (a, v) -> text(a.id().toString())))
                    .with(since(OWN_IDS_SINCE, "bdm_uuid", (a, v) -> text(a.id().toString())));

    private final Parts parts;
    private final ServerChanges changes;

    VolumeAttachmentApi(Parts parts, ServerChanges changes) {
        this.parts = parts;
        this.changes = changes;
    }

    List<Route> routes() {
        String all = "/v2.1/servers/{id}/os-volume_attachments";
        String one = all + "/{volume}";
        return List.of(
                Route.get(all, this::list).may(Rule.READER),
                Route.post(all, this::attach).may(Rule.MEMBER),
                Route.get(one, this::show).may(Rule.READER),
                Route.put(one, this::update).may(Rule.MEMBER),
                Route.delete(one, this::detach).may(Rule.MEMBER));
    }

    private Response list(Request request) {
        List<Attached> all =
                parts.database()
                        .read(
                                handle -> {
                                    Server server =
                                            ServerChanges.visible(
                                                    handle,
                                                    Actor.of(request),
                                                    request.pathParameter("id"));
                                    return ServerVolumes.of(handle, List.of(server.id()))
                                            .getOrDefault(server.id(), List.of());
                                });
        String offset = request.query().first("offset").orElse("0");
        if (!offset.matches("[0-9]{1,9}")) {
            throw ApiException.badRequest("offset param must be an integer");
        }
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("volumeAttachments");
        all.stream()
                .skip(Long.parseLong(offset))
                .limit(request.list().limit())
                .forEach(a -> array.add(VIEW.render(a, Scopes.of(request))));
        return Response.ok(root);
    }

    private Response show(Request request) {
        Attached attached =
                parts.database()
                        .read(
                                handle -> {
                                    Server server =
                                            ServerChanges.visible(
                                                    handle,
                                                    Actor.of(request),
                                                    request.pathParameter("id"));
                                    return ServerVolumes.find(
                                                    handle,
                                                    server.id(),
                                                    request.pathParameter("volume"))
                                            .orElseThrow(() -> missing(request));
                                });
        return wrapped(VIEW, attached, request);
    }

    private Response attach(Request request) {
        JsonNode body = Bodies.read(request, Bodies.ATTACH_VOLUME).path("volumeAttachment");
        if (body.has("tag")) {
            throw ApiException.badRequest("Tags of devices are not supported.");
        }
        Actor actor = Actor.of(request);
        Attached[] attached = new Attached[1];
        changes.edit(
                actor,
                request.pathParameter("id"),
                edit -> {
                    Server server = edit.server();
                    edit.refuseLocked(actor);
                    String node = ServerChanges.requireDevices(server, "attach_volume");
                    attached[0] =
                            ServerVolumes.attach(
                                    edit.handle(),
                                    actor,
                                    server.id(),
                                    server.projectId(),
                                    node,
                                    RootDisks.of(server).isPresent(),
                                    body.path("volumeId").stringValue(),
                                    body.has("delete_on_termination")
                                            && Schema.Truth.of(body.path("delete_on_termination")));
                    edit.begin(
                            actor,
                            InstanceActions.Kind.ATTACH_VOLUME,
                            attached[0].volumeId().toString());
                });
        return wrapped(CREATED, attached[0], request);
    }

    private Response detach(Request request) {
        Actor actor = Actor.of(request);
        changes.edit(
                actor,
                request.pathParameter("id"),
                edit -> {
                    Server server = edit.server();
                    edit.refuseLocked(actor);
                    ServerChanges.requireDevices(server, "detach_volume");
                    String volume = request.pathParameter("volume");
                    if (ServerVolumes.find(edit.handle(), server.id(), volume)
                            .filter(server::boots)
                            .isPresent()) {
                        throw ApiException.badRequest("Cannot detach a root device volume");
                    }
                    ServerVolumes.detach(edit.handle(), actor, server.id(), volume);
                    edit.begin(actor, InstanceActions.Kind.DETACH_VOLUME, volume);
                });
        return Response.empty(202);
    }

    /**
     * Since 2.85: whether the volume goes with its server. Another volume in its place is refused.
     */
    private Response update(Request request) {
        JsonNode body = Bodies.read(request, Bodies.UPDATE_ATTACHMENT).path("volumeAttachment");
        String volume = request.pathParameter("volume");
        changes.edit(
                Actor.of(request),
                request.pathParameter("id"),
                edit -> {
                    Attached attached =
                            ServerVolumes.find(edit.handle(), edit.server().id(), volume)
                                    .orElseThrow(() -> missing(request));
                    if (!body.path("volumeId").stringValue().equals(volume)) {
                        throw ApiException.conflict(
                                "A volume is not replaced by another one while it is attached.");
                    }
                    if (body.has("delete_on_termination")) {
                        ServerVolumes.setDeleteOnTermination(
                                edit.handle(),
                                attached,
                                Schema.Truth.of(body.path("delete_on_termination")));
                    }
                });
        return Response.empty(202);
    }

    private static ApiException missing(Request request) {
        return ApiException.notFound("volume_id not found: " + request.pathParameter("volume"));
    }

    private static Response wrapped(View<Attached> view, Attached attached, Request request) {
        ObjectNode root = Json.object();
        root.set("volumeAttachment", view.render(attached, Scopes.of(request)));
        return Response.ok(root);
    }
}
