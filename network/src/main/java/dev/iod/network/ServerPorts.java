package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.store.Where;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * The ports of servers, for the compute service. Everything runs in the caller's transaction, so a
 * server and its ports appear and disappear together. Errors are {@link dev.iod.rest.ApiException}s
 * with the status and text Nova uses.
 */
public interface ServerPorts {

    /** What a server's creation says about networks. */
    sealed interface Request {
        /**
         * Nothing: the project's only network, or no port if it has none; 409 if it has several.
         */
        record Auto() implements Request {}

        /** {@code networks: none}. */
        record None() implements Request {}

        /** In the order of the server's devices; at most {@link #MAXIMUM_PORTS}. */
        record Listed(List<Wish> wishes) implements Request {
            public Listed {
                wishes = List.copyOf(wishes);
            }
        }
    }

    /** One network interface of a server that is being created. */
    sealed interface Wish {
        /** A new port on a network, with a given IPv4 address if {@code fixedIp} is present. */
        record OnNetwork(String networkId, Optional<String> fixedIp) implements Wish {}

        /** A port that exists. */
        record Existing(String portId) implements Wish {}
    }

    /**
     * A port as a server sees it.
     *
     * @param mtuBytes of its network
     * @param active OVN reports it up
     * @param securityGroups empty when port security is off
     */
    record ServerPort(
            UUID id,
            UUID serverId,
            UUID networkId,
            String networkName,
            String mac,
            int mtuBytes,
            boolean active,
            List<FixedAddress> fixedAddresses,
            List<SecurityGroupName> securityGroups) {

        /** The addresses without their subnets. */
        public List<String> addresses() {
            return fixedAddresses.stream().map(FixedAddress::address).toList();
        }
    }

    /** An address and the subnet it is from. */
    record FixedAddress(Subnet subnet, String address) {}

    /** A security group's id and name. */
    record SecurityGroupName(UUID id, String name) {}

    /** The ports in the tables of the network service. */
    static ServerPorts sql() {
        return new SqlServerPorts(new Ports(new SecureRandom()));
    }

    /** Most ports a server may be created with: the machine models have as many root ports. */
    int MAXIMUM_PORTS = 8;

    /**
     * Makes or takes over the ports of a new server.
     *
     * @param securityGroups names or ids, for new ports; empty for the project's default group
     * @return the ports, in the order of the request
     * @throws dev.iod.rest.ApiException 400 for an unknown network, port, group or address, 409 for
     *     a port in use or an ambiguous request
     */
    List<ServerPort> create(
            Handle transaction,
            Actor actor,
            UUID serverId,
            String availabilityZone,
            Request request,
            List<String> securityGroups);

    /**
     * Gives a server one more port, which is bound with {@link #bind}.
     *
     * @param projectId the server's, whose port a new one is
     * @param wish empty: a new port on the only network that the project has
     * @throws dev.iod.rest.ApiException 400, 404 for an unknown network or port, 409 for what is in
     *     use, 403 beyond the quota
     */
    ServerPort attach(
            Handle transaction,
            Actor actor,
            UUID serverId,
            String projectId,
            String availabilityZone,
            Optional<Wish> wish);

    /**
     * Gives the server's port on a network one more address of any of its subnets.
     *
     * @throws dev.iod.rest.ApiException 404 when it has none there, 400 when no address is free
     */
    void addAddress(Handle transaction, UUID serverId, String networkId);

    /**
     * Takes an address from whichever port of the server has it.
     *
     * @return false if none has it
     */
    boolean removeAddress(Handle transaction, UUID serverId, String address);

    /**
     * Puts all ports of a server into a security group too.
     *
     * @param projectId the server's, whose group it is
     * @param group name or id
     * @throws dev.iod.rest.ApiException 404 when there is no such group or the server has no port,
     *     409 when several have that name, 400 when a port can have none
     */
    void addSecurityGroup(Handle transaction, UUID serverId, String projectId, String group);

    /**
     * Takes all ports of a server out of a security group.
     *
     * @throws dev.iod.rest.ApiException as {@link #addSecurityGroup}, and 404 when no port is in it
     */
    void removeSecurityGroup(Handle transaction, UUID serverId, String projectId, String group);

    /** The security groups of a server's ports with their rules, each once, by name. */
    List<SecurityGroup> securityGroups(Handle transaction, UUID serverId);

    /** Security groups by id; those that are not there are left out. */
    List<SecurityGroup> groups(Handle transaction, Collection<UUID> ids);

    /** The security groups of a project by name, at most 1,000. */
    List<SecurityGroup> groups(Handle transaction, String projectId);

    /** Binds all ports of a server to the node it is placed on. */
    void bind(Handle transaction, UUID serverId, String node);

    /** Takes the server's ports off their node; they keep their addresses. */
    void unbind(Handle transaction, UUID serverId);

    /** Deletes the ports made for the server and releases those it took over. */
    void release(Handle transaction, UUID serverId);

    /**
     * Takes one port off a server: deletes it if it was made for the server, else releases it.
     *
     * @return false if the server has no such port
     */
    boolean detach(Handle transaction, UUID serverId, UUID portId);

    /**
     * The condition that a server has an address that matches a regular expression somewhere.
     *
     * @param serverId the SQL expression of the server's id, a uuid
     * @param version of IP, 4 or 6
     * @param pattern one that {@link dev.iod.store.LinearPattern} accepts
     */
    static Where addressMatches(String serverId, int version, String pattern) {
        return Where.of(
                "EXISTS (SELECT FROM port p JOIN port_address a ON a.port_id = p.id WHERE"
                        + " p.server_id = "
                        + serverId
                        + " AND family(a.address) = ? AND host(a.address) ~ ?)",
                version,
                pattern);
    }

    /** The ports of servers, in the order of their devices; servers without ports are absent. */
    Map<UUID, List<ServerPort>> of(Handle transaction, Collection<UUID> serverIds);
}
