package dev.iod.network;

import dev.iod.rest.Query;
import dev.iod.store.ListSql;
import java.util.ArrayList;
import java.util.List;

/** By what a list of ports can be narrowed. */
final class PortFilters {
    private static final Filters FILTERS =
            Filters.common()
                    .id("network_id", "network_id")
                    .text("device_id", "device_id")
                    .normalized("mac_address", "mac", Mac::parse)
                    .flag("admin_state_up", "admin_state_up")
                    .flag("port_security_enabled", "port_security_enabled")
                    .text("binding:host_id", "host")
                    .text("binding:vnic_type", "vnic_type")
                    .text("status", "CASE WHEN active THEN 'ACTIVE' ELSE 'DOWN' END")
                    .add("device_owner", PortFilters::deviceOwner)
                    .add("fixed_ips", PortFilters::fixedIps)
                    .add("security_groups", PortFilters::securityGroups)
                    .add("security_group_ids", PortFilters::securityGroups);

    private PortFilters() {}

    static void apply(ListSql sql, Query query) {
        FILTERS.apply(sql, query);
    }

    /** A value that ends in a colon stands for every owner that starts with it, as in Neutron. */
    private static void deviceOwner(ListSql sql, List<String> values) {
        var conditions = new ArrayList<String>();
        var bound = new ArrayList<Object>();
        for (String value : values) {
            conditions.add(
                    value.endsWith(":") ? "starts_with(device_owner, ?)" : "device_owner = ?");
            bound.add(value);
        }
        sql.where(String.join(" OR ", conditions), bound.toArray());
    }

    /** {@code ip_address=…}, {@code subnet_id=…}, {@code ip_address_substr=…}. */
    private static void fixedIps(ListSql sql, List<String> values) {
        for (String kind : List.of("ip_address=", "subnet_id=", "ip_address_substr=")) {
            List<String> wanted =
                    values.stream()
                            .filter(value -> value.startsWith(kind))
                            .map(value -> value.substring(kind.length()))
                            .toList();
            if (!wanted.isEmpty()) {
                fixedIps(sql, kind, wanted);
            }
        }
        values.stream()
                .filter(value -> !value.matches("(ip_address|subnet_id|ip_address_substr)=.*"))
                .findFirst()
                .ifPresent(
                        value -> {
                            throw Neutron.invalid(
                                    "'%s' is no filter of fixed_ips".formatted(value));
                        });
    }

    private static void fixedIps(ListSql sql, String kind, List<String> wanted) {
        String test =
                switch (kind) {
                    case "ip_address=" -> "host(a.address) = ?";
                    case "subnet_id=" -> "a.subnet_id::text = ?";
                    default -> "strpos(host(a.address), ?) > 0";
                };
        String any = String.join(" OR ", wanted.stream().map(ignored -> test).toList());
        sql.where(
                "id IN (SELECT a.port_id FROM port_address a WHERE " + any + ")", wanted.toArray());
    }

    private static void securityGroups(ListSql sql, List<String> values) {
        String any =
                String.join(
                        " OR ", values.stream().map(v -> "g.security_group_id::text = ?").toList());
        sql.where(
                "id IN (SELECT g.port_id FROM port_security_group g WHERE " + any + ")",
                values.toArray());
    }
}
