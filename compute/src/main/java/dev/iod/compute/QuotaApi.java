package dev.iod.compute;

import dev.iod.compute.ComputeQuotas.Resource;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.Schema;
import dev.iod.rest.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-quota-sets} and {@code /limits}. */
final class QuotaApi {
    private static final Schema LIMIT = new Schema.Whole(-1, Integer.MAX_VALUE);

    private final Parts parts;

    QuotaApi(Parts parts) {
        this.parts = parts;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/v2.1/os-quota-sets/{project}", this::show).may(Rule.READER),
                Route.get("/v2.1/os-quota-sets/{project}/detail", this::detail).may(Rule.READER),
                Route.get("/v2.1/os-quota-sets/{project}/defaults", this::defaults)
                        .may(Rule.READER),
                Route.put("/v2.1/os-quota-sets/{project}", this::update).may(Rule.ADMIN),
                Route.delete("/v2.1/os-quota-sets/{project}", this::reset).may(Rule.ADMIN),
                Route.get("/v2.1/limits", this::limits).may(Rule.READER));
    }

    private Response show(Request request) {
        String project = readable(request);
        Map<Resource, Long> limits =
                parts.database()
                        .read(
                                handle -> {
                                    verify(handle, project);
                                    return ComputeQuotas.limits(handle, project);
                                });
        return Response.ok(quotaSet(request, limits, true));
    }

    private Response defaults(Request request) {
        String project = readable(request);
        parts.database().run(handle -> verify(handle, project));
        return Response.ok(quotaSet(request, ComputeQuotas.standard(), true));
    }

    private Response detail(Request request) {
        String project = readable(request);
        ObjectNode root = Json.object();
        ObjectNode set = root.putObject("quota_set");
        set.put("id", project);
        parts.database()
                .read(
                        handle -> {
                            verify(handle, project);
                            Map<Resource, Long> limits = ComputeQuotas.limits(handle, project);
                            Map<Resource, Long> used = ComputeQuotas.used(handle, project);
                            for (Resource resource : shown(request)) {
                                set.putObject(resource.text())
                                        .put("limit", limits.getOrDefault(resource, 0L))
                                        .put("in_use", used.getOrDefault(resource, 0L))
                                        .put("reserved", 0);
                            }
                            return set;
                        });
        return Response.ok(root);
    }

    private Response update(Request request) {
        String project = request.pathParameter("project");
        List<Resource> resources = shown(request);
        List<Schema.Property> properties = new ArrayList<>();
        resources.forEach(resource -> properties.add(Formats.optional(resource.text(), LIMIT)));
        properties.add(Formats.optional("force", Formats.BOOLEAN));
        properties.add(Formats.optional("tenant_id", Formats.TEXT));
        JsonNode body = Bodies.read(request, Bodies.quotaSet(properties)).path("quota_set");
        boolean force = body.has("force") && Schema.Truth.of(body.path("force"));
        Map<Resource, Long> limits =
                parts.database()
                        .transaction(
                                handle -> {
                                    verify(handle, project);
                                    set(handle, project, resources, body, force);
                                    Audit.record(
                                            handle, Actor.of(request), "update quota", project);
                                    return ComputeQuotas.limits(handle, project);
                                });
        return Response.ok(quotaSet(request, limits, false));
    }

    private static void set(
            Handle handle, String project, List<Resource> resources, JsonNode body, boolean force) {
        Map<Resource, Long> used = ComputeQuotas.used(handle, project);
        for (Resource resource : resources) {
            JsonNode value = body.path(resource.text());
            if (value.isMissingNode()) {
                continue;
            }
            int limit = Integer.parseInt(value.asString());
            long minimum = used.getOrDefault(resource, 0L);
            if (!force && limit >= 0 && limit < minimum) {
                throw ApiException.badRequest(
                        ("Quota limit %d for %s must be greater than or equal to already used and"
                                        + " reserved %d.")
                                .formatted(limit, resource.text(), minimum));
            }
            Quotas.set(handle, project, resource.quota(), limit);
        }
    }

    private Response reset(Request request) {
        String project = request.pathParameter("project");
        parts.database()
                .run(
                        handle -> {
                            Quotas.reset(handle, project, ComputeQuotas.SERVICE);
                            Audit.record(handle, Actor.of(request), "reset quota", project);
                        });
        return Response.empty(202);
    }

    private Response limits(Request request) {
        ComputeQueries.LIMITS.check(request);
        int minor = request.microversion().minor();
        String project = request.query().first("tenant_id").orElse(request.caller().projectId());
        if (!request.caller().mayAccess(project)) {
            throw ApiException.forbidden(
                    "Policy doesn't allow os_compute_api:limits:other_project to be performed.");
        }
        ObjectNode root = Json.object();
        ObjectNode limits = root.putObject("limits");
        limits.putArray("rate");
        ObjectNode absolute = limits.putObject("absolute");
        parts.database()
                .read(
                        handle -> {
                            fill(
                                    absolute,
                                    minor,
                                    ComputeQuotas.limits(handle, project),
                                    ComputeQuotas.used(handle, project));
                            return absolute;
                        });
        return Response.ok(root);
    }

    private static void fill(
            ObjectNode absolute, int minor, Map<Resource, Long> limits, Map<Resource, Long> used) {
        for (Resource resource : Resource.values()) {
            if (resource.shownIn(minor)) {
                for (Absolute name : absolute(resource)) {
                    if (minor <= name.until()) {
                        absolute.put(name.text(), limits.getOrDefault(resource, 0L));
                    }
                }
                String usedName = usedName(resource);
                if (!usedName.isEmpty()) {
                    absolute.put(usedName, used.getOrDefault(resource, 0L));
                }
            }
        }
    }

    /** A name of {@code /limits} and the last minor version that has it. */
    private record Absolute(String text, int until) {
        Absolute(String text) {
            this(text, View.FOREVER);
        }
    }

    private static List<Absolute> absolute(Resource resource) {
        return switch (resource) {
            case RAM -> List.of(new Absolute("maxTotalRAMSize"));
            case INSTANCES -> List.of(new Absolute("maxTotalInstances"));
            case CORES -> List.of(new Absolute("maxTotalCores"));
            case KEY_PAIRS -> List.of(new Absolute("maxTotalKeypairs"));
            case FLOATING_IPS -> List.of(new Absolute("maxTotalFloatingIps"));
            case METADATA_ITEMS ->
                    List.of(new Absolute("maxServerMeta"), new Absolute("maxImageMeta", 38));
            case INJECTED_FILES -> List.of(new Absolute("maxPersonality"));
            case INJECTED_FILE_CONTENT_BYTES -> List.of(new Absolute("maxPersonalitySize"));
            case SECURITY_GROUPS -> List.of(new Absolute("maxSecurityGroups"));
            case SECURITY_GROUP_RULES -> List.of(new Absolute("maxSecurityGroupRules"));
            case SERVER_GROUPS -> List.of(new Absolute("maxServerGroups"));
            case SERVER_GROUP_MEMBERS -> List.of(new Absolute("maxServerGroupMembers"));
            case FIXED_IPS, INJECTED_FILE_PATH_BYTES -> List.of();
        };
    }

    private static String usedName(Resource resource) {
        return switch (resource) {
            case RAM -> "totalRAMUsed";
            case CORES -> "totalCoresUsed";
            case INSTANCES -> "totalInstancesUsed";
            case FLOATING_IPS -> "totalFloatingIpsUsed";
            case SECURITY_GROUPS -> "totalSecurityGroupsUsed";
            case SERVER_GROUPS -> "totalServerGroupsUsed";
            case FIXED_IPS,
                    INJECTED_FILE_CONTENT_BYTES,
                    INJECTED_FILE_PATH_BYTES,
                    INJECTED_FILES,
                    KEY_PAIRS,
                    METADATA_ITEMS,
                    SECURITY_GROUP_RULES,
                    SERVER_GROUP_MEMBERS ->
                    "";
        };
    }

    private static List<Resource> shown(Request request) {
        int minor = request.microversion().minor();
        return Arrays.stream(Resource.values()).filter(r -> r.shownIn(minor)).toList();
    }

    private static ObjectNode quotaSet(
            Request request, Map<Resource, Long> limits, boolean withId) {
        ObjectNode root = Json.object();
        ObjectNode set = root.putObject("quota_set");
        if (withId) {
            set.put("id", request.pathParameter("project"));
        }
        shown(request).forEach(r -> set.put(r.text(), limits.getOrDefault(r, 0L)));
        return root;
    }

    /** As Nova does; resetting goes without, so that what is left of a project can be removed. */
    private void verify(Handle handle, String project) {
        if (!parts.projects().exists(handle, project)) {
            throw ApiException.badRequest("Project ID " + project + " is not a valid project.");
        }
    }

    private static String readable(Request request) {
        ComputeQueries.QUOTA_SET.check(request);
        String project = request.pathParameter("project");
        if (!request.caller().mayAccess(project)) {
            throw ApiException.forbidden(
                    "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.");
        }
        return project;
    }
}
