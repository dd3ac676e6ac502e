package dev.iod.dpu;

import dev.iod.host.HostClient;
import dev.iod.node.Goal;
import dev.iod.node.Hello;
import dev.iod.node.Nic;
import dev.iod.node.RegionLink;
import dev.iod.node.Traits;
import dev.iod.ovn.Chassis;
import dev.iod.ovsdb.Endpoint;
import dev.iod.runtime.Backoff;
import dev.iod.runtime.Config;
import dev.iod.runtime.Metrics;
import dev.iod.runtime.MetricsSocket;
import dev.iod.runtime.SetupException;
import dev.iod.runtime.Shutdown;
import dev.iod.runtime.TlsIdentity;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** The agent of one node. */
public final class Main {
    private static final Logger LOG = System.getLogger(Main.class.getName());

    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        try {
            run(Settings.of(Config.fromArguments(arguments)));
        } catch (SetupException | DpuException e) {
            LOG.log(Level.ERROR, "cannot start reason=" + e.getMessage());
            System.exit(1);
        }
    }

    private static void run(Settings settings) throws InterruptedException {
        MetadataServer.limitServer();
        Path state = directory(settings.directory().resolve("dpu"));
        Path sockets = directory(settings.directory().resolve("vhost"));
        TlsIdentity identity = identity(settings);
        GoalFile goalFile = new GoalFile(state.resolve("goal"));
        Optional<Goal> goal = goalFile.read();
        AgentEvents events = new AgentEvents();
        Metrics registry = new Metrics();
        AgentMetrics metrics = new AgentMetrics(registry);

        RegionLink link =
                RegionLink.dial(
                        settings.region(),
                        Optional.of(identity.keyManager()),
                        TlsIdentity.trustManager(identity.authorities()));
        HostClient host = new HostClient(settings.host(), status -> events.wake());
        Machines machines = new HostMachines(host, metrics);
        ChassisEngine engine = new ChassisEngine();
        Chassis chassis = Chassis.open(chassis(settings, identity, state), engine, events);
        ChassisNetwork network =
                new ChassisNetwork(chassis, DeviceIds.open(state.resolve("devices")));
        ImageCache images =
                new ImageCache(
                        settings.directory().resolve("images"),
                        settings.imagesMib() << 20,
                        new RegionImages(link.channel(), metrics),
                        events::wake,
                        System::currentTimeMillis);
        CaptureSender captures =
                new CaptureSender(
                        settings.block(),
                        settings.node() + "-captures",
                        link.channel(),
                        metrics,
                        events::wake);
        PoolDisks disks =
                new PoolDisks(
                        settings.block(), settings.node() + "-dpu", images, captures, events::wake);
        Reconciler reconciler =
                new Reconciler(
                        machines,
                        network,
                        images,
                        disks,
                        Ledger.open(state.resolve("servers")),
                        new MachineSpecs(sockets),
                        System::currentTimeMillis);
        Namespaces namespaces = new Namespaces(settings.instance());
        MetadataService metadata = new MetadataService(namespaces, network, metrics);
        Observations observations = new Observations();
        VirtClient virtClient =
                new VirtClient(
                        settings.node(),
                        reconciler,
                        goalFile,
                        goal,
                        observations,
                        metrics,
                        events::changed);
        RegionSession session =
                new RegionSession(
                        link, hello(settings), observations, events::goal, machines, metrics);
        events.connect(virtClient, metadata, session);

        // What ran before goes on: its ports and its metadata come before the engine is told.
        goal.ifPresent(metadata::goal);
        goal.ifPresent(reconciler::plugAll);
        namespaces.prune(networks(goal));
        engine.connect(settings.engine(), settings.node(), chassis);
        metadata.start();
        captures.start();
        disks.start();
        virtClient.start();
        session.start();

        metrics.show(chassis);
        Shutdown shutdown = new Shutdown();
        shutdown.add(
                "metrics",
                MetricsSocket.open(registry, settings.directory().resolve("metrics.sock")));
        shutdown.add("session", session);
        shutdown.add("link", link);
        shutdown.add("virt-client", virtClient);
        shutdown.add("disks", disks);
        shutdown.add("captures", captures);
        shutdown.add("images", images);
        shutdown.add("metadata", metadata);
        shutdown.add("chassis", chassis);
        shutdown.add("engine", engine);
        shutdown.add("host", host);
        shutdown.onSignal();
        LOG.log(Level.INFO, "ready node={0}", settings.node());
        shutdown.await();
    }

    /** Joins when there is no identity yet, however long the region takes to come up. */
    private static TlsIdentity identity(Settings settings) throws InterruptedException {
        Enrolment enrolment =
                new Enrolment(
                        settings.node(), settings.region(), settings.identity(), settings.token());
        Optional<TlsIdentity> existing = enrolment.existing();
        Backoff backoff = Backoff.ofConnection();
        while (existing.isEmpty()) {
            try {
                existing = Optional.of(enrolment.join());
                LOG.log(Level.INFO, "joined node={0}", settings.node());
            } catch (DpuException e) {
                Duration pause = backoff.next();
                LOG.log(Level.WARNING, "{0}; again in {1}", e.getMessage(), pause);
                Thread.sleep(pause);
            }
        }
        return existing.get();
    }

    private static Chassis.Config chassis(Settings settings, TlsIdentity identity, Path state) {
        return new Chassis.Config(
                settings.node(),
                settings.node(),
                settings.encapsulation(),
                List.of(Endpoint.parse(settings.southbound())),
                Optional.of(identity.sslContext()),
                state.resolve("zones"),
                false);
    }

    private static Hello hello(Settings settings) {
        String machine = System.getProperty("os.arch");
        return Hello.newBuilder()
                .setNode(settings.node())
                .setVcpus(settings.capacity().vcpus())
                .setMemoryMib(settings.capacity().memoryMib())
                .setEncapsulationAddress(settings.encapsulation())
                .setArchitecture(machine.equals("amd64") ? "x86_64" : machine)
                .addTraits(Traits.VOLUMES)
                .addTraits(Traits.RESIZES)
                .addTraits(Traits.CAPTURES)
                .build();
    }

    private static Set<String> networks(Optional<Goal> goal) {
        return goal.stream()
                .flatMap(g -> g.getServersList().stream())
                .flatMap(s -> s.getNicsList().stream())
                .map(Nic::getNetworkId)
                .collect(Collectors.toSet());
    }

    private static Path directory(Path path) {
        try {
            return Files.createDirectories(path);
        } catch (IOException e) {
            throw new DpuException(DpuException.Category.NODE, "cannot make " + path + ": " + e, e);
        }
    }
}
