package dev.iod.northbound;

import dev.iod.network.DeviceOwner;
import dev.iod.network.IntentUnit;
import dev.iod.network.Port;
import dev.iod.network.SecurityGroup;
import dev.iod.network.SecurityGroupRule;
import dev.iod.network.SecurityGroupRule.Direction;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/**
 * One {@code Port_Group} per security group with an ACL per rule, and {@code neutron_pg_drop},
 * which drops what no rule allows. Ports join them with their network.
 */
final class SecurityGroupRows {
    static final String DROP_GROUP = "neutron_pg_drop";
    private static final long ALLOW_PRIORITY = 1002;
    private static final long DROP_PRIORITY = 1001;

    private final String owner;

    SecurityGroupRows(String owner) {
        this.owner = owner;
    }

    void add(UnitPlan.Builder plan, SecurityGroup group) {
        String name = portGroupName(group.id());
        plan.add(
                new NbRow.Builder(NbTable.PORT_GROUP, name, owner, plan.unit())
                        .set("name", name)
                        .externalId("neutron:security_group_id", group.id().toString())
                        .build());
        group.rules().forEach(rule -> plan.add(allow(plan.unit(), rule)));
    }

    void addDropGroup(UnitPlan.Builder plan) {
        plan.add(
                new NbRow.Builder(NbTable.PORT_GROUP, DROP_GROUP, owner, plan.unit())
                        .set("name", DROP_GROUP)
                        .build());
        for (Direction direction : Direction.values()) {
            String key = DROP_GROUP + "-" + ovnDirection(direction);
            plan.add(
                    acl(plan.unit(), key, DROP_GROUP)
                            .set("priority", new NbValue.Whole(DROP_PRIORITY))
                            .set("action", "drop")
                            .set("direction", ovnDirection(direction))
                            .set("match", AclMatch.everything(direction, DROP_GROUP))
                            .build());
        }
    }

    /**
     * OVN makes the address sets {@code $NAME_ip4} and {@code $NAME_ip6} of a port group itself.
     */
    static String portGroupName(UUID groupId) {
        return "pg_" + groupId.toString().replace('-', '_');
    }

    /** The port groups that a port is in. */
    static Set<String> groupsOf(Port port) {
        var groups = new TreeSet<String>();
        if (port.portSecurityEnabled() && !DeviceOwner.isInfrastructure(port.deviceOwner())) {
            groups.add(DROP_GROUP);
            port.securityGroupIds().forEach(id -> groups.add(portGroupName(id)));
        }
        return groups;
    }

    private NbRow allow(IntentUnit unit, SecurityGroupRule rule) {
        return acl(unit, rule.id().toString(), portGroupName(rule.groupId()))
                .set("priority", new NbValue.Whole(ALLOW_PRIORITY))
                .set("action", "allow-related")
                .set("direction", ovnDirection(rule.direction()))
                .set("match", AclMatch.of(rule))
                .externalId("neutron:security_group_rule_id", rule.id().toString())
                .build();
    }

    private NbRow.Builder acl(IntentUnit unit, String key, String group) {
        return new NbRow.Builder(NbTable.ACL, key, owner, unit).parent(group);
    }

    /** Into the server is what leaves the switch: OVN names it after the switch. */
    private static String ovnDirection(Direction direction) {
        return switch (direction) {
            case INGRESS -> "to-lport";
            case EGRESS -> "from-lport";
        };
    }
}
