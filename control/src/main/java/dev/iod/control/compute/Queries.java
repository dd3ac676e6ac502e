package dev.iod.control.compute;

import dev.iod.control.http.ApiException;
import dev.iod.control.http.Request;
import java.util.List;
import java.util.Set;

/**
 * The query parameters of each collection. Nova ignores others until 2.74 and refuses them since
 * 2.75.
 */
enum Queries {
    SERVERS(
            Set.of(
                    "access_ip_v4",
                    "access_ip_v6",
                    "all_tenants",
                    "auto_disk_config",
                    "availability_zone",
                    "changes-before",
                    "changes-since",
                    "config_drive",
                    "created_at",
                    "deleted",
                    "description",
                    "display_description",
                    "display_name",
                    "flavor",
                    "host",
                    "hostname",
                    "image",
                    "image_ref",
                    "ip",
                    "ip6",
                    "kernel_id",
                    "key_name",
                    "launch_index",
                    "launched_at",
                    "limit",
                    "locked",
                    "locked_by",
                    "marker",
                    "name",
                    "node",
                    "not-tags",
                    "not-tags-any",
                    "power_state",
                    "progress",
                    "project_id",
                    "ramdisk_id",
                    "reservation_id",
                    "root_device_name",
                    "soft_deleted",
                    "sort_dir",
                    "sort_key",
                    "status",
                    "tags",
                    "tags-any",
                    "task_state",
                    "tenant_id",
                    "terminated_at",
                    "user_id",
                    "uuid",
                    "vm_state")),
    FLAVORS(Set.of("is_public", "limit", "marker", "minDisk", "minRam", "sort_dir", "sort_key")),
    KEYPAIRS(Set.of("limit", "marker", "user_id")),
    KEYPAIR(Set.of("user_id")),
    SERVER_GROUPS(Set.of("all_projects", "limit", "offset")),
    SERVICES(Set.of("binary", "host")),
    HYPERVISORS(Set.of("hypervisor_hostname_pattern", "limit", "marker", "with_servers")),
    QUOTA_SET(Set.of("user_id")),
    LIMITS(Set.of("tenant_id")),
    INSTANCE_ACTIONS(Set.of("changes-before", "changes-since", "limit", "marker"));

    private static final int STRICT_SINCE = 75;

    private final Set<String> names;

    Queries(Set<String> names) {
        this.names = names;
    }

    /**
     * @throws ApiException 400 for a parameter that is not known, since 2.75
     */
    void check(Request request) {
        if (request.microversion().minor() < STRICT_SINCE) {
            return;
        }
        List<String> unknown =
                request.query().names().stream()
                        .filter(name -> !names.contains(name))
                        .map(name -> "'" + name + "'")
                        .toList();
        if (!unknown.isEmpty()) {
            throw ApiException.badRequest(
                    "Additional properties are not allowed (%s %s unexpected)"
                            .formatted(
                                    String.join(", ", unknown),
                                    unknown.size() == 1 ? "was" : "were"));
        }
    }
}
