package dev.iod.region;

import dev.iod.rest.ApiException;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.View;
import dev.iod.store.Database;
import dev.iod.store.Listed;
import dev.iod.store.Page;
import dev.iod.store.Table;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What every simple collection of resources does alike: lists with paging, shows and deletes,
 * counts against the quota what is made, and writes down who changed what. What differs are the
 * {@link Rules}; reading the body of a creation is the service's.
 */
public final class Collection<T extends Record> {
    private final Database database;
    private final Table<T> table;
    private final Quota quota;
    private final View<T> item;
    private final View<T> full;
    private final Rules<T> rules;

    /** What one collection does in its own way. */
    public interface Rules<T> {
        /** The name of one resource in bodies, such as {@code keypair}. */
        String singular();

        /** The name of the list in bodies. */
        String plural();

        /** Whose resources a request is about; refuses those of others. */
        String owner(Request request);

        /** The key of a resource among its owner's, as in paths. */
        String key(T resource);

        /** What views may look at. */
        View.Scope scope(Request request);

        /** Whether a list has pages in the request's version. */
        boolean paged(Request request);

        /** A resource in a list. */
        ObjectNode item(ObjectNode view);

        /** The link to the page after the resource of that key. */
        ArrayNode next(Request request, String last);

        /** The status of a deletion. */
        int deleted(Request request);

        /** The 404. */
        ApiException missing(String owner, String key);

        /** The 409 for a key that is in use. */
        ApiException duplicate(String key);

        /** The refusal when the quota is used up. */
        ApiException tooMany(Quotas.Excess excess);
    }

    /**
     * @param item how a list shows a resource
     * @param full how it is shown alone
     */
    public Collection(
            Database database,
            Table<T> table,
            Quota quota,
            View<T> item,
            View<T> full,
            Rules<T> rules) {
        this.database = database;
        this.table = table;
        this.quota = quota;
        this.item = item;
        this.full = full;
        this.rules = rules;
    }

    /** Answers with the owner's resources. */
    public Response list(Request request) {
        String owner = rules.owner(request);
        boolean paged = rules.paged(request);
        Page page =
                paged
                        ? Pages.of(request.list())
                        : new Page(ListQuery.MAX_LIMIT, Optional.empty(), List.of(), false);
        Listed<T> found = database.read(handle -> table.list(handle, owner, page));
        View.Scope scope = rules.scope(request);
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray(rules.plural());
        found.rows().forEach(one -> array.add(rules.item(item.render(one, scope))));
        if (paged && found.more()) {
            root.set(
                    rules.plural() + "_links",
                    rules.next(request, rules.key(found.rows().getLast())));
        }
        return Response.ok(root);
    }

    /** Answers with the resource whose key is in the path. */
    public Response show(Request request, String key) {
        String owner = rules.owner(request);
        T found =
                database.read(handle -> table.find(handle, owner, key))
                        .orElseThrow(() -> rules.missing(owner, key));
        return Response.ok(wrapped(full.render(found, rules.scope(request))));
    }

    /**
     * Refuses early what {@link #create} would refuse: before work is done for it.
     *
     * @throws ApiException when the quota is used up
     */
    public void admit(Actor actor, String owner) {
        database.read(handle -> Quotas.claim(handle, actor.projectId(), owner, quota, 1))
                .ifPresent(
                        excess -> {
                            throw rules.tooMany(excess);
                        });
    }

    /**
     * Makes a resource.
     *
     * @param columns of its row
     */
    public T create(Actor actor, String owner, String key, Map<String, Object> columns) {
        return database.transaction(
                handle -> {
                    Quotas.claim(handle, actor.projectId(), owner, quota, 1)
                            .ifPresent(
                                    excess -> {
                                        throw rules.tooMany(excess);
                                    });
                    T made = table.insert(handle, columns).orElseThrow(() -> rules.duplicate(key));
                    Audit.record(handle, actor, "create " + rules.singular(), key);
                    return made;
                });
    }

    /** Deletes the resource whose key is in the path. */
    public Response delete(Request request, String key) {
        String owner = rules.owner(request);
        database.run(
                handle -> {
                    if (!table.delete(handle, owner, key)) {
                        throw rules.missing(owner, key);
                    }
                    Audit.record(handle, Actor.of(request), "delete " + rules.singular(), key);
                });
        return Response.empty(rules.deleted(request));
    }

    /** A resource under its name. */
    public ObjectNode wrapped(ObjectNode view) {
        ObjectNode root = Json.object();
        root.set(rules.singular(), view);
        return root;
    }
}
