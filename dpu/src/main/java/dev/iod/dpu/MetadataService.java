package dev.iod.dpu;

import dev.iod.dpu.Namespaces.Place;
import dev.iod.node.Goal;
import dev.iod.node.Nic;
import dev.iod.node.Server;
import dev.iod.ovn.LocalService;
import dev.iod.runtime.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Metadata for the servers of this node: one {@link MetadataServer} for each network whose local
 * port the chassis wants provided. One thread makes it so; what fails is tried again. Namespaces
 * stay when the agent stops, so that it finds them again.
 */
final class MetadataService implements AutoCloseable {
    private static final Logger LOG = System.getLogger(MetadataService.class.getName());
    private static final String NETWORK_PREFIX = "neutron-";
    private static final int HTTP_PORT = 80;

    private final Namespaces namespaces;
    private final LocalServices network;
    private final AgentMetrics metrics;
    private final Map<LocalService, Running> running = new HashMap<>();
    private final Semaphore wake = new Semaphore(0);
    private final Thread thread;
    private volatile Set<LocalService> wanted = Set.of();
    private volatile Map<String, Client> clients = Map.of();
    private volatile boolean closed;

    private record Running(Place place, MetadataServer server) {}

    private record Client(Server server, Nic nic) {}

    MetadataService(Namespaces namespaces, LocalServices network, AgentMetrics metrics) {
        this.namespaces = namespaces;
        this.network = network;
        this.metrics = metrics;
        this.thread = Thread.ofPlatform().daemon().name("metadata").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** All services this chassis must provide now. */
    void services(Set<LocalService> services) {
        wanted = Set.copyOf(services);
        wake.release();
    }

    /** Whose metadata there is to give. */
    void goal(Goal goal) {
        Map<String, Client> next = new HashMap<>();
        for (Server server : goal.getServersList()) {
            for (Nic nic : server.getNicsList()) {
                next.put(nic.getPortId(), new Client(server, nic));
            }
        }
        clients = Map.copyOf(next);
    }

    /** What the client with this key on a network may read. */
    private Optional<MetadataTree> readable(LocalService service, int portKey) {
        return network.portName(service.datapathKey(), portKey)
                .flatMap(port -> Optional.ofNullable(clients.get(port)))
                .map(client -> MetadataDocuments.of(client.server, client.nic));
    }

    private void run() {
        Backoff backoff = Backoff.ofConnection();
        while (!closed) {
            Duration pause = Duration.ofSeconds(30);
            try {
                wake.drainPermits();
                pass(wanted);
                backoff.reset();
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "metadata is not complete", e);
                pause = backoff.next();
            }
            try {
                if (wake.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                    continue;
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void pass(Set<LocalService> services) {
        Set<LocalService> gone = new HashSet<>(running.keySet());
        gone.removeAll(services);
        for (LocalService service : gone) {
            Running stopped = running.remove(service);
            if (stopped != null) {
                stopped.server.close();
                network.withdraw(service);
                boolean used = services.stream().anyMatch(s -> place(s).equals(stopped.place));
                if (!used) {
                    namespaces.remove(stopped.place);
                }
                LOG.log(Level.INFO, "metadata stopped network={0}", service.network());
            }
        }
        for (LocalService service : services) {
            if (!running.containsKey(service)) {
                Place place = place(service);
                namespaces.ensure(place);
                MetadataServer server =
                        new MetadataServer(
                                place, HTTP_PORT, key -> readable(service, key), metrics);
                running.put(service, new Running(place, server));
                network.provide(service, place);
                LOG.log(Level.INFO, "metadata ready network={0}", service.network());
            }
        }
    }

    private Place place(LocalService service) {
        String name = service.network();
        return namespaces.place(
                name.startsWith(NETWORK_PREFIX) ? name.substring(NETWORK_PREFIX.length()) : name);
    }

    @Override
    public void close() {
        closed = true;
        Threads.stop(thread);
        running.values().forEach(r -> r.server.close());
    }
}
