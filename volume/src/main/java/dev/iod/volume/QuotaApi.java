package dev.iod.volume;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.Quota;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.store.Database;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-quota-sets} and {@code /limits}. */
final class QuotaApi {
    private static final Schema LIMIT = new Schema.Whole(-1, Integer.MAX_VALUE);

    private final Database database;

    QuotaApi(Database database) {
        this.database = database;
    }

    List<Route> routes() {
        String one = "/v3/os-quota-sets/{project}";
        return List.of(
                Route.get(one, this::show).may(Rule.READER),
                Route.get(one + "/defaults", this::defaults).may(Rule.READER),
                Route.put(one, this::update).may(Rule.ADMIN),
                Route.delete(one, this::reset).may(Rule.ADMIN),
                Route.get("/v3/limits", this::limits).may(Rule.READER));
    }

    private Response show(Request request) {
        String project = readable(request);
        boolean usage = request.query().flag("usage").orElse(false);
        ObjectNode root = Json.object();
        ObjectNode set = root.putObject("quota_set").put("id", project);
        return database.read(
                handle -> {
                    VolumeQuotas.limits(handle, project)
                            .forEach(
                                    (quota, limit) -> {
                                        if (usage) {
                                            set.putObject(quota.resource())
                                                    .put("limit", limit)
                                                    .put("in_use", used(handle, project, quota))
                                                    .put("reserved", 0);
                                        } else {
                                            set.put(quota.resource(), limit);
                                        }
                                    });
                    return Response.ok(root);
                });
    }

    private static long used(Handle handle, String project, Quota quota) {
        return quota.counter().used(handle, project);
    }

    private Response defaults(Request request) {
        String project = readable(request);
        ObjectNode root = Json.object();
        ObjectNode set = root.putObject("quota_set").put("id", project);
        VolumeQuotas.ALL.forEach(quota -> set.put(quota.resource(), quota.standard()));
        return Response.ok(root);
    }

    private Response update(Request request) {
        String project = request.pathParameter("project");
        List<Schema.Property> properties = new ArrayList<>();
        VolumeQuotas.ALL.forEach(
                quota -> properties.add(Formats.optional(quota.resource(), LIMIT)));
        properties.add(Formats.optional("tenant_id", Formats.TEXT));
        JsonNode body = Bodies.quotaSet(properties).read(request).path("quota_set");
        Map<Quota, Long> limits =
                database.transaction(
                        handle -> {
                            for (Quota quota : VolumeQuotas.ALL) {
                                JsonNode value = body.path(quota.resource());
                                if (!value.isMissingNode()) {
                                    Quotas.set(
                                            handle,
                                            project,
                                            quota,
                                            Long.parseLong(value.asString()));
                                }
                            }
                            Audit.record(handle, Actor.of(request), "update quota", project);
                            return VolumeQuotas.limits(handle, project);
                        });
        ObjectNode root = Json.object();
        ObjectNode set = root.putObject("quota_set");
        limits.forEach((quota, limit) -> set.put(quota.resource(), limit));
        return Response.ok(root);
    }

    private Response reset(Request request) {
        String project = request.pathParameter("project");
        database.run(
                handle -> {
                    Quotas.reset(handle, project, VolumeQuotas.SERVICE);
                    Audit.record(handle, Actor.of(request), "reset quota", project);
                });
        return Response.empty(200);
    }

    private Response limits(Request request) {
        String project = request.caller().projectId();
        ObjectNode root = Json.object();
        ObjectNode limits = root.putObject("limits");
        limits.putArray("rate");
        ObjectNode absolute = limits.putObject("absolute");
        return database.read(
                handle -> {
                    VolumeQuotas.limits(handle, project)
                            .forEach(
                                    (quota, limit) ->
                                            absolute(
                                                    absolute,
                                                    quota.resource(),
                                                    limit,
                                                    used(handle, project, quota)));
                    return Response.ok(root);
                });
    }

    private static void absolute(ObjectNode absolute, String resource, long limit, long used) {
        switch (resource) {
            case "volumes" -> absolute.put("maxTotalVolumes", limit).put("totalVolumesUsed", used);
            case "gigabytes" ->
                    absolute.put("maxTotalVolumeGigabytes", limit).put("totalGigabytesUsed", used);
            case "snapshots" ->
                    absolute.put("maxTotalSnapshots", limit).put("totalSnapshotsUsed", used);
            case "backups" -> absolute.put("maxTotalBackups", limit).put("totalBackupsUsed", used);
            case "backup_gigabytes" ->
                    absolute.put("maxTotalBackupGigabytes", limit)
                            .put("totalBackupGigabytesUsed", used);
            default -> {
                // Cinder does not show the others here.
            }
        }
    }

    private static String readable(Request request) {
        String project = request.pathParameter("project");
        if (!request.caller().mayAccess(project)) {
            throw ApiException.forbidden(
                    "Policy doesn't allow volume_extension:quotas:show to be performed.");
        }
        return project;
    }
}
