package dev.iod.compute;

import dev.iod.rest.Queries;
import java.util.Set;

/** The query parameters of each collection of Nova. */
final class ComputeQueries {
    /** Nova ignores others until 2.74 and refuses them since. */
    private static final int STRICT_SINCE = 75;

    static final Queries SERVERS =
            known(
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
                    "vm_state");

    static final Queries FLAVORS =
            known("is_public", "limit", "marker", "minDisk", "minRam", "sort_dir", "sort_key");

    static final Queries KEYPAIRS = known("limit", "marker", "user_id");

    static final Queries KEYPAIR = known("user_id");

    static final Queries SERVER_GROUPS = known("all_projects", "limit", "offset");

    static final Queries SERVICES = known("binary", "host");

    static final Queries HYPERVISORS =
            known("hypervisor_hostname_pattern", "limit", "marker", "with_servers");

    static final Queries QUOTA_SET = known("user_id");

    static final Queries LIMITS = known("tenant_id");

    static final Queries INSTANCE_ACTIONS =
            known("changes-before", "changes-since", "limit", "marker");

    private ComputeQueries() {}

    private static Queries known(String... names) {
        return new Queries(STRICT_SINCE, Set.of(names));
    }
}
