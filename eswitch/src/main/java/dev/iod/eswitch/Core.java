package dev.iod.eswitch;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.caches.FlowTable;
import dev.iod.eswitch.caches.PathCache;
import dev.iod.eswitch.connections.ConnectionTable;
import dev.iod.eswitch.connections.Conntrack;
import dev.iod.eswitch.connections.Senders;
import dev.iod.eswitch.forward.EventQueue;
import dev.iod.eswitch.forward.PacketEngine;
import dev.iod.eswitch.tunnel.Tunnels;
import dev.iod.eswitch.tunnel.Underlay;

/**
 * What one engine thread owns and no other touches: all that a packet meets between two ports.
 * There is one; a second thread would get a core of its own, and shares with the first only the
 * immutable pipeline state and the underlay's next hops.
 *
 * @param events emptied by other threads, filled by the owner alone
 */
public record Core(
        Counters counters,
        Conntrack conntrack,
        FlowTable flows,
        PathCache paths,
        EventQueue events,
        PacketEngine packets) {

    /**
     * @param flows most cached flows
     * @param encapsulationAddress IPv4 address of this end of all tunnels, host order
     */
    public static Core of(
            ConnectionTable connections,
            int flows,
            EngineConfig.Limits limits,
            Underlay underlay,
            int encapsulationAddress) {
        Counters counters = new Counters();
        EventQueue events = new EventQueue(counters);
        Conntrack conntrack =
                new Conntrack(
                        connections,
                        new Conntrack.Limits(
                                limits.connectionsPerZone(), limits.connectionsPerPort()),
                        counters);
        FlowTable table = new FlowTable(flows, limits.flowsPerPort(), counters);
        PathCache paths = new PathCache(counters);
        PacketEngine packets =
                new PacketEngine(
                        counters,
                        conntrack,
                        table,
                        paths,
                        events,
                        new Senders(limits.missesPerRemotePort()),
                        new Tunnels(underlay, encapsulationAddress));
        return new Core(counters, conntrack, table, paths, events, packets);
    }
}
