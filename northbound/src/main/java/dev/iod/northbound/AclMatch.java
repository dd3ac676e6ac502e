package dev.iod.northbound;

import dev.iod.network.IpProtocol;
import dev.iod.network.SecurityGroupRule;
import dev.iod.network.SecurityGroupRule.Direction;
import dev.iod.network.SecurityGroupRule.EtherType;
import dev.iod.network.SecurityGroupRule.Remote;
import java.util.OptionalInt;

/** The OVN expression of a security group rule. */
final class AclMatch {
    private AclMatch() {}

    static String of(SecurityGroupRule rule) {
        String ip =
                switch (rule.etherType()) {
                    case IPV4 -> "ip4";
                    case IPV6 -> "ip6";
                };
        var match = new StringBuilder();
        match.append(members(rule.direction(), SecurityGroupRows.portGroupName(rule.groupId())));
        match.append(" && ").append(ip);
        rule.remote().ifPresent(remote -> match.append(remote(rule.direction(), ip, remote)));
        rule.protocol()
                .map(IpProtocol::of)
                .ifPresent(protocol -> match.append(protocol(rule, protocol)));
        return match.toString();
    }

    /** All IP traffic of a port group in one direction. ARP and ND of others are not filtered. */
    static String everything(Direction direction, String group) {
        return members(direction, group) + " && ip";
    }

    private static String members(Direction direction, String group) {
        return switch (direction) {
            case INGRESS -> "outport == @" + group;
            case EGRESS -> "inport == @" + group;
        };
    }

    private static String remote(Direction direction, String ip, Remote remote) {
        String side =
                switch (direction) {
                    case INGRESS -> "src";
                    case EGRESS -> "dst";
                };
        String whom =
                switch (remote) {
                    case Remote.Prefix prefix -> prefix.cidr();
                    case Remote.Group group ->
                            "$" + SecurityGroupRows.portGroupName(group.id()) + "_" + ip;
                };
        return " && " + ip + "." + side + " == " + whom;
    }

    private static String protocol(SecurityGroupRule rule, IpProtocol protocol) {
        return switch (protocol.number()) {
            case IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP ->
                    transport(rule, protocol.name());
            case IpProtocol.ICMP, IpProtocol.ICMPV6 -> icmp(rule);
            default -> " && ip.proto == " + protocol.number();
        };
    }

    private static String transport(SecurityGroupRule rule, String name) {
        var match = new StringBuilder(" && " + name);
        OptionalInt minimum = rule.portMinimum();
        OptionalInt maximum = rule.portMaximum();
        if (minimum.isPresent() && minimum.equals(maximum)) {
            match.append(" && %s.dst == %d".formatted(name, minimum.getAsInt()));
        } else {
            minimum.ifPresent(port -> match.append(" && %s.dst >= %d".formatted(name, port)));
            maximum.ifPresent(port -> match.append(" && %s.dst <= %d".formatted(name, port)));
        }
        return match.toString();
    }

    private static String icmp(SecurityGroupRule rule) {
        String name = rule.etherType() == EtherType.IPV4 ? "icmp4" : "icmp6";
        var match = new StringBuilder(" && " + name);
        rule.portMinimum().ifPresent(t -> match.append(" && %s.type == %d".formatted(name, t)));
        rule.portMaximum().ifPresent(c -> match.append(" && %s.code == %d".formatted(name, c)));
        return match.toString();
    }
}
