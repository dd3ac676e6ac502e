package dev.iod.compute;

import static dev.iod.rest.View.absent;
import static dev.iod.rest.View.admin;
import static dev.iod.rest.View.field;
import static dev.iod.rest.View.nothing;
import static dev.iod.rest.View.number;
import static dev.iod.rest.View.since;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;
import static dev.iod.rest.View.until;

import dev.iod.network.ServerPorts.SecurityGroupName;
import dev.iod.network.ServerPorts.ServerPort;
import dev.iod.region.Node;
import dev.iod.rest.Json;
import dev.iod.rest.View;
import dev.iod.volume.ServerVolumes;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The shapes of a server in Nova's API. */
final class ServerView {
    private static final int VOLUMES_GO_SINCE = 3;

    private ServerView() {}

    /** In lists. */
    static final View<ServerShown> BRIEF =
            new View<>(
                    List.of(
                            field("id", (s, v) -> text(id(s))),
                            field("name", (s, v) -> text(s.server().name())),
                            field("links", (s, v) -> Links.at(v).of("servers", id(s)))));

    /** In detailed lists; {@link #SHOW} adds what is only in the view of one server. */
    static final View<ServerShown> DETAIL =
            new View<>(
                    List.of(
                            field("id", (s, v) -> text(id(s))),
                            field("name", (s, v) -> text(s.server().name())),
                            field("status", (s, v) -> text(s.status().name())),
                            field("tenant_id", (s, v) -> text(s.server().projectId())),
                            field("user_id", (s, v) -> text(s.server().userId())),
                            field("metadata", (s, v) -> Json.object(s.server().guest().metadata())),
                            field("hostId", (s, v) -> text(s.hostId())),
                            field("image", ServerView::image),
                            until(46, "flavor", ServerView::flavorLink),
                            since(47, "flavor", (s, v) -> flavor(s.server().flavor())),
                            field("created", (s, v) -> time(s.server().times().created())),
                            field("updated", (s, v) -> time(s.server().times().updated())),
                            field("addresses", (s, v) -> addresses(s)),
                            field(
                                    "accessIPv4",
                                    (s, v) -> text(s.server().presentation().accessIpv4())),
                            field(
                                    "accessIPv6",
                                    (s, v) -> text(s.server().presentation().accessIpv6())),
                            field("links", (s, v) -> Links.at(v).of("servers", id(s))),
                            field(
                                    "OS-DCF:diskConfig",
                                    (s, v) -> text(s.server().presentation().diskConfig())),
                            field("fault", ServerView::fault),
                            field("progress", (s, v) -> progress(s)),
                            field(
                                    "OS-EXT-AZ:availability_zone",
                                    (s, v) ->
                                            text(
                                                    s.server()
                                                            .node()
                                                            .map(n -> ServerShown.ZONE)
                                                            .orElse(""))),
                            field("config_drive", (s, v) -> text("")),
                            field("key_name", (s, v) -> text(s.server().guest().keyName())),
                            field(
                                    "OS-SRV-USG:launched_at",
                                    (s, v) -> View.naiveTime(s.server().times().launched())),
                            field("OS-SRV-USG:terminated_at", (s, v) -> nothing()),
                            field("security_groups", (s, v) -> securityGroups(s)),
                            admin(1, "OS-EXT-SRV-ATTR:host", (s, v) -> text(s.server().node())),
                            admin(
                                    1,
                                    "OS-EXT-SRV-ATTR:instance_name",
                                    (s, v) -> text(s.server().instanceName())),
                            admin(
                                    1,
                                    "OS-EXT-SRV-ATTR:hypervisor_hostname",
                                    (s, v) -> text(s.server().node())),
                            admin(
                                    3,
                                    "OS-EXT-SRV-ATTR:reservation_id",
                                    (s, v) -> text(s.server().origin().reservationId())),
                            admin(
                                    3,
                                    "OS-EXT-SRV-ATTR:launch_index",
                                    (s, v) -> number(s.server().origin().launchIndex())),
                            admin(
                                    3,
                                    "OS-EXT-SRV-ATTR:kernel_id",
                                    (s, v) -> text(s.server().boot().kernelId())),
                            admin(
                                    3,
                                    "OS-EXT-SRV-ATTR:ramdisk_id",
                                    (s, v) -> text(s.server().boot().initrdId())),
                            admin(
                                    3,
                                    "OS-EXT-SRV-ATTR:root_device_name",
                                    (s, v) -> rootDevice(s.server())),
                            admin(
                                    3,
                                    "OS-EXT-SRV-ATTR:user_data",
                                    (s, v) -> text(s.server().guest().userData())),
                            new View.Field<>(
                                    "OS-EXT-SRV-ATTR:hostname",
                                    3,
                                    89,
                                    View.Audience.ADMIN,
                                    (s, v) -> text(s.server().hostname())),
                            since(
                                    90,
                                    "OS-EXT-SRV-ATTR:hostname",
                                    (s, v) -> text(s.server().hostname())),
                            field("OS-EXT-STS:task_state", (s, v) -> task(s)),
                            field(
                                    "OS-EXT-STS:vm_state",
                                    (s, v) -> text(s.server().state().vm().text())),
                            field("OS-EXT-STS:power_state", (s, v) -> number(power(s))),
                            field("os-extended-volumes:volumes_attached", ServerView::volumes),
                            admin(16, "host_status", (s, v) -> text(hostStatus(s))),
                            since(9, "locked", (s, v) -> truth(s.server().lock().isPresent())),
                            since(
                                    73,
                                    "locked_reason",
                                    (s, v) -> text(s.server().lock().flatMap(Server.Lock::reason))),
                            since(19, "description", (s, v) -> text(s.server().description())),
                            since(
                                    26,
                                    "tags",
                                    (s, v) -> Json.strings(s.server().presentation().tags())),
                            since(63, "trusted_image_certificates", (s, v) -> nothing())));

    /** One server. */
    static final View<ServerShown> SHOW =
            DETAIL.with(since(71, "server_groups", (s, v) -> groups(s)));

    private static final View<ServerShown> CHANGED =
            SHOW.notBefore(
                            75,
                            name ->
                                    name.startsWith("OS-EXT-")
                                            || name.startsWith("OS-SRV-")
                                            || name.startsWith("os-extended-")
                                            || Set.of(
                                                            "addresses",
                                                            "config_drive",
                                                            "security_groups",
                                                            "host_status")
                                                    .contains(name))
                    .with(until(74, "addresses", (s, v) -> plainAddresses(s)));

    /** The answer to an update: all of {@link #SHOW} only since 2.75. */
    static final View<ServerShown> UPDATED = CHANGED.notBefore(75, "key_name"::equals);

    /** The answer to a rebuild, without the password. */
    static final View<ServerShown> REBUILT =
            CHANGED.notBefore(54, "key_name"::equals)
                    .with(since(57, "user_data", (s, v) -> text(s.server().guest().userData())));

    /** An address in {@code addresses} and in the list of a server's addresses. */
    static ObjectNode addresses(ServerShown shown) {
        ObjectNode networks = Json.object();
        if (shown.server().state().vm() == VmState.BUILDING) {
            return networks;
        }
        for (ServerPort port : shown.ports()) {
            ArrayNode list = networks.withArray(property(port.networkName()));
            for (String address : port.addresses()) {
                ObjectNode one = list.addObject();
                one.put("version", address.indexOf(':') >= 0 ? 6 : 4);
                one.put("addr", address);
                one.put("OS-EXT-IPS:type", "fixed");
                one.put("OS-EXT-IPS-MAC:mac_addr", port.mac());
            }
        }
        return networks;
    }

    /** The same without the extended fields, which Nova has only in servers. */
    static ObjectNode plainAddresses(ServerShown shown) {
        ObjectNode all = addresses(shown);
        for (JsonNode list : all) {
            for (JsonNode address : list) {
                ((ObjectNode) address).retain("version", "addr");
            }
        }
        return all;
    }

    /** The security groups of a server's ports by name, each once. */
    static List<String> securityGroupNames(List<ServerPort> ports) {
        return ports.stream()
                .flatMap(port -> port.securityGroups().stream())
                .map(SecurityGroupName::name)
                .distinct()
                .toList();
    }

    private static tools.jackson.core.JsonPointer property(String name) {
        return tools.jackson.core.JsonPointer.empty().appendProperty(name);
    }

    private static String id(ServerShown shown) {
        return shown.server().id().toString();
    }

    private static JsonNode time(Instant instant) {
        return text(Json.time(instant));
    }

    private static JsonNode image(ServerShown shown, View.Scope scope) {
        String image = shown.server().origin().imageId();
        if (image.isEmpty()) {
            return text("");
        }
        ObjectNode node = Json.object().put("id", image);
        node.putArray("links").add(Links.at(scope).bookmark("images", image));
        return node;
    }

    private static JsonNode rootDevice(Server server) {
        return server.boot().volume() || RootDisks.of(server).isPresent()
                ? text("/dev/vda")
                : nothing();
    }

    private static JsonNode flavorLink(ServerShown shown, View.Scope scope) {
        String flavor = shown.server().flavor().id();
        ObjectNode node = Json.object().put("id", flavor);
        node.putArray("links").add(Links.at(scope).bookmark("flavors", flavor));
        return node;
    }

    private static JsonNode flavor(Flavor flavor) {
        ObjectNode node = Json.object();
        node.put("vcpus", flavor.vcpus());
        node.put("ram", flavor.memoryMib());
        node.put("disk", flavor.diskGib());
        node.put("ephemeral", flavor.ephemeralGib());
        node.put("swap", flavor.swapMib());
        node.put("original_name", flavor.name());
        node.set("extra_specs", Json.object(flavor.properties()));
        return node;
    }

    private static JsonNode fault(ServerShown shown, View.Scope scope) {
        Optional<Server.ServerFault> fault = shown.server().fault();
        if (shown.status() != ApiStatus.ERROR || fault.isEmpty()) {
            return absent();
        }
        Failure failure = fault.get().failure();
        ObjectNode node =
                Json.object()
                        .put("code", 500)
                        .put("created", Json.time(fault.get().at()))
                        .put("message", failure.message());
        return scope.admin() && !failure.details().isEmpty()
                ? node.put("details", failure.details())
                : node;
    }

    private static JsonNode progress(ServerShown shown) {
        if (!shown.status().hasProgress()) {
            return absent();
        }
        boolean whole =
                shown.status() == ApiStatus.ACTIVE || shown.status() == ApiStatus.VERIFY_RESIZE;
        return number(whole ? 100 : 0);
    }

    private static JsonNode securityGroups(ServerShown shown) {
        List<String> names = securityGroupNames(shown.ports());
        if (names.isEmpty()) {
            return absent();
        }
        ArrayNode groups = Json.array();
        names.forEach(name -> groups.addObject().put("name", name));
        return groups;
    }

    private static JsonNode volumes(ServerShown shown, View.Scope scope) {
        ArrayNode volumes = Json.array();
        for (ServerVolumes.Attached one : shown.volumes()) {
            ObjectNode node = volumes.addObject().put("id", one.volumeId().toString());
            if (scope.minor() >= VOLUMES_GO_SINCE) {
                node.put("delete_on_termination", one.deleteOnTermination());
            }
        }
        return volumes;
    }

    private static JsonNode task(ServerShown shown) {
        TaskState task = shown.server().state().task();
        return task == TaskState.NONE ? nothing() : text(task.text());
    }

    private static int power(ServerShown shown) {
        PowerState power = shown.lost() ? PowerState.NO_STATE : shown.server().state().power();
        return power.number();
    }

    private static String hostStatus(ServerShown shown) {
        if (shown.server().node().isEmpty()) {
            return "";
        }
        return shown.node().filter(Node::up).isPresent() ? "UP" : "UNKNOWN";
    }

    private static JsonNode groups(ServerShown shown) {
        return Json.strings(shown.server().groupId().stream().map(UUID::toString).toList());
    }
}
