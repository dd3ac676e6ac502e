package dev.iod.network;

import dev.iod.region.Quota;
import dev.iod.region.Quotas;
import java.util.List;
import org.jdbi.v3.core.Handle;

/** What a project may have of the network service, with Neutron's standard limits. */
public final class NetworkQuotas {
    static final String SERVICE = "network";

    public static final Quota NETWORKS = Quota.ofRows(SERVICE, "network", 100, "network");
    public static final Quota SUBNETS = Quota.ofRows(SERVICE, "subnet", 100, "subnet");

    /** Not the ones that the region makes for metadata. */
    public static final Quota PORTS =
            Quota.ofRows(
                    SERVICE,
                    "port",
                    500,
                    "port WHERE device_owner <> '" + DeviceOwner.METADATA + "'");

    public static final Quota ROUTERS = Quota.ofRows(SERVICE, "router", 10, "router");
    public static final Quota SECURITY_GROUPS =
            Quota.ofRows(SERVICE, "security_group", 10, "security_group");
    public static final Quota RULES =
            Quota.ofRows(SERVICE, "security_group_rule", 100, "security_group_rule");

    /** All of them. */
    public static final List<Quota> ALL =
            List.of(NETWORKS, SUBNETS, PORTS, ROUTERS, SECURITY_GROUPS, RULES);

    private NetworkQuotas() {}

    /**
     * Claims one of something, in the transaction that makes it.
     *
     * @throws dev.iod.rest.ApiException 409 {@code OverQuota} when the project has enough
     */
    static void claim(Handle handle, String project, Quota quota) {
        Quotas.claim(handle, project, quota, 1)
                .ifPresent(
                        excess -> {
                            throw Neutron.conflict(
                                    "OverQuota",
                                    "Quota exceeded for resources: ['%s']."
                                            .formatted(excess.quota().resource()));
                        });
    }
}
