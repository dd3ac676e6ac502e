package dev.iod.identity;

import dev.iod.region.Service;
import dev.iod.rest.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The services of the region and where they are. They are fixed, so their ids are derived from
 * names.
 *
 * @param region the region's name
 * @param entries the services in the catalog's order
 */
record Catalog(String region, List<Entry> entries) {
    private static final List<String> INTERFACES = List.of("public", "internal", "admin");

    static Catalog of(
            String region, String type, String name, String endpoint, List<Service> others) {
        List<Entry> entries = new ArrayList<>();
        entries.add(new Entry(type, name, endpoint));
        others.stream()
                .filter(Service::listed)
                .forEach(
                        other -> {
                            entries.add(new Entry(other.type(), other.name(), other.endpoint()));
                            for (String older : other.oldTypes()) {
                                entries.add(new Entry(older, other.name(), other.endpoint()));
                            }
                        });
        return new Catalog(region, List.copyOf(entries));
    }

    /** One service. */
    record Entry(String type, String name, String path) {
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
        for (Entry service : entries) {
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
        return entries.stream()
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

    private ObjectNode endpoint(Entry service, String face, String baseUrl) {
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

    private static String endpointId(Entry service, String face) {
        return derived("endpoint/" + service.type() + "/" + face);
    }

    private static String derived(String name) {
        return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8))
                .toString()
                .replace("-", "");
    }
}
