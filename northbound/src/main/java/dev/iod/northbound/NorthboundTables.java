package dev.iod.northbound;

import dev.iod.ovsdb.Table;
import java.util.ArrayList;
import java.util.List;

/** The columns of the northbound database that the reconciler looks at. */
final class NorthboundTables {
    private NorthboundTables() {}

    static List<Table> all() {
        var tables = new ArrayList<Table>();
        for (NbTable table : NbTable.values()) {
            tables.add(Table.of(table.schemaName(), columns(table).toArray(String[]::new)));
        }
        return List.copyOf(tables);
    }

    static List<String> columns(NbTable table) {
        return switch (table) {
            case DHCP_OPTIONS -> List.of("cidr", "options", "external_ids");
            case LOGICAL_SWITCH -> List.of("name", "ports", "other_config", "external_ids");
            case LOGICAL_SWITCH_PORT ->
                    List.of(
                            "name",
                            "type",
                            "enabled",
                            "up",
                            "addresses",
                            "port_security",
                            "options",
                            "dhcpv4_options",
                            "external_ids");
            case LOGICAL_ROUTER -> List.of("name", "ports", "enabled", "options", "external_ids");
            case LOGICAL_ROUTER_PORT ->
                    List.of("name", "mac", "networks", "options", "external_ids");
            case PORT_GROUP -> List.of("name", "ports", "acls", "external_ids");
            case ACL -> List.of("priority", "direction", "match", "action", "external_ids");
        };
    }
}
