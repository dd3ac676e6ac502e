package dev.iod.region;

import dev.iod.rest.Api;
import dev.iod.rest.Dialect;
import dev.iod.rest.Microversions;
import dev.iod.rest.Route;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything the region needs to know of a service: {@code Main} makes one of these for each, and
 * nothing else in the region names a service.
 *
 * @param type as in OpenStack's catalog, such as {@code compute}; empty for one that is not listed
 * @param oldTypes types it had before, under which the catalog lists it too, because clients look
 *     for them
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
        List<String> oldTypes,
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
        oldTypes = List.copyOf(oldTypes);
        routes = List.copyOf(routes);
        migrations = List.copyOf(migrations);
        quotas = List.copyOf(quotas);
        goalParts = List.copyOf(goalParts);
        observers = List.copyOf(observers);
    }

    /** A service of the catalog. */
    public static Builder listed(
            String type,
            String name,
            String prefix,
            String version,
            Dialect dialect,
            List<Route> routes) {
        return new Builder(type, name, prefix, version, dialect, routes);
    }

    /** A service that the catalog does not know, with the plain dialect. */
    public static Builder unlisted(String prefix, List<Route> routes) {
        return listed("", "", prefix, "", Dialect.PLAIN, routes);
    }

    /** What a service may have beside its routes: at first nothing. */
    public static final class Builder {
        private final String type;
        private final String name;
        private final String prefix;
        private final String version;
        private final Dialect dialect;
        private final List<Route> routes;
        private final List<String> oldTypes = new ArrayList<>();
        private final List<String> migrations = new ArrayList<>();
        private final List<GoalPart> goalParts = new ArrayList<>();
        private final List<NodeObserver> observers = new ArrayList<>();
        private Microversions microversions = Microversions.NONE;
        private List<Quota> quotas = List.of();
        private Runnable start = () -> {};

        private Builder(
                String type,
                String name,
                String prefix,
                String version,
                Dialect dialect,
                List<Route> routes) {
            this.type = type;
            this.name = name;
            this.prefix = prefix;
            this.version = version;
            this.dialect = dialect;
            this.routes = routes;
        }

        /** One more type under which the catalog lists it too. */
        public Builder oldType(String older) {
            oldTypes.add(older);
            return this;
        }

        public Builder microversions(Microversions versions) {
            microversions = versions;
            return this;
        }

        /** One more folder of migrations. */
        public Builder migrations(String folder) {
            migrations.add(folder);
            return this;
        }

        public Builder quotas(List<Quota> limited) {
            quotas = limited;
            return this;
        }

        /** One more part of nodes' goals, and an observer of what became of it. */
        public Builder nodes(GoalPart goals, NodeObserver observer) {
            goalParts.add(goals);
            observers.add(observer);
            return this;
        }

        /** Work to do once its tables are there; for example to clear up after a crash. */
        public Builder start(Runnable work) {
            start = work;
            return this;
        }

        public Service build() {
            return new Service(
                    type,
                    oldTypes,
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
                    start);
        }
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
