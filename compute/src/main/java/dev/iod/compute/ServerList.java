package dev.iod.compute;

import static java.util.stream.Collectors.joining;

import dev.iod.network.ServerPorts;
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
import dev.iod.store.Where;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/** Lists of servers: Nova's filters and sort keys over keyset paging. */
final class ServerList {
    /** What a view shows of a server that has a root disk or boots a volume. */
    private static final String ROOT_DEVICE =
            "CASE WHEN boots_volume OR disk_gib > 0 OR root_sha256 IS NOT NULL THEN '/dev/vda' END";

    /** Nova's sort keys; the expressions are never null. */
    private static final Map<String, String> SORT_KEYS = sortKeys();

    /** How a filter's value is compared, as Nova compares it. */
    private enum Match {
        EXACTLY,
        /** A {@link LinearPattern} that occurs somewhere in the text. */
        PATTERN,
        /** A pattern of {@code 2026-11-30 04:16:05}, UTC; or ISO 8601 with a T, to the second. */
        TIME
    }

    /**
     * A filter on one column.
     *
     * @param column an SQL expression; where it is null no server matches, as in Nova
     * @param memberSince the first minor version that applies it for others than administrators;
     *     before it they are given the list as if they had not named it
     */
    private record Filter(String name, Match match, String column, int memberSince) {}

    private static final int ADMIN_ONLY = Integer.MAX_VALUE;

    private static final List<Filter> FILTERS =
            List.of(
                    new Filter("name", Match.PATTERN, "name", 1),
                    new Filter("reservation_id", Match.PATTERN, "reservation_id", 1),
                    new Filter("flavor", Match.EXACTLY, "flavor_id", 1),
                    new Filter("image", Match.EXACTLY, "image_id", 1),
                    new Filter("availability_zone", Match.PATTERN, zone(), 83),
                    // No server has a config drive; Nova keeps an empty text for that.
                    new Filter("config_drive", Match.PATTERN, "''::text", 83),
                    new Filter("created_at", Match.TIME, "created_at", 83),
                    new Filter("key_name", Match.PATTERN, "key_name", 83),
                    new Filter("launched_at", Match.TIME, "launched_at", 83),
                    new Filter("power_state", Match.PATTERN, "power_state::text", 83),
                    new Filter("progress", Match.PATTERN, progress(), 83),
                    new Filter("task_state", Match.EXACTLY, "nullif(task_state, 'none')", 83),
                    new Filter("terminated_at", Match.TIME, "NULL::timestamptz", 83),
                    new Filter("user_id", Match.EXACTLY, "user_id", 83),
                    new Filter("vm_state", Match.EXACTLY, "vm_state", 83),
                    new Filter("hostname", Match.PATTERN, "hostname", 90),
                    new Filter("access_ip_v4", Match.PATTERN, "access_ipv4", ADMIN_ONLY),
                    new Filter("access_ip_v6", Match.PATTERN, "access_ipv6", ADMIN_ONLY),
                    new Filter("auto_disk_config", Match.PATTERN, "disk_config", ADMIN_ONLY),
                    new Filter("description", Match.PATTERN, "description", ADMIN_ONLY),
                    new Filter("display_description", Match.PATTERN, "description", ADMIN_ONLY),
                    new Filter("display_name", Match.PATTERN, "name", ADMIN_ONLY),
                    new Filter("host", Match.EXACTLY, "node", ADMIN_ONLY),
                    new Filter("image_ref", Match.EXACTLY, "image_id", ADMIN_ONLY),
                    new Filter("kernel_id", Match.PATTERN, "kernel_image_id", ADMIN_ONLY),
                    new Filter("launch_index", Match.PATTERN, "launch_index::text", ADMIN_ONLY),
                    new Filter("locked_by", Match.PATTERN, "locked_by", ADMIN_ONLY),
                    new Filter("node", Match.PATTERN, "node", ADMIN_ONLY),
                    new Filter("ramdisk_id", Match.PATTERN, "initrd_image_id", ADMIN_ONLY),
                    // Not known, as the view of a server says.
                    new Filter("root_device_name", Match.PATTERN, ROOT_DEVICE, ADMIN_ONLY),
                    new Filter("uuid", Match.EXACTLY, "id::text", ADMIN_ONLY));

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

    private static final String NO_TIME =
            "Invalid input for query parameters %s. Value: %s. '%s' is not a 'date-time'";

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
        boolean admin = request.caller().isAdmin();
        scope(sql, request);
        if (!status(handle, sql, query, minor, admin)) {
            return new Listed<>(List.of(), false);
        }
        for (Filter filter : FILTERS) {
            if (admin || minor >= filter.memberSince()) {
                last(query, filter.name()).ifPresent(value -> apply(sql, filter, value));
            }
        }
        addresses(sql, query, admin || minor >= 5);
        times(sql, query, minor);
        if (minor >= 26) {
            tags(sql, query);
        }
        if (minor >= 73) {
            locked(sql, query);
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

    private static void scope(ListSql sql, Request request) {
        boolean all =
                last(request.query(), "all_tenants").map(ServerList::allTenants).orElse(false);
        if (!all) {
            sql.where("project_id = ?", request.caller().projectId());
            return;
        }
        if (!request.caller().isAdmin()) {
            throw ApiException.forbidden(
                    ("Policy doesn't allow os_compute_api:servers:%s:get_all_tenants to be"
                                    + " performed.")
                            .formatted(request.path().endsWith("detail") ? "detail" : "index"));
        }
        last(request.query(), "project_id")
                .or(() -> last(request.query(), "tenant_id"))
                .ifPresent(project -> sql.where("project_id = ?", project));
    }

    private static boolean allTenants(String value) {
        return value.isEmpty()
                || truth(value)
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Invalid value '%s' for 'all_tenants'"
                                                        .formatted(value)));
    }

    /** What OpenStack takes for true and false; empty for anything else. */
    private static Optional<Boolean> truth(String value) {
        return switch (value.strip().toLowerCase(Locale.ROOT)) {
            case "1", "true", "t", "yes", "y", "on" -> Optional.of(true);
            case "0", "false", "f", "no", "n", "off" -> Optional.of(false);
            default -> Optional.empty();
        };
    }

    /** The value that Nova takes of several; only {@code status} may be named more than once. */
    private static Optional<String> last(Query query, String name) {
        List<String> all = query.all(name);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    /** False when no server can match. */
    private static boolean status(
            Handle handle, ListSql sql, Query query, int minor, boolean admin) {
        // A deleted server leaves no row. Nova reads other values as false.
        if (admin && last(query, "deleted").flatMap(ServerList::truth).orElse(false)) {
            return false;
        }
        List<String> texts = query.all("status");
        if (texts.isEmpty()) {
            return true;
        }
        List<ApiStatus> statuses = ApiStatus.parse(texts);
        if (statuses.isEmpty()) {
            // Nova's other statuses exist, and no server here is ever in them.
            if (minor >= 38 && texts.stream().noneMatch(ServerList::isNovaStatus)) {
                throw ApiException.badRequest("Invalid status value");
            }
            if (!admin && onlyDeleted(texts)) {
                throw ApiException.forbidden("Only administrators may list deleted instances");
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

    /** The states that the API shows as this status. */
    private static String condition(ApiStatus status) {
        List<String> states = new ArrayList<>();
        for (VmState vm : VmState.values()) {
            for (TaskState task : TaskState.values()) {
                if (ApiStatus.of(vm, task, false) == status) {
                    states.add("('%s', '%s')".formatted(vm.text(), task.text()));
                }
            }
        }
        return states.isEmpty()
                ? "false"
                : "(vm_state, task_state) IN (" + String.join(", ", states) + ")";
    }

    private static boolean onlyDeleted(List<String> statuses) {
        List<String> known = statuses.stream().filter(ServerList::isNovaStatus).toList();
        return !known.isEmpty() && known.stream().allMatch("DELETED"::equalsIgnoreCase);
    }

    private static boolean isNovaStatus(String text) {
        return Set.of(
                        "REBUILD",
                        "PASSWORD",
                        "MIGRATING",
                        "RESIZE",
                        "VERIFY_RESIZE",
                        "REVERT_RESIZE",
                        "SUSPENDED",
                        "RESCUE",
                        "DELETED",
                        "SOFT_DELETED",
                        "SHELVED",
                        "SHELVED_OFFLOADED")
                .contains(text.toUpperCase(Locale.ROOT));
    }

    private static void apply(ListSql sql, Filter filter, String value) {
        switch (filter.match()) {
            case EXACTLY -> sql.where(filter.column() + " = ?", value);
            case PATTERN -> sql.where(filter.column() + " ~ ?", linear(filter.name(), value));
            case TIME -> {
                Optional<Instant> time = value.contains("T") ? instant(value) : Optional.empty();
                if (time.isPresent()) {
                    sql.where(
                            "date_trunc('second', " + filter.column() + ") = ?",
                            Timestamp.from(time.get().truncatedTo(ChronoUnit.SECONDS)));
                } else {
                    sql.where(
                            "to_char("
                                    + filter.column()
                                    + " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') ~ ?",
                            linear(filter.name(), value));
                }
            }
        }
    }

    /** The value, if the database may be given it as a pattern; 400 otherwise. */
    private static String linear(String name, String value) {
        if (!LinearPattern.accepts(value)) {
            throw ApiException.badRequest(
                    UNSUPPORTED.formatted(name, LinearPattern.MAX_LENGTH, LinearPattern.SUPPORTED));
        }
        return value;
    }

    /** Servers that show an address that matches; both filters together: one of them. */
    private static void addresses(ListSql sql, Query query, boolean takesIp6) {
        List<Where> any = new ArrayList<>();
        last(query, "ip").ifPresent(value -> any.add(hasAddress(4, linear("ip", value))));
        if (takesIp6) {
            last(query, "ip6").ifPresent(value -> any.add(hasAddress(6, linear("ip6", value))));
        }
        if (!any.isEmpty()) {
            // The addresses of a server that is being built are not shown yet.
            sql.where(
                    "vm_state <> 'building' AND ("
                            + any.stream()
                                    .flatMap(one -> one.conditions().stream())
                                    .collect(joining(" OR "))
                            + ")",
                    any.stream().flatMap(one -> one.values().stream()).toArray());
        }
    }

    private static Where hasAddress(int version, String pattern) {
        return ServerPorts.addressMatches("server.id", version, pattern);
    }

    private static void locked(ListSql sql, Query query) {
        last(query, "locked")
                .ifPresent(
                        value -> {
                            boolean locked =
                                    truth(value)
                                            .orElseThrow(
                                                    () ->
                                                            ApiException.badRequest(
                                                                    "Invalid value '%s' for 'locked'"
                                                                            .formatted(value)));
                            sql.where(locked ? "locked_by IS NOT NULL" : "locked_by IS NULL");
                        });
    }

    private static String zone() {
        return "CASE WHEN node IS NOT NULL THEN '" + ServerShown.ZONE + "' END";
    }

    private static String progress() {
        return "CASE WHEN %s OR %s THEN '100' ELSE '0' END"
                .formatted(condition(ApiStatus.ACTIVE), condition(ApiStatus.VERIFY_RESIZE));
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
        return last(query, name)
                .map(
                        text ->
                                instant(text)
                                        .orElseThrow(
                                                () ->
                                                        ApiException.badRequest(
                                                                NO_TIME.formatted(
                                                                        name, text, text))));
    }

    private static Optional<Instant> instant(String text) {
        String iso = text.strip().replace(' ', 'T');
        try {
            return Optional.of(
                    iso.matches(".*([Zz]|[+-][0-9]{2}:?[0-9]{2})$")
                            ? OffsetDateTime.parse(iso).toInstant()
                            : LocalDateTime.parse(iso).toInstant(ZoneOffset.UTC));
        } catch (DateTimeParseException _) {
            return Optional.empty();
        }
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
        return last(query, name).map(text -> Arrays.asList(text.split(",", 51))).orElse(List.of());
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
        keys.put("locked", "(locked_by IS NOT NULL)::text");
        keys.put("locked_by", "coalesce(locked_by, '')");
        // Equal for all servers here; Nova sorts by them too.
        for (String constant :
                List.of("config_drive", "progress", "root_device_name", "terminated_at")) {
            keys.put(constant, "''::text");
        }
        return Collections.unmodifiableMap(keys);
    }
}
