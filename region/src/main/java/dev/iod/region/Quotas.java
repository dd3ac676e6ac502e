package dev.iod.region;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Limits per project: what they are, and whether more may be had. The table {@code quota}. */
public final class Quotas {
    private Quotas() {}

    /** More than may be had was wanted. */
    public record Excess(Quota quota, long limit, long used) {}

    /**
     * Makes everybody else who claims of the project's quotas of a service wait, until the end of
     * the transaction; a serializable one is run again then. What is counted after this holds.
     */
    public static void lock(Handle handle, String project, String service) {
        handle.execute(
                "INSERT INTO quota_claim (project_id, service) VALUES (?, ?)"
                        + " ON CONFLICT (project_id, service)"
                        + " DO UPDATE SET claims = quota_claim.claims + 1",
                project,
                service);
    }

    /**
     * Claims something for a project, in the transaction that makes it. Of two that would together
     * have too much, the second sees the first: see {@link #lock}.
     *
     * @param amount what is about to be made
     * @return the refusal, if it would be too much; the service words it
     */
    public static Optional<Excess> claim(Handle handle, String project, Quota quota, long amount) {
        return claim(handle, project, project, quota, amount);
    }

    /**
     * The same for what is not counted by project.
     *
     * @param owner whose it is; the limit is the project's
     */
    public static Optional<Excess> claim(
            Handle handle, String project, String owner, Quota quota, long amount) {
        long limit = limit(handle, project, quota);
        if (limit == Quota.UNLIMITED) {
            return Optional.empty();
        }
        lock(handle, project, quota.service());
        long used = quota.counter().used(handle, owner);
        return exceeds(used + amount, limit)
                ? Optional.of(new Excess(quota, limit, used))
                : Optional.empty();
    }

    /** Whether an amount is beyond a limit. */
    public static boolean exceeds(long amount, long limit) {
        return limit != Quota.UNLIMITED && amount > limit;
    }

    /** The project's limit, or the standard one. */
    public static long limit(Handle handle, String project, Quota quota) {
        return handle.createQuery(
                        "SELECT hard_limit FROM quota WHERE project_id = :project"
                                + " AND service = :service AND resource = :resource")
                .bind("project", project)
                .bind("service", quota.service())
                .bind("resource", quota.resource())
                .mapTo(Long.class)
                .findOne()
                .orElse(quota.standard());
    }

    /** The project's limits of several things, with one query. */
    public static Map<Quota, Long> limits(Handle handle, String project, Collection<Quota> quotas) {
        Map<List<String>, Long> own = new HashMap<>();
        handle.createQuery(
                        "SELECT service, resource, hard_limit FROM quota"
                                + " WHERE project_id = :project")
                .bind("project", project)
                .map(
                        (row, context) ->
                                Map.entry(
                                        List.of(row.getString(1), row.getString(2)),
                                        row.getLong(3)))
                .forEach(entry -> own.put(entry.getKey(), entry.getValue()));
        Map<Quota, Long> limits = new LinkedHashMap<>();
        for (Quota quota : quotas) {
            List<String> name = List.of(quota.service(), quota.resource());
            limits.put(quota, own.getOrDefault(name, quota.standard()));
        }
        return limits;
    }

    /** The projects that have limits of their own of a service, in order. */
    public static List<String> projects(Handle handle, String service) {
        return handle.createQuery(
                        "SELECT DISTINCT project_id FROM quota WHERE service = :service"
                                + " ORDER BY project_id")
                .bind("service", service)
                .mapTo(String.class)
                .list();
    }

    /** Gives the project a limit of its own. */
    public static void set(Handle handle, String project, Quota quota, long limit) {
        handle.createUpdate(
                        "INSERT INTO quota (project_id, service, resource, hard_limit)"
                                + " VALUES (:project, :service, :resource, :limit)"
                                + " ON CONFLICT (project_id, service, resource)"
                                + " DO UPDATE SET hard_limit = :limit")
                .bind("project", project)
                .bind("service", quota.service())
                .bind("resource", quota.resource())
                .bind("limit", limit)
                .execute();
    }

    /** Gives the project the standard limits of a service again. */
    public static void reset(Handle handle, String project, String service) {
        handle.execute("DELETE FROM quota WHERE project_id = ? AND service = ?", project, service);
    }
}
