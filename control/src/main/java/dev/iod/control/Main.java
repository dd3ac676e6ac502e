package dev.iod.control;

import dev.iod.control.compute.Compute;
import dev.iod.control.db.Database;
import dev.iod.control.http.Api;
import dev.iod.control.http.ApiServer;
import dev.iod.control.identity.Bootstrap;
import dev.iod.control.identity.IdentityApi;
import dev.iod.control.identity.TokenService;
import dev.iod.control.image.ImageApi;
import dev.iod.control.image.ImageFiles;
import dev.iod.control.image.ImageService;
import dev.iod.control.network.NetworkApi;
import dev.iod.control.network.NorthboundReconciler;
import dev.iod.control.network.ServerPorts;
import dev.iod.control.node.NodeApi;
import dev.iod.control.node.NodeWatch;
import dev.iod.control.node.ObservationSink;
import dev.iod.control.node.RegionService;
import dev.iod.control.node.Sessions;
import dev.iod.node.NodeListener;
import dev.iod.runtime.Config;
import dev.iod.runtime.Shutdown;
import dev.iod.runtime.TlsIdentity;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The region's process: {@code java -m dev.iod.control/dev.iod.control.Main control.properties}.
 */
public final class Main {
    private static final System.Logger LOG = System.getLogger(Main.class.getName());

    /** Kept here because java.util.logging forgets the level of a logger nobody holds. */
    private static final Logger FLYWAY = Logger.getLogger("org.flywaydb");

    private static final int DATABASE_CONNECTIONS = 16;

    /** The underlay's 1500 less Geneve's 58. */
    private static final int MAX_MTU_BYTES = 1442;

    private Main() {}

    /** Runs until SIGTERM; exit status 1 when it cannot start. */
    public static void main(String[] arguments) {
        FLYWAY.setLevel(Level.WARNING);
        // The connection pool speaks SLF4J; what matters reaches us as exceptions.
        System.setProperty("slf4j.internal.verbosity", "ERROR");
        Shutdown shutdown = new Shutdown();
        shutdown.onSignal();
        try {
            start(Settings.read(Config.fromArguments(arguments), System.getenv()), shutdown);
            LOG.log(System.Logger.Level.INFO, "ready");
            shutdown.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "the region cannot start: " + e.getMessage(), e);
            System.exit(1);
        }
    }

    private static void start(Settings settings, Shutdown shutdown) {
        Clock clock = Clock.systemUTC();
        InetAddress loopback = InetAddress.getLoopbackAddress();
        Pki pki = Pki.loadOrCreate(settings.directory().resolve("pki"), clock);
        Database database = Database.open(settings.database(), DATABASE_CONNECTIONS);

        Bootstrap.run(database, settings.adminPassword(), clock);
        TokenService tokens = new TokenService(database, clock);
        ImageService images = new ImageService(database, new ImageFiles(settings.images()), clock);

        ServerPorts ports = ServerPorts.sql();
        ObservationSink observations = Compute.observations(database, ports);
        Sessions sessions = new Sessions(database, Compute.goals(ports), observations, clock);
        Compute compute = new Compute(database, images, ports, sessions);

        List<Api> apis =
                List.of(
                        VersionApi.api(),
                        IdentityApi.create(database, tokens, settings.region(), clock),
                        ImageApi.create(database, images),
                        NetworkApi.of(database, MAX_MTU_BYTES, Compute.portWatcher()),
                        compute.api(),
                        NodeApi.create(database, clock));

        // Closed in this order: first the doors, last the database.
        shutdown.add("api", ApiServer.start(loopback, settings.apiPort(), apis, tokens));
        shutdown.add("sessions", sessions);
        shutdown.add(
                "nodes",
                NodeListener.start(
                        new InetSocketAddress(loopback, settings.nodePort()),
                        pki.region().keyManager(),
                        TlsIdentity.trustManager(pki.region().authorities()),
                        new RegionService(database, sessions, images, pki.authority(), clock)));
        shutdown.add(
                "northbound",
                NorthboundReconciler.start(database, settings.northbound(), settings.region()));
        shutdown.add("watch", new NodeWatch(database, observations));
        shutdown.add("tokens", tokens);
        shutdown.add("database", database);
    }
}
