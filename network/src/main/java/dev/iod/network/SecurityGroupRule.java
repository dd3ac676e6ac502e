package dev.iod.network;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * What a security group lets through.
 *
 * @param protocol a name or number as the user wrote it; absent for every protocol
 * @param portMinimum first port, or ICMP type
 * @param portMaximum last port, or ICMP code
 * @param remote whom it is about: absent for everybody
 */
public record SecurityGroupRule(
        UUID id,
        UUID groupId,
        String projectId,
        Direction direction,
        EtherType etherType,
        Optional<String> protocol,
        OptionalInt portMinimum,
        OptionalInt portMaximum,
        Optional<Remote> remote,
        String description,
        Stamp stamp) {

    public enum Direction {
        INGRESS,
        EGRESS
    }

    public enum EtherType {
        IPV4,
        IPV6
    }

    public sealed interface Remote {
        record Prefix(String cidr) implements Remote {}

        record Group(UUID id) implements Remote {}
    }
}
