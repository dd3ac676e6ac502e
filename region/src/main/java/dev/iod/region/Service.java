package dev.iod.region;

import dev.iod.rest.Api;
import dev.iod.rest.Dialect;
import dev.iod.rest.Microversions;
import dev.iod.rest.Route;
import java.util.List;

/**
 * Everything the region needs to know of a service: {@code Main} makes one of these for each, and
 * nothing else in the region names a service.
 *
 * @param type as in OpenStack's catalog, such as {@code compute}; empty for one that is not listed
 * @param name as in OpenStack's catalog, such as {@code nova}
 * @param prefix first segment of all its paths, such as {@code /compute}
 * @param version what the catalog adds to the prefix, such as {@code /v2.1}; may be empty
 * @param dialect how it words its errors
 * @param microversions {@link Microversions#NONE} for most
 * @param routes everything it answers, its version documents included
 * @param migrations folders of its migrations on the class path; see {@link Services#prepare}
 * @param quotas what projects have only so much of; see {@link Quotas}
 * @param goalParts what it adds to the goals of nodes
 * @param observers what it does with the reports of nodes
 * @param start run once its tables are there, before the first request
 */
public record Service(
        String type,
        String name,
        String prefix,
        String version,
        Dialect dialect,
        Microversions microversions,
        List<Route> routes,
        List<String> migrations,
        List<Quota> quotas,
        List<GoalPart> goalParts,
        List<NodeObserver> observers,
        Runnable start) {
    /** Copies the lists. */
    public Service {
        routes = List.copyOf(routes);
        migrations = List.copyOf(migrations);
        quotas = List.copyOf(quotas);
        goalParts = List.copyOf(goalParts);
        observers = List.copyOf(observers);
    }

    /** A service of the catalog, without microversions, tables or nodes. */
    public static Service listed(
            String type,
            String name,
            String prefix,
            String version,
            Dialect dialect,
            List<Route> routes) {
        return new Service(
                type,
                name,
                prefix,
                version,
                dialect,
                Microversions.NONE,
                routes,
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                () -> {});
    }

    /** A service that the catalog does not know, with the plain dialect. */
    public static Service unlisted(String prefix, List<Route> routes) {
        return listed("", "", prefix, "", Dialect.PLAIN, routes);
    }

    /** The same with microversions. */
    public Service with(Microversions versions) {
        return new Service(
                type,
                name,
                prefix,
                version,
                dialect,
                versions,
                routes,
                migrations,
                quotas,
                goalParts,
                observers,
                start);
    }

    /** The same with a folder of migrations. */
    public Service withMigrations(String folder) {
        return new Service(
                type,
                name,
                prefix,
                version,
                dialect,
                microversions,
                routes,
                List.of(folder),
                quotas,
                goalParts,
                observers,
                start);
    }

    /** The same with quotas. */
    public Service withQuotas(List<Quota> limited) {
        return new Service(
                type,
                name,
                prefix,
                version,
                dialect,
                microversions,
                routes,
                migrations,
                limited,
                goalParts,
                observers,
                start);
    }

    /** The same with a part of nodes' goals and an observer of what became of it. */
    public Service withNodes(GoalPart goals, NodeObserver observer) {
        return new Service(
                type,
                name,
                prefix,
                version,
                dialect,
                microversions,
                routes,
                migrations,
                quotas,
                List.of(goals),
                List.of(observer),
                start);
    }

    /**
     * The same with work to do once its tables are there; for example to clear up after a crash.
     */
    public Service startedBy(Runnable work) {
        return new Service(
                type,
                name,
                prefix,
                version,
                dialect,
                microversions,
                routes,
                migrations,
                quotas,
                goalParts,
                observers,
                work);
    }

    /** Whether it is in the catalog and in the document at the root. */
    public boolean listed() {
        return !type.isEmpty();
    }

    /** Where the catalog says it is, below the region's address. */
    public String endpoint() {
        return prefix + version;
    }

    Api api() {
        return new Api(prefix, dialect, microversions, routes);
    }
}
