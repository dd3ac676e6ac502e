package dev.iod.network;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;

import dev.iod.region.Actor;
import dev.iod.region.Pages;
import dev.iod.rest.Ipv4;
import dev.iod.rest.ListQuery;
import dev.iod.rest.Query;
import dev.iod.store.ListSql;
import dev.iod.store.Listed;
import dev.iod.store.Page;
import dev.iod.store.Rows;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Update;

/** The tables {@code port}, {@code port_address} and {@code port_security_group}. */
final class PortStore {
    private static final Map<String, String> SORT_COLUMNS =
            Map.ofEntries(
                    Map.entry("id", "id::text"),
                    Map.entry("name", "name"),
                    Map.entry("network_id", "network_id"),
                    Map.entry("mac_address", "mac"),
                    Map.entry("device_id", "device_id"),
                    Map.entry("device_owner", "device_owner"),
                    Map.entry("status", "active"),
                    Map.entry("admin_state_up", "admin_state_up"),
                    Map.entry("created_at", "created_at"),
                    Map.entry("project_id", "project_id"),
                    Map.entry("tenant_id", "project_id"));

    private PortStore() {}

    static void insert(Handle handle, Port port) {
        TunnelKeys.execute(
                bind(
                                handle.createUpdate(
                                        "INSERT INTO port (id, project_id, network_id, name,"
                                                + " description, admin_state_up, mac, device_id,"
                                                + " device_owner, host, vnic_type,"
                                                + " port_security_enabled, address_pairs, tunnel_key)"
                                                + " VALUES (:id, :project, :network, :name,"
                                                + " :description, :up, :mac, :device, :owner, :host,"
                                                + " :vnic, :security, string_to_array(:pairs, ','),"
                                                + " free_port_key(:network, :device))"),
                                port)
                        .bind("project", port.projectId())
                        .bind("network", port.networkId()));
        insertAddresses(handle, port);
        insertGroups(handle, port);
    }

    /** Writes every attribute that can change and raises the revision. */
    static void update(Handle handle, Port port) {
        bind(
                        handle.createUpdate(
                                "UPDATE port SET name = :name, description = :description,"
                                        + " admin_state_up = :up, mac = :mac, device_id = :device,"
                                        + " device_owner = :owner, host = :host, vnic_type = :vnic,"
                                        + " port_security_enabled = :security, address_pairs ="
                                        + " string_to_array(:pairs, ','), revision = revision + 1,"
                                        + " updated_at = now() WHERE id = :id"),
                        port)
                .execute();
        deleteFrom(handle, "port_address", port.id());
        deleteFrom(handle, "port_security_group", port.id());
        insertAddresses(handle, port);
        insertGroups(handle, port);
    }

    /** Gives a port that becomes an interface of the router a key that none of those has. */
    static void renewKey(Handle handle, UUID id, Router router) {
        TunnelKeys.execute(
                handle.createUpdate(
                                "UPDATE port SET tunnel_key = free_port_key(network_id, :router)"
                                        + " WHERE id = :id")
                        .bind("id", id)
                        .bind("router", router.id().toString()));
    }

    static void delete(Handle handle, UUID id) {
        handle.createUpdate("DELETE FROM port WHERE id = :id").bind("id", id).execute();
    }

    static void deleteMetadata(Handle handle, UUID networkId) {
        handle.createUpdate(
                        "DELETE FROM port WHERE network_id = :network AND device_owner = :owner")
                .bind("network", networkId)
                .bind("owner", DeviceOwner.METADATA)
                .execute();
    }

    static Optional<Port> find(Handle handle, UUID id) {
        return handle.createQuery("SELECT * FROM port_row WHERE id = :id")
                .bind("id", id)
                .map((row, context) -> map(row))
                .findOne();
    }

    /** Makes everybody else wait who would change the port or take it for a server. */
    static void lock(Handle handle, UUID id) {
        handle.createQuery("SELECT id FROM port WHERE id = :id FOR UPDATE")
                .bind("id", id)
                .mapTo(UUID.class)
                .list();
    }

    /** The port if the caller may see it: its own, or on its own network; 404 otherwise. */
    static Port require(Handle handle, Actor actor, UUID id) {
        return find(handle, id)
                .filter(
                        port ->
                                actor.mayAccess(port.projectId())
                                        || NetworkStore.find(handle, port.networkId())
                                                .filter(n -> actor.mayAccess(n.projectId()))
                                                .isPresent())
                .orElseThrow(() -> Neutron.portNotFound(id));
    }

    static Listed<Port> list(Handle handle, Actor actor, Query query, ListQuery list) {
        ListSql sql = new ListSql("SELECT * FROM port_row", SORT_COLUMNS);
        if (!actor.isAdmin()) {
            sql.where(
                    "project_id = ? OR network_id IN (SELECT id FROM network WHERE project_id = ?)",
                    actor.projectId(),
                    actor.projectId());
        }
        PortFilters.apply(sql, query);
        return sql.page(
                handle,
                Pages.of(list),
                List.of(new Page.Sort("created_at", false)),
                (row, context) -> map(row));
    }

    static List<Port> all(Handle handle) {
        return handle.createQuery("SELECT * FROM port_row").map((row, context) -> map(row)).list();
    }

    static List<Port> ofNetworks(Handle handle, Collection<UUID> networkIds) {
        return handle.createQuery(
                        "SELECT * FROM port_row WHERE network_id ="
                                + " ANY(string_to_array(:networks, ',')::uuid[])")
                .bind("networks", Rows.joined(networkIds))
                .map((row, context) -> map(row))
                .list();
    }

    static Optional<Port> metadataPort(Handle handle, UUID networkId) {
        return handle.createQuery(
                        "SELECT * FROM port_row WHERE network_id = :network"
                                + " AND device_owner = :owner")
                .bind("network", networkId)
                .bind("owner", DeviceOwner.METADATA)
                .map((row, context) -> map(row))
                .findOne();
    }

    /** The interfaces of a router. */
    static List<Port> ofRouter(Handle handle, UUID routerId) {
        return ofRouters(handle, List.of(routerId));
    }

    /** The interfaces of some routers. */
    static List<Port> ofRouters(Handle handle, Collection<UUID> routerIds) {
        return handle.createQuery(
                        "SELECT * FROM port_row WHERE device_id <> '' AND device_id ="
                                + " ANY(string_to_array(:routers, ',')) AND device_owner = :owner"
                                + " ORDER BY created_at, id")
                .bind("routers", Rows.joined(routerIds))
                .bind("owner", DeviceOwner.ROUTER_INTERFACE)
                .map((row, context) -> map(row))
                .list();
    }

    /** The ports of servers, in the order of their devices. */
    static Map<UUID, List<Port>> ofServers(Handle handle, Collection<UUID> serverIds) {
        return handle.createQuery(
                        "SELECT * FROM port_row WHERE server_id ="
                                + " ANY(string_to_array(:servers, ',')::uuid[])"
                                + " ORDER BY device_index, id")
                .bind("servers", Rows.joined(serverIds))
                .map((row, context) -> Map.entry(Rows.id(row, "server_id"), map(row)))
                .collect(
                        groupingBy(
                                Map.Entry::getKey,
                                LinkedHashMap::new,
                                mapping(Map.Entry::getValue, toList())));
    }

    /** The servers with a port on the network. */
    static List<UUID> serversOnNetwork(Handle handle, UUID networkId) {
        return servers(handle, "network_id = :id", networkId);
    }

    /** The servers with an address of the subnet. */
    static List<UUID> serversOnSubnet(Handle handle, UUID subnetId) {
        return servers(
                handle, "id IN (SELECT port_id FROM port_address WHERE subnet_id = :id)", subnetId);
    }

    /** The servers with a port in the security group. */
    static List<UUID> serversInGroup(Handle handle, UUID groupId) {
        return servers(
                handle,
                "id IN (SELECT port_id FROM port_security_group WHERE security_group_id = :id)",
                groupId);
    }

    private static List<UUID> servers(Handle handle, String condition, UUID id) {
        return handle.createQuery(
                        "SELECT DISTINCT server_id FROM port WHERE server_id IS NOT NULL AND "
                                + condition)
                .bind("id", id)
                .mapTo(UUID.class)
                .list();
    }

    /** The server a port is part of. */
    static Optional<UUID> serverOf(Handle handle, UUID portId) {
        return handle.createQuery(
                        "SELECT server_id FROM port WHERE id = :id AND server_id IS NOT NULL")
                .bind("id", portId)
                .mapTo(UUID.class)
                .findOne();
    }

    static Optional<Port> holder(Handle handle, UUID subnetId, Ipv4 address) {
        return handle.createQuery(
                        "SELECT * FROM port_row WHERE id = (SELECT port_id FROM port_address WHERE"
                                + " subnet_id = :subnet AND address = :address::inet)")
                .bind("subnet", subnetId)
                .bind("address", address.toString())
                .map((row, context) -> map(row))
                .findOne();
    }

    static boolean macInUse(Handle handle, UUID networkId, String mac) {
        return exists(
                handle.createQuery(
                                "SELECT EXISTS (SELECT 1 FROM port WHERE network_id = :network"
                                        + " AND mac = :mac)")
                        .bind("network", networkId)
                        .bind("mac", mac));
    }

    static boolean anyOnNetwork(Handle handle, UUID networkId) {
        return exists(
                handle.createQuery("SELECT EXISTS (SELECT 1 FROM port WHERE network_id = :id)")
                        .bind("id", networkId));
    }

    static boolean anyOnSubnet(Handle handle, UUID subnetId) {
        return exists(
                handle.createQuery(
                                "SELECT EXISTS (SELECT 1 FROM port_address WHERE subnet_id = :id)")
                        .bind("id", subnetId));
    }

    /**
     * The lowest address of the subnet's pools that no port has: the start of a pool, or what
     * follows an address in use.
     *
     * @param taken addresses that are in use as well, though no port has them yet
     */
    static Optional<Ipv4> lowestFree(Handle handle, UUID subnetId, List<Ipv4> taken) {
        return handle.createQuery(
                        "WITH used AS (SELECT address FROM port_address WHERE subnet_id = :subnet"
                                + " UNION ALL SELECT"
                                + " unnest(string_to_array(:taken, ',')::inet[])),"
                                + " range AS (SELECT first, last FROM subnet_pool_range"
                                + " WHERE subnet_id = :subnet) SELECT host(min(candidate)) FROM"
                                + " (SELECT first AS candidate FROM range UNION ALL SELECT"
                                + " u.address + 1 FROM used u JOIN range r ON u.address >= r.first"
                                + " AND u.address < r.last) c WHERE NOT EXISTS"
                                + " (SELECT FROM used WHERE used.address = c.candidate)")
                .bind("subnet", subnetId)
                .bind("taken", Rows.joined(taken))
                .map((row, context) -> Optional.ofNullable(row.getString(1)).map(Ipv4::of))
                .one();
    }

    static void dropMetadataAddress(Handle handle, Subnet subnet) {
        handle.createUpdate(
                        "DELETE FROM port_address WHERE subnet_id = :subnet AND port_id IN (SELECT"
                                + " id FROM port WHERE network_id = :network AND device_owner ="
                                + " :owner)")
                .bind("subnet", subnet.id())
                .bind("network", subnet.networkId())
                .bind("owner", DeviceOwner.METADATA)
                .execute();
    }

    private static boolean exists(org.jdbi.v3.core.statement.Query query) {
        return query.mapTo(Boolean.class).one();
    }

    private static Update bind(Update update, Port port) {
        return update.bind("id", port.id())
                .bind("name", port.name())
                .bind("description", port.description())
                .bind("up", port.adminStateUp())
                .bind("mac", port.mac())
                .bind("device", port.deviceId())
                .bind("owner", port.deviceOwner())
                .bind("host", port.host())
                .bind("vnic", port.vnicType())
                .bind("security", port.portSecurityEnabled())
                .bind(
                        "pairs",
                        Rows.joined(
                                port.allowedAddressPairs().stream()
                                        .map(pair -> pair.mac() + " " + pair.address())
                                        .toList()));
    }

    private static void deleteFrom(Handle handle, String table, UUID portId) {
        handle.createUpdate("DELETE FROM " + table + " WHERE port_id = :id")
                .bind("id", portId)
                .execute();
    }

    private static void insertAddresses(Handle handle, Port port) {
        if (port.fixedIps().isEmpty()) {
            return;
        }
        PreparedBatch batch =
                handle.prepareBatch(
                        "INSERT INTO port_address (port_id, subnet_id, address, ordinal)"
                                + " VALUES (:port, :subnet, :address::inet, :ordinal)");
        for (int ordinal = 0; ordinal < port.fixedIps().size(); ordinal++) {
            FixedIp fixed = port.fixedIps().get(ordinal);
            batch.bind("port", port.id())
                    .bind("subnet", fixed.subnetId())
                    .bind("address", fixed.address().toString())
                    .bind("ordinal", ordinal)
                    .add();
        }
        batch.execute();
    }

    private static void insertGroups(Handle handle, Port port) {
        handle.createUpdate(
                        "INSERT INTO port_security_group (port_id, security_group_id) SELECT :port,"
                                + " unnest(string_to_array(:groups, ',')::uuid[])")
                .bind("port", port.id())
                .bind("groups", Rows.joined(port.securityGroupIds()))
                .execute();
    }

    private static Port map(ResultSet row) throws SQLException {
        return new Port(
                Rows.id(row, "id"),
                row.getString("project_id"),
                Rows.id(row, "network_id"),
                row.getString("name"),
                row.getString("description"),
                row.getBoolean("admin_state_up"),
                row.getString("mac"),
                row.getString("device_id"),
                row.getString("device_owner"),
                row.getString("host"),
                row.getString("vnic_type"),
                row.getBoolean("port_security_enabled"),
                row.getBoolean("active"),
                Rows.texts(row, "fixed_ips").stream().map(PortStore::fixedIp).toList(),
                Rows.texts(row, "security_groups").stream().map(UUID::fromString).toList(),
                Rows.texts(row, "address_pairs").stream().map(PortStore::pair).toList(),
                row.getInt("tunnel_key"),
                Stamp.of(row));
    }

    private static FixedIp fixedIp(String text) {
        String[] parts = text.split(" ", 2);
        return new FixedIp(UUID.fromString(parts[0]), Ipv4.of(parts[1]));
    }

    private static AddressPair pair(String text) {
        String[] parts = text.split(" ", 2);
        return new AddressPair(parts[0], parts[1]);
    }
}
