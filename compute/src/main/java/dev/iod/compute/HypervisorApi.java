package dev.iod.compute;

import static dev.iod.rest.View.between;
import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.until;

import dev.iod.node.Traits;
import dev.iod.region.Node;
import dev.iod.region.Nodes;
import dev.iod.region.Provider;
import dev.iod.region.Providers;
import dev.iod.region.ResourceClass;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Formats;
import dev.iod.rest.Json;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Request;
import dev.iod.rest.Response;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.View;
import dev.iod.store.Database;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /os-hypervisors}: the nodes as Nova shows them to administrators. */
final class HypervisorApi {
    private static final int UUID_SINCE = 53;
    private static final int USED_UNTIL = 87;

    private static final int MIB_PER_GIB = 1024;

    /** A node with what is claimed of it and which servers it has. */
    record Shown(Node node, Provider provider, Optional<String> disabled, List<Server> servers) {
        boolean enabled() {
            return disabled.isEmpty();
        }

        Optional<String> disabledReason() {
            return disabled.filter(reason -> !reason.isEmpty());
        }

        String id(View.Scope scope) {
            return scope.minor() >= UUID_SINCE
                    ? provider.id().toString()
                    : Long.toString(provider.number());
        }

        JsonNode idNode(View.Scope scope) {
            return scope.minor() >= UUID_SINCE
                    ? text(provider.id().toString())
                    : number(provider.number());
        }

        long diskGib() {
            return node.diskMib() / MIB_PER_GIB;
        }

        long diskUsedGib() {
            return Math.ceilDiv(provider.used(ResourceClass.DISK_MB), MIB_PER_GIB);
        }

        /** Negative when the pool became smaller than what is claimed of it. */
        long diskFreeGib() {
            return diskGib() - diskUsedGib();
        }

        long running() {
            return servers.stream()
                    .filter(server -> server.state().power() == PowerState.RUNNING)
                    .count();
        }

        long busy() {
            return servers.stream()
                    .filter(server -> server.state().task() != TaskState.NONE)
                    .count();
        }
    }

    private static final View<Shown> BRIEF =
            new View<>(
                    List.of(
                            field("id", Shown::idNode),
                            field("hypervisor_hostname", (s, v) -> text(s.node().name())),
                            field("state", (s, v) -> text(s.node().up() ? "up" : "down")),
                            field("status", (s, v) -> text(s.enabled() ? "enabled" : "disabled"))));

    private static final View<Shown> FULL =
            BRIEF.with(field("hypervisor_type", (s, v) -> text("QEMU")))
                    .with(field("hypervisor_version", (s, v) -> number(0)))
                    .with(field("host_ip", (s, v) -> text(s.node().encapsulationAddress())))
                    .with(field("service", HypervisorApi::service))
                    .with(until(USED_UNTIL, "vcpus", (s, v) -> number(s.node().vcpus())))
                    .with(
                            until(
                                    USED_UNTIL,
                                    "vcpus_used",
                                    (s, v) -> number(s.provider().used(ResourceClass.VCPU))))
                    .with(until(USED_UNTIL, "memory_mb", (s, v) -> number(s.node().memoryMib())))
                    .with(
                            until(
                                    USED_UNTIL,
                                    "memory_mb_used",
                                    (s, v) -> number(s.provider().used(ResourceClass.MEMORY_MB))))
                    .with(
                            until(
                                    USED_UNTIL,
                                    "free_ram_mb",
                                    (s, v) ->
                                            number(
                                                    s.node().memoryMib()
                                                            - s.provider()
                                                                    .used(
                                                                            ResourceClass
                                                                                    .MEMORY_MB))))
                    .with(until(USED_UNTIL, "local_gb", (s, v) -> number(s.diskGib())))
                    .with(until(USED_UNTIL, "local_gb_used", (s, v) -> number(s.diskUsedGib())))
                    .with(until(USED_UNTIL, "free_disk_gb", (s, v) -> number(s.diskFreeGib())))
                    .with(
                            until(
                                    USED_UNTIL,
                                    "disk_available_least",
                                    (s, v) -> number(s.diskFreeGib())))
                    .with(until(USED_UNTIL, "current_workload", (s, v) -> number(s.busy())))
                    .with(until(USED_UNTIL, "running_vms", (s, v) -> number(s.running())))
                    .with(until(27, "cpu_info", (s, v) -> text(Json.text(cpu(s.node())))))
                    .with(between(28, USED_UNTIL, "cpu_info", (s, v) -> cpu(s.node())))
                    .with(since(88, "uptime", (s, v) -> nothing()));

    private final Parts parts;

    HypervisorApi(Parts parts) {
        this.parts = parts;
    }

    List<Route> routes() {
        return List.of(
                admin("/v2.1/os-hypervisors", request -> list(request, "os-hypervisors", BRIEF)),
                admin(
                        "/v2.1/os-hypervisors/detail",
                        request -> list(request, "os-hypervisors/detail", FULL)),
                admin("/v2.1/os-hypervisors/statistics", this::statistics),
                admin("/v2.1/os-hypervisors/{id}", this::show),
                admin("/v2.1/os-hypervisors/{id}/uptime", HypervisorApi::uptime),
                admin("/v2.1/os-hypervisors/{id}/search", request -> match(request, false)),
                admin("/v2.1/os-hypervisors/{id}/servers", request -> match(request, true)));
    }

    private static Route admin(String template, dev.iod.rest.Handler handler) {
        return Route.get(template, handler).may(Rule.ADMIN);
    }

    /** Every node with its claims and without its servers, by name. */
    static List<Shown> withoutServers(Database database) {
        return read(database, (handle, node) -> List.of());
    }

    private List<Shown> all() {
        return read(parts.database(), ServerStore::onNode);
    }

    private static List<Shown> read(
            Database database, BiFunction<Handle, String, List<Server>> servers) {
        return database.read(
                handle -> {
                    Map<String, String> disabled = DisabledNodes.reasons(handle);
                    Map<String, Provider> providers =
                            Providers.all(handle).stream()
                                    .collect(Collectors.toMap(Provider::name, Function.identity()));
                    return Nodes.all(handle).stream()
                            .flatMap(
                                    node ->
                                            Optional.ofNullable(providers.get(node.name())).stream()
                                                    .map(
                                                            provider ->
                                                                    new Shown(
                                                                            node,
                                                                            provider,
                                                                            Optional.ofNullable(
                                                                                    disabled.get(
                                                                                            node
                                                                                                    .name())),
                                                                            servers.apply(
                                                                                    handle,
                                                                                    node.name()))))
                            .toList();
                });
    }

    private Response list(Request request, String collection, View<Shown> view) {
        ComputeQueries.HYPERVISORS.check(request);
        View.Scope scope = Scopes.of(request);
        ListQuery page = request.list();
        boolean pattern =
                scope.minor() >= UUID_SINCE
                        && request.query().first("hypervisor_hostname_pattern").isPresent();
        if (pattern && (request.query().first("limit").isPresent() || page.marker().isPresent())) {
            throw ApiException.badRequest(
                    "Paging over hypervisors with the hypervisor_hostname_pattern query parameter"
                            + " is not supported.");
        }
        List<Shown> nodes = all();
        if (pattern) {
            nodes =
                    matching(
                            nodes, request.query().first("hypervisor_hostname_pattern").orElse(""));
        } else if (scope.minor() >= 33) {
            nodes = page(nodes, page, scope);
        }
        boolean withServers =
                scope.minor() >= UUID_SINCE && request.query().flag("with_servers").orElse(false);
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("hypervisors");
        for (Shown node : nodes) {
            array.add(withServers(view.render(node, scope), node, withServers, scope));
        }
        if (scope.minor() >= 33 && !pattern && !nodes.isEmpty() && nodes.size() == page.limit()) {
            root.set(
                    "hypervisors_links",
                    Links.at(scope)
                            .next(
                                    collection,
                                    request.query().with("marker", nodes.getLast().id(scope))));
        }
        return Response.ok(root);
    }

    private static List<Shown> page(List<Shown> nodes, ListQuery page, View.Scope scope) {
        int start = 0;
        if (page.marker().isPresent()) {
            String marker = page.marker().get();
            List<String> ids = nodes.stream().map(node -> node.id(scope)).toList();
            if (!ids.contains(marker)) {
                throw ApiException.badRequest("marker [%s] not found".formatted(marker));
            }
            start = ids.indexOf(marker) + 1;
        }
        return nodes.stream().skip(start).limit(page.limit()).toList();
    }

    private Response show(Request request) {
        View.Scope scope = Scopes.of(request);
        String id = request.pathParameter("id");
        if (scope.minor() >= UUID_SINCE && !Formats.isUuid(id)) {
            throw ApiException.badRequest("Invalid uuid " + id);
        }
        Shown node =
                all().stream()
                        .filter(one -> one.id(scope).equals(id))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        ApiException.notFound(
                                                "Hypervisor with ID '%s' could not be found."
                                                        .formatted(id)));
        boolean withServers =
                scope.minor() >= UUID_SINCE && request.query().flag("with_servers").orElse(false);
        ObjectNode root = Json.object();
        root.set("hypervisor", withServers(FULL.render(node, scope), node, withServers, scope));
        return Response.ok(root);
    }

    /** The routes that query parameters replaced in 2.53. */
    private Response match(Request request, boolean withServers) {
        View.Scope scope = Scopes.of(request);
        if (scope.minor() >= UUID_SINCE) {
            throw ApiException.notFound("The resource could not be found.");
        }
        ObjectNode root = Json.object();
        ArrayNode array = root.putArray("hypervisors");
        for (Shown node : matching(all(), request.pathParameter("id"))) {
            array.add(withServers(BRIEF.render(node, scope), node, withServers, scope));
        }
        return Response.ok(root);
    }

    private static List<Shown> matching(List<Shown> nodes, String part) {
        List<Shown> found = nodes.stream().filter(n -> n.node().name().contains(part)).toList();
        if (found.isEmpty()) {
            throw ApiException.notFound(
                    "No hypervisor matching '%s' could be found.".formatted(part));
        }
        return found;
    }

    private static ObjectNode withServers(
            ObjectNode view, Shown node, boolean wanted, View.Scope scope) {
        boolean show = wanted && (!node.servers().isEmpty() || scope.minor() >= 75);
        if (show) {
            ArrayNode array = view.putArray("servers");
            for (Server server : node.servers()) {
                array.addObject()
                        .put("name", server.instanceName())
                        .put("uuid", server.id().toString());
            }
        }
        return view;
    }

    /** Nodes do not report it, which clients take as "not known" from this status. */
    private static Response uptime(Request request) {
        if (request.microversion().minor() > USED_UNTIL) {
            throw ApiException.notFound("The resource could not be found.");
        }
        throw new ApiException(
                Fault.NOT_IMPLEMENTED, "The requested functionality is not supported.");
    }

    private Response statistics(Request request) {
        if (request.microversion().minor() > USED_UNTIL) {
            throw ApiException.notFound("The resource could not be found.");
        }
        List<Shown> nodes = all();
        long memory = nodes.stream().mapToLong(n -> n.node().memoryMib()).sum();
        long memoryUsed =
                nodes.stream().mapToLong(n -> n.provider().used(ResourceClass.MEMORY_MB)).sum();
        ObjectNode statistics = Json.object();
        statistics.put("count", nodes.size());
        statistics.put("vcpus", nodes.stream().mapToLong(n -> n.node().vcpus()).sum());
        statistics.put(
                "vcpus_used",
                nodes.stream().mapToLong(n -> n.provider().used(ResourceClass.VCPU)).sum());
        statistics.put("memory_mb", memory);
        statistics.put("memory_mb_used", memoryUsed);
        statistics.put("free_ram_mb", memory - memoryUsed);
        long diskFree = nodes.stream().mapToLong(Shown::diskFreeGib).sum();
        statistics.put("local_gb", nodes.stream().mapToLong(Shown::diskGib).sum());
        statistics.put("local_gb_used", nodes.stream().mapToLong(Shown::diskUsedGib).sum());
        statistics.put("free_disk_gb", diskFree);
        statistics.put("disk_available_least", diskFree);
        statistics.put("current_workload", nodes.stream().mapToLong(Shown::busy).sum());
        statistics.put("running_vms", nodes.stream().mapToLong(Shown::running).sum());
        ObjectNode root = Json.object();
        root.set("hypervisor_statistics", statistics);
        return Response.ok(root);
    }

    private static JsonNode service(Shown shown, View.Scope scope) {
        ObjectNode service = Json.object();
        service.set("id", shown.idNode(scope));
        service.put("host", shown.node().name());
        Json.put(service, "disabled_reason", shown.disabledReason());
        return service;
    }

    private static ObjectNode cpu(Node node) {
        ObjectNode cpu = Json.object();
        cpu.put("arch", node.architecture());
        cpu.set(
                "features",
                Json.strings(
                        node.traits().stream()
                                .filter(trait -> !trait.equals(Traits.VOLUMES))
                                .toList()));
        return cpu;
    }
}
