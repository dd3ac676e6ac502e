package dev.iod.northbound.testing;

import dev.iod.network.NetworkApi;
import dev.iod.network.NetworkQuotas;
import dev.iod.region.Quota;
import dev.iod.region.Quotas;
import dev.iod.region.Service;
import dev.iod.region.Services;
import dev.iod.rest.ApiServer;
import dev.iod.rest.ServerLimits;
import dev.iod.rest.testing.FixedTokens;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.net.InetAddress;
import java.util.List;

/** A network service with a database of its own; its project {@code p} has no quotas. */
public final class NetworkRegion implements AutoCloseable {
    private final Database database;
    private final ApiServer server;
    private final HttpCaller member;

    /** Starts it. */
    public NetworkRegion() {
        database = Database.open(PostgresFixture.newDatabase(), 8);
        List<Service> services = List.of(NetworkApi.service(database, 1442, (handle, id) -> {}));
        Services.prepare(database, services);
        server =
                Services.serve(
                        InetAddress.getLoopbackAddress(),
                        0,
                        ServerLimits.standard(),
                        services,
                        new FixedTokens());
        database.run(
                handle ->
                        List.of(
                                        NetworkQuotas.NETWORKS,
                                        NetworkQuotas.SUBNETS,
                                        NetworkQuotas.PORTS,
                                        NetworkQuotas.ROUTERS,
                                        NetworkQuotas.SECURITY_GROUPS,
                                        NetworkQuotas.RULES)
                                .forEach(quota -> Quotas.set(handle, "p", quota, Quota.UNLIMITED)));
        member = new HttpCaller("http://127.0.0.1:" + server.port() + "/network/v2.0", "p");
    }

    public Database database() {
        return database;
    }

    /** A member of the project. */
    public HttpCaller member() {
        return member;
    }

    @Override
    public void close() {
        server.close();
        database.close();
    }
}
