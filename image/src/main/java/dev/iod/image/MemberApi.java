package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v2/images/{id}/members}. */
record MemberApi(ImageMembers members) {
    private static final String COLLECTION = "/v2/images/{id}/members";
    private static final String ONE = COLLECTION + "/{member}";
    private static final int MAX_TEXT = 255;

    List<Route> routes() {
        return List.of(
                Route.get(COLLECTION, this::list).may(Rule.READER),
                Route.post(COLLECTION, this::add).may(Rule.MEMBER),
                Route.get(ONE, this::show).may(Rule.READER),
                Route.put(ONE, this::answer).may(Rule.MEMBER),
                Route.delete(ONE, this::remove).may(Rule.MEMBER));
    }

    private Response list(Request request) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("members");
        members.list(Actor.of(request), request.pathParameter("id"))
                .forEach(member -> array.add(view(member)));
        root.put("schema", "/v2/schemas/members");
        return Response.ok(root);
    }

    private Response add(Request request) {
        String project = request.body().string("member", 1, MAX_TEXT);
        return Response.ok(
                view(members.add(Actor.of(request), request.pathParameter("id"), project)));
    }

    private Response show(Request request) {
        return Response.ok(
                view(
                        members.show(
                                Actor.of(request),
                                request.pathParameter("id"),
                                request.pathParameter("member"))));
    }

    private Response answer(Request request) {
        Fields body = request.body();
        String status = body.optionalString("status", MAX_TEXT).orElse("");
        return Response.ok(
                view(
                        members.answer(
                                Actor.of(request),
                                request.pathParameter("id"),
                                request.pathParameter("member"),
                                status)));
    }

    private Response remove(Request request) {
        members.remove(
                Actor.of(request), request.pathParameter("id"), request.pathParameter("member"));
        return Response.empty(204);
    }

    private static ObjectNode view(ImageMember member) {
        return Json.object()
                .put("member_id", member.member())
                .put("image_id", member.imageId())
                .put("status", member.status().text())
                .put("created_at", Json.time(member.createdAt()))
                .put("updated_at", Json.time(member.updatedAt()))
                .put("schema", "/v2/schemas/member");
    }
}
