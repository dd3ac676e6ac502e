package dev.iod.ovn;

import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Endpoint;
import dev.iod.ovsdb.Operation;
import dev.iod.ovsdb.OvsdbException;
import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Update;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.PortKey;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;

/**
 * An OVN chassis: registers in the southbound database, binds the ports it is given, and keeps the
 * engine's tables equal to what the logical flows of its networks say. Everything is
 * level-triggered: calls say what should be, work happens in the chassis' own thread, and a lost
 * database or engine withdraws nothing.
 *
 * <p>Order of calls: {@link #open}, {@link #plug} for all ports that run already, {@link
 * #portsKnown}; from then on as things happen.
 */
public final class Chassis implements AutoCloseable {
    /** How many refused flows {@link #status} names. */
    public static final int REFUSED_LIMIT = 256;

    /** Ports and services a chassis may be given. */
    public static final int PORT_LIMIT = 16384;

    private static final System.Logger LOG = System.getLogger(Chassis.class.getName());

    /** A server that works on others' requests answers late; asking again would make it later. */
    private static final Duration TRANSACTION_DEADLINE = Duration.ofSeconds(60);

    private static final Duration FAREWELL_DEADLINE = Duration.ofSeconds(10);
    private static final long RETRY_NANOS = 1_000_000_000;
    private static final long IDLE_MILLIS = 5_000;

    private final Config config;
    private final Listener listener;
    private final Model model;
    private final Model.Pending pending = new Model.Pending();
    private final LocalDatapaths local;
    private final Selection selection;
    private final LogicalPorts.Devices devices = new LogicalPorts.Devices();
    private final Binder binder;
    private final Wanted wanted = new Wanted(this::rename);
    private final StateBuilder builder;
    private final EngineSync engine;
    private final NeighborWriter neighbors = new NeighborWriter();
    private final Semaphore wakeups = new Semaphore(0);
    private final Thread thread;
    private final Replica replica;

    private final Map<String, Entity.Device> plugged = new ConcurrentHashMap<>();
    private final Map<String, Entity.Device> services = new ConcurrentHashMap<>();
    private volatile boolean portsKnown;

    /** Devices that came or went since the last step; one entry per port. */
    private final Set<Fact> changedHere = ConcurrentHashMap.newKeySet();

    private volatile boolean stopping;

    /** nb_cfg of the wanted state; empty before there is one. */
    private OptionalLong configuration = OptionalLong.empty();

    /** Logical flows that the wanted state was made of. */
    private int flows;

    private Set<LocalService> told = Set.of();
    private List<Refused> toldRefused = List.of();

    /** Ports whose status may be another one than reported. */
    private final Set<String> unreported = new LinkedHashSet<>();

    private volatile long writeAtNanos = System.nanoTime();
    private volatile boolean writing;
    private volatile boolean writeFailed;
    private volatile String problem = "";

    private final Map<String, PortStatus> ports = new ConcurrentHashMap<>();
    private final Map<Long, String> portNames = new ConcurrentHashMap<>();
    private volatile Status status = new Status(false, 0, 0, 0, 0, List.of(), "starting");

    /**
     * @param name of the chassis; with TLS it must equal the certificate's common name
     * @param encapIp IPv4 address of this chassis' Geneve tunnels
     * @param endpoints of the southbound database
     * @param tls with the client certificate, for endpoints that need it
     * @param zoneFile where conntrack zones are kept, so that they stay the same over restarts
     * @param removeAtClose whether {@link #close} releases the ports and removes the chassis' rows;
     *     without it a restarted chassis takes them over
     */
    public record Config(
            String name,
            String hostname,
            String encapIp,
            List<Endpoint> endpoints,
            Optional<SSLContext> tls,
            Path zoneFile,
            boolean removeAtClose) {}

    /** Called in the chassis' thread; must be quick. */
    public interface Listener {
        /** The flows of a plugged port are live and it is reported up, or no longer so. */
        void portReady(String port, boolean ready);

        /** All services needed now; called whenever the set changes. */
        void services(Set<LocalService> services);
    }

    /**
     * What is known of a plugged port.
     *
     * @param claimed the southbound database names this chassis for it
     * @param ready its flows are live in the engine and {@code up} is written
     * @param reason why it is not ready, or empty
     */
    public record PortStatus(boolean claimed, boolean ready, String reason) {}

    /**
     * A logical flow this chassis does not execute; packets that meet it are dropped.
     *
     * @param stage its pipeline and table
     */
    public record Refused(String flow, String stage, String reason) {}

    /**
     * @param connected to the southbound database, rows current
     * @param configuration last nb_cfg that is live in the engine
     * @param flows logical flows of this chassis' networks
     * @param entities rows of the engine's tables
     * @param refusedCount flows not executed, of which {@code refused} names at most {@link
     *     #REFUSED_LIMIT}
     * @param problem what keeps it from being done, empty when nothing
     */
    public record Status(
            boolean connected,
            long configuration,
            int flows,
            int entities,
            int refusedCount,
            List<Refused> refused,
            String problem) {}

    private Chassis(Config config, Engine engine, Listener listener) {
        this.config = config;
        this.listener = listener;
        this.model = new Model(config.name());
        this.local = new LocalDatapaths(model);
        this.selection = new Selection(model, local);
        this.binder = new Binder(config, model);
        this.builder =
                new StateBuilder(
                        model, local, devices, binder, new Zones(config.zoneFile()), wanted);
        this.engine = new EngineSync(engine, this::wake);
        this.thread = Thread.ofPlatform().name("ovn-chassis").daemon().unstarted(this::run);
        Replica.Config southbound =
                Replica.Config.of(
                        "sb",
                        Southbound.DATABASE,
                        config.endpoints(),
                        Southbound.tables(config.name()));
        this.replica =
                Replica.open(config.tls().map(southbound::tls).orElse(southbound), this::received);
    }

    /**
     * Starts connecting; returns at once. The engine is not touched before {@link #portsKnown}.
     *
     * @throws OvnException CONFIGURATION
     */
    public static Chassis open(Config config, Engine engine, Listener listener) {
        if (Constant.parse(config.encapIp()).format() != Constant.Format.IPV4) {
            throw new OvnException(
                    OvnException.Category.CONFIGURATION,
                    "tunnels need an IPv4 address, not " + config.encapIp());
        }
        var chassis = new Chassis(config, engine, listener);
        chassis.thread.start();
        return chassis;
    }

    /**
     * Gives a logical port (OVN's iface-id) a device; again with another device to change it.
     *
     * @throws OvnException LIMIT
     */
    public void plug(String port, Entity.Device device) {
        add(plugged, port, device);
        changed(new Fact.Plugged(port));
    }

    /** Takes a port away: released in the database, its device removed from the engine. */
    public void unplug(String port) {
        plugged.remove(port);
        changed(new Fact.Plugged(port));
    }

    /** Gives a local service its device ({@link Entity.Kind.Service}). */
    public void provide(String servicePort, Entity.Device device) {
        add(services, servicePort, device);
        changed(new Fact.Provided(servicePort));
    }

    /** Takes the device of a local service away. */
    public void withdraw(String servicePort) {
        services.remove(servicePort);
        changed(new Fact.Provided(servicePort));
    }

    private void add(Map<String, Entity.Device> devices, String port, Entity.Device device) {
        if (devices.size() >= PORT_LIMIT && !devices.containsKey(port)) {
            throw new OvnException(
                    OvnException.Category.LIMIT, "more than " + PORT_LIMIT + " ports");
        }
        devices.put(port, device);
    }

    /**
     * All ports that exist now are plugged: from here on the engine is given the state that
     * follows, and ports bound to this chassis that are not plugged are released.
     */
    public void portsKnown() {
        portsKnown = true;
        wake();
    }

    /** The state of a plugged port; empty when it is not plugged. */
    public Optional<PortStatus> port(String port) {
        if (!plugged.containsKey(port)) {
            return Optional.empty();
        }
        return Optional.of(
                ports.getOrDefault(port, new PortStatus(false, false, "not looked at yet")));
    }

    /** The logical port with these tunnel keys, on a network of this chassis. */
    public Optional<String> portName(int datapathKey, int portKey) {
        return Optional.ofNullable(portNames.get(PortKey.of(datapathKey, portKey)));
    }

    /** The engine was connected (again) and may have lost all: it is given the whole state. */
    public void engineConnected() {
        engine.reset();
        wake();
    }

    /** Takes an event of the engine; others than learned neighbours are ignored. */
    public void engineEvent(EngineEvent event) {
        if (event instanceof EngineEvent.NeighborLearned learned && neighbors.learned(learned)) {
            wake();
        }
    }

    public Status status() {
        return status;
    }

    /** Ends the thread and the connection. The engine keeps what it has. */
    @Override
    public void close() {
        stopping = true;
        wake();
        try {
            thread.join(Duration.ofSeconds(15));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        replica.close();
    }

    /**
     * Each refused flow once: a region may have thousands, and they do not go away by themselves.
     */
    private void tellRefused(List<Refused> refused) {
        if (refused == toldRefused) {
            return;
        }
        var known = Set.copyOf(toldRefused);
        for (Refused flow : refused) {
            if (!known.contains(flow)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "flow refused, its packets are dropped unless it is no flow: flow={0}"
                                + " stage={1} reason={2}",
                        flow.flow(),
                        flow.stage(),
                        flow.reason());
            }
        }
        toldRefused = refused;
    }

    private void changed(Fact device) {
        changedHere.add(device);
        wake();
    }

    private void wake() {
        wakeups.release();
    }

    private void received(Update update) {
        pending.add(update);
        wake();
    }

    private void run() {
        while (!stopping) {
            try {
                step();
            } catch (RuntimeException e) {
                problem = String.valueOf(e.getMessage());
                LOG.log(System.Logger.Level.ERROR, "the chassis' work failed", e);
            }
            await();
        }
        if (config.removeAtClose()) {
            leave();
        }
    }

    private void await() {
        long millis = IDLE_MILLIS;
        if (writeFailed || engine.waitNanos() > 0) {
            long nanos = Math.max(writeAtNanos - System.nanoTime(), engine.waitNanos());
            millis = Math.max(10, nanos / 1_000_000);
        } else if (!neighbors.isEmpty()) {
            millis = NeighborWriter.INTERVAL_NANOS / 1_000_000;
        }
        try {
            if (wakeups.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                wakeups.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopping = true;
        }
    }

    /** One round: take what is new, ask for what is missing, tell the engine, tell OVN. */
    private void step() {
        // Asked before the rows are taken, so that "settled" never speaks of rows not yet here.
        boolean settled = replica.settled();
        boolean here = takeDevices();
        Model.Pending.Taken taken = pending.take();
        model.apply(taken.rows(), this::tell);
        local.settle(this::tell);
        if (taken.resync()) {
            builder.touchAll();
        }
        Map<String, List<Condition>> conditions = selection.changes(settled);
        if (!conditions.isEmpty()) {
            replica.select(conditions).whenComplete((done, error) -> wake());
            settled = false;
        }
        settled &= model.filled();
        engine.collect(this::liveChanged);
        // Before all ports are known the state would lack some, and their zones would be freed.
        if (portsKnown && settled) {
            if (!builder.isIdle()) {
                builder.run();
                flows = model.rows("Logical_Flow").size();
                tellServices();
            }
            configuration = OptionalLong.of(model.configuration());
        } else if (here && configuration.isPresent()) {
            // A machine waits for its device when it starts, whatever becomes of OVN.
            builder.runPlugged();
        }
        configuration.ifPresent(number -> engine.send(wanted, number));
        if (settled) {
            write();
        }
        report(settled);
    }

    /** Takes note of devices that came or went; whether any did. */
    private boolean takeDevices() {
        boolean any = false;
        for (Fact device : changedHere) {
            changedHere.remove(device);
            any = true;
            switch (device) {
                case Fact.Plugged(String port) -> {
                    if (take(plugged, port, devices.ports())) {
                        local.plug(port);
                    } else {
                        local.unplug(port);
                    }
                }
                case Fact.Provided(String port) -> take(services, port, devices.services());
                default -> throw new IllegalStateException("no device: " + device);
            }
            tell(device);
        }
        return any;
    }

    private static boolean take(
            Map<String, Entity.Device> from, String port, Map<String, Entity.Device> to) {
        Optional<Entity.Device> device = Optional.ofNullable(from.get(port));
        device.ifPresentOrElse(now -> to.put(port, now), () -> to.remove(port));
        return device.isPresent();
    }

    /** Tells a changed fact to all that follow from facts. */
    private void tell(Fact fact) {
        local.changed(fact);
        selection.changed(fact);
        builder.changed(fact);
        binder.changed(fact);
        switch (fact) {
            case Fact.Port(String name) -> unreported.add(name);
            case Fact.Plugged(String name) -> unreported.add(name);
            case Fact.Self ignored -> unreported.addAll(devices.ports().keySet());
            default -> {}
        }
    }

    private void liveChanged(String port) {
        binder.live(port);
        unreported.add(port);
    }

    private void tellServices() {
        Set<LocalService> now = builder.services();
        if (now != told) {
            told = now;
            listener.services(told);
        }
    }

    private void rename(Optional<Entity> before, Optional<Entity> after) {
        if (before.isPresent() && before.get() instanceof Entity.LogicalPort port) {
            portNames.remove(port.key());
        }
        if (after.isPresent() && after.get() instanceof Entity.LogicalPort port) {
            portNames.put(port.key(), port.name());
        }
    }

    /** Writes to the southbound database what differs there; one transaction at a time. */
    private void write() {
        if (writing || System.nanoTime() < writeAtNanos) {
            return;
        }
        List<Operation> operations = new ArrayList<>(binder.registration());
        if (operations.isEmpty() && portsKnown) {
            operations.addAll(binder.bindings(devices.ports()::containsKey, engine::isLive));
            engine.configuration()
                    .ifPresent(
                            number ->
                                    operations.addAll(
                                            binder.configuration(
                                                    number, System.currentTimeMillis())));
            if (operations.isEmpty()) {
                operations.addAll(
                        neighbors.next(model, System.nanoTime(), System.currentTimeMillis()));
            }
        }
        if (operations.isEmpty()) {
            writeFailed = false;
            return;
        }
        writing = true;
        replica.transact(operations, TRANSACTION_DEADLINE)
                .whenComplete(
                        (done, error) -> {
                            if (error != null) {
                                Throwable cause =
                                        error.getCause() == null ? error : error.getCause();
                                problem = "southbound: " + cause.getMessage();
                                LOG.log(System.Logger.Level.WARNING, problem);
                            } else {
                                problem = "";
                            }
                            writeFailed = error != null;
                            if (writeFailed) {
                                writeAtNanos = System.nanoTime() + RETRY_NANOS;
                            }
                            writing = false;
                            wake();
                        });
    }

    /** Publishes what is known, and calls the listener for ports whose readiness changed. */
    private void report(boolean settled) {
        unreported.forEach(this::report);
        unreported.clear();
        String trouble = problem.isEmpty() ? engine.problem() : problem;
        if (!replica.status().synced()) {
            trouble = replica.status().problem();
        } else if (!model.filled()) {
            trouble = "the southbound database is empty: northd has not filled it yet";
        }
        List<Refused> refused = builder.refused();
        tellRefused(refused);
        status =
                new Status(
                        settled,
                        engine.configuration().orElse(0),
                        flows,
                        wanted.size(),
                        builder.refusedCount(),
                        refused,
                        trouble);
    }

    private void report(String port) {
        if (!plugged.containsKey(port)) {
            ports.remove(port);
            return;
        }
        PortStatus now = portStatus(port);
        PortStatus before = ports.put(port, now);
        if (before == null ? now.ready() : before.ready() != now.ready()) {
            listener.portReady(port, now.ready());
        }
    }

    private PortStatus portStatus(String name) {
        Optional<String> obstacle = binder.obstacle(name);
        if (obstacle.isPresent()) {
            return new PortStatus(false, false, obstacle.get());
        }
        Row port = model.port(name).orElseThrow();
        if (!binder.bound(port)) {
            return new PortStatus(false, false, "not bound yet");
        }
        if (!engine.isLive(name)) {
            return new PortStatus(true, false, "flows are not in the engine yet");
        }
        return Binder.up(port)
                ? new PortStatus(true, true, "")
                : new PortStatus(true, false, "not reported up yet");
    }

    private void leave() {
        model.apply(pending.take().rows(), this::tell);
        try {
            replica.transactAndWait(binder.farewell(), FAREWELL_DEADLINE);
        } catch (OvsdbException e) {
            LOG.log(System.Logger.Level.WARNING, "the chassis' rows stay: " + e.getMessage());
        }
    }
}
