package dev.iod.dpu;

import dev.iod.node.Goal;
import dev.iod.ovn.Chassis;
import dev.iod.ovn.LocalService;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.Set;

/**
 * Callbacks of what is constructed early (host client, chassis, caches) to what is constructed late
 * and depends on it. Events before {@link #connect} are dropped, because the first pass looks at
 * everything; the chassis' services, which are told only when they change, are kept until then.
 */
final class AgentEvents implements Chassis.Listener {
    private static final Logger LOG = System.getLogger(AgentEvents.class.getName());

    private Optional<Listeners> listeners = Optional.empty();
    private Set<LocalService> services = Set.of();

    private record Listeners(
            VirtClient virtClient, MetadataService metadata, RegionSession session) {}

    synchronized void connect(
            VirtClient virtClient, MetadataService metadata, RegionSession session) {
        listeners = Optional.of(new Listeners(virtClient, metadata, session));
        metadata.services(services);
    }

    /** Something may have changed on the node. */
    void wake() {
        connected().ifPresent(p -> p.virtClient.wake());
    }

    /** The observation changed. */
    void changed() {
        connected().ifPresent(p -> p.session.changed());
    }

    /** The region wants something else. */
    void goal(Goal goal) {
        connected()
                .ifPresent(
                        p -> {
                            p.metadata.goal(goal);
                            p.virtClient.take(goal);
                        });
    }

    @Override
    public void portReady(String port, boolean ready) {
        LOG.log(Level.INFO, "port={0} ready={1}", port, ready);
        wake();
    }

    @Override
    public synchronized void services(Set<LocalService> wanted) {
        services = Set.copyOf(wanted);
        listeners.ifPresent(p -> p.metadata.services(services));
    }

    private synchronized Optional<Listeners> connected() {
        return listeners;
    }
}
