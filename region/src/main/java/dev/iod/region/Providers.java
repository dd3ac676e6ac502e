package dev.iod.region;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * The tables {@code resource_provider}, {@code inventory} and {@code allocation}: what nodes offer
 * and who has taken what. Whoever adds allocations locks the provider first ({@link #lock}) and
 * looks at what {@code lock} has returned, so that what is taken never exceeds what is offered.
 */
public final class Providers {
    /** How many vCPUs may be taken for each one a node offers, Nova's default. */
    static final double VCPU_RATIO = 4;

    private static final String SELECT =
            """
            SELECT p.id, p.number, p.name, p.generation, n.up, c.resource_class,
                   i.total, i.reserved, i.min_unit, i.max_unit, i.step_size, i.allocation_ratio,
                   u.used
            FROM resource_provider p
            JOIN node n ON n.name = p.name
            CROSS JOIN unnest(CAST(:classes AS text[])) c (resource_class)
            LEFT JOIN inventory i
                ON i.provider_id = p.id AND i.resource_class = c.resource_class
            CROSS JOIN LATERAL (
                SELECT CAST(coalesce(sum(a.used), 0) AS bigint) AS used FROM allocation a
                WHERE a.provider_id = p.id AND a.resource_class = c.resource_class) u
            """;

    private Providers() {}

    /** All by name. */
    public static List<Provider> all(Handle handle) {
        return select(handle, "", List.of());
    }

    /**
     * Locks providers until the end of the transaction, in the order of their names, so that two
     * who lock several cannot wait for each other.
     *
     * @return as they are once they are locked; those that are not there any more are missing
     */
    public static List<Provider> lock(Handle handle, Collection<String> names) {
        handle.createQuery(
                        "SELECT name FROM resource_provider WHERE name = ANY(:names)"
                                + " ORDER BY name FOR NO KEY UPDATE")
                .bindArray("names", String.class, names)
                .mapTo(String.class)
                .list();
        return select(handle, " WHERE p.name = ANY(:names)", names);
    }

    /**
     * Takes resources for a consumer from a locked provider.
     *
     * @throws IllegalStateException when it does not have them
     */
    public static void allocate(
            Handle handle,
            UUID consumer,
            AllocationRole role,
            Provider locked,
            Map<ResourceClass, Long> amounts) {
        locked.shortOf(amounts)
                .ifPresent(
                        kind -> {
                            throw new IllegalStateException(
                                    "%s has no %d of %s: look before you take"
                                            .formatted(locked.name(), amounts.get(kind), kind));
                        });
        amounts.forEach(
                (kind, amount) -> {
                    if (amount > 0) {
                        handle.execute(
                                "INSERT INTO allocation (consumer_id, provider_id, role,"
                                        + " resource_class, used) VALUES (?, ?, ?, ?, ?)",
                                consumer,
                                locked.id(),
                                role.text(),
                                kind.name(),
                                amount);
                    }
                });
        raise(handle, List.of(locked.id()));
    }

    /**
     * Changes how much a consumer has of a locked provider. Less can always be had, also where more
     * is taken than there is.
     *
     * @param amounts what it has then, 0 or more; of other classes it has what it had
     * @return what the provider is short of; then nothing is changed
     */
    public static Optional<ResourceClass> resize(
            Handle handle,
            UUID consumer,
            AllocationRole role,
            Provider locked,
            Map<ResourceClass, Long> amounts) {
        for (Map.Entry<ResourceClass, Long> one : amounts.entrySet()) {
            long before = held(handle, consumer, role, locked, one.getKey());
            if (one.getValue() > before && !locked.admits(one.getKey(), one.getValue(), before)) {
                return Optional.of(one.getKey());
            }
        }
        amounts.forEach((kind, amount) -> write(handle, consumer, role, locked, kind, amount));
        raise(handle, List.of(locked.id()));
        return Optional.empty();
    }

    private static long held(
            Handle handle,
            UUID consumer,
            AllocationRole role,
            Provider locked,
            ResourceClass kind) {
        return handle.createQuery(
                        "SELECT used FROM allocation WHERE consumer_id = :consumer"
                                + " AND provider_id = :provider AND role = :role"
                                + " AND resource_class = :class")
                .bind("consumer", consumer)
                .bind("provider", locked.id())
                .bind("role", role.text())
                .bind("class", kind.name())
                .mapTo(Long.class)
                .findOne()
                .orElse(0L);
    }

    private static void write(
            Handle handle,
            UUID consumer,
            AllocationRole role,
            Provider locked,
            ResourceClass kind,
            long amount) {
        if (amount == 0) {
            handle.execute(
                    "DELETE FROM allocation WHERE consumer_id = ? AND provider_id = ?"
                            + " AND role = ? AND resource_class = ?",
                    consumer,
                    locked.id(),
                    role.text(),
                    kind.name());
        } else {
            handle.execute(
                    "INSERT INTO allocation (consumer_id, provider_id, role, resource_class, used)"
                            + " VALUES (?, ?, ?, ?, ?)"
                            + " ON CONFLICT (consumer_id, provider_id, resource_class)"
                            + " DO UPDATE SET used = excluded.used",
                    consumer,
                    locked.id(),
                    role.text(),
                    kind.name(),
                    amount);
        }
    }

    /**
     * Gives back some of what a consumer has; what is less than the amounts stays.
     *
     * @param amounts what it has then
     */
    public static void lower(
            Handle handle, UUID consumer, AllocationRole role, Map<ResourceClass, Long> amounts) {
        amounts.forEach(
                (kind, amount) ->
                        raise(
                                handle,
                                handle.createQuery(
                                                "UPDATE allocation SET used = :used"
                                                        + " WHERE consumer_id = :consumer"
                                                        + " AND role = :role"
                                                        + " AND resource_class = :class"
                                                        + " AND used > :used RETURNING provider_id")
                                        .bind("used", amount)
                                        .bind("consumer", consumer)
                                        .bind("role", role.text())
                                        .bind("class", kind.name())
                                        .mapTo(UUID.class)
                                        .list()));
    }

    /** Gives back all that a consumer has in some roles. */
    public static void release(Handle handle, UUID consumer, Set<AllocationRole> roles) {
        List<UUID> providers =
                handle.createQuery(
                                "DELETE FROM allocation WHERE consumer_id = :consumer"
                                        + " AND role = ANY(:roles) RETURNING provider_id")
                        .bind("consumer", consumer)
                        .bindArray(
                                "roles",
                                String.class,
                                roles.stream().map(AllocationRole::text).toList())
                        .mapTo(UUID.class)
                        .list();
        raise(handle, providers.stream().distinct().toList());
    }

    /** Who has something of a provider. */
    public static List<UUID> consumers(Handle handle, String name) {
        return handle.createQuery(
                        "SELECT DISTINCT consumer_id FROM allocation JOIN resource_provider p"
                                + " ON p.id = provider_id WHERE p.name = :name ORDER BY 1")
                .bind("name", name)
                .mapTo(UUID.class)
                .list();
    }

    /** Makes a node a provider; nothing happens if it is one. */
    static void add(Handle handle, String node) {
        handle.execute(
                "INSERT INTO resource_provider (name) VALUES (?) ON CONFLICT DO NOTHING", node);
    }

    /**
     * Writes what a node offers of one class, if that is news.
     *
     * @param total 0 for nothing
     */
    static void offer(Handle handle, String node, ResourceClass kind, long total) {
        long now =
                handle.createQuery(
                                "SELECT total FROM inventory JOIN resource_provider p"
                                        + " ON p.id = provider_id"
                                        + " WHERE p.name = :node AND resource_class = :class")
                        .bind("node", node)
                        .bind("class", kind.name())
                        .mapTo(Long.class)
                        .findOne()
                        .orElse(0L);
        if (now == total) {
            return;
        }
        UUID provider =
                handle.createQuery(
                                "UPDATE resource_provider SET generation = generation + 1"
                                        + " WHERE name = :node RETURNING id")
                        .bind("node", node)
                        .mapTo(UUID.class)
                        .one();
        if (total == 0) {
            handle.execute(
                    "DELETE FROM inventory WHERE provider_id = ? AND resource_class = ?",
                    provider,
                    kind.name());
            return;
        }
        handle.createUpdate(
                        "INSERT INTO inventory (provider_id, resource_class, total, max_unit,"
                                + " allocation_ratio)"
                                + " VALUES (:provider, :class, :total, :total, :ratio)"
                                + " ON CONFLICT (provider_id, resource_class) DO UPDATE"
                                + " SET total = excluded.total, max_unit = excluded.total")
                .bind("provider", provider)
                .bind("class", kind.name())
                .bind("total", total)
                .bind("ratio", kind == ResourceClass.VCPU ? VCPU_RATIO : 1)
                .execute();
    }

    private static void raise(Handle handle, List<UUID> providers) {
        handle.createUpdate(
                        "UPDATE resource_provider SET generation = generation + 1"
                                + " WHERE id = ANY(:ids)")
                .bindArray("ids", UUID.class, providers)
                .execute();
    }

    private static List<Provider> select(
            Handle handle, String condition, Collection<String> names) {
        Map<UUID, Provider> found = new LinkedHashMap<>();
        List<String> classes = new ArrayList<>();
        for (ResourceClass kind : ResourceClass.values()) {
            classes.add(kind.name());
        }
        var query =
                handle.createQuery(SELECT + condition + " ORDER BY p.name")
                        .bindArray("classes", String.class, classes);
        if (!condition.isEmpty()) {
            query.bindArray("names", String.class, names);
        }
        query.map(
                        (row, context) -> {
                            UUID id = row.getObject("id", UUID.class);
                            Map<ResourceClass, Inventory> inventories =
                                    new EnumMap<>(ResourceClass.class);
                            Map<ResourceClass, Long> used = new EnumMap<>(ResourceClass.class);
                            Optional.ofNullable(found.get(id))
                                    .ifPresent(
                                            before -> {
                                                inventories.putAll(before.inventories());
                                                used.putAll(before.used());
                                            });
                            ResourceClass kind =
                                    ResourceClass.valueOf(row.getString("resource_class"));
                            if (row.getObject("total") != null) {
                                inventories.put(
                                        kind,
                                        new Inventory(
                                                row.getLong("total"),
                                                row.getLong("reserved"),
                                                row.getLong("min_unit"),
                                                row.getLong("max_unit"),
                                                row.getLong("step_size"),
                                                row.getDouble("allocation_ratio")));
                            }
                            if (row.getLong("used") > 0) {
                                used.put(kind, row.getLong("used"));
                            }
                            found.put(
                                    id,
                                    new Provider(
                                            id,
                                            row.getLong("number"),
                                            row.getString("name"),
                                            row.getLong("generation"),
                                            row.getBoolean("up"),
                                            inventories,
                                            used));
                            return id;
                        })
                .list();
        return List.copyOf(found.values());
    }
}
