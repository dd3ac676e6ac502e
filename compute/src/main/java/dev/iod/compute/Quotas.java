package dev.iod.compute;

import dev.iod.rest.ApiException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/** Limits per project: what they are, what is used, and the refusal. */
final class Quotas {
    private Quotas() {}

    /** Nova's resources in the order of its answers, with its defaults. */
    enum Resource {
        CORES("cores", 20),
        FIXED_IPS("fixed_ips", -1),
        FLOATING_IPS("floating_ips", -1),
        INJECTED_FILE_CONTENT_BYTES("injected_file_content_bytes", 0),
        INJECTED_FILE_PATH_BYTES("injected_file_path_bytes", 0),
        INJECTED_FILES("injected_files", 0),
        INSTANCES("instances", 10),
        KEY_PAIRS("key_pairs", 100),
        METADATA_ITEMS("metadata_items", 128),
        RAM("ram", 51_200),
        SECURITY_GROUP_RULES("security_group_rules", -1),
        SECURITY_GROUPS("security_groups", -1),
        SERVER_GROUP_MEMBERS("server_group_members", 10),
        SERVER_GROUPS("server_groups", 10);

        private final String text;
        private final int limit;

        Resource(String text, int limit) {
            this.text = text;
            this.limit = limit;
        }

        String text() {
            return text;
        }

        /** The limit of a project that has none of its own; -1 is no limit. */
        int standard() {
            return limit;
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

    static Map<Resource, Integer> standard() {
        Map<Resource, Integer> limits = new EnumMap<>(Resource.class);
        for (Resource resource : Resource.values()) {
            limits.put(resource, resource.standard());
        }
        return limits;
    }

    static Map<Resource, Integer> limits(Handle handle, String project) {
        Map<Resource, Integer> limits = standard();
        Map<String, Resource> byText =
                List.of(Resource.values()).stream()
                        .collect(Collectors.toMap(Resource::text, Function.identity()));
        handle.createQuery(
                        "SELECT resource, hard_limit FROM compute_quota WHERE project_id = :project")
                .bind("project", project)
                .map((row, context) -> Map.entry(row.getString(1), row.getInt(2)))
                .list()
                .forEach(
                        entry -> {
                            Resource resource = byText.get(entry.getKey());
                            if (resource != null) {
                                limits.put(resource, entry.getValue());
                            }
                        });
        return limits;
    }

    static void set(Handle handle, String project, Resource resource, int limit) {
        handle.createUpdate(
                        "INSERT INTO compute_quota (project_id, resource, hard_limit)"
                                + " VALUES (:project, :resource, :limit)"
                                + " ON CONFLICT (project_id, resource)"
                                + " DO UPDATE SET hard_limit = :limit")
                .bind("project", project)
                .bind("resource", resource.text())
                .bind("limit", limit)
                .execute();
    }

    static void reset(Handle handle, String project) {
        handle.createUpdate("DELETE FROM compute_quota WHERE project_id = :project")
                .bind("project", project)
                .execute();
    }

    /** What a project uses; resources that are not counted are 0. */
    static Map<Resource, Long> used(Handle handle, String project) {
        Map<Resource, Long> used = new EnumMap<>(Resource.class);
        for (Resource resource : Resource.values()) {
            used.put(resource, 0L);
        }
        handle.createQuery(
                        "SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(memory_mib), 0)"
                                + " FROM server WHERE project_id = :project")
                .bind("project", project)
                .map(
                        (row, context) ->
                                Map.of(
                                        Resource.INSTANCES, row.getLong(1),
                                        Resource.CORES, row.getLong(2),
                                        Resource.RAM, row.getLong(3)))
                .one()
                .forEach(used::put);
        used.put(
                Resource.SERVER_GROUPS,
                handle.createQuery("SELECT count(*) FROM server_group WHERE project_id = :project")
                        .bind("project", project)
                        .mapTo(Long.class)
                        .one());
        return used;
    }

    /**
     * How many servers the project may still have, at most {@code max}.
     *
     * @throws ApiException 403 when that is fewer than {@code min}
     */
    static int admit(Handle handle, String project, Flavor flavor, int min, int max) {
        Map<Resource, Integer> limits = limits(handle, project);
        Map<Resource, Long> used = used(handle, project);
        int count = max;
        while (count >= min && !over(limits, used, flavor, count).isEmpty()) {
            count--;
        }
        if (count >= min) {
            return count;
        }
        List<Resource> overs = over(limits, used, flavor, min);
        throw ApiException.forbidden(
                "Quota exceeded for %s: Requested %s, but already used %s of %s %s"
                        .formatted(
                                join(overs, Resource::text),
                                join(overs, r -> Long.toString(cost(flavor, r) * min)),
                                join(overs, r -> Long.toString(used.getOrDefault(r, 0L))),
                                join(overs, r -> Integer.toString(limits.getOrDefault(r, 0))),
                                join(overs, Resource::text)));
    }

    /** Whether {@code count} exceeds a limit, of which -1 is none. */
    static boolean exceeds(long count, int limit) {
        return limit >= 0 && count > limit;
    }

    private static List<Resource> over(
            Map<Resource, Integer> limits, Map<Resource, Long> used, Flavor flavor, int count) {
        List<Resource> overs = new ArrayList<>();
        for (Resource resource : List.of(Resource.CORES, Resource.INSTANCES, Resource.RAM)) {
            long wanted = used.getOrDefault(resource, 0L) + cost(flavor, resource) * count;
            if (exceeds(wanted, limits.getOrDefault(resource, 0))) {
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
