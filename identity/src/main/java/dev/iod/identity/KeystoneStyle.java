package dev.iod.identity;

import dev.iod.region.Collection;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.View;
import dev.iod.store.Database;
import dev.iod.store.Table;
import dev.iod.store.Where;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Keystone's answers: resources and lists say where they are, and lists where they go on. */
final class KeystoneStyle implements Collection.Style {
    /** Keystone has no microversions: its views are the same in every one. */
    private static final int NO_MINOR = 1;

    /** Inexact comparisons and their patterns; with an "i" before, regardless of case. */
    private static final Map<String, String> INEXACT =
            Map.of("contains", "%%%s%%", "startswith", "%s%%", "endswith", "%%%s");

    /** Starts to describe a collection whose paths end with {@code {id}}. */
    static <T extends Record> Collection.Builder<T> collection(
            Database database,
            TokenService tokens,
            Table<T> table,
            String singular,
            View<T> view,
            Function<T, String> id) {
        return Collection.of(database, new KeystoneStyle(), table, singular, "id", id)
                .shown(view, view)
                .missing((request, key) -> "Could not find %s: %s.".formatted(singular, key))
                // Tokens hold what they were issued for: they are looked at again.
                .changed(TokenService::announce, tokens::forget);
    }

    @Override
    public View.Scope scope(Request request) {
        return of(request);
    }

    static View.Scope of(Request request) {
        return new View.Scope(
                NO_MINOR, request.caller().isAdmin(), request.baseUrl() + "/identity/v3");
    }

    /** A resource's {@code links}. */
    static ObjectNode self(View.Scope scope, String path) {
        return Json.object().put("self", scope.root() + "/" + path);
    }

    @Override
    public void links(ObjectNode root, String plural, Request request, Optional<String> next) {
        ObjectNode links = root.putObject("links");
        links.put("self", request.baseUrl() + request.path());
        links.putNull("previous");
        Json.put(links, "next", next);
        if (next.isPresent()) {
            root.put("truncated", true);
        }
    }

    /** The filters of lists of projects and users. */
    static Where filtered(Request request, Where visible) {
        Where where = named(request, visible);
        if (!Domain.isDefault(request.query().first("domain_id"))) {
            return where.and("false");
        }
        return request.query()
                .flag("enabled")
                .map(enabled -> where.and("enabled = ?", enabled))
                .orElse(where);
    }

    /** The filters by name: exact, and Keystone's inexact ones. */
    static Where named(Request request, Where visible) {
        Where where = visible.in("name", request.query().all("name"));
        for (Map.Entry<String, String> inexact : INEXACT.entrySet()) {
            for (String text : request.query().all("name__" + inexact.getKey())) {
                where = where.and("name LIKE ?", inexact.getValue().formatted(literal(text)));
            }
            for (String text : request.query().all("name__i" + inexact.getKey())) {
                where = where.and("name ILIKE ?", inexact.getValue().formatted(literal(text)));
            }
        }
        return where;
    }

    /** A text that a pattern of SQL takes for itself. */
    private static String literal(String text) {
        return text.replaceAll("[\\\\%_]", "\\\\$0");
    }

    /** A list that is complete. */
    static Response all(Request request, String plural, List<ObjectNode> views) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray(plural);
        views.forEach(array::add);
        new KeystoneStyle().links(root, plural, request, Optional.empty());
        return Response.ok(root);
    }

    /** The same of resources. */
    static <T> Response all(Request request, String plural, List<T> resources, View<T> view) {
        View.Scope scope = of(request);
        return all(request, plural, resources.stream().map(r -> view.render(r, scope)).toList());
    }

    /** One thing under its name. */
    static Response one(int status, String name, ObjectNode view) {
        ObjectNode root = Json.object();
        root.set(name, view);
        return Response.json(status, root);
    }
}
