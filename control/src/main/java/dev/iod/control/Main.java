package dev.iod.control;

import dev.iod.compute.Compute;
import dev.iod.console.Consoles;
import dev.iod.identity.IdentityApi;
import dev.iod.identity.TokenService;
import dev.iod.image.ImageApi;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.image.QemuConverter;
import dev.iod.network.NetworkApi;
import dev.iod.network.ServerPorts;
import dev.iod.node.NodeListener;
import dev.iod.northbound.NorthboundReconciler;
import dev.iod.region.ConnectedNodes;
import dev.iod.region.Grace;
import dev.iod.region.NodeApi;
import dev.iod.region.NodeSessions;
import dev.iod.region.NodeWatch;
import dev.iod.region.RegionService;
import dev.iod.region.Service;
import dev.iod.region.Services;
import dev.iod.region.Sessions;
import dev.iod.runtime.Config;
import dev.iod.runtime.Shutdown;
import dev.iod.runtime.TlsIdentity;
import dev.iod.store.Database;
import dev.iod.sys.Linux;
import dev.iod.volume.BlockStorage;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.util.ArrayList;
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

    /** For requests; at most {@link dev.iod.rest.ServerLimits#runningPerPayer} of one payer. */
    private static final int DATABASE_CONNECTIONS = 16;

    /** For nodes and reconcilers, whatever requests do. */
    private static final int BACKGROUND_CONNECTIONS = 6;

    /** The underlay's 1500 less Geneve's 58. */
    private static final int MAX_MTU_BYTES = 1442;

    /** What tenants ask for goes behind packets, and before guests no more than anybody else. */
    private static final int NICE = 0;

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
            // Only the start goes before what guests compute, see docs/decisions/0030.
            if (!Linux.prioritizeProcess(NICE)) {
                LOG.log(System.Logger.Level.INFO, "keeps its priority: no right to another");
            }
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
        Database background = Database.open(settings.database(), BACKGROUND_CONNECTIONS);
        TokenService tokens = new TokenService(database, clock);
        QemuConverter converter = new QemuConverter(settings.imageUser());
        ImageService images =
                new ImageService(
                        database,
                        background,
                        new ImageFiles(settings.images()),
                        converter,
                        settings.imageDownloadHosts(),
                        List.of(Compute.captureWatcher(), BlockStorage.captureWatcher()),
                        clock);
        Grace grace = new Grace(clock);
        ConnectedNodes nodes = new ConnectedNodes(grace);
        Consoles consoles =
                new Consoles(
                        database,
                        nodes,
                        Compute.consoleServers(),
                        settings.consoleOrigins(),
                        settings.consoleBase(),
                        settings.novnc(),
                        clock);
        List<Service> services =
                services(
                        database,
                        tokens,
                        images,
                        nodes,
                        consoles,
                        settings.region(),
                        settings.adminPassword(),
                        clock);
        Services.prepare(database, services);

        // Closed in this order: first the doors, last the database.
        shutdown.add("consoles", consoles.start());
        shutdown.add(
                "api",
                Services.serve(loopback, settings.apiPort(), settings.limits(), services, tokens));
        Sessions sessions = new Sessions(background, nodes, services, clock);
        shutdown.add("sessions", sessions);
        shutdown.add(
                "nodes",
                NodeListener.start(
                        new InetSocketAddress(loopback, settings.nodePort()),
                        pki.region().keyManager(),
                        TlsIdentity.trustManager(pki.region().authorities()),
                        new RegionService(
                                background,
                                sessions,
                                images::file,
                                images.captures(),
                                pki.authority(),
                                clock)));
        shutdown.add(
                "northbound",
                NorthboundReconciler.start(background, settings.northbound(), settings.region()));
        shutdown.add("watch", new NodeWatch(background, services, grace, clock).start());
        shutdown.add("images", images);
        shutdown.add("conversions", converter);
        shutdown.add("tokens", tokens);
        shutdown.add("background database", background);
        shutdown.add("database", database);
    }

    /** The services of a region; a new one is one line here. */
    static List<Service> services(
            Database database,
            TokenService tokens,
            ImageService images,
            NodeSessions nodes,
            Consoles consoles,
            String region,
            String adminPassword,
            Clock clock) {
        ServerPorts ports = ServerPorts.sql();
        List<Service> others = new ArrayList<>();
        others.add(
                new Compute(database, images, ports, nodes, IdentityApi.projects(), consoles)
                        .service());
        others.add(NetworkApi.service(database, MAX_MTU_BYTES, Compute.portWatcher()));
        others.add(ImageApi.service(database, images));
        others.add(BlockStorage.service(database, images, nodes));
        others.add(consoles.service());
        others.add(NodeApi.service(database, others, clock));
        List<Service> services = new ArrayList<>();
        services.add(IdentityApi.service(database, tokens, region, adminPassword, clock, others));
        services.addAll(others);
        return services;
    }
}
