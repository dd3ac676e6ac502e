package dev.iod.control.network;

import java.util.List;
import java.util.UUID;

/** A security group with its rules; traffic that no rule allows is dropped. */
record SecurityGroup(
        UUID id,
        String projectId,
        String name,
        String description,
        List<SecurityGroupRule> rules,
        Stamp stamp) {
    static final String DEFAULT_NAME = "default";

    SecurityGroup withRules(List<SecurityGroupRule> newRules) {
        return new SecurityGroup(id, projectId, name, description, newRules, stamp);
    }
}
