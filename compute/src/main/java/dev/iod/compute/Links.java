package dev.iod.compute;

import dev.iod.rest.Json;
import dev.iod.rest.View;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The links of Nova's answers.
 *
 * @param root the service's address without the version and without a slash at the end, for example
 *     {@code http://127.0.0.1:8774/compute}
 */
record Links(String root) {

    static Links at(View.Scope scope) {
        return new Links(scope.root());
    }

    /** The address of a resource with the API version in it. */
    String self(String collection, String id) {
        return root + "/v2.1/" + collection + "/" + id;
    }

    /** Nova's two links: {@code self} with the version and {@code bookmark} without. */
    ArrayNode of(String collection, String id) {
        return Json.array().add(link("self", self(collection, id))).add(bookmark(collection, id));
    }

    /** The permanent link. */
    ObjectNode bookmark(String collection, String id) {
        return link("bookmark", root + "/" + collection + "/" + id);
    }

    /** The link to the page after this one. */
    ArrayNode next(String collection, String query) {
        return Json.array().add(link("next", root + "/v2.1/" + collection + "?" + query));
    }

    private static ObjectNode link(String rel, String href) {
        return Json.object().put("rel", rel).put("href", href);
    }
}
