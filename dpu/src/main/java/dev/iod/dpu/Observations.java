package dev.iod.dpu;

import dev.iod.node.Observed;
import java.util.Optional;

/**
 * The newest whole observation, handed from the reconciler to the session. There is none before the
 * first pass: nothing must be said of servers nobody has looked at.
 */
final class Observations {
    private Optional<Observed> newest = Optional.empty();
    private long version;

    synchronized void put(Observed observed) {
        if (!newest.equals(Optional.of(observed))) {
            newest = Optional.of(observed);
            version++;
            notifyAll();
        }
    }

    synchronized Optional<Observed> newest() {
        return newest;
    }

    synchronized long version() {
        return version;
    }
}
