package dev.iod.compute;

import dev.iod.network.ServerPorts.ServerPort;
import dev.iod.region.Node;
import dev.iod.region.Nodes;
import dev.iod.volume.ServerVolumes;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * A server with what the API shows beside its row.
 *
 * @param node the node it is placed on, if the region still knows it
 */
record ServerShown(
        Server server,
        List<ServerPort> ports,
        List<ServerVolumes.Attached> volumes,
        Optional<Node> node) {
    /** The region's only availability zone, with Nova's default name. */
    static final String ZONE = "nova";

    ServerShown {
        ports = List.copyOf(ports);
        volumes = List.copyOf(volumes);
    }

    /** Enough for a list of names. */
    static ServerShown brief(Server server) {
        return new ServerShown(server, List.of(), List.of(), Optional.empty());
    }

    static ServerShown of(Handle handle, Parts parts, Server server) {
        return of(handle, parts, List.of(server)).getFirst();
    }

    static List<ServerShown> of(Handle handle, Parts parts, List<Server> servers) {
        if (servers.isEmpty()) {
            return List.of();
        }
        List<UUID> ids = servers.stream().map(Server::id).toList();
        Map<UUID, List<ServerPort>> ports = parts.ports().of(handle, ids);
        Map<UUID, List<ServerVolumes.Attached>> volumes = ServerVolumes.of(handle, ids);
        Map<String, Node> nodes =
                Nodes.all(handle).stream()
                        .collect(Collectors.toMap(Node::name, Function.identity()));
        return servers.stream()
                .map(
                        server ->
                                new ServerShown(
                                        server,
                                        ports.getOrDefault(server.id(), List.of()),
                                        volumes.getOrDefault(server.id(), List.of()),
                                        server.node()
                                                .flatMap(n -> Optional.ofNullable(nodes.get(n)))))
                .toList();
    }

    /** The node has been silent for too long: what the server does is not known. */
    boolean lost() {
        return server.node().isPresent() && node.filter(Node::up).isEmpty();
    }

    ApiStatus status() {
        return ApiStatus.of(server.state().vm(), server.state().task(), lost());
    }

    /** Nova's anonymous name of the host: equal for servers of one project on one node. */
    String hostId() {
        return server.node().map(name -> hostId(server.projectId(), name)).orElse("");
    }

    static String hostId(String project, String node) {
        try {
            byte[] hash =
                    MessageDigest.getInstance("SHA-224")
                            .digest((project + node).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-224", e);
        }
    }
}
