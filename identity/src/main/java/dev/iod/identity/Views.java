package dev.iod.identity;

import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.store.Listed;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The JSON of projects, users and roles, and the envelope of lists. */
final class Views {
    static final String DOMAIN = "default";

    private Views() {}

    static ObjectNode project(Request request, Project project) {
        ObjectNode view =
                Json.object()
                        .put("id", project.id())
                        .put("name", project.name())
                        .put("description", project.description())
                        .put("enabled", project.enabled())
                        .put("domain_id", DOMAIN)
                        .put("parent_id", DOMAIN)
                        .put("is_domain", false);
        view.putArray("tags");
        view.putObject("options");
        return self(request, view, "projects/" + project.id());
    }

    static ObjectNode user(Request request, Account account) {
        ObjectNode view =
                Json.object()
                        .put("id", account.id())
                        .put("name", account.name())
                        .put("domain_id", DOMAIN)
                        .put("enabled", account.enabled());
        view.putNull("password_expires_at");
        view.putObject("options");
        account.defaultProjectId().ifPresent(id -> view.put("default_project_id", id));
        if (!account.email().isEmpty()) {
            view.put("email", account.email());
        }
        if (!account.description().isEmpty()) {
            view.put("description", account.description());
        }
        return self(request, view, "users/" + account.id());
    }

    static ObjectNode role(Request request, Role role) {
        ObjectNode view = Json.object().put("id", role.id()).put("name", role.name());
        view.putNull("domain_id");
        view.put("description", role.description());
        view.putObject("options");
        return self(request, view, "roles/" + role.id());
    }

    static ObjectNode domain(Request request) {
        ObjectNode view =
                Json.object()
                        .put("id", DOMAIN)
                        .put("name", "Default")
                        .put("description", "The default domain")
                        .put("enabled", true);
        view.putArray("tags");
        view.putObject("options");
        return self(request, view, "domains/" + DOMAIN);
    }

    static ObjectNode domainReference() {
        return Json.object().put("id", DOMAIN).put("name", "Default");
    }

    static Response one(int status, String name, ObjectNode view) {
        ObjectNode root = Json.object();
        root.set(name, view);
        return Response.json(status, root);
    }

    /** A list that is complete. */
    static Response all(Request request, String name, List<ObjectNode> views) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray(name);
        views.forEach(array::add);
        ObjectNode links = root.putObject("links");
        links.putNull("next");
        links.put("self", request.baseUrl() + request.path());
        links.putNull("previous");
        return Response.ok(root);
    }

    /** A page; the link to the next one is there when there may be one. */
    static Response page(Request request, String name, Listed<ObjectNode> page) {
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray(name);
        page.rows().forEach(array::add);
        ObjectNode links = root.putObject("links");
        links.put("self", request.baseUrl() + request.path());
        links.putNull("previous");
        if (page.more()) {
            String last = page.rows().getLast().path("id").stringValue();
            links.put(
                    "next",
                    request.baseUrl()
                            + request.path()
                            + "?"
                            + request.query().with("marker", last));
            root.put("truncated", true);
        } else {
            links.putNull("next");
        }
        return Response.ok(root);
    }

    private static ObjectNode self(Request request, ObjectNode view, String path) {
        view.putObject("links").put("self", request.baseUrl() + "/identity/v3/" + path);
        return view;
    }
}
