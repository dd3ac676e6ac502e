package dev.iod.bench;

import java.nio.file.Path;

/** A switch that is measured: started for one run of one case, then ended. */
interface Side extends AutoCloseable {
    /** "ours" or "peer", which also names its networks. */
    String name();

    /** Waits until packets between the two ends would flow by the rules of the case. */
    void awaitReady();

    /** Connections in all zones now. */
    long connections();

    /** CPU time of the switch process so far, seconds. */
    double cpuSeconds();

    @Override
    void close();

    /** Makes a side for one run. */
    interface Factory {
        /**
         * @param sockets directory in which the generator listens on {@code a.sock} and {@code
         *     b.sock}
         */
        Side start(Case what, Path sockets);
    }
}
