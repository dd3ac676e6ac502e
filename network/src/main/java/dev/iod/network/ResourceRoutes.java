package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import dev.iod.store.Listed;
import dev.iod.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The routes of a kind of resource; one transaction per request. */
final class ResourceRoutes {
    /** Most resources that one request creates. */
    private static final int BULK_LENGTH = 100;

    private final Database database;
    private final Resource resource;

    private ResourceRoutes(Database database, Resource resource) {
        this.database = database;
        this.resource = resource;
    }

    static List<Route> of(Database database, Resource resource) {
        var routes = new ResourceRoutes(database, resource);
        String all = NetworkApi.VERSION_PATH + "/" + resource.path();
        String one = all + "/{id}";
        return List.of(
                Route.get(all, routes::list).may(Rule.READER),
                Route.post(all, routes::create).may(Rule.MEMBER),
                Route.get(one, routes::show).may(Rule.READER),
                Route.put(one, routes::update).may(Rule.MEMBER),
                Route.delete(one, routes::delete).may(Rule.MEMBER));
    }

    /** The id in the path; a name there is the id of nothing, as every client relies on. */
    static UUID id(Request request, Resource resource) {
        String text = request.pathParameter("id");
        return Ids.parse(text).orElseThrow(() -> resource.notFound(text));
    }

    /** Neutron's limit 0 is none; what a page can hold stays its bound. */
    private static ListQuery page(Request request) {
        ListQuery asked = request.list();
        return new ListQuery(
                asked.limit() == 0 ? ListQuery.MAX_LIMIT : asked.limit(),
                asked.marker(),
                asked.sort(),
                asked.fields(),
                asked.backward());
    }

    private Response list(Request request) {
        ListQuery query = page(request);
        Actor actor = Actor.of(request);
        Function<Handle, Listed<ObjectNode>> read =
                handle -> resource.list(handle, actor, request.query(), query);
        Listed<ObjectNode> page;
        try {
            page = resource.listWrites() ? database.transaction(read) : database.read(read);
        } catch (StoreException e) {
            throw e.reason() == StoreException.Reason.UNKNOWN_MARKER
                    ? resource.notFound(query.marker().orElse(""))
                    : e;
        }
        ObjectNode body = Json.object();
        ArrayNode items = body.putArray(resource.plural());
        List<ObjectNode> found = page.rows();
        if (page.more()) {
            String edge = found.get(query.backward() ? 0 : found.size() - 1).path("id").asString();
            body.putArray(resource.plural() + "_links")
                    .addObject()
                    .put("rel", query.backward() ? "previous" : "next")
                    .put(
                            "href",
                            request.baseUrl()
                                    + request.path()
                                    + "?"
                                    + request.query().with("marker", edge));
        }
        found.forEach(item -> items.add(query.project(item)));
        return Response.ok(body);
    }

    private Response show(Request request) {
        UUID id = id(request, resource);
        ObjectNode found = database.read(handle -> resource.show(handle, Actor.of(request), id));
        return Response.ok(wrapped(request.list().project(found)));
    }

    private Response create(Request request) {
        Fields body = request.body();
        boolean bulk = body.has(resource.plural());
        List<Fields> wanted =
                bulk
                        ? body.optionalObjects(resource.plural(), BULK_LENGTH).orElse(List.of())
                        : List.of(single(body));
        body.end();
        Function<Handle, List<ObjectNode>> work = handle -> create(handle, request, wanted);
        List<ObjectNode> created =
                resource.createsLocked() ? database.locked(work) : database.transaction(work);
        if (!bulk) {
            return Response.json(201, wrapped(created.getFirst()));
        }
        ObjectNode answer = Json.object();
        answer.putArray(resource.plural()).addAll(created);
        return Response.json(201, answer);
    }

    private List<ObjectNode> create(Handle handle, Request request, List<Fields> wanted) {
        var created = new ArrayList<ObjectNode>(wanted.size());
        for (Fields fields : wanted) {
            ObjectNode view = resource.create(handle, Actor.of(request), fields);
            Audit.record(
                    handle,
                    Actor.of(request),
                    "create " + resource.singular(),
                    view.path("id").asString());
            created.add(view);
        }
        return created;
    }

    private Response update(Request request) {
        UUID id = id(request, resource);
        Fields body = request.body();
        Fields fields = single(body);
        body.end();
        ObjectNode changed =
                database.transaction(
                        handle -> {
                            Audit.record(
                                    handle,
                                    Actor.of(request),
                                    "update " + resource.singular(),
                                    id.toString());
                            return resource.update(handle, Actor.of(request), id, fields);
                        });
        return Response.ok(wrapped(changed));
    }

    private Response delete(Request request) {
        UUID id = id(request, resource);
        database.run(
                handle -> {
                    resource.delete(handle, Actor.of(request), id);
                    Audit.record(
                            handle,
                            Actor.of(request),
                            "delete " + resource.singular(),
                            id.toString());
                });
        return Response.empty(204);
    }

    private Fields single(Fields body) {
        if (!body.has(resource.singular())) {
            throw Neutron.badRequest(
                    "HTTPBadRequest",
                    "Unable to find '%s' in request body".formatted(resource.singular()));
        }
        return body.object(resource.singular());
    }

    private ObjectNode wrapped(ObjectNode view) {
        ObjectNode body = Json.object();
        body.set(resource.singular(), view);
        return body;
    }
}
