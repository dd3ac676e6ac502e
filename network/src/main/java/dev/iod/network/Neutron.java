package dev.iod.network;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.util.UUID;

/** Errors with Neutron's types and words, which clients match on. */
final class Neutron {
    private Neutron() {}

    static ApiException networkNotFound(Object id) {
        return notFound("NetworkNotFound", "Network %s could not be found.".formatted(id));
    }

    static ApiException subnetNotFound(Object id) {
        return notFound("SubnetNotFound", "Subnet %s could not be found.".formatted(id));
    }

    static ApiException portNotFound(Object id) {
        return notFound("PortNotFound", "Port %s could not be found.".formatted(id));
    }

    static ApiException routerNotFound(Object id) {
        return notFound("RouterNotFound", "Router %s could not be found".formatted(id));
    }

    static ApiException securityGroupNotFound(Object id) {
        return notFound("SecurityGroupNotFound", "Security group %s does not exist".formatted(id));
    }

    static ApiException ruleNotFound(Object id) {
        return notFound(
                "SecurityGroupRuleNotFound", "Security group rule %s does not exist".formatted(id));
    }

    static ApiException notFound(String type, String message) {
        return new ApiException(Fault.NOT_FOUND, type, message);
    }

    static ApiException conflict(String type, String message) {
        return new ApiException(Fault.CONFLICT, type, message);
    }

    static ApiException badRequest(String type, String message) {
        return new ApiException(Fault.BAD_REQUEST, type, message);
    }

    static ApiException invalid(String reason) {
        return badRequest("InvalidInput", "Invalid input for operation: %s.".formatted(reason));
    }

    /** A value of an attribute that cannot be. */
    static ApiException invalidAttribute(String attribute, String reason) {
        return badRequest(
                "HTTPBadRequest", "Invalid input for %s. Reason: %s.".formatted(attribute, reason));
    }

    static ApiException forbidden(String rule) {
        return new ApiException(
                Fault.FORBIDDEN,
                "PolicyNotAuthorized",
                "rule:%s is disallowed by policy".formatted(rule));
    }

    static ApiException noAddress(UUID networkId) {
        return conflict(
                "IpAddressGenerationFailure",
                "No more IP addresses available on network %s.".formatted(networkId));
    }
}
