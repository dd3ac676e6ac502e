package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.node.BooleanNode;

/** Reading the attributes of a port from a request; empty when the request does not say. */
final class PortFields {
    /** Neutron's {@code max_allowed_address_pair}. */
    static final int ADDRESS_PAIRS = 10;

    private static final int LENGTH = Attributes.NAME_LENGTH;

    private PortFields() {}

    static String mac(String attribute, String text) {
        return Mac.parse(text)
                .orElseThrow(
                        () ->
                                Neutron.invalidAttribute(
                                        attribute,
                                        "'%s' is not a valid MAC address".formatted(text)));
    }

    static Optional<List<Ports.WantedIp>> fixedIps(Fields fields) {
        return fields.optionalObjects("fixed_ips", Attributes.LIST_LENGTH)
                .map(all -> all.stream().map(PortFields::fixedIp).toList());
    }

    private static Ports.WantedIp fixedIp(Fields fields) {
        var wanted =
                new Ports.WantedIp(
                        fields.optionalString("subnet_id", LENGTH)
                                .map(text -> Attributes.id("subnet_id", text)),
                        fields.optionalString("ip_address", LENGTH)
                                .map(text -> Attributes.ipv4("fixed_ips", text)));
        fields.end();
        if (wanted.equals(Ports.WantedIp.ANY)) {
            throw Neutron.invalid("IP allocation requires subnet_id or ip_address");
        }
        return wanted;
    }

    static Optional<List<UUID>> securityGroups(Handle handle, Actor actor, Fields fields) {
        Optional<List<UUID>> groups =
                fields.optionalStrings("security_groups", Attributes.LIST_LENGTH, LENGTH)
                        .map(
                                all ->
                                        all.stream()
                                                .map(text -> Attributes.id("security_groups", text))
                                                .distinct()
                                                .toList());
        groups.ifPresent(ids -> ids.forEach(id -> SecurityGroupStore.require(handle, actor, id)));
        return groups;
    }

    static Optional<List<AddressPair>> addressPairs(Fields fields, String portMac) {
        Optional<List<AddressPair>> pairs =
                fields.optionalObjects("allowed_address_pairs", Attributes.LIST_LENGTH)
                        .map(all -> all.stream().map(one -> addressPair(one, portMac)).toList());
        pairs.ifPresent(PortFields::checkPairs);
        return pairs;
    }

    private static AddressPair addressPair(Fields fields, String portMac) {
        Attributes.require(fields, "ip_address");
        String address = fields.string("ip_address", 0, LENGTH);
        String mac =
                fields.optionalString("mac_address", LENGTH)
                        .map(text -> mac("allowed_address_pairs", text))
                        .orElse(portMac);
        fields.end();
        String normalized =
                address.contains("/")
                        ? Attributes.cidr("allowed_address_pairs", address).toString()
                        : Attributes.ipv4("allowed_address_pairs", address).toString();
        return new AddressPair(mac, normalized);
    }

    private static void checkPairs(List<AddressPair> pairs) {
        if (pairs.size() > ADDRESS_PAIRS) {
            throw Neutron.badRequest(
                    "AllowedAddressPairExhausted",
                    "The number of allowed address pair exceeds the maximum %d."
                            .formatted(ADDRESS_PAIRS));
        }
        var seen = new HashSet<AddressPair>();
        for (AddressPair pair : pairs) {
            if (!seen.add(pair)) {
                throw Neutron.badRequest(
                        "DuplicateAddressPairInRequest",
                        "Request contains duplicate address pair: mac_address %s ip_address %s."
                                .formatted(pair.mac(), pair.address()));
            }
        }
    }

    /** The {@code binding:…} attributes, of which only administrators may say where. */
    static Port binding(Fields fields, Actor actor, Port base) {
        Optional<String> vnic = fields.optionalString("binding:vnic_type", LENGTH);
        if (vnic.filter(type -> !type.equals("normal")).isPresent()) {
            throw Neutron.invalid(
                    "this region offers only 'normal' for 'binding:vnic_type', not '%s'"
                            .formatted(vnic.get()));
        }
        if (fields.optionalNode("binding:profile").isPresent()) {
            admin(actor, "binding:profile");
            Attributes.onlyDefault(fields, "binding:profile", Json.object());
        }
        Attributes.onlyEmpty(fields, "extra_dhcp_opts");
        Attributes.onlyNull(
                fields,
                "dns_name",
                "dns_domain",
                "qos_policy_id",
                "device_profile",
                "numa_affinity_policy");
        Attributes.onlyDefault(fields, "propagate_uplink_status", BooleanNode.FALSE);
        Optional<String> host = fields.optionalString("binding:host_id", LENGTH);
        if (host.isEmpty()) {
            return base;
        }
        admin(actor, "binding:host_id");
        return base.withHost(host.get());
    }

    private static void admin(Actor actor, String attribute) {
        if (!actor.isAdmin()) {
            throw Neutron.forbidden("create_port:" + attribute);
        }
    }
}
