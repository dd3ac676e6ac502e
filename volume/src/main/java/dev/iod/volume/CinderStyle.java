package dev.iod.volume;

import dev.iod.region.Collection;
import dev.iod.region.Collection.Paging;
import dev.iod.region.Pages;
import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.View;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Cinder's answers: a list says where it goes on, and nothing at its end. */
final class CinderStyle implements Collection.Style {
    @Override
    public View.Scope scope(Request request) {
        return scopeOf(request);
    }

    static View.Scope scopeOf(Request request) {
        return new View.Scope(
                request.microversion().minor(),
                request.caller().isAdmin(),
                request.baseUrl() + VersionsApi.PREFIX);
    }

    @Override
    public void links(ObjectNode root, String plural, Request request, Optional<String> next) {
        next.ifPresent(
                href ->
                        root.putArray(plural + "_links")
                                .addObject()
                                .put("rel", "next")
                                .put("href", href));
    }

    /** Cinder skips rows, too. */
    static Paging page(Request request) {
        String offset = request.query().first("offset").orElse("0");
        if (!offset.matches("[0-9]{1,9}")) {
            throw ApiException.badRequest("offset param must be an integer");
        }
        return new Paging(Pages.of(request.list()).from(Integer.parseInt(offset)), true);
    }

    /** The links of a volume. */
    static ArrayNode links(View.Scope scope, String id) {
        ArrayNode links = Json.array();
        links.addObject()
                .put("rel", "self")
                .put("href", scope.root() + VersionsApi.VERSION_PATH + "/volumes/" + id);
        links.addObject().put("rel", "bookmark").put("href", scope.root() + "/volumes/" + id);
        return links;
    }
}
