package dev.iod.region;

import org.jdbi.v3.core.Handle;

/**
 * Something that a project may have only so much of.
 *
 * @param service the type of the service that has it
 * @param resource its name in that service's API, such as {@code cores}
 * @param standard the limit of a project that has none of its own, or {@link #UNLIMITED}
 * @param counter what a project has of it
 */
public record Quota(String service, String resource, long standard, Counter counter) {
    /** No limit. */
    public static final long UNLIMITED = -1;

    /** Counts what a project has, in the transaction that wants more. */
    @FunctionalInterface
    public interface Counter {
        /** What it has now. */
        long used(Handle handle, String project);
    }

    /**
     * A quota of rows.
     *
     * @param rows the table, and perhaps a condition, with a column {@code project_id}: {@code port
     *     WHERE host = ''}
     */
    public static Quota ofRows(String service, String resource, long standard, String rows) {
        return ofSum(service, resource, standard, "count(*)", rows);
    }

    /**
     * A quota of a sum over rows.
     *
     * @param sum an SQL aggregate that is never NULL
     */
    public static Quota ofSum(
            String service, String resource, long standard, String sum, String rows) {
        String sql =
                "SELECT %s FROM %s %s project_id = :project"
                        .formatted(sum, rows, rows.contains(" WHERE ") ? "AND" : "WHERE");
        return new Quota(
                service,
                resource,
                standard,
                (handle, project) ->
                        handle.createQuery(sql).bind("project", project).mapTo(Long.class).one());
    }

    /** A bound of something that no table counts, such as the items in one request. */
    public static Quota bound(String service, String resource, long standard) {
        return new Quota(service, resource, standard, (handle, project) -> 0);
    }
}
