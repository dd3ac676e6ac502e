package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.Listed;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v2.0/routers}; their interfaces are in {@link RouterInterfaces}. */
final class RouterResource implements Resource {
    @Override
    public String singular() {
        return "router";
    }

    @Override
    public String plural() {
        return "routers";
    }

    @Override
    public String path() {
        return "routers";
    }

    @Override
    public ApiException notFound(String id) {
        return Neutron.routerNotFound(id);
    }

    @Override
    public ObjectNode create(Handle handle, Actor actor, Fields fields) {
        var router =
                new Router(
                        UUID.randomUUID(),
                        Attributes.project(fields, actor),
                        Attributes.name(fields),
                        Attributes.description(fields),
                        fields.optionalBoolean("admin_state_up").orElse(true),
                        0,
                        new Stamp(Instant.EPOCH, Instant.EPOCH, 1));
        notOffered(handle, actor, fields);
        fields.end();
        NetworkQuotas.claim(handle, router.projectId(), NetworkQuotas.ROUTERS);
        RouterStore.insert(handle, router);
        return show(handle, actor, router.id());
    }

    @Override
    public ObjectNode show(Handle handle, Actor actor, UUID id) {
        return view(RouterStore.require(handle, actor, id));
    }

    @Override
    public Listed<ObjectNode> list(Handle handle, Actor actor, Query query, ListQuery page) {
        return RouterStore.list(handle, actor, query, page).map(RouterResource::view);
    }

    @Override
    public ObjectNode update(Handle handle, Actor actor, UUID id, Fields fields) {
        Router old = RouterStore.require(handle, actor, id);
        Attributes.readOnly(fields, List.of("id", "tenant_id", "project_id", "status"));
        notOffered(handle, actor, fields);
        var changed =
                new Router(
                        id,
                        old.projectId(),
                        fields.optionalString("name", Attributes.NAME_LENGTH).orElse(old.name()),
                        fields.optionalString("description", Attributes.NAME_LENGTH)
                                .orElse(old.description()),
                        fields.optionalBoolean("admin_state_up").orElse(old.adminStateUp()),
                        old.tunnelKey(),
                        old.stamp());
        fields.end();
        RouterStore.update(handle, changed);
        return show(handle, actor, id);
    }

    @Override
    public void delete(Handle handle, Actor actor, UUID id) {
        RouterStore.require(handle, actor, id);
        if (!PortStore.ofRouter(handle, id).isEmpty()) {
            throw Neutron.conflict("RouterInUse", "Router %s still has ports".formatted(id));
        }
        RouterStore.delete(handle, id);
    }

    private static void notOffered(Handle handle, Actor actor, Fields fields) {
        fields.optionalObject("external_gateway_info")
                .filter(info -> !info.names().isEmpty())
                .ifPresent(info -> refuseGateway(handle, actor, info));
        // OVN's routers are distributed and need no standby, whatever is asked.
        Attributes.onlyDefault(fields, "distributed", BooleanNode.TRUE);
        Attributes.onlyDefault(fields, "ha", BooleanNode.FALSE);
        Attributes.onlyDefault(fields, "enable_ndp_proxy", BooleanNode.FALSE);
        Attributes.onlyEmpty(fields, "availability_zone_hints", "routes");
        Attributes.onlyNull(fields, "flavor_id", "service_type_id");
    }

    private static void refuseGateway(Handle handle, Actor actor, Fields info) {
        Network network = NetworkStore.require(handle, actor, Attributes.id(info, "network_id"));
        throw Neutron.badRequest(
                "BadRequest",
                "Bad router request: Network %s is not an external network."
                        .formatted(network.id()));
    }

    private static ObjectNode view(Router router) {
        ObjectNode view = Json.object();
        view.put("id", router.id().toString())
                .put("name", router.name())
                .put("tenant_id", router.projectId())
                .put("project_id", router.projectId())
                .put("admin_state_up", router.adminStateUp())
                .put("status", "ACTIVE")
                .putNull("external_gateway_info")
                .put("description", router.description());
        view.putArray("availability_zone_hints");
        view.putArray("availability_zones");
        return Views.stamp(view, router.stamp());
    }
}
