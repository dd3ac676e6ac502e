package dev.iod.region;

import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Queries;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.View;
import dev.iod.store.Columns;
import dev.iod.store.Database;
import dev.iod.store.Listed;
import dev.iod.store.Page;
import dev.iod.store.StoreException;
import dev.iod.store.Table;
import dev.iod.store.Where;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What every simple collection of resources does alike: lists with filters and paging, shows,
 * makes, changes and deletes, claims what is made from the quota, and writes down who changed what.
 * What differs is said to the {@link Builder}; reading bodies is the service's.
 */
public final class Collection<T extends Record> {
    private final Builder<T> of;

    private Collection(Builder<T> of) {
        this.of = of;
    }

    /** How the answers of a service look, whatever the resource. */
    public interface Style {
        /** What views may look at. */
        View.Scope scope(Request request);

        /**
         * Completes the answer to a list.
         *
         * @param root has the list under {@code plural}
         * @param next address of the next page, if there may be one
         */
        void links(ObjectNode root, String plural, Request request, Optional<String> next);
    }

    /**
     * The part of a list that a request asks for.
     *
     * @param linked whether the answer has a link to the next one
     */
    public record Paging(Page page, boolean linked) {
        /** Pages after a marker, as in most collections. */
        public static Paging byMarker(Request request) {
            return new Paging(Pages.of(request.list()), true);
        }

        /** Pages of that many rows after that many others. */
        public static Paging byOffset(int limit, int offset) {
            return new Paging(Page.first(limit).from(offset), false);
        }

        /** One page, cut where others would be. */
        public static Paging none() {
            return byOffset(ListQuery.MAX_LIMIT, 0);
        }
    }

    /**
     * Starts to describe a collection.
     *
     * @param singular the name of one resource in bodies, such as {@code server_group}; with an s
     *     it is the name of the list
     * @param parameter of the routes' templates that holds the key
     * @param key of a resource, as in paths
     */
    public static <T extends Record> Builder<T> of(
            Database database,
            Style style,
            Table<T> table,
            String singular,
            String parameter,
            Function<T, String> key) {
        return new Builder<>(database, style, table, singular, parameter, key);
    }

    /** What a collection does in its own way. */
    public static final class Builder<T extends Record> {
        private final Database database;
        private final Style style;
        private final Table<T> table;
        private final String singular;
        private final String parameter;
        private final Function<T, String> key;
        private Function<String, Optional<?>> keys = Optional::of;
        private Function<Request, Where> visible = request -> Where.ALL;
        private BiFunction<Request, Where, Where> filters = (request, where) -> where;
        private Function<Request, Paging> paging = Paging::byMarker;
        private Queries listed = Queries.ANY;
        private Queries one = Queries.ANY;
        private Optional<View<T>> item = Optional.empty();
        private Optional<View<T>> full = Optional.empty();
        private Optional<Claim> claim = Optional.empty();
        private BiFunction<Request, String, String> missing =
                (request, name) -> "There is no " + name + ".";
        private BiFunction<Columns, String, String> duplicate =
                (columns, constraint) -> "There is one like it already.";
        private Consumer<T> deletable = resource -> {};
        private ToIntFunction<Request> deleted = request -> 204;
        private Consumer<Handle> announce = handle -> {};
        private Runnable changed = () -> {};

        private Builder(
                Database database,
                Style style,
                Table<T> table,
                String singular,
                String parameter,
                Function<T, String> key) {
            this.database = database;
            this.style = style;
            this.table = table;
            this.singular = singular;
            this.parameter = parameter;
            this.key = key;
        }

        /** How a list shows a resource, and how it is shown alone. */
        public Builder<T> shown(View<T> inLists, View<T> alone) {
            item = Optional.of(inLists);
            full = Optional.of(alone);
            return this;
        }

        /** The value of the table's key for a key in a path; empty when there can be none. */
        public Builder<T> keys(Function<String, Optional<?>> parse) {
            keys = parse;
            return this;
        }

        /** The rows that a request may see at all; may refuse the request. */
        public Builder<T> visible(Function<Request, Where> rows) {
            visible = rows;
            return this;
        }

        /** The visible rows that a request to list asks for. */
        public Builder<T> filters(BiFunction<Request, Where, Where> rows) {
            filters = rows;
            return this;
        }

        /** How lists go on, in place of {@link Paging#byMarker}. */
        public Builder<T> paging(Function<Request, Paging> pages) {
            paging = pages;
            return this;
        }

        /** The parameters that lists know, and the requests about one resource. */
        public Builder<T> parameters(Queries lists, Queries resources) {
            listed = lists;
            one = resources;
            return this;
        }

        /**
         * What making one claims.
         *
         * @param owner the column by whose value the quota counts; the limit is the project's
         * @param refusal of who has used it up (403)
         */
        public Builder<T> quota(Quota quota, String owner, String refusal) {
            claim = Optional.of(new Claim(quota, owner, refusal));
            return this;
        }

        /** The words of the 404 for a key. */
        public Builder<T> missing(BiFunction<Request, String, String> words) {
            missing = words;
            return this;
        }

        /** The words of the 409 for these columns, which the named constraint refuses. */
        public Builder<T> duplicate(BiFunction<Columns, String, String> words) {
            duplicate = words;
            return this;
        }

        /** Refuses to delete some, by an exception. */
        public Builder<T> deletable(Consumer<T> check) {
            deletable = check;
            return this;
        }

        /** The status of a deletion, in place of 204. */
        public Builder<T> deleted(ToIntFunction<Request> status) {
            deleted = status;
            return this;
        }

        /** Work in the transaction that changes or deletes one, and work after it. */
        public Builder<T> changed(Consumer<Handle> within, Runnable after) {
            announce = within;
            changed = after;
            return this;
        }

        /** The collection. */
        public Collection<T> build() {
            return new Collection<>(this);
        }
    }

    private record Claim(Quota quota, String owner, String refusal) {
        void make(Handle handle, Actor actor, String ownerValue) {
            if (Quotas.claim(handle, actor.projectId(), ownerValue, quota, 1).isPresent()) {
                throw ApiException.forbidden(refusal);
            }
        }
    }

    /** Answers with the resources that the request may see and asks for. */
    public Response list(Request request) {
        return list(request, of.item.orElseThrow());
    }

    /** The same in another view. */
    public Response list(Request request, View<T> view) {
        of.listed.check(request);
        Where where = of.filters.apply(request, of.visible.apply(request));
        Paging paging = of.paging.apply(request);
        Listed<T> found = of.database.read(handle -> of.table.list(handle, where, paging.page()));
        View.Scope scope = of.style.scope(request);
        String plural = of.singular + "s";
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray(plural);
        found.rows().forEach(one -> array.add(view.render(one, scope)));
        Optional<String> next =
                paging.linked() && found.more()
                        ? Optional.of(next(request, of.key.apply(found.rows().getLast())))
                        : Optional.empty();
        of.style.links(root, plural, request, next);
        return Response.ok(root);
    }

    private static String next(Request request, String last) {
        return request.baseUrl() + request.path() + "?" + request.query().with("marker", last);
    }

    /** Answers with the resource of the path. */
    public Response show(Request request) {
        return show(request, find(request));
    }

    /** Answers with a resource. */
    public Response show(Request request, T resource) {
        return show(request, 200, resource);
    }

    /** The same with another status. */
    public Response show(Request request, int status, T resource) {
        return show(request, status, of.full.orElseThrow(), resource);
    }

    /** The same in another view. */
    public Response show(Request request, int status, View<T> view, T resource) {
        return Response.json(status, wrapped(view.render(resource, of.style.scope(request))));
    }

    /**
     * The resource of the path.
     *
     * @throws ApiException 404 when there is none that the request may see
     */
    public T find(Handle handle, Request request) {
        return located(handle, request).resource();
    }

    /** The same in a transaction of its own. */
    public T find(Request request) {
        return of.database.read(handle -> find(handle, request));
    }

    private record Located<T>(T resource, Where row) {}

    private Located<T> located(Handle handle, Request request) {
        of.one.check(request);
        String key = request.pathParameter(of.parameter);
        Where visible = of.visible.apply(request);
        return of.keys
                .apply(key)
                .map(value -> visible.and(of.table.is(value)))
                .flatMap(
                        row ->
                                of.table
                                        .first(handle, row)
                                        .map(resource -> new Located<>(resource, row)))
                .orElseThrow(() -> ApiException.notFound(of.missing.apply(request, key)));
    }

    /**
     * Refuses early what {@link #create} would refuse: before work is done for it.
     *
     * @throws ApiException when the quota is used up
     */
    public void admit(Actor actor, String owner) {
        of.claim.ifPresent(
                claim -> of.database.runLocked(handle -> claim.make(handle, actor, owner)));
    }

    /**
     * Makes a resource.
     *
     * @throws ApiException when the quota is used up or there is one like it
     */
    public T create(Request request, Columns columns) {
        Actor actor = Actor.of(request);
        return of.database.transaction(
                handle -> {
                    of.claim.ifPresent(
                            claim -> claim.make(handle, actor, columns.text(claim.owner())));
                    T made = unique(columns, () -> of.table.insert(handle, columns));
                    audit(handle, actor, "create", made);
                    return made;
                });
    }

    /**
     * Changes the resource of the path.
     *
     * @param change what it becomes; no columns for no change
     * @throws ApiException when there is none, or one like it
     */
    public T update(Request request, Function<T, Columns> change) {
        T changed =
                of.database.transaction(
                        handle -> {
                            Located<T> old = located(handle, request);
                            Columns columns = change.apply(old.resource());
                            T now =
                                    columns.isEmpty()
                                            ? old.resource()
                                            : unique(
                                                    columns,
                                                    () ->
                                                            of.table
                                                                    .update(
                                                                            handle, old.row(),
                                                                            columns)
                                                                    .orElseThrow());
                            written(handle, request, "update", now);
                            return now;
                        });
        of.changed.run();
        return changed;
    }

    /** Deletes the resource of the path. */
    public Response delete(Request request) {
        of.database.run(
                handle -> {
                    Located<T> old = located(handle, request);
                    of.deletable.accept(old.resource());
                    of.table.delete(handle, old.row());
                    written(handle, request, "delete", old.resource());
                });
        of.changed.run();
        return Response.empty(of.deleted.applyAsInt(request));
    }

    private void written(Handle handle, Request request, String verb, T resource) {
        audit(handle, Actor.of(request), verb, resource);
        of.announce.accept(handle);
    }

    private T unique(Columns columns, Supplier<T> change) {
        try {
            return change.get();
        } catch (StoreException e) {
            if (e.reason() != StoreException.Reason.DUPLICATE) {
                throw e;
            }
            throw ApiException.conflict(of.duplicate.apply(columns, e.constraint()));
        }
    }

    private void audit(Handle handle, Actor actor, String verb, T resource) {
        String kind = of.singular.replace('_', ' ').toLowerCase(Locale.ROOT);
        Audit.record(handle, actor, verb + " " + kind, of.key.apply(resource));
    }

    /** A resource's view under its name. */
    public ObjectNode wrapped(ObjectNode view) {
        ObjectNode root = Json.object();
        root.set(of.singular, view);
        return root;
    }
}
