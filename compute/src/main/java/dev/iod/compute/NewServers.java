package dev.iod.compute;

import dev.iod.network.ServerPorts;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.rest.Ipv6;
import dev.iod.rest.Json;
import dev.iod.rest.Schema;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * What a POST of servers asks for, read from a body that {@link Bodies#CREATE_SERVER} accepted.
 *
 * @param imageId may be empty when a volume is booted
 * @param forcedNode an administrator's {@code ZONE:NODE} or {@code host}
 * @param securityGroups names or ids; empty for the default group
 * @param password of all servers of the request
 * @param hostname given by hand, else it follows from the name
 */
record NewServers(
        String name,
        Optional<String> description,
        Optional<String> hostname,
        String imageId,
        BlockDevices disks,
        String flavorId,
        int min,
        int max,
        Optional<String> keyName,
        ServerPorts.Request networks,
        List<String> securityGroups,
        AdminPassword password,
        Optional<String> userData,
        Map<String, String> metadata,
        String zone,
        Optional<String> forcedNode,
        Optional<UUID> group,
        Server.Presentation presentation,
        boolean wantsReservationId) {
    static final String NO_PERSONALITY =
            "Personality files are not supported; use user_data instead.";

    static final String NO_CERTIFICATES =
            "Certificate validation of images is not supported by this region.";

    /**
     * @throws ApiException 400 for what no schema can say
     */
    static NewServers of(JsonNode body, int minor) {
        JsonNode server = body.path("server");
        refuseUnsupported(server);
        int min = integer(server, "min_count").orElse(1);
        int max = integer(server, "max_count").orElse(min);
        if (min > max) {
            throw ApiException.badRequest("min_count must be <= max_count");
        }
        if (max > Bodies.MAX_SERVERS_PER_REQUEST) {
            throw ApiException.badRequest(
                    "max_count must be <= %d".formatted(Bodies.MAX_SERVERS_PER_REQUEST));
        }
        String name = server.path("name").stringValue();
        Zone zone = Zone.of(text(server, "availability_zone").orElse(""));
        Optional<String> host = text(server, "host").or(() -> text(server, "hypervisor_hostname"));
        if (host.isPresent() && zone.node().isPresent()) {
            throw ApiException.badRequest(
                    "One mechanism with host and/or hypervisor_hostname and another mechanism with"
                            + " zone:host:node are mutually exclusive.");
        }
        ServerPorts.Request networks = networks(server);
        String image = text(server, "imageRef").orElse("");
        BlockDevices disks = BlockDevices.of(server, !image.isEmpty());
        if (image.isEmpty() && !disks.fromVolume()) {
            throw ApiException.badRequest("Invalid imageRef provided.");
        }
        if (max > 1) {
            if (disks.takeOne()) {
                throw ApiException.badRequest(
                        "Cannot attach one or more volumes to multiple instances");
            }
            refuseSharedAddresses(networks);
            if (server.has("hostname")) {
                throw ApiException.badRequest(
                        "Unable to allocate a single hostname to multiple instances");
            }
        }
        return new NewServers(
                name,
                // Before 2.19 the description could not be given and was the name.
                minor < 19 ? Optional.of(name) : text(server, "description"),
                text(server, "hostname"),
                image,
                disks,
                server.path("flavorRef").asString(),
                min,
                max,
                text(server, "key_name"),
                networks,
                securityGroups(server),
                AdminPassword.of(text(server, "adminPass")),
                text(server, "user_data"),
                Json.map(server.path("metadata")),
                zone.name(),
                host.or(zone::node),
                hints(body).flatMap(hint -> text(hint, "group")).flatMap(Formats::uuid),
                new Server.Presentation(
                        tags(server),
                        text(server, "OS-DCF:diskConfig").orElse("MANUAL"),
                        text(server, "accessIPv4").orElse(""),
                        text(server, "accessIPv6").flatMap(Ipv6::normalize).orElse("")),
                server.has("return_reservation_id")
                        && Schema.Truth.of(server.path("return_reservation_id")));
    }

    /** {@code ZONE}, {@code ZONE:NODE} or {@code ZONE:NODE:NODE}, as Nova reads it. */
    private record Zone(String name, Optional<String> node) {
        static Zone of(String text) {
            String[] parts = text.split(":", -1);
            if (parts.length > 3) {
                throw ApiException.badRequest(
                        "Invalid input received: Unable to parse availability_zone");
            }
            String node = parts[parts.length - 1];
            if (parts.length == 3 && !parts[1].isEmpty()) {
                node = parts[1];
            }
            return new Zone(
                    parts[0],
                    parts.length == 1 || node.isEmpty() ? Optional.empty() : Optional.of(node));
        }
    }

    private static void refuseUnsupported(JsonNode server) {
        if (!server.path("personality").isEmpty()) {
            throw ApiException.badRequest(NO_PERSONALITY);
        }
        if (server.has("config_drive") && Schema.Truth.of(server.path("config_drive"))) {
            throw ApiException.badRequest(
                    "A config drive is not supported; the metadata service at 169.254.169.254 has"
                            + " the same data.");
        }
        if (!server.path("trusted_image_certificates").isEmpty()) {
            throw ApiException.badRequest(NO_CERTIFICATES);
        }
    }

    private static ServerPorts.Request networks(JsonNode server) {
        JsonNode networks = server.path("networks");
        if (networks.isString()) {
            return networks.stringValue().equals("none")
                    ? new ServerPorts.Request.None()
                    : new ServerPorts.Request.Auto();
        }
        if (networks.isEmpty()) {
            return new ServerPorts.Request.Auto();
        }
        List<ServerPorts.Wish> wishes = new ArrayList<>();
        Set<String> ports = new HashSet<>();
        for (JsonNode network : networks) {
            wishes.add(wish(network, ports));
        }
        return new ServerPorts.Request.Listed(wishes);
    }

    private static ServerPorts.Wish wish(JsonNode network, Set<String> ports) {
        Optional<String> port = text(network, "port");
        Optional<String> address = text(network, "fixed_ip");
        if (port.isPresent()) {
            if (!ports.add(port.get())) {
                throw ApiException.badRequest(
                        "Port ID '%s' was specified twice: you cannot attach a port multiple times."
                                .formatted(port.get()));
            }
            if (address.isPresent()) {
                throw ApiException.badRequest(
                        ("Specified Fixed IP '%s' cannot be used with port '%s': the two cannot"
                                        + " be specified together.")
                                .formatted(address.get(), port.get()));
            }
            return new ServerPorts.Wish.Existing(port.get());
        }
        String id =
                text(network, "uuid")
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Bad network format: missing 'uuid'"));
        if (!Formats.isUuid(id)) {
            throw ApiException.badRequest(
                    "Bad networks format: network uuid is not in proper format (%s)".formatted(id));
        }
        return new ServerPorts.Wish.OnNetwork(id, address);
    }

    private static void refuseSharedAddresses(ServerPorts.Request networks) {
        if (!(networks instanceof ServerPorts.Request.Listed(List<ServerPorts.Wish> wishes))) {
            return;
        }
        for (ServerPorts.Wish wish : wishes) {
            switch (wish) {
                case ServerPorts.Wish.Existing ignored ->
                        throw ApiException.badRequest(
                                "Failed to launch instances: Unable to launch multiple instances"
                                        + " with a single configured port ID. Please launch your"
                                        + " instance one by one with different ports.");
                case ServerPorts.Wish.OnNetwork(String ignored, Optional<String> address) -> {
                    if (address.isPresent()) {
                        throw ApiException.badRequest(
                                "Failed to launch instances: max_count cannot be greater than 1 if"
                                        + " fixed_ip is specified.");
                    }
                }
            }
        }
    }

    private static List<String> securityGroups(JsonNode server) {
        return server.path("security_groups")
                .valueStream()
                .flatMap(group -> text(group, "name").stream())
                .distinct()
                .toList();
    }

    private static List<String> tags(JsonNode server) {
        return server.path("tags").valueStream().map(JsonNode::stringValue).distinct().toList();
    }

    private static Optional<JsonNode> hints(JsonNode body) {
        return Optional.ofNullable(body.get("os:scheduler_hints"))
                .or(() -> Optional.ofNullable(body.get("OS-SCH-HNT:scheduler_hints")));
    }

    private static Optional<String> text(JsonNode node, String name) {
        JsonNode value = node.path(name);
        return value.isString() ? Optional.of(value.stringValue()) : Optional.empty();
    }

    private static Optional<Integer> integer(JsonNode node, String name) {
        JsonNode value = node.path(name);
        return value.isMissingNode()
                ? Optional.empty()
                : Optional.of(Integer.parseInt(value.asString()));
    }
}
