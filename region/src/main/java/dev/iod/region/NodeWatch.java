package dev.iod.region;

import dev.iod.store.Database;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Notices nodes that have fallen silent. One thread, which looks every five seconds. */
public final class NodeWatch implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(NodeWatch.class.getName());
    private static final int LOOK_MILLIS = 5_000;

    private final Database database;
    private final List<NodeObserver> observers;
    private final Set<String> down = new HashSet<>();
    private final Thread thread;
    private volatile boolean stopped;

    /** Starts to watch. */
    public NodeWatch(Database database, List<Service> services) {
        this.database = database;
        this.observers = services.stream().flatMap(one -> one.observers().stream()).toList();
        this.thread = Thread.ofVirtual().name("node-watch").start(this::run);
    }

    @Override
    public void close() {
        stopped = true;
        thread.interrupt();
    }

    private void run() {
        while (!stopped) {
            try {
                // First: after a start the nodes get the time to come back.
                Thread.sleep(LOOK_MILLIS);
                look();
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "looking for silent nodes; trying again", e);
            }
        }
    }

    private void look() {
        List<Node> nodes = database.read(Nodes::all);
        for (Node node : nodes) {
            if (node.up()) {
                if (down.remove(node.name())) {
                    LOG.log(System.Logger.Level.INFO, "node is back node=" + node.name());
                }
            } else if (node.heartbeatAt().isPresent() && !down.contains(node.name())) {
                LOG.log(System.Logger.Level.WARNING, "node is down node=" + node.name());
                observers.forEach(observer -> observer.down(node.name()));
                // Only now: a failed attempt is made again.
                down.add(node.name());
            }
        }
    }
}
