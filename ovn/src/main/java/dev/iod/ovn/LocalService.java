package dev.iod.ovn;

import java.util.Set;

/**
 * A service port ({@code localport}) that every chassis with a port on its network provides.
 *
 * @param port logical port name
 * @param network name of the logical switch ({@code neutron-NETWORK_ID} for Neutron's networks)
 * @param datapathKey tunnel key of the network
 * @param mac Ethernet address, {@code aa:bb:cc:dd:ee:ff}
 * @param addresses IP addresses of the port in text form
 */
public record LocalService(
        String port, String network, int datapathKey, String mac, Set<String> addresses) {}
