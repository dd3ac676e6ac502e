package dev.iod.network;

import dev.iod.region.Actor;
import dev.iod.rest.Fields;
import dev.iod.rest.Ipv4;
import dev.iod.rest.Json;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;

/** Reading the attributes that Neutron's resources share from a request. */
final class Attributes {
    static final int NAME_LENGTH = 255;

    /** Bound of every list in a request. */
    static final int LIST_LENGTH = 100;

    private Attributes() {}

    static String name(Fields fields) {
        return fields.optionalString("name", NAME_LENGTH).orElse("");
    }

    static String description(Fields fields) {
        return fields.optionalString("description", NAME_LENGTH).orElse("");
    }

    /** Neutron's words for an attribute that has to be there. */
    static void require(Fields fields, String name) {
        if (!fields.has(name) || fields.isNull(name)) {
            throw Neutron.badRequest(
                    "HTTPBadRequest",
                    "Failed to parse request. Required attribute '%s' not specified"
                            .formatted(name));
        }
    }

    /** An id of another resource: 400 unless it is a UUID. */
    static UUID id(Fields fields, String name) {
        require(fields, name);
        return id(name, fields.string(name, 0, NAME_LENGTH));
    }

    static UUID id(String name, String text) {
        return Ids.parse(text)
                .orElseThrow(
                        () ->
                                Neutron.invalidAttribute(
                                        name, "'%s' is not a valid UUID".formatted(text)));
    }

    /** The project that will own a new resource: one's own, or any for an administrator. */
    static String project(Fields fields, Actor actor) {
        Optional<String> tenant = fields.optionalString("tenant_id", NAME_LENGTH);
        Optional<String> project =
                fields.optionalString("project_id", NAME_LENGTH).or(() -> tenant);
        if (tenant.isPresent() && !tenant.equals(project)) {
            throw Neutron.badRequest("HTTPBadRequest", "'project_id' and 'tenant_id' do not match");
        }
        String owner = project.orElseGet(actor::projectId);
        if (!actor.mayAccess(owner)) {
            throw Neutron.badRequest(
                    "HTTPBadRequest",
                    "Specifying 'project_id' or 'tenant_id' other than the authenticated project in"
                            + " request requires admin privileges");
        }
        return owner;
    }

    static Ipv4 ipv4(String attribute, String text) {
        return Ipv4.parse(text)
                .orElseThrow(
                        () ->
                                Neutron.invalidAttribute(
                                        attribute,
                                        "'%s' is not a valid IP address".formatted(text)));
    }

    static Cidr cidr(String attribute, String text) {
        return Cidr.parse(text)
                .orElseThrow(
                        () ->
                                Neutron.invalidAttribute(
                                        attribute,
                                        "'%s' is not a valid IP subnet".formatted(text)));
    }

    /** Attributes of Neutron that only have their default here: anything else is refused. */
    static void onlyDefault(Fields fields, String name, JsonNode standard) {
        Optional<? extends JsonNode> value =
                standard.isBoolean()
                        ? fields.optionalBoolean(name).map(BooleanNode::valueOf)
                        : fields.optionalNode(name);
        if (value.isPresent() && !value.get().equals(standard)) {
            throw Neutron.invalid("this region offers only %s for '%s'".formatted(standard, name));
        }
    }

    /**
     * Refuses a list that is a set and has an element twice.
     *
     * @param what Neutron's word for an element
     */
    static void distinct(String attribute, String what, List<?> elements) {
        var seen = new HashSet<Object>();
        for (Object element : elements) {
            if (!seen.add(element)) {
                throw Neutron.invalidAttribute(
                        attribute, "Duplicate %s '%s'".formatted(what, element));
            }
        }
    }

    /** Lists of Neutron that are always empty here. */
    static void onlyEmpty(Fields fields, String... names) {
        for (String name : names) {
            onlyDefault(fields, name, Json.array());
        }
    }

    /** Attributes of Neutron that never have a value here; null, or an empty text, says so. */
    static void onlyNull(Fields fields, String... names) {
        for (String name : names) {
            Optional<JsonNode> value = fields.optionalNode(name);
            if (value.isPresent()
                    && !(value.get().isString() && value.get().asString().isEmpty())) {
                throw Neutron.invalid("this region does not offer '%s'".formatted(name));
            }
        }
    }

    /** Attributes that an update may name only to be told that they cannot change. */
    static void readOnly(Fields fields, List<String> names) {
        for (String name : names) {
            if (fields.has(name)) {
                throw Neutron.badRequest(
                        "HTTPBadRequest", "Cannot update read-only attribute %s".formatted(name));
            }
        }
    }
}
