package dev.iod.ovn;

import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Table;
import dev.iod.ovsdb.Value;
import java.util.List;

/** The tables and columns of the southbound database that a chassis replicates. */
final class Southbound {
    static final String DATABASE = "OVN_Southbound";

    private Southbound() {}

    static List<Table> tables(String chassis) {
        List<Condition> none = List.of();
        return List.of(
                Table.of("SB_Global", "nb_cfg", "options"),
                Table.of("Chassis", "name", "hostname", "encaps", "other_config"),
                Table.of("Encap", "type", "ip", "options", "chassis_name"),
                Table.of("Chassis_Private", "name", "chassis", "nb_cfg")
                        .where(List.of(Condition.equal("name", Value.of(chassis)))),
                Table.of("Address_Set", "name", "addresses"),
                Table.of("Port_Group", "name", "ports"),
                Table.of("DHCP_Options", "name", "code", "type"),
                Table.of("Datapath_Binding", "tunnel_key", "external_ids").where(none),
                Table.of("Logical_DP_Group", "datapaths").where(none),
                Table.of(
                                "Logical_Flow",
                                "logical_datapath",
                                "logical_dp_group",
                                "pipeline",
                                "table_id",
                                "priority",
                                "match",
                                "actions")
                        .where(none),
                Table.of("Multicast_Group", "datapath", "name", "tunnel_key", "ports").where(none),
                Table.of(
                                "Port_Binding",
                                "logical_port",
                                "type",
                                "datapath",
                                "tunnel_key",
                                "chassis",
                                "encap",
                                "mac",
                                "port_security",
                                "options",
                                "up")
                        .optionally("requested_chassis")
                        .where(none),
                Table.of("MAC_Binding", "logical_port", "ip", "mac", "datapath")
                        .optionally("timestamp")
                        .where(none),
                Table.of("Static_MAC_Binding", "logical_port", "ip", "mac", "datapath")
                        .where(none));
    }
}
