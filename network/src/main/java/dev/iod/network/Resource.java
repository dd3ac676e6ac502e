package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.Listed;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ObjectNode;

/** One kind of Neutron resource: what the five requests on it do, each inside a transaction. */
interface Resource {
    /** The name in bodies, such as {@code security_group}. */
    String singular();

    /** The name of the list in bodies, such as {@code security_groups}. */
    String plural();

    /** The name in paths, such as {@code security-groups}. */
    String path();

    ObjectNode create(Handle handle, Actor actor, Fields fields);

    /** The resource, if there is one with this id that the caller may see; 404 otherwise. */
    ObjectNode show(Handle handle, Actor actor, UUID id);

    /** A page of those that the actor may see. */
    Listed<ObjectNode> list(Handle handle, Actor actor, Query query, ListQuery page);

    ObjectNode update(Handle handle, Actor actor, UUID id, Fields fields);

    void delete(Handle handle, Actor actor, UUID id);

    /** Whether a list may have to make something first. */
    default boolean listWrites() {
        return false;
    }

    /**
     * Whether a creation locks what it decides by before it reads that, so that those at once wait
     * for each other and none is run again.
     */
    default boolean createsLocked() {
        return false;
    }

    /** The 404 for an id or a name that is not an id. */
    ApiException notFound(String id);
}
