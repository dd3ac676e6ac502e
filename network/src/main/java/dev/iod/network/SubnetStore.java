package dev.iod.network;

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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.Update;

/** The tables {@code subnet} and {@code subnet_pool_range}. */
final class SubnetStore {
    private static final Map<String, String> SORT_COLUMNS =
            Map.of(
                    "id", "id::text",
                    "name", "name",
                    "network_id", "network_id",
                    "cidr", "cidr",
                    "created_at", "created_at",
                    "project_id", "project_id",
                    "tenant_id", "project_id");

    private static final Filters FILTERS =
            Filters.common()
                    .id("network_id", "network_id")
                    .normalized("cidr", "cidr::text", text -> Cidr.parse(text).map(Cidr::toString))
                    .normalized(
                            "gateway_ip",
                            "host(gateway)",
                            text -> Ipv4.parse(text).map(Ipv4::toString))
                    .flag("enable_dhcp", "dhcp_enabled")
                    .constant("ip_version", "4")
                    .constant("shared", "false")
                    .add("subnetpool_id", (sql, values) -> sql.where("false"))
                    .add("service_types", (sql, values) -> sql.where("false"));

    private SubnetStore() {}

    static void insert(Handle handle, Subnet subnet) {
        bind(
                        handle.createUpdate(
                                "INSERT INTO subnet (id, project_id, network_id, cidr, dhcp_mac,"
                                        + " name, description, gateway, dns_servers, host_routes,"
                                        + " dhcp_enabled) VALUES (:id, :project, :network, :cidr::cidr,"
                                        + " :mac, :name, :description, :gateway::inet,"
                                        + " string_to_array(:dns, ','), string_to_array(:routes, ','),"
                                        + " :dhcp)"),
                        subnet)
                .bind("project", subnet.projectId())
                .bind("network", subnet.networkId())
                .bind("cidr", subnet.cidr().toString())
                .bind("mac", subnet.dhcpMac())
                .execute();
        insertPools(handle, subnet);
    }

    static Optional<Subnet> find(Handle handle, UUID id) {
        return handle.createQuery("SELECT * FROM subnet_row WHERE id = :id")
                .bind("id", id)
                .map((row, context) -> map(row))
                .findOne();
    }

    /** The subnet if the caller may see it; 404 otherwise. */
    static Subnet require(Handle handle, Actor actor, UUID id) {
        return find(handle, id)
                .filter(subnet -> actor.mayAccess(subnet.projectId()))
                .orElseThrow(() -> Neutron.subnetNotFound(id));
    }

    static Listed<Subnet> list(Handle handle, Actor actor, Query query, ListQuery list) {
        ListSql sql = new ListSql("SELECT * FROM subnet_row", SORT_COLUMNS);
        if (!actor.isAdmin()) {
            sql.where("project_id = ?", actor.projectId());
        }
        FILTERS.apply(sql, query);
        return sql.page(
                handle,
                Pages.of(list),
                List.of(new Page.Sort("created_at", false)),
                (row, context) -> map(row));
    }

    static List<Subnet> ofNetwork(Handle handle, UUID networkId) {
        return ofNetworks(handle, List.of(networkId));
    }

    static List<Subnet> ofNetworks(Handle handle, Collection<UUID> networkIds) {
        return handle.createQuery(
                        "SELECT * FROM subnet_row WHERE network_id ="
                                + " ANY(string_to_array(:networks, ',')::uuid[])"
                                + " ORDER BY created_at, id")
                .bind("networks", Rows.joined(networkIds))
                .map((row, context) -> map(row))
                .list();
    }

    static List<Subnet> byIds(Handle handle, Collection<UUID> ids) {
        return handle.createQuery(
                        "SELECT * FROM subnet_row WHERE id ="
                                + " ANY(string_to_array(:ids, ',')::uuid[])")
                .bind("ids", Rows.joined(ids))
                .map((row, context) -> map(row))
                .list();
    }

    static List<Subnet> all(Handle handle) {
        return handle.createQuery("SELECT * FROM subnet_row")
                .map((row, context) -> map(row))
                .list();
    }

    static void update(Handle handle, Subnet subnet) {
        bind(
                        handle.createUpdate(
                                "UPDATE subnet SET name = :name, description = :description,"
                                        + " gateway = :gateway::inet, dns_servers ="
                                        + " string_to_array(:dns, ','), host_routes ="
                                        + " string_to_array(:routes, ','), dhcp_enabled = :dhcp,"
                                        + " revision = revision + 1, updated_at = now() WHERE id ="
                                        + " :id"),
                        subnet)
                .execute();
        handle.createUpdate("DELETE FROM subnet_pool_range WHERE subnet_id = :id")
                .bind("id", subnet.id())
                .execute();
        insertPools(handle, subnet);
    }

    static void delete(Handle handle, UUID id) {
        handle.createUpdate("DELETE FROM subnet WHERE id = :id").bind("id", id).execute();
    }

    private static Update bind(Update update, Subnet subnet) {
        return update.bind("id", subnet.id())
                .bind("name", subnet.name())
                .bind("description", subnet.description())
                .bind("gateway", subnet.gateway().map(Ipv4::toString).orElse(null))
                .bind("dns", Rows.joined(subnet.dnsServers()))
                .bind(
                        "routes",
                        Rows.joined(
                                subnet.hostRoutes().stream()
                                        .map(route -> route.destination() + " " + route.nextHop())
                                        .toList()))
                .bind("dhcp", subnet.dhcpEnabled());
    }

    private static void insertPools(Handle handle, Subnet subnet) {
        if (subnet.pools().isEmpty()) {
            return;
        }
        PreparedBatch batch =
                handle.prepareBatch(
                        "INSERT INTO subnet_pool_range (subnet_id, first, last)"
                                + " VALUES (:id, :first::inet, :last::inet)");
        for (AddressRange range : subnet.pools()) {
            batch.bind("id", subnet.id())
                    .bind("first", range.first().toString())
                    .bind("last", range.last().toString())
                    .add();
        }
        batch.execute();
    }

    private static Subnet map(ResultSet row) throws SQLException {
        return new Subnet(
                Rows.id(row, "id"),
                row.getString("project_id"),
                Rows.id(row, "network_id"),
                row.getString("name"),
                row.getString("description"),
                Cidr.of(row.getString("cidr")),
                Rows.optional(row, "gateway").map(Ipv4::of),
                Rows.texts(row, "pools").stream().map(SubnetStore::range).toList(),
                Rows.texts(row, "dns_servers").stream().map(Ipv4::of).toList(),
                Rows.texts(row, "host_routes").stream().map(SubnetStore::route).toList(),
                row.getBoolean("dhcp_enabled"),
                row.getString("dhcp_mac"),
                Stamp.of(row));
    }

    private static AddressRange range(String text) {
        String[] ends = text.split(" ", 2);
        return new AddressRange(Ipv4.of(ends[0]), Ipv4.of(ends[1]));
    }

    private static HostRoute route(String text) {
        String[] parts = text.split(" ", 2);
        return new HostRoute(Cidr.of(parts[0]), Ipv4.of(parts[1]));
    }
}
