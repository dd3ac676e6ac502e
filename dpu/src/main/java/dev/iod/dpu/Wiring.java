package dev.iod.dpu;

import dev.iod.node.Goal;
import dev.iod.ovn.Chassis;
import dev.iod.ovn.LocalService;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.Set;

/**
 * The calls that go from parts made early to parts made late. Before {@link #connect} nothing is
 * called; the chassis' services, which are told only when they change, are kept until then.
 */
final class Wiring implements Chassis.Listener {
    private static final Logger LOG = System.getLogger(Wiring.class.getName());

    private Optional<Parts> parts = Optional.empty();
    private Set<LocalService> services = Set.of();

    private record Parts(VirtClient virtClient, MetadataService metadata, Session session) {}

    synchronized void connect(VirtClient virtClient, MetadataService metadata, Session session) {
        parts = Optional.of(new Parts(virtClient, metadata, session));
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
        parts.ifPresent(p -> p.metadata.services(services));
    }

    private synchronized Optional<Parts> connected() {
        return parts;
    }
}
