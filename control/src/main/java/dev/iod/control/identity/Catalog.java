package dev.iod.control.identity;

import dev.iod.control.http.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The services of the region and where they are. It is fixed, so its ids are derived from names.
 *
 * @param region the region's name
 */
record Catalog(String region) {
    private static final List<String> INTERFACES = List.of("public", "internal", "admin");

    /** The services; network and image are unversioned because their clients discover versions. */
    static final List<Service> SERVICES =
            List.of(
                    new Service("identity", "keystone", "/identity/v3"),
                    new Service("compute", "nova", "/compute/v2.1"),
                    new Service("network", "neutron", "/network"),
                    new Service("image", "glance", "/image"));

    /** One service. */
    record Service(String type, String name, String path) {
        String id() {
            return derived("service/" + type);
        }

        ObjectNode view(String baseUrl) {
            ObjectNode view =
                    Json.object()
                            .put("id", id())
                            .put("type", type)
                            .put("name", name)
                            .put("enabled", true)
                            .put("description", "");
            view.putObject("links").put("self", baseUrl + "/identity/v3/services/" + id());
            return view;
        }
    }

    /** The catalog of a token. */
    ArrayNode view(String baseUrl) {
        ArrayNode catalog = Json.array();
        for (Service service : SERVICES) {
            ObjectNode entry =
                    catalog.addObject()
                            .put("id", service.id())
                            .put("type", service.type())
                            .put("name", service.name());
            ArrayNode endpoints = entry.putArray("endpoints");
            for (String face : INTERFACES) {
                endpoints
                        .addObject()
                        .put("id", endpointId(service, face))
                        .put("interface", face)
                        .put("region", region)
                        .put("region_id", region)
                        .put("url", baseUrl + service.path());
            }
        }
        return catalog;
    }

    /** The endpoints as a list of their own. */
    List<ObjectNode> endpoints(String baseUrl) {
        return SERVICES.stream()
                .flatMap(
                        service ->
                                INTERFACES.stream().map(face -> endpoint(service, face, baseUrl)))
                .toList();
    }

    ObjectNode regionView(String baseUrl) {
        ObjectNode view = Json.object().put("id", region).put("description", "");
        view.putNull("parent_region_id");
        view.putObject("links").put("self", baseUrl + "/identity/v3/regions/" + region);
        return view;
    }

    private ObjectNode endpoint(Service service, String face, String baseUrl) {
        String id = endpointId(service, face);
        ObjectNode view =
                Json.object()
                        .put("id", id)
                        .put("interface", face)
                        .put("service_id", service.id())
                        .put("region", region)
                        .put("region_id", region)
                        .put("url", baseUrl + service.path())
                        .put("enabled", true);
        view.putObject("links").put("self", baseUrl + "/identity/v3/endpoints/" + id);
        return view;
    }

    private static String endpointId(Service service, String face) {
        return derived("endpoint/" + service.type() + "/" + face);
    }

    private static String derived(String name) {
        return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8))
                .toString()
                .replace("-", "");
    }
}
