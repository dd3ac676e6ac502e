package dev.iod.compute;

import dev.iod.region.Node;
import dev.iod.region.Nodes;
import dev.iod.region.Pages;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.rest.Request;
import dev.iod.store.LinearPattern;
import dev.iod.store.ListSql;
import dev.iod.store.Listed;
import dev.iod.store.Page;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/** Lists of servers: Nova's filters and sort keys over keyset paging. */
final class ServerList {
    /** Nova's sort keys; the expressions are never null. */
    private static final Map<String, String> SORT_KEYS = sortKeys();

    /** Filters on text by {@link LinearPattern}, as in Nova, for everybody. */
    private static final Map<String, String> PATTERNS =
            Map.of(
                    "name", "name",
                    "display_name", "name",
                    "flavor", "flavor_id",
                    "reservation_id", "reservation_id");

    private static final Map<String, String> MORE_PATTERNS =
            Map.of(
                    "hostname", "hostname",
                    "key_name", "coalesce(key_name, '')",
                    "node", "coalesce(node, '')",
                    "description", "coalesce(description, '')",
                    "display_description", "coalesce(description, '')",
                    "access_ip_v4", "access_ipv4",
                    "access_ip_v6", "access_ipv6");

    private static final Map<String, String> MORE_EQUALS =
            Map.of(
                    "host", "node",
                    "user_id", "user_id",
                    "vm_state", "vm_state",
                    "task_state", "task_state",
                    "uuid", "id::text",
                    "launch_index", "launch_index::text",
                    "kernel_id", "kernel_image_id",
                    "ramdisk_id", "initrd_image_id",
                    "power_state", "power_state::text");

    /** Filters that name joined tables: Nova refuses them by name. */
    private static final Set<String> REFUSED =
            Set.of(
                    "block_device_mapping",
                    "services",
                    "metadata",
                    "system_metadata",
                    "info_cache",
                    "security_groups",
                    "pci_devices");

    private static final Set<String> IGNORED_KEYS =
            Set.of(
                    "architecture",
                    "cell_name",
                    "cleaned",
                    "default_ephemeral_device",
                    "default_swap_device",
                    "deleted",
                    "deleted_at",
                    "disable_terminate",
                    "ephemeral_gb",
                    "ephemeral_key_uuid",
                    "key_data",
                    "launched_on",
                    "memory_mb",
                    "os_type",
                    "reservation_id",
                    "root_gb",
                    "shutdown_terminate",
                    "user_data",
                    "vcpus",
                    "vm_mode");

    /** PostgreSQL's SQLSTATE for a filter that is no regular expression. */
    private static final String INVALID_REGEX = "2201B";

    private static final String UNSUPPORTED =
            "Invalid input for query parameters %s: a filter is a 'regex' of at most %d"
                    + " characters, with %s.";

    private static final String QUERY_CANCELED = "57014";
    private static final int MAX_SECONDS = 5;

    private ServerList() {}

    /** The servers a list request asks for. */
    static Listed<Server> page(Handle handle, Request request) {
        Query query = request.query();
        int minor = request.microversion().minor();
        ComputeQueries.SERVERS.check(request);
        query.names().stream()
                .filter(name -> REFUSED.contains(name) || name.startsWith("_"))
                .findFirst()
                .ifPresent(
                        name -> {
                            throw ApiException.badRequest(
                                    "Invalid filter field: %s.".formatted(name));
                        });
        ListSql sql = new ListSql("SELECT * FROM server", SORT_KEYS).idsAreUuids();
        if (!scope(sql, request) || !status(handle, sql, query, minor)) {
            return new Listed<>(List.of(), false);
        }
        patterns(sql, query, PATTERNS);
        equals(sql, query, Map.of("image", "image_id", "image_ref", "image_id"));
        times(sql, query, minor);
        if (minor >= 26) {
            tags(sql, query);
        }
        if (request.caller().isAdmin() || minor >= 83) {
            patterns(sql, query, MORE_PATTERNS);
            equals(sql, query, MORE_EQUALS);
            zone(sql, query);
        }
        ListQuery list = withoutIgnored(withDirections(request.list(), query), minor);
        refuseSortByNode(request, list);
        // For this transaction only: whatever a filter costs, it does not keep a connection.
        handle.execute("SET LOCAL statement_timeout = '" + MAX_SECONDS + "s'");
        try {
            return sql.page(
                    handle,
                    Pages.of(list),
                    List.of(new Page.Sort("created_at", true), new Page.Sort("id", true)),
                    ServerStore::map);
        } catch (UnableToExecuteStatementException e) {
            throw refused(e);
        }
    }

    private static RuntimeException refused(UnableToExecuteStatementException e) {
        String state = e.getCause() instanceof SQLException cause ? cause.getSQLState() : "";
        if (INVALID_REGEX.equals(state)) {
            return new ApiException(
                    Fault.BAD_REQUEST,
                    "Invalid input for query parameters: a filter is not a 'regex'.",
                    e);
        }
        if (QUERY_CANCELED.equals(state)) {
            return new ApiException(
                    Fault.BAD_REQUEST,
                    "The list took more than %d seconds; use a simpler filter."
                            .formatted(MAX_SECONDS),
                    e);
        }
        return e;
    }

    /** Keys that Nova takes without sorting by them, until 2.74. */
    private static ListQuery withoutIgnored(ListQuery list, int minor) {
        return minor >= 75
                ? list
                : new ListQuery(
                        list.limit(),
                        list.marker(),
                        list.sort().stream().filter(s -> !IGNORED_KEYS.contains(s.key())).toList(),
                        list.fields(),
                        list.backward());
    }

    /** Nova sorts descending unless told otherwise. */
    private static ListQuery withDirections(ListQuery list, Query query) {
        if (list.sort().isEmpty()) {
            return list;
        }
        int given = query.all("sort_dir").size();
        List<ListQuery.Sort> sort = new ArrayList<>();
        for (int i = 0; i < list.sort().size(); i++) {
            ListQuery.Sort one = list.sort().get(i);
            sort.add(
                    new ListQuery.Sort(
                            one.key(),
                            i < given
                                    ? one.descending()
                                    : given == 0 || sort.getFirst().descending()));
        }
        boolean descending = sort.getLast().descending();
        if (sort.stream().noneMatch(s -> s.key().equals("id") || s.key().equals("uuid"))) {
            sort.add(new ListQuery.Sort("id", descending));
        }
        return new ListQuery(list.limit(), list.marker(), sort, list.fields(), list.backward());
    }

    private static boolean scope(ListSql sql, Request request) {
        boolean all =
                request.query().first("all_tenants").map(ServerList::allTenants).orElse(false);
        if (!all) {
            sql.where("project_id = ?", request.caller().projectId());
            return true;
        }
        if (!request.caller().isAdmin()) {
            throw ApiException.forbidden(
                    ("Policy doesn't allow os_compute_api:servers:%s:get_all_tenants to be"
                                    + " performed.")
                            .formatted(request.path().endsWith("detail") ? "detail" : "index"));
        }
        request.query()
                .first("project_id")
                .or(() -> request.query().first("tenant_id"))
                .ifPresent(project -> sql.where("project_id = ?", project));
        return true;
    }

    private static boolean allTenants(String value) {
        if (value.isEmpty()) {
            return true;
        }
        return switch (value.toLowerCase(java.util.Locale.ROOT)) {
            case "1", "true", "t", "yes", "y", "on" -> true;
            case "0", "false", "f", "no", "n", "off" -> false;
            default ->
                    throw ApiException.badRequest(
                            "Invalid value '%s' for 'all_tenants'".formatted(value));
        };
    }

    /** False when no server can match. */
    private static boolean status(Handle handle, ListSql sql, Query query, int minor) {
        List<String> texts = query.all("status");
        if (query.flag("deleted").orElse(false)) {
            return false;
        }
        if (texts.isEmpty()) {
            return true;
        }
        List<ApiStatus> statuses = ApiStatus.parse(texts);
        if (statuses.isEmpty()) {
            // Nova's other statuses exist, and no server here is ever in them.
            if (minor >= 38 && texts.stream().noneMatch(ServerList::isNovaStatus)) {
                throw ApiException.badRequest("Invalid status value");
            }
            return false;
        }
        List<String> lost =
                Nodes.all(handle).stream().filter(n -> !n.up()).map(Node::name).toList();
        String lostNodes =
                lost.isEmpty()
                        ? "false"
                        : "coalesce(node, '') IN ("
                                + String.join(",", Collections.nCopies(lost.size(), "?"))
                                + ")";
        List<String> alternatives = new ArrayList<>();
        for (ApiStatus status : statuses) {
            alternatives.add("(" + condition(status) + ")");
        }
        String known = "(NOT " + lostNodes + " AND (" + String.join(" OR ", alternatives) + "))";
        List<Object> values = new ArrayList<>(lost);
        String condition = known;
        if (statuses.contains(ApiStatus.UNKNOWN)) {
            condition = known + " OR " + lostNodes;
            values.addAll(lost);
        }
        sql.where(condition, values.toArray());
        return true;
    }

    private static String condition(ApiStatus status) {
        return switch (status) {
            case ACTIVE ->
                    "vm_state = 'active' AND task_state NOT IN ('rebooting', 'rebooting_hard')";
            case REBOOT -> "vm_state = 'active' AND task_state = 'rebooting'";
            case HARD_REBOOT -> "vm_state = 'active' AND task_state = 'rebooting_hard'";
            case BUILD -> "vm_state = 'building'";
            case SHUTOFF -> "vm_state = 'stopped'";
            case ERROR -> "vm_state = 'error'";
            case UNKNOWN -> "false";
        };
    }

    private static boolean isNovaStatus(String text) {
        return Set.of(
                        "REBUILD",
                        "PASSWORD",
                        "MIGRATING",
                        "RESIZE",
                        "VERIFY_RESIZE",
                        "REVERT_RESIZE",
                        "PAUSED",
                        "SUSPENDED",
                        "RESCUE",
                        "DELETED",
                        "SOFT_DELETED",
                        "SHELVED",
                        "SHELVED_OFFLOADED")
                .contains(text.toUpperCase(java.util.Locale.ROOT));
    }

    private static void patterns(ListSql sql, Query query, Map<String, String> columns) {
        columns.forEach(
                (name, column) ->
                        query.first(name)
                                .ifPresent(
                                        value -> {
                                            if (!LinearPattern.accepts(value)) {
                                                throw ApiException.badRequest(
                                                        UNSUPPORTED.formatted(
                                                                name,
                                                                LinearPattern.MAX_LENGTH,
                                                                LinearPattern.SUPPORTED));
                                            }
                                            sql.where(column + " ~ ?", value);
                                        }));
    }

    private static void equals(ListSql sql, Query query, Map<String, String> columns) {
        columns.forEach((name, column) -> sql.in(column, query.all(name)));
    }

    private static void zone(ListSql sql, Query query) {
        query.first("availability_zone")
                .ifPresent(
                        zone ->
                                sql.where(
                                        zone.equals(ServerShown.ZONE)
                                                ? "node IS NOT NULL"
                                                : "false"));
    }

    private static void times(ListSql sql, Query query, int minor) {
        Optional<Instant> since = time(query, "changes-since");
        Optional<Instant> before = minor >= 66 ? time(query, "changes-before") : Optional.empty();
        if (since.isPresent() && before.isPresent() && before.get().isBefore(since.get())) {
            throw ApiException.badRequest(
                    "The value of changes-since must be less than or equal to changes-before.");
        }
        since.ifPresent(value -> sql.where("updated_at >= ?", Timestamp.from(value)));
        before.ifPresent(value -> sql.where("updated_at <= ?", Timestamp.from(value)));
    }

    /** A time of the query in ISO 8601, UTC when it names no zone. */
    static Optional<Instant> time(Query query, String name) {
        return query.first(name)
                .map(
                        text -> {
                            String iso = text.strip().replace(' ', 'T');
                            try {
                                return iso.matches(".*([Zz]|[+-][0-9]{2}:?[0-9]{2})$")
                                        ? OffsetDateTime.parse(iso).toInstant()
                                        : LocalDateTime.parse(iso).toInstant(ZoneOffset.UTC);
                            } catch (DateTimeParseException e) {
                                throw new ApiException(
                                        Fault.BAD_REQUEST,
                                        ("Invalid input for query parameters %s. Value: %s. '%s'"
                                                        + " is not a 'date-time'")
                                                .formatted(name, text, text),
                                        e);
                            }
                        });
    }

    private static void tags(ListSql sql, Query query) {
        for (String tag : words(query, "tags")) {
            sql.where("tags @> ARRAY[?]::text[]", tag);
        }
        anyTag(sql, words(query, "tags-any"), "tags && ARRAY[%s]::text[]");
        List<String> not = words(query, "not-tags");
        if (!not.isEmpty()) {
            anyTag(sql, not, "NOT (tags @> ARRAY[%s]::text[])");
        }
        anyTag(sql, words(query, "not-tags-any"), "NOT (tags && ARRAY[%s]::text[])");
    }

    private static void anyTag(ListSql sql, List<String> tags, String condition) {
        if (!tags.isEmpty()) {
            sql.where(
                    condition.formatted(String.join(",", Collections.nCopies(tags.size(), "?"))),
                    tags.toArray());
        }
    }

    private static List<String> words(Query query, String name) {
        return query.first(name).map(text -> Arrays.asList(text.split(",", 51))).orElse(List.of());
    }

    private static void refuseSortByNode(Request request, ListQuery list) {
        for (ListQuery.Sort sort : list.sort()) {
            if (Set.of("host", "node").contains(sort.key()) && !request.caller().isAdmin()) {
                throw ApiException.forbidden(
                        "Only administrators can sort servers by " + sort.key());
            }
        }
    }

    private static Map<String, String> sortKeys() {
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("id", "id");
        keys.put("uuid", "id");
        keys.put("created_at", "created_at");
        keys.put("updated_at", "updated_at");
        keys.put("display_name", "name");
        keys.put("display_description", "coalesce(description, '')");
        keys.put("hostname", "hostname");
        keys.put("host", "coalesce(node, '')");
        keys.put("node", "coalesce(node, '')");
        keys.put("image_ref", "image_id");
        keys.put("instance_type_id", "flavor_id");
        keys.put("kernel_id", "kernel_image_id");
        keys.put("ramdisk_id", "initrd_image_id");
        keys.put("key_name", "coalesce(key_name, '')");
        keys.put("launch_index", "launch_index");
        keys.put("launched_at", "coalesce(launched_at, 'epoch')");
        keys.put("power_state", "power_state");
        keys.put("project_id", "project_id");
        keys.put("user_id", "user_id");
        keys.put("vm_state", "vm_state");
        keys.put("task_state", "task_state");
        keys.put("access_ip_v4", "access_ipv4");
        keys.put("access_ip_v6", "access_ipv6");
        keys.put("auto_disk_config", "disk_config");
        keys.put("availability_zone", "requested_zone");
        // Equal for all servers here; Nova sorts by them too.
        for (String constant :
                List.of(
                        "config_drive",
                        "locked_by",
                        "locked",
                        "progress",
                        "root_device_name",
                        "terminated_at")) {
            keys.put(constant, "''::text");
        }
        return Collections.unmodifiableMap(keys);
    }
}
