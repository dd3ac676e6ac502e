package dev.iod.northbound;

import dev.iod.network.IntentUnit;
import dev.iod.network.Network;
import dev.iod.network.NetworkSnapshot;
import dev.iod.network.Router;
import dev.iod.network.SecurityGroup;
import dev.iod.network.SnapshotIndex;
import java.util.Collection;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The rows that OVN's northbound database shall have for the intent of the region, unit by unit: a
 * pure function of the snapshot, and each unit's of that unit's rows. Names, options and external
 * ids follow Neutron's ml2/ovn driver, so that OVN's tools and documentation for Neutron apply.
 */
final class NorthboundPlan {
    private final SortedMap<IntentUnit, UnitPlan> units = new TreeMap<>();
    private final SnapshotIndex index;
    private final DhcpRows dhcp;
    private final SwitchRows switches;
    private final RouterRows routers;
    private final SecurityGroupRows groups;

    private NorthboundPlan(NetworkSnapshot snapshot, String owner) {
        index = new SnapshotIndex(snapshot);
        dhcp = new DhcpRows(index, owner);
        switches = new SwitchRows(index, owner);
        routers = new RouterRows(index, owner);
        groups = new SecurityGroupRows(owner);
    }

    /**
     * Everything.
     *
     * @param owner value of {@code external_ids:iod:owner} of every row
     */
    static NorthboundPlan of(NetworkSnapshot snapshot, String owner) {
        var plan = new NorthboundPlan(snapshot, owner);
        plan.addRegion();
        snapshot.securityGroups().forEach(plan::add);
        snapshot.networks().forEach(plan::add);
        snapshot.routers().forEach(plan::add);
        return plan;
    }

    /** These units; the snapshot may hold rows of others, which they refer to. */
    static NorthboundPlan of(
            NetworkSnapshot snapshot, String owner, Collection<IntentUnit> wanted) {
        var plan = new NorthboundPlan(snapshot, owner);
        if (wanted.contains(IntentUnit.REGION)) {
            plan.addRegion();
        }
        snapshot.securityGroups().stream()
                .filter(group -> wanted.contains(IntentUnit.securityGroup(group.id())))
                .forEach(plan::add);
        snapshot.networks().stream()
                .filter(network -> wanted.contains(IntentUnit.network(network.id())))
                .forEach(plan::add);
        snapshot.routers().stream()
                .filter(router -> wanted.contains(IntentUnit.router(router.id())))
                .forEach(plan::add);
        return plan;
    }

    /** By unit, in the order in which they are to be made. */
    SortedMap<IntentUnit, UnitPlan> units() {
        return Collections.unmodifiableSortedMap(units);
    }

    /** The plan of a unit; an empty one when there is no such unit. */
    UnitPlan unit(IntentUnit unit) {
        return Optional.ofNullable(units.get(unit)).orElseGet(() -> UnitPlan.nothing(unit));
    }

    private void addRegion() {
        var plan = new UnitPlan.Builder(IntentUnit.REGION);
        groups.addDropGroup(plan);
        put(plan);
    }

    private void add(SecurityGroup group) {
        var plan = new UnitPlan.Builder(IntentUnit.securityGroup(group.id()));
        groups.add(plan, group);
        put(plan);
    }

    private void add(Network network) {
        var plan = new UnitPlan.Builder(IntentUnit.network(network.id()));
        dhcp.add(plan, network);
        switches.add(plan, network);
        put(plan);
    }

    private void add(Router router) {
        var plan = new UnitPlan.Builder(IntentUnit.router(router.id()));
        routers.add(plan, router);
        put(plan);
    }

    private void put(UnitPlan.Builder plan) {
        units.put(plan.unit(), plan.build());
    }
}
