package dev.iod.network.testing;

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

/** A network service with a database of its own; a token is the name of a project. */
public final class NetworkRegion implements AutoCloseable {
    private final Database database = Database.open(PostgresFixture.newDatabase(), 8);
    private final ApiServer server;

    /** Starts it. */
    public NetworkRegion() {
        List<Service> services = List.of(NetworkApi.service(database, 1442, (handle, id) -> {}));
        Services.prepare(database, services);
        server =
                Services.serve(
                        InetAddress.getLoopbackAddress(),
                        0,
                        ServerLimits.standard(),
                        services,
                        new FixedTokens());
    }

    public Database database() {
        return database;
    }

    /** A member of a project, or with {@code :admin} behind its name an administrator. */
    public HttpCaller as(String token) {
        return new HttpCaller("http://127.0.0.1:" + server.port() + "/network/v2.0", token);
    }

    /** Quotas are not what the project is about. */
    public void withoutQuotas(String project) {
        database.run(
                handle ->
                        NetworkQuotas.ALL.forEach(
                                quota -> Quotas.set(handle, project, quota, Quota.UNLIMITED)));
    }

    @Override
    public void close() {
        server.close();
        database.close();
    }
}
