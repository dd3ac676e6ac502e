package dev.iod.ovn;

import dev.iod.eswitch.EngineEvent;
import dev.iod.eswitch.Entity;
import dev.iod.ovsdb.Endpoint;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLContext;

/**
 * An OVN chassis: registers in the southbound database, binds the ports it is given, and keeps the
 * engine's tables equal to what the logical flows of its networks say. Everything is
 * level-triggered: calls say what should be, work happens in the chassis' own thread, and a lost
 * database or engine withdraws nothing.
 */
public final class Chassis implements AutoCloseable {
    /**
     * @param name of the chassis; with TLS it must equal the certificate's common name
     * @param encapIp IPv4 address of this chassis' Geneve tunnels
     * @param endpoints of the southbound database
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
        /** The flows of a plugged port are live, or (not ready) no longer certain to be. */
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

    /** A logical flow this chassis does not execute; packets that meet it are dropped. */
    public record Refused(String flow, String stage, String reason) {}

    /**
     * @param connected to the southbound database, rows current
     * @param configuration last nb_cfg that is live in the engine
     * @param refused flows not executed, at most {@link #REFUSED_LIMIT} of them
     */
    public record Status(
            boolean connected,
            long configuration,
            int flows,
            int entities,
            int refusedCount,
            List<Refused> refused,
            String problem) {}

    /** How many refused flows {@link #status} names. */
    public static final int REFUSED_LIMIT = 256;

    private Chassis() {}

    /** Starts connecting; returns at once. */
    public static Chassis open(Config config, Engine engine, Listener listener) {
        throw new UnsupportedOperationException("in the next commit");
    }

    /** Gives a logical port (OVN's iface-id) a device; again with another device to change it. */
    public void plug(String port, Entity.Device device) {
        throw new UnsupportedOperationException("in the next commit");
    }

    /** Takes a port away: released in the database, its device removed from the engine. */
    public void unplug(String port) {
        throw new UnsupportedOperationException("in the next commit");
    }

    /** Gives a local service its device ({@link Entity.Kind.Service}). */
    public void provide(String servicePort, Entity.Device device) {
        throw new UnsupportedOperationException("in the next commit");
    }

    /** The state of a plugged port; empty when it is not plugged. */
    public Optional<PortStatus> port(String port) {
        throw new UnsupportedOperationException("in the next commit");
    }

    /** The logical port with these tunnel keys, on a network of this chassis. */
    public Optional<String> portName(int datapathKey, int portKey) {
        throw new UnsupportedOperationException("in the next commit");
    }

    /** The engine (again) lost what it knew, or was connected: it is given the whole state. */
    public void engineConnected() {
        throw new UnsupportedOperationException("in the next commit");
    }

    /** Takes an event of the engine; others than learned neighbours are ignored. */
    public void engineEvent(EngineEvent event) {
        throw new UnsupportedOperationException("in the next commit");
    }

    public Status status() {
        throw new UnsupportedOperationException("in the next commit");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("in the next commit");
    }
}
