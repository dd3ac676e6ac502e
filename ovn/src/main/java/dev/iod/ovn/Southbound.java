package dev.iod.ovn;

import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Table;
import dev.iod.ovsdb.Value;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/**
 * Which part of the southbound database a chassis replicates: only what its own datapaths need. A
 * datapath is its own when a plugged port is on it, or when patch ports lead to it from there.
 */
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
                                "actions",
                                "external_ids")
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

    /** The datapaths reached from the plugged ports, in a stable order. */
    static Set<UUID> localDatapaths(Model model, Set<String> plugged) {
        var found = new LinkedHashSet<UUID>();
        var next = new ArrayDeque<UUID>();
        for (String name : new TreeSet<>(plugged)) {
            model.port(name).ifPresent(port -> next.add(port.ref("datapath")));
        }
        Map<UUID, List<Row>> patches = new HashMap<>();
        for (Row port : model.rows("Port_Binding")) {
            if (Model.type(port).equals("patch")) {
                patches.computeIfAbsent(port.ref("datapath"), d -> new ArrayList<>()).add(port);
            }
        }
        while (!next.isEmpty()) {
            UUID datapath = next.remove();
            if (!found.add(datapath)) {
                continue;
            }
            for (Row patch : patches.getOrDefault(datapath, List.of())) {
                peer(patch).flatMap(model::port).ifPresent(peer -> next.add(peer.ref("datapath")));
            }
        }
        return found;
    }

    /** Name of the port at the other end of a patch port. */
    static Optional<String> peer(Row patch) {
        return Optional.ofNullable(patch.map("options").get("peer"));
    }

    /** What to replicate, given what is known; grows until nothing new is found. */
    static Map<String, List<Condition>> conditions(
            Model model, Set<String> plugged, Optional<UUID> chassis) {
        Set<UUID> datapaths = localDatapaths(model, plugged);
        var byDatapath = new ArrayList<Condition>();
        var included = new ArrayList<Condition>();
        var self = new ArrayList<Condition>();
        var flows = new ArrayList<Condition>();
        for (UUID datapath : new TreeSet<>(datapaths)) {
            byDatapath.add(Condition.equal("datapath", Value.of(datapath)));
            included.add(Condition.includes("datapaths", Value.of(datapath)));
            self.add(Condition.uuid(datapath));
            flows.add(Condition.equal("logical_datapath", Value.of(datapath)));
        }
        var groups = new TreeSet<UUID>();
        for (Row group : model.rows("Logical_DP_Group")) {
            if (group.refs("datapaths").stream().anyMatch(datapaths::contains)) {
                groups.add(group.uuid());
            }
        }
        groups.forEach(group -> flows.add(Condition.equal("logical_dp_group", Value.of(group))));
        return Map.of(
                "Port_Binding",
                ports(model, datapaths, plugged, chassis, byDatapath),
                "Datapath_Binding",
                self,
                "Logical_DP_Group",
                included,
                "Logical_Flow",
                flows,
                "Multicast_Group",
                byDatapath,
                "MAC_Binding",
                byDatapath,
                "Static_MAC_Binding",
                byDatapath);
    }

    private static List<Condition> ports(
            Model model,
            Set<UUID> datapaths,
            Set<String> plugged,
            Optional<UUID> chassis,
            List<Condition> byDatapath) {
        var names = new TreeSet<>(plugged);
        for (Row port : model.rows("Port_Binding")) {
            if (Model.type(port).equals("patch") && datapaths.contains(port.ref("datapath"))) {
                peer(port)
                        .filter(
                                peer ->
                                        model.port(peer)
                                                .filter(p -> datapaths.contains(p.ref("datapath")))
                                                .isEmpty())
                        .ifPresent(names::add);
            }
        }
        var conditions = new ArrayList<>(byDatapath);
        names.forEach(name -> conditions.add(Condition.equal("logical_port", Value.of(name))));
        // Ports bound here by an earlier life of this chassis, to release them.
        chassis.ifPresent(own -> conditions.add(Condition.equal("chassis", Value.of(own))));
        return conditions;
    }
}
