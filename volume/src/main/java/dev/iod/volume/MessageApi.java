package dev.iod.volume;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.text;

import dev.iod.region.Collection;
import dev.iod.region.Collection.Paging;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Handler;
import dev.iod.rest.Request;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import dev.iod.store.Database;
import dev.iod.store.Where;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** {@code /messages}, since 3.3; pages and filters since 3.5. */
final class MessageApi {
    private static final int SINCE = 3;
    private static final int PAGES_SINCE = 5;

    private static final View<Message> VIEW =
            new View<>(
                    List.of(
                            field("id", (m, s) -> text(m.id().toString())),
                            field("event_id", (m, s) -> text(m.what().id())),
                            field("user_message", MessageApi::words),
                            field("message_level", (m, s) -> text("ERROR")),
                            field("resource_type", (m, s) -> text(m.what().resourceType())),
                            field("resource_uuid", (m, s) -> text(m.resourceId().toString())),
                            field("request_id", (m, s) -> text(m.requestId())),
                            field("created_at", (m, s) -> View.naiveTime(m.createdAt())),
                            field(
                                    "guaranteed_until",
                                    (m, s) ->
                                            View.naiveTime(m.createdAt().plus(Message.LIFETIME)))));

    private final Collection<Message> messages;

    MessageApi(Database database) {
        messages =
                Collection.of(
                                database,
                                new CinderStyle(),
                                Message.TABLE,
                                "message",
                                "id",
                                message -> message.id().toString())
                        .shown(VIEW, VIEW)
                        .keys(Formats::uuid)
                        .visible(VolumeFilters::visible)
                        .filters((request, visible) -> listed(request))
                        .paging(
                                request ->
                                        request.microversion().since(3, PAGES_SINCE)
                                                ? CinderStyle.page(request)
                                                : Paging.none())
                        .missing((request, id) -> "Message %s could not be found.".formatted(id))
                        .build();
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v3/messages", since(messages::list)).may(Rule.READER),
                Route.get("/v3/messages/{id}", since(messages::show)).may(Rule.READER),
                Route.delete("/v3/messages/{id}", since(messages::delete)).may(Rule.MEMBER));
    }

    private static Handler since(Handler handler) {
        return request -> {
            if (!request.microversion().since(3, SINCE)) {
                throw ApiException.notFound("The resource could not be found.");
            }
            return handler.handle(request);
        };
    }

    private static Where listed(Request request) {
        Where where = Where.of("project_id = ?", request.caller().projectId());
        Optional<String> resource = request.query().first("resource_uuid");
        if (!request.microversion().since(3, PAGES_SINCE) || resource.isEmpty()) {
            return where;
        }
        return Formats.uuid(resource.get())
                .map(id -> where.and("resource_id = ?", id))
                .orElseGet(() -> where.and("false"));
    }

    /** Administrators also see what the node said. */
    private static JsonNode words(Message message, View.Scope scope) {
        String words = message.what().words();
        return text(
                scope.admin() && !message.details().isEmpty()
                        ? words + " " + message.details()
                        : words);
    }
}
