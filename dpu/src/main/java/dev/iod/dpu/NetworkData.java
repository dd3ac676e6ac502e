package dev.iod.dpu;

import dev.iod.dpu.DpuException.Category;
import dev.iod.node.FixedAddress;
import dev.iod.node.HostRoute;
import dev.iod.node.Nic;
import dev.iod.node.Server;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashSet;
import java.util.Set;
import tools.jackson.core.JsonGenerator;

/**
 * A server's {@code network_data.json} as OpenStack Compute writes it: links, one network per
 * address, and DNS services. A network of a subnet without DHCP has everything a guest needs to
 * configure itself.
 */
final class NetworkData {
    private static final int LINK_ID_CHARS = 11;
    private static final String DEFAULT_V4 = "0.0.0.0";
    private static final String DEFAULT_V6 = "::";

    private NetworkData() {}

    static byte[] of(Server server) {
        return MetadataDocuments.object(
                json -> {
                    json.writeName("links").writeStartArray();
                    server.getNicsList().forEach(nic -> link(json, nic));
                    json.writeEndArray();
                    json.writeName("networks").writeStartArray();
                    int number = 0;
                    Set<String> servers = new LinkedHashSet<>();
                    for (Nic nic : server.getNicsList()) {
                        for (FixedAddress address : nic.getAddressesList()) {
                            network(json, nic, address, number++);
                            servers.addAll(address.getDnsServersList());
                        }
                    }
                    json.writeEndArray();
                    services(json, servers);
                });
    }

    private static void link(JsonGenerator json, Nic nic) {
        json.writeStartObject();
        json.writeStringProperty("id", linkId(nic));
        json.writeStringProperty("vif_id", nic.getPortId());
        json.writeStringProperty("type", "ovs");
        json.writeStringProperty("ethernet_mac_address", nic.getMac());
        json.writeNumberProperty("mtu", nic.getMtu());
        json.writeEndObject();
    }

    private static void network(JsonGenerator json, Nic nic, FixedAddress address, int number) {
        boolean six = MetadataDocuments.isIpv6(address.getAddress());
        String family = six ? "ipv6" : "ipv4";
        json.writeStartObject();
        json.writeStringProperty("id", "network" + number);
        json.writeStringProperty("type", address.getDhcp() ? family + "_dhcp" : family);
        json.writeStringProperty("link", linkId(nic));
        if (!address.getDhcp()) {
            json.writeStringProperty("ip_address", address.getAddress());
            json.writeStringProperty("netmask", mask(six, address.getPrefixLength()));
            json.writeName("routes").writeStartArray();
            if (!address.getGateway().isEmpty()) {
                String any = six ? DEFAULT_V6 : DEFAULT_V4;
                route(json, any, mask(six, 0), address.getGateway());
            }
            for (HostRoute route : address.getRoutesList()) {
                String destination = route.getDestination();
                int slash = destination.indexOf('/');
                route(
                        json,
                        destination.substring(0, slash),
                        mask(six, Integer.parseInt(destination.substring(slash + 1))),
                        route.getNextHop());
            }
            json.writeEndArray();
            services(json, address.getDnsServersList());
        }
        json.writeStringProperty("network_id", nic.getNetworkId());
        json.writeEndObject();
    }

    private static void route(JsonGenerator json, String network, String mask, String gateway) {
        json.writeStartObject();
        json.writeStringProperty("network", network);
        json.writeStringProperty("netmask", mask);
        json.writeStringProperty("gateway", gateway);
        json.writeEndObject();
    }

    private static void services(JsonGenerator json, Iterable<String> dnsServers) {
        json.writeName("services").writeStartArray();
        for (String server : dnsServers) {
            json.writeStartObject();
            json.writeStringProperty("type", "dns");
            json.writeStringProperty("address", server);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static String linkId(Nic nic) {
        String id = nic.getPortId();
        return "tap" + id.substring(0, Math.min(LINK_ID_CHARS, id.length()));
    }

    /** A prefix length as the mask it stands for, {@code 255.255.255.0} or {@code ffff:ffff::}. */
    static String mask(boolean six, int prefixLength) {
        byte[] mask = new byte[six ? 16 : 4];
        for (int bit = 0; bit < Math.min(prefixLength, mask.length * 8); bit++) {
            mask[bit / 8] |= (byte) (0x80 >> bit % 8);
        }
        try {
            String text = InetAddress.getByAddress(mask).getHostAddress();
            return six ? text.replaceFirst("^0?(:0)+$", "::").replaceFirst("(:0)+$", "::") : text;
        } catch (UnknownHostException e) {
            throw new DpuException(Category.GOAL, "no mask of " + prefixLength + " bits", e);
        }
    }
}
