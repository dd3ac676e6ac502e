package dev.iod.northbound;

import dev.iod.network.DeviceOwner;
import dev.iod.network.Port;
import dev.iod.network.SecurityGroup;
import dev.iod.network.SecurityGroupRule;
import dev.iod.network.SecurityGroupRule.Direction;
import dev.iod.network.SnapshotIndex;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * One {@code Port_Group} per security group with an ACL per rule, and {@code neutron_pg_drop},
 * which drops what no rule allows.
 */
final class SecurityGroupRows {
    static final String DROP_GROUP = "neutron_pg_drop";
    private static final long ALLOW_PRIORITY = 1002;
    private static final long DROP_PRIORITY = 1001;

    private final SnapshotIndex index;
    private final String owner;

    SecurityGroupRows(SnapshotIndex index, String owner) {
        this.index = index;
        this.owner = owner;
    }

    List<NbRow> rows() {
        var rows = new ArrayList<NbRow>();
        dropGroup(rows);
        for (SecurityGroup group : index.snapshot().securityGroups()) {
            rows.add(portGroup(group));
            group.rules().forEach(rule -> rows.add(allow(rule)));
        }
        return rows;
    }

    /**
     * OVN makes the address sets {@code $NAME_ip4} and {@code $NAME_ip6} of a port group itself.
     */
    static String portGroupName(UUID groupId) {
        return "pg_" + groupId.toString().replace('-', '_');
    }

    private void dropGroup(List<NbRow> rows) {
        Set<String> members =
                index.snapshot().ports().stream()
                        .filter(SecurityGroupRows::isFiltered)
                        .map(port -> port.id().toString())
                        .collect(Collectors.toSet());
        rows.add(
                new NbRow.Builder(NbTable.PORT_GROUP, DROP_GROUP, owner)
                        .set("name", DROP_GROUP)
                        .set("ports", NbValue.references(NbTable.LOGICAL_SWITCH_PORT, members))
                        .build());
        for (Direction direction : Direction.values()) {
            rows.add(
                    acl(DROP_GROUP + "-" + ovnDirection(direction), DROP_GROUP)
                            .set("priority", new NbValue.Whole(DROP_PRIORITY))
                            .set("action", "drop")
                            .set("direction", ovnDirection(direction))
                            .set("match", AclMatch.everything(direction, DROP_GROUP))
                            .build());
        }
    }

    private NbRow portGroup(SecurityGroup group) {
        Set<String> members =
                index.snapshot().ports().stream()
                        .filter(SecurityGroupRows::isFiltered)
                        .filter(port -> port.securityGroupIds().contains(group.id()))
                        .map(port -> port.id().toString())
                        .collect(Collectors.toSet());
        String name = portGroupName(group.id());
        return new NbRow.Builder(NbTable.PORT_GROUP, name, owner)
                .set("name", name)
                .set("ports", NbValue.references(NbTable.LOGICAL_SWITCH_PORT, members))
                .externalId("neutron:security_group_id", group.id().toString())
                .build();
    }

    private NbRow allow(SecurityGroupRule rule) {
        return acl(rule.id().toString(), portGroupName(rule.groupId()))
                .set("priority", new NbValue.Whole(ALLOW_PRIORITY))
                .set("action", "allow-related")
                .set("direction", ovnDirection(rule.direction()))
                .set("match", AclMatch.of(rule))
                .externalId("neutron:security_group_rule_id", rule.id().toString())
                .build();
    }

    private NbRow.Builder acl(String key, String group) {
        return new NbRow.Builder(NbTable.ACL, key, owner).parent(group);
    }

    private static boolean isFiltered(Port port) {
        return port.portSecurityEnabled() && !DeviceOwner.isInfrastructure(port.deviceOwner());
    }

    /** Into the server is what leaves the switch: OVN names it after the switch. */
    private static String ovnDirection(Direction direction) {
        return switch (direction) {
            case INGRESS -> "to-lport";
            case EGRESS -> "from-lport";
        };
    }
}
