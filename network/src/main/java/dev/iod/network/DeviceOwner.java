package dev.iod.network;

/** The values of Neutron's {@code device_owner} that mean something here. */
public final class DeviceOwner {
    public static final String ROUTER_INTERFACE = "network:router_interface";

    /** The metadata port: on every node at once (an OVN {@code localport}). */
    public static final String METADATA = "network:distributed";

    public static final String SERVER_PREFIX = "compute:";

    private DeviceOwner() {}

    /** Ports of the network itself: no security groups, not for tenants to delete. */
    public static boolean isInfrastructure(String owner) {
        return owner.startsWith("network:");
    }
}
