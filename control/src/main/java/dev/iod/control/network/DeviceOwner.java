package dev.iod.control.network;

/** The values of Neutron's {@code device_owner} that mean something here. */
final class DeviceOwner {
    static final String ROUTER_INTERFACE = "network:router_interface";

    /** The metadata port: on every node at once (an OVN {@code localport}). */
    static final String METADATA = "network:distributed";

    static final String SERVER_PREFIX = "compute:";

    private DeviceOwner() {}

    /** Ports of the network itself: no security groups, not for tenants to delete. */
    static boolean isInfrastructure(String owner) {
        return owner.startsWith("network:");
    }
}
