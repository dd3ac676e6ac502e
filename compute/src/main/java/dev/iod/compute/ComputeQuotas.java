package dev.iod.compute;

import dev.iod.network.NetworkQuotas;
import dev.iod.region.Quota;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/** What a project may have of the compute service, and how Nova names and refuses it. */
final class ComputeQuotas {
    static final String SERVICE = "compute";

    private static final List<Resource> ALL = List.of(Resource.values());

    /** What a server claims. */
    private static final List<Resource> OF_SERVERS =
            List.of(Resource.CORES, Resource.INSTANCES, Resource.RAM);

    private ComputeQuotas() {}

    /** Nova's resources in the order of its answers, with its defaults. */
    enum Resource {
        CORES(Quota.ofSum(SERVICE, "cores", 20, ofServers("vcpus"), "server")),
        FIXED_IPS(Quota.bound(SERVICE, "fixed_ips", Quota.UNLIMITED)),
        FLOATING_IPS(Quota.bound(SERVICE, "floating_ips", Quota.UNLIMITED)),
        INJECTED_FILE_CONTENT_BYTES(Quota.bound(SERVICE, "injected_file_content_bytes", 0)),
        INJECTED_FILE_PATH_BYTES(Quota.bound(SERVICE, "injected_file_path_bytes", 0)),
        INJECTED_FILES(Quota.bound(SERVICE, "injected_files", 0)),
        INSTANCES(Quota.ofRows(SERVICE, "instances", 10, "server")),
        /** Of a user, by the limit of the project; as in Nova, no project uses any. */
        KEY_PAIRS(
                new Quota(
                        SERVICE,
                        "key_pairs",
                        100,
                        (handle, user) -> Keypair.TABLE.count(handle, Keypair.of(user)))),
        METADATA_ITEMS(Quota.bound(SERVICE, "metadata_items", 128)),
        RAM(Quota.ofSum(SERVICE, "ram", 51_200, ofServers("memory_mib"), "server")),
        SECURITY_GROUP_RULES(NetworkQuotas.RULES, "security_group_rules"),
        SECURITY_GROUPS(NetworkQuotas.SECURITY_GROUPS, "security_groups"),
        SERVER_GROUP_MEMBERS(Quota.bound(SERVICE, "server_group_members", 10)),
        SERVER_GROUPS(Quota.ofRows(SERVICE, "server_groups", 10, "server_group"));

        private final Quota quota;
        private final String text;

        Resource(Quota quota) {
            this(quota, quota.resource());
        }

        Resource(Quota quota, String text) {
            this.quota = quota;
            this.text = text;
        }

        Quota quota() {
            return quota;
        }

        String text() {
            return text;
        }

        /** The sum of a column; of the greater one while a server has another flavor beside. */
        private static String ofServers(String column) {
            return "coalesce(sum(greatest(%1$s, CAST(resize->'flavor'->>'%1$s' AS bigint))), 0)"
                    .formatted(column);
        }

        /** Whether Nova shows it in a minor version: the network's left in 2.36, files in 2.57. */
        boolean shownIn(int minor) {
            return switch (this) {
                case FIXED_IPS, FLOATING_IPS, SECURITY_GROUP_RULES, SECURITY_GROUPS -> minor < 36;
                case INJECTED_FILES, INJECTED_FILE_CONTENT_BYTES, INJECTED_FILE_PATH_BYTES ->
                        minor < 57;
                case CORES,
                        INSTANCES,
                        KEY_PAIRS,
                        METADATA_ITEMS,
                        RAM,
                        SERVER_GROUP_MEMBERS,
                        SERVER_GROUPS ->
                        true;
            };
        }
    }

    /** Those of this service; the others are the network's. */
    static List<Quota> own() {
        return ALL.stream()
                .map(Resource::quota)
                .filter(quota -> quota.service().equals(SERVICE))
                .toList();
    }

    static Map<Resource, Long> standard() {
        return each(ALL, resource -> resource.quota().standard());
    }

    static Map<Resource, Long> limits(Handle handle, String project) {
        return limits(handle, project, ALL);
    }

    static long limit(Handle handle, String project, Resource resource) {
        return Quotas.limit(handle, project, resource.quota());
    }

    /**
     * @throws ApiException 403 when a server of the project may not have so much metadata
     */
    static void checkMetadata(Handle handle, String project, Map<String, String> metadata) {
        long limit = limit(handle, project, Resource.METADATA_ITEMS);
        if (Quotas.exceeds(metadata.size(), limit)) {
            throw ApiException.forbidden(
                    "Maximum number of metadata items exceeds %d".formatted(limit));
        }
    }

    /** What a project uses; resources that are not counted are 0. */
    static Map<Resource, Long> used(Handle handle, String project) {
        return used(handle, project, ALL);
    }

    private static Map<Resource, Long> limits(
            Handle handle, String project, List<Resource> resources) {
        Map<Quota, Long> limits =
                Quotas.limits(handle, project, resources.stream().map(Resource::quota).toList());
        return each(resources, resource -> limits.getOrDefault(resource.quota(), 0L));
    }

    private static Map<Resource, Long> used(
            Handle handle, String project, List<Resource> resources) {
        return each(resources, resource -> resource.quota().counter().used(handle, project));
    }

    private static Map<Resource, Long> each(
            List<Resource> resources, Function<Resource, Long> value) {
        Map<Resource, Long> values = new EnumMap<>(Resource.class);
        resources.forEach(resource -> values.put(resource, value.apply(resource)));
        return values;
    }

    /**
     * How many servers the project may still have, at most {@code max}.
     *
     * @throws ApiException 403 when that is fewer than {@code min}
     */
    static int admit(Handle handle, String project, Flavor flavor, int min, int max) {
        Map<Resource, Long> limits = limits(handle, project, OF_SERVERS);
        if (limits.values().stream().allMatch(limit -> limit == Quota.UNLIMITED)) {
            return max;
        }
        Quotas.lock(handle, project, SERVICE);
        Map<Resource, Long> used = used(handle, project, OF_SERVERS);
        int count = max;
        while (count >= min && !over(limits, used, flavor, count).isEmpty()) {
            count--;
        }
        if (count >= min) {
            return count;
        }
        List<Resource> overs = over(limits, used, flavor, min);
        throw exceeded(overs, each(overs, r -> cost(flavor, r) * min), used, limits);
    }

    /** Makes everybody wait who claims of a project, before its servers are locked. */
    static void lock(Handle handle, String project) {
        Quotas.lock(handle, project, SERVICE);
    }

    /**
     * Looks whether a server may have another flavor beside its own; the project is locked.
     *
     * @throws ApiException 403 when the greater of both is more than its project may have
     */
    static void admit(Handle handle, Server server, Flavor other) {
        Map<Resource, Long> limits = limits(handle, server.projectId(), OF_SERVERS);
        Map<Resource, Long> used = used(handle, server.projectId(), OF_SERVERS);
        Map<Resource, Long> more =
                each(
                        OF_SERVERS,
                        resource ->
                                Math.max(
                                        0,
                                        cost(other, resource) - cost(server.flavor(), resource)));
        List<Resource> overs =
                OF_SERVERS.stream()
                        .filter(resource -> more.getOrDefault(resource, 0L) > 0)
                        .filter(
                                resource ->
                                        Quotas.exceeds(
                                                used.getOrDefault(resource, 0L)
                                                        + more.getOrDefault(resource, 0L),
                                                limits.getOrDefault(resource, 0L)))
                        .toList();
        if (!overs.isEmpty()) {
            throw exceeded(overs, more, used, limits);
        }
    }

    private static ApiException exceeded(
            List<Resource> overs,
            Map<Resource, Long> wanted,
            Map<Resource, Long> used,
            Map<Resource, Long> limits) {
        return ApiException.forbidden(
                "Quota exceeded for %s: Requested %s, but already used %s of %s %s"
                        .formatted(
                                join(overs, Resource::text),
                                join(overs, r -> Long.toString(wanted.getOrDefault(r, 0L))),
                                join(overs, r -> Long.toString(used.getOrDefault(r, 0L))),
                                join(overs, r -> Long.toString(limits.getOrDefault(r, 0L))),
                                join(overs, Resource::text)));
    }

    private static List<Resource> over(
            Map<Resource, Long> limits, Map<Resource, Long> used, Flavor flavor, int count) {
        List<Resource> overs = new ArrayList<>();
        for (Resource resource : OF_SERVERS) {
            long wanted = used.getOrDefault(resource, 0L) + cost(flavor, resource) * count;
            if (Quotas.exceeds(wanted, limits.getOrDefault(resource, 0L))) {
                overs.add(resource);
            }
        }
        return overs;
    }

    private static long cost(Flavor flavor, Resource resource) {
        return switch (resource) {
            case INSTANCES -> 1;
            case CORES -> flavor.vcpus();
            case RAM -> flavor.memoryMib();
            case FIXED_IPS,
                    FLOATING_IPS,
                    INJECTED_FILE_CONTENT_BYTES,
                    INJECTED_FILE_PATH_BYTES,
                    INJECTED_FILES,
                    KEY_PAIRS,
                    METADATA_ITEMS,
                    SECURITY_GROUP_RULES,
                    SECURITY_GROUPS,
                    SERVER_GROUP_MEMBERS,
                    SERVER_GROUPS ->
                    0;
        };
    }

    private static String join(List<Resource> resources, Function<Resource, String> text) {
        return resources.stream().map(text).collect(Collectors.joining(", "));
    }
}
