package dev.iod.network;

import java.util.List;
import java.util.UUID;

/** A security group with its rules; traffic that no rule allows is dropped. */
public record SecurityGroup(
        UUID id,
        String projectId,
        String name,
        String description,
        List<SecurityGroupRule> rules,
        Stamp stamp) {
    public static final String DEFAULT_NAME = "default";

    public SecurityGroup withRules(List<SecurityGroupRule> newRules) {
        return new SecurityGroup(id, projectId, name, description, newRules, stamp);
    }
}
