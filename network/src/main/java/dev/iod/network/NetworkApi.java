package dev.iod.network;

import dev.iod.region.Service;
import dev.iod.rest.Route;
import dev.iod.store.Database;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;

/** The network service: OpenStack Networking v2.0 under {@code /network}. */
public final class NetworkApi {
    /** First segment of every path. */
    public static final String PREFIX = "/network";

    static final String VERSION_PATH = "/v2.0";

    private NetworkApi() {}

    /**
     * @param maximumMtuBytes MTU of a network, in bytes: the underlay's less 58 for Geneve
     * @param servers told when a request changes what servers have of the network
     */
    public static Service service(Database database, int maximumMtuBytes, ServerWatcher servers) {
        var random = new SecureRandom();
        var ports = new Ports(random);
        var routes = new ArrayList<Route>();
        routes.addAll(FixedAnswers.routes());
        routes.addAll(new QuotaRoutes(database).routes());
        List<Resource> resources =
                List.of(
                        new NetworkResource(maximumMtuBytes, ports, servers),
                        new SubnetResource(ports, random, servers),
                        new PortResource(ports, servers),
                        new RouterResource(),
                        new SecurityGroupResource(servers),
                        new RuleResource());
        resources.forEach(resource -> routes.addAll(ResourceRoutes.of(database, resource)));
        routes.addAll(new RouterInterfaces(database, ports).routes());
        return Service.listed("network", "neutron", PREFIX, "", new NetworkDialect(), routes)
                .migrations("db/network")
                .quotas(NetworkQuotas.ALL)
                .build();
    }
}
