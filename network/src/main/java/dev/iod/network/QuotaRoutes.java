package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.Quota;
import dev.iod.region.Quotas;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /quotas}: the limits of a project, as Neutron shows and sets them. */
final class QuotaRoutes {
    private static final String PATH = NetworkApi.VERSION_PATH + "/quotas";
    private static final String OF_PROJECT = PATH + "/{project}";

    private final Database database;

    QuotaRoutes(Database database) {
        this.database = database;
    }

    List<Route> routes() {
        return List.of(
                Route.get(PATH, this::list).may(Rule.ADMIN),
                Route.get(OF_PROJECT, this::show).may(Rule.READER),
                Route.get(OF_PROJECT + "/default", this::standard).may(Rule.READER),
                Route.get(OF_PROJECT + "/details", this::details).may(Rule.READER),
                Route.get(OF_PROJECT + "/details.json", this::details).may(Rule.READER),
                Route.put(OF_PROJECT, this::update).may(Rule.ADMIN),
                Route.delete(OF_PROJECT, this::reset).may(Rule.ADMIN));
    }

    /** Of the projects that have limits of their own. */
    private Response list(Request request) {
        ObjectNode body = Json.object();
        ArrayNode quotas = body.putArray("quotas");
        database.read(
                handle -> {
                    for (String project : Quotas.projects(handle, NetworkQuotas.SERVICE)) {
                        ObjectNode quota = quotas.addObject();
                        quota.put("project_id", project).put("tenant_id", project);
                        limits(handle, project).forEach((q, n) -> quota.put(q.resource(), n));
                    }
                    return quotas;
                });
        return Response.ok(body);
    }

    private Response show(Request request) {
        String project = readable(request);
        return Response.ok(view(database.read(handle -> limits(handle, project))));
    }

    private Response standard(Request request) {
        readable(request);
        ObjectNode body = Json.object();
        ObjectNode quota = body.putObject("quota");
        NetworkQuotas.ALL.forEach(q -> quota.put(q.resource(), q.standard()));
        return Response.ok(body);
    }

    private Response details(Request request) {
        String project = readable(request);
        ObjectNode body = Json.object();
        ObjectNode details = body.putObject("quota");
        database.read(
                handle -> {
                    limits(handle, project)
                            .forEach(
                                    (quota, limit) ->
                                            details.putObject(quota.resource())
                                                    .put("limit", limit)
                                                    .put(
                                                            "used",
                                                            quota.counter().used(handle, project))
                                                    .put("reserved", 0));
                    return details;
                });
        return Response.ok(body);
    }

    /** A limit below what is used is taken, as by Neutron: nothing more is made then. */
    private Response update(Request request) {
        String project = request.pathParameter("project");
        Fields fields = request.body("quota");
        Map<Quota, Long> limits =
                database.transaction(
                        handle -> {
                            for (Quota quota : NetworkQuotas.ALL) {
                                fields.optionalInteger(
                                                quota.resource(),
                                                Quota.UNLIMITED,
                                                Integer.MAX_VALUE)
                                        .ifPresent(n -> Quotas.set(handle, project, quota, n));
                            }
                            fields.end();
                            Audit.record(handle, Actor.of(request), "update quota", project);
                            return limits(handle, project);
                        });
        return Response.ok(view(limits));
    }

    private Response reset(Request request) {
        String project = request.pathParameter("project");
        database.run(
                handle -> {
                    Quotas.reset(handle, project, NetworkQuotas.SERVICE);
                    Audit.record(handle, Actor.of(request), "reset quota", project);
                });
        return Response.empty(204);
    }

    private static Map<Quota, Long> limits(Handle handle, String project) {
        return Quotas.limits(handle, project, NetworkQuotas.ALL);
    }

    private static ObjectNode view(Map<Quota, Long> limits) {
        ObjectNode body = Json.object();
        ObjectNode quota = body.putObject("quota");
        limits.forEach((q, limit) -> quota.put(q.resource(), limit));
        return body;
    }

    private static String readable(Request request) {
        String project = request.pathParameter("project");
        if (!request.caller().mayAccess(project)) {
            throw Neutron.forbidden("get_quota");
        }
        return project;
    }
}
