package dev.iod.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/** All ports of the region, to be found by what people know of them. */
final class GuestPorts {
    private static final int LEAST_PREFIX = 4;
    private static final int MAX_NAMED = 5;
    private static final String NAMING =
            "a port is named by its id or the first "
                    + LEAST_PREFIX
                    + " characters or more of it, its name, its server's name or an address";

    private final List<GuestPort> ports = new ArrayList<>();

    /** Gateway address by network, for each of its subnets. */
    private final Map<String, List<String>> gateways = new HashMap<>();

    GuestPorts(RegionConfig config) {
        Api admin = Api.signIn(config.api(), "admin", config.adminPassword(), "admin");
        Map<String, String> servers = new HashMap<>();
        for (JsonNode server :
                admin.get("/compute/v2.1/servers/detail?all_tenants=1").at("/servers")) {
            servers.put(server.at("/id").asString(), server.at("/name").asString());
        }
        for (JsonNode port : admin.get("/network/v2.0/ports").at("/ports")) {
            List<String> addresses = new ArrayList<>();
            for (JsonNode fixed : port.at("/fixed_ips")) {
                addresses.add(fixed.at("/ip_address").asString());
            }
            ports.add(
                    new GuestPort(
                            port.at("/id").asString(),
                            port.at("/name").asString(""),
                            servers.getOrDefault(port.at("/device_id").asString(""), ""),
                            port.at("/network_id").asString(),
                            port.path("binding:host_id").asString(""),
                            port.at("/mac_address").asString(),
                            addresses));
        }
        for (JsonNode subnet : admin.get("/network/v2.0/subnets").at("/subnets")) {
            String gateway = subnet.at("/gateway_ip").asString("");
            if (!gateway.isEmpty()) {
                gateways.computeIfAbsent(
                                subnet.at("/network_id").asString(), ignored -> new ArrayList<>())
                        .add(gateway);
            }
        }
    }

    /** By id, unique prefix of an id, name of port or server, or address. */
    GuestPort find(String text) {
        return find(ports, text);
    }

    /** The same among these ports. */
    static GuestPort find(List<GuestPort> ports, String text) {
        // Most ports have no name, and those of no server have no server's.
        if (text.isBlank()) {
            throw new CliException("no port has an empty name; " + NAMING);
        }
        List<Predicate<GuestPort>> ways =
                List.of(
                        p -> p.id().equals(text),
                        p -> p.server().equals(text),
                        p -> p.name().equals(text),
                        p -> p.addresses().contains(text),
                        p -> text.length() >= LEAST_PREFIX && p.id().startsWith(text));
        for (Predicate<GuestPort> way : ways) {
            List<GuestPort> found = ports.stream().filter(way).toList();
            if (found.size() > 1) {
                List<String> some =
                        found.stream().limit(MAX_NAMED).map(p -> p.id() + " " + p.label()).toList();
                throw new CliException(
                        "'"
                                + text
                                + "' is "
                                + found.size()
                                + " ports; name one by its id: "
                                + String.join(", ", some));
            }
            if (found.size() == 1) {
                return found.getFirst();
            }
        }
        throw new CliException("no port '" + text + "'; " + NAMING);
    }

    Optional<GuestPort> byId(String id) {
        return ports.stream().filter(p -> p.id().equals(id)).findFirst();
    }

    /** What a guest sends packets for an address to: a port of its network, or the gateway. */
    Optional<String> nextHop(GuestPort from, String address) {
        Optional<String> near = macOn(from.network(), address);
        if (near.isPresent()) {
            return near;
        }
        boolean six = address.contains(":");
        return gateways.getOrDefault(from.network(), List.of()).stream()
                .filter(gateway -> gateway.contains(":") == six)
                .findFirst()
                .flatMap(gateway -> macOn(from.network(), gateway));
    }

    private Optional<String> macOn(String network, String address) {
        return ports.stream()
                .filter(p -> p.network().equals(network) && p.addresses().contains(address))
                .map(GuestPort::mac)
                .findFirst();
    }
}
