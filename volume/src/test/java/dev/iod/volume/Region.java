package dev.iod.volume;

import dev.iod.region.NodeApi;
import dev.iod.region.NodeSessions;
import dev.iod.region.Service;
import dev.iod.region.Services;
import dev.iod.rest.ApiServer;
import dev.iod.rest.ServerLimits;
import dev.iod.rest.testing.FixedTokens;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.net.InetAddress;
import java.time.Clock;
import java.util.List;

/** The block storage service over a private PostgreSQL. */
final class Region implements AutoCloseable {
    final Database database;
    final Service service;
    final FixedSessions sessions = new FixedSessions();
    private final ApiServer server;

    Region() {
        this(PostgresFixture.newDatabase(), 0);
    }

    /**
     * @param port 0 for any
     */
    Region(String url, int port) {
        database = Database.open(url, 16);
        service = BlockStorage.service(database, sessions);
        List<Service> services =
                List.of(service, NodeApi.service(database, List.of(service), Clock.systemUTC()));
        Services.prepare(database, services);
        server =
                Services.serve(
                        InetAddress.getLoopbackAddress(),
                        port,
                        ServerLimits.standard(),
                        services,
                        new FixedTokens());
    }

    /** As a process of its own: arguments are the database's URL and the port. */
    public static void main(String[] arguments) throws InterruptedException {
        try (Region region = new Region(arguments[0], Integer.parseInt(arguments[1]))) {
            System.out.println("ready " + region.base());
            Thread.currentThread().join();
        }
    }

    FakePool node(String name, long gib) {
        return new FakePool(database, service, name, gib);
    }

    /** A caller; see {@link FixedTokens} for tokens. */
    HttpCaller volume(String token) {
        return new HttpCaller(base() + "/volume/v3", token);
    }

    HttpCaller root(String token) {
        return new HttpCaller(base(), token);
    }

    String base() {
        return "http://127.0.0.1:" + server.port();
    }

    @Override
    public void close() {
        server.close();
        database.close();
    }

    static final class FixedSessions implements NodeSessions {
        volatile boolean settled = true;

        @Override
        public boolean settled() {
            return settled;
        }

        @Override
        public boolean connected(String node) {
            return true;
        }

        @Override
        public byte[] console(String node, String serverId, int maxBytes) {
            throw new AssertionError("volumes have no console");
        }
    }
}
