package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fields;
import dev.iod.rest.Ipv4;
import dev.iod.rest.Json;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.store.Database;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.ObjectNode;

/** {@code add_router_interface} and {@code remove_router_interface}. */
final class RouterInterfaces {
    private final Database database;
    private final Ports ports;
    private final RouterResource routers = new RouterResource();

    RouterInterfaces(Database database, Ports ports) {
        this.database = database;
        this.ports = ports;
    }

    List<Route> routes() {
        String router = NetworkApi.VERSION_PATH + "/routers/{id}";
        return List.of(
                Route.put(router + "/add_router_interface", this::add).may(Rule.MEMBER),
                Route.put(router + "/remove_router_interface", this::remove).may(Rule.MEMBER));
    }

    /** Which interface is meant: at least one of the two is present. */
    private record Target(Optional<UUID> subnetId, Optional<UUID> portId) {
        static Target of(Fields fields) {
            var target =
                    new Target(
                            fields.optionalString("subnet_id", Attributes.NAME_LENGTH)
                                    .map(text -> Attributes.id("subnet_id", text)),
                            fields.optionalString("port_id", Attributes.NAME_LENGTH)
                                    .map(text -> Attributes.id("port_id", text)));
            fields.end();
            if (target.subnetId().isEmpty() && target.portId().isEmpty()) {
                throw badRequest("Either subnet_id or port_id must be specified");
            }
            return target;
        }
    }

    private Response add(Request request) {
        UUID id = ResourceRoutes.id(request, routers);
        Target target = Target.of(request.body());
        if (target.subnetId().isPresent() && target.portId().isPresent()) {
            throw badRequest("Cannot specify both subnet-id and port-id");
        }
        return Response.ok(
                database.transaction(
                        handle -> {
                            Actor actor = Actor.of(request);
                            Router router = RouterStore.require(handle, actor, id);
                            Port port =
                                    target.portId().isPresent()
                                            ? takeOver(handle, actor, router, target)
                                            : create(handle, actor, router, target);
                            RouterStore.update(handle, router);
                            Audit.record(
                                    handle,
                                    Actor.of(request),
                                    "add router interface",
                                    port.id().toString());
                            return view(router, port);
                        }));
    }

    private Port takeOver(Handle handle, Actor actor, Router router, Target target) {
        Port port = PortStore.require(handle, actor, target.portId().orElseThrow());
        if (!port.deviceId().isEmpty()) {
            throw Neutron.conflict(
                    "PortInUse",
                    ("Unable to complete operation on port %s for network %s. Port already has an"
                                    + " attached device %s.")
                            .formatted(port.id(), port.networkId(), port.deviceId()));
        }
        if (port.fixedIps().isEmpty()) {
            throw badRequest("Router port must have at least one fixed IP");
        }
        if (port.fixedIps().size() > 1) {
            throw badRequest("Cannot have multiple IPv4 subnets on router port");
        }
        UUID subnetId = port.fixedIps().getFirst().subnetId();
        checkOverlap(handle, router, SubnetStore.require(handle, actor, subnetId));
        Port attached = attached(port, router);
        PortStore.renewKey(handle, port.id(), router);
        PortStore.update(handle, attached);
        return attached;
    }

    private Port create(Handle handle, Actor actor, Router router, Target target) {
        Subnet subnet = SubnetStore.require(handle, actor, target.subnetId().orElseThrow());
        Ipv4 gateway =
                subnet.gateway()
                        .orElseThrow(
                                () ->
                                        badRequest(
                                                "Subnet for router interface must have a gateway IP"));
        checkOverlap(handle, router, subnet);
        Network network = NetworkStore.require(handle, actor, subnet.networkId());
        var wanted = new Ports.WantedIp(Optional.of(subnet.id()), Optional.of(gateway));
        Port port =
                attached(ports.blank(handle, network, router.projectId()), router)
                        .withFixedIps(
                                ports.allocate(handle, network.id(), List.of(wanted), List.of()));
        NetworkQuotas.claim(handle, port.projectId(), NetworkQuotas.PORTS);
        PortStore.insert(handle, port);
        return port;
    }

    private static Port attached(Port port, Router router) {
        return port.withDevice(router.id().toString(), DeviceOwner.ROUTER_INTERFACE)
                .withPortSecurity(false, List.of(), List.of());
    }

    private Response remove(Request request) {
        UUID id = ResourceRoutes.id(request, routers);
        Target target = Target.of(request.body());
        return Response.ok(
                database.transaction(
                        handle -> {
                            Router router = RouterStore.require(handle, Actor.of(request), id);
                            Port port = find(handle, router, target);
                            PortStore.delete(handle, port.id());
                            RouterStore.update(handle, router);
                            Audit.record(
                                    handle,
                                    Actor.of(request),
                                    "remove router interface",
                                    port.id().toString());
                            return view(router, port);
                        }));
    }

    private static Port find(Handle handle, Router router, Target target) {
        List<Port> interfaces = PortStore.ofRouter(handle, router.id());
        List<Port> meant = new ArrayList<>(interfaces);
        target.portId().ifPresent(id -> meant.removeIf(port -> !port.id().equals(id)));
        if (meant.isEmpty() && target.portId().isPresent()) {
            throw Neutron.notFound(
                    "RouterInterfaceNotFound",
                    "Router %s does not have an interface with id %s"
                            .formatted(router.id(), target.portId().get()));
        }
        target.subnetId().ifPresent(id -> meant.removeIf(port -> !isOn(port, id)));
        if (meant.isEmpty()) {
            if (target.portId().isPresent()) {
                throw Neutron.conflict(
                        "SubnetMismatchForPort",
                        "Subnet on port %s does not match the requested subnet %s."
                                .formatted(target.portId().get(), target.subnetId().orElseThrow()));
            }
            throw Neutron.notFound(
                    "RouterInterfaceNotFoundForSubnet",
                    "Router %s has no interface on subnet %s"
                            .formatted(router.id(), target.subnetId().orElseThrow()));
        }
        return meant.getFirst();
    }

    private static boolean isOn(Port port, UUID subnetId) {
        return port.fixedIps().stream().anyMatch(fixed -> fixed.subnetId().equals(subnetId));
    }

    /** A router could not choose between two interfaces whose subnets overlap. */
    private static void checkOverlap(Handle handle, Router router, Subnet subnet) {
        for (Port port : PortStore.ofRouter(handle, router.id())) {
            if (isOn(port, subnet.id())) {
                throw badRequest("Router already has a port on subnet %s".formatted(subnet.id()));
            }
            for (FixedIp fixed : port.fixedIps()) {
                Subnet other =
                        SubnetStore.find(handle, fixed.subnetId())
                                .orElseThrow(() -> Neutron.subnetNotFound(fixed.subnetId()));
                if (other.cidr().overlaps(subnet.cidr())) {
                    throw badRequest(
                            "Cidr %s of subnet %s overlaps with cidr %s of subnet %s"
                                    .formatted(
                                            subnet.cidr(), subnet.id(), other.cidr(), other.id()));
                }
            }
        }
    }

    private static ApiException badRequest(String reason) {
        return Neutron.badRequest("BadRequest", "Bad router request: %s.".formatted(reason));
    }

    private static ObjectNode view(Router router, Port port) {
        List<String> subnets =
                port.fixedIps().stream()
                        .map(fixed -> fixed.subnetId().toString())
                        .collect(Collectors.toList());
        ObjectNode view = Json.object();
        view.put("id", router.id().toString())
                .put("tenant_id", router.projectId())
                .put("project_id", router.projectId())
                .put("port_id", port.id().toString())
                .put("network_id", port.networkId().toString());
        if (!subnets.isEmpty()) {
            view.put("subnet_id", subnets.getFirst());
        }
        view.set("subnet_ids", Json.strings(subnets));
        return view;
    }
}
