package dev.iod.network;

import dev.iod.network.SecurityGroupRule.Direction;
import dev.iod.network.SecurityGroupRule.EtherType;
import dev.iod.network.SecurityGroupRule.Remote;
import dev.iod.rest.Fields;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/** Reading a security group rule from a request, with Neutron's checks. */
final class RuleFields {
    private static final int PORTS = 65_535;
    private static final int ICMP_VALUES = 255;

    private RuleFields() {}

    /**
     * @throws dev.iod.rest.ApiException also 404, for a remote group whose id is that of nothing
     */
    static SecurityGroupRule read(Fields fields, SecurityGroup group) {
        EtherType type = etherType(fields);
        Optional<String> protocol = protocol(fields, type);
        OptionalInt minimum = number(fields, "port_range_min");
        OptionalInt maximum = number(fields, "port_range_max");
        checkPorts(protocol.flatMap(IpProtocol::parse), protocol, minimum, maximum);
        return new SecurityGroupRule(
                UUID.randomUUID(),
                group.id(),
                group.projectId(),
                direction(fields),
                type,
                protocol,
                minimum,
                maximum,
                remote(fields, type),
                Attributes.description(fields),
                new Stamp(Instant.EPOCH, Instant.EPOCH, 1));
    }

    private static Direction direction(Fields fields) {
        Attributes.require(fields, "direction");
        String word = fields.string("direction", 0, Attributes.NAME_LENGTH);
        return switch (word) {
            case "ingress" -> Direction.INGRESS;
            case "egress" -> Direction.EGRESS;
            default ->
                    throw Neutron.invalidAttribute(
                            "direction", "'%s' is not in ['ingress', 'egress']".formatted(word));
        };
    }

    private static EtherType etherType(Fields fields) {
        String word = fields.optionalString("ethertype", Attributes.NAME_LENGTH).orElse("IPv4");
        return switch (word.toLowerCase(Locale.ROOT)) {
            case "ipv4" -> EtherType.IPV4;
            case "ipv6" -> EtherType.IPV6;
            default ->
                    throw Neutron.invalidAttribute(
                            "ethertype", "'%s' is not in ['IPv4', 'IPv6']".formatted(word));
        };
    }

    private static Optional<String> protocol(Fields fields, EtherType type) {
        Optional<String> word =
                fields.optionalNode("protocol")
                        .map(node -> text(fields, node).toLowerCase(Locale.ROOT))
                        // "any" is how clients write no protocol.
                        .filter(text -> !text.isEmpty() && !text.equals("any"));
        if (word.isEmpty()) {
            return word;
        }
        IpProtocol protocol =
                IpProtocol.parse(word.get())
                        .orElseThrow(
                                () ->
                                        Neutron.badRequest(
                                                "SecurityGroupRuleInvalidProtocol",
                                                ("Security group rule protocol %s not supported."
                                                                + " Only protocol values known by name and"
                                                                + " integer representations [0 to 255] are"
                                                                + " supported.")
                                                        .formatted(word.get())));
        if (protocol.number() == IpProtocol.ICMPV6 && type == EtherType.IPV4) {
            throw Neutron.badRequest(
                    "SecurityGroupEthertypeConflictWithProtocol",
                    "Invalid ethertype IPv4 for protocol %s.".formatted(word.get()));
        }
        return word;
    }

    private static String text(Fields fields, JsonNode node) {
        if (node.isIntegralNumber()) {
            return node.asString();
        }
        return fields.string("protocol", 0, Attributes.NAME_LENGTH);
    }

    private static OptionalInt number(Fields fields, String name) {
        Optional<Long> number = fields.optionalInteger(name, Long.MIN_VALUE, Long.MAX_VALUE);
        if (number.filter(value -> value < 0 || value > PORTS).isPresent()) {
            throw Neutron.badRequest(
                    "SecurityGroupInvalidPortValue",
                    "Invalid value for port %d".formatted(number.get()));
        }
        return number.map(value -> OptionalInt.of(value.intValue())).orElse(OptionalInt.empty());
    }

    private static void checkPorts(
            Optional<IpProtocol> protocol,
            Optional<String> word,
            OptionalInt minimum,
            OptionalInt maximum) {
        if (minimum.isEmpty() && maximum.isEmpty()) {
            return;
        }
        if (protocol.isEmpty()) {
            throw Neutron.badRequest(
                    "SecurityGroupProtocolRequiredWithPorts",
                    "Must also specify protocol if port range is given.");
        }
        if (protocol.get().isIcmp()) {
            checkIcmp(minimum, maximum);
        } else if (!protocol.get().hasPorts()) {
            throw Neutron.badRequest(
                    "SecurityGroupInvalidProtocolForPortRange",
                    "Invalid protocol %s for port range, only supported for TCP, UDP and SCTP."
                            .formatted(word.orElse("")));
        } else if (minimum.isEmpty()
                || maximum.isEmpty()
                || minimum.getAsInt() > maximum.getAsInt()
                || minimum.getAsInt() == 0) {
            throw Neutron.badRequest(
                    "SecurityGroupInvalidPortRange",
                    "For TCP/UDP protocols, port_range_min must be <= port_range_max");
        }
    }

    private static void checkIcmp(OptionalInt type, OptionalInt code) {
        if (type.isEmpty()) {
            throw Neutron.badRequest(
                    "SecurityGroupMissingIcmpType",
                    "ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing."
                            .formatted(code.orElse(0)));
        }
        checkIcmp("type", "port-range-min", type);
        checkIcmp("code", "port-range-max", code);
    }

    private static void checkIcmp(String field, String attribute, OptionalInt value) {
        if (value.orElse(0) > ICMP_VALUES) {
            throw Neutron.badRequest(
                    "SecurityGroupInvalidIcmpValue",
                    "Invalid value for ICMP %s (%s) %d. It must be 0 to 255."
                            .formatted(field, attribute, value.getAsInt()));
        }
    }

    private static Optional<Remote> remote(Fields fields, EtherType type) {
        Optional<String> prefix =
                fields.optionalString("remote_ip_prefix", Attributes.NAME_LENGTH)
                        .filter(text -> !text.isEmpty());
        Optional<UUID> group =
                fields.optionalString("remote_group_id", Attributes.NAME_LENGTH)
                        .filter(text -> !text.isEmpty())
                        .map(
                                text ->
                                        Ids.parse(text)
                                                .orElseThrow(
                                                        () -> Neutron.securityGroupNotFound(text)));
        if (fields.optionalNode("remote_address_group_id").isPresent()) {
            throw Neutron.invalid("this region does not offer address groups");
        }
        if (prefix.isPresent() && group.isPresent()) {
            throw Neutron.badRequest(
                    "SecurityGroupMultipleRemoteTypes",
                    "Only remote_ip_prefix or remote_group_id may be provided.");
        }
        Optional<Remote> byPrefix = prefix.map(text -> new Remote.Prefix(prefix(text, type)));
        return byPrefix.or(() -> group.map(Remote.Group::new));
    }

    private static String prefix(String text, EtherType type) {
        String prefix =
                normalized(text)
                        .orElseThrow(
                                () ->
                                        Neutron.badRequest(
                                                "InvalidCIDR",
                                                "Invalid CIDR %s given as IP prefix."
                                                        .formatted(text)));
        if (text.contains(":") != (type == EtherType.IPV6)) {
            throw Neutron.badRequest(
                    "SecurityGroupRuleParameterConflict",
                    "Conflicting value ethertype %s for CIDR %s"
                            .formatted(RuleStore.word(type), text));
        }
        return prefix;
    }

    /** A prefix, or the address of one host, as it is stored. */
    static Optional<String> normalized(String text) {
        boolean ipv6 = text.contains(":");
        String whole = text.contains("/") ? text : text + (ipv6 ? "/128" : "/32");
        return ipv6 ? Ipv6Prefix.normalize(whole) : Cidr.parse(whole).map(Cidr::toString);
    }
}
