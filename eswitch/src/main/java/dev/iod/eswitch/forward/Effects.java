package dev.iod.eswitch.forward;

import dev.iod.eswitch.caches.FlowOutput;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.CompiledRule;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.DropReason;
import org.jspecify.annotations.Nullable;

/** What the pipeline does to the world; a trace writes it down instead. */
interface Effects {
    void toDevice(Packet p, int device);

    void toTunnel(Packet p, int address, long egressKey);

    /**
     * Sends as a known path says.
     *
     * @param last nothing else is done with the packet, so it may be rewritten
     */
    void send(Packet p, FlowOutput output, boolean last);

    void dropped(Packet p, DropReason reason);

    void neighborLearned(long port, Bits ip, long mac);

    void unsupported(String cookie, String what);

    /** Gives the packet a connection state in place of conntrack's, if one is assumed. */
    default boolean assumeConnection(Packet p) {
        return false;
    }

    /** Conntrack gave the packet its state. */
    default void tracked(Packet p, int zone) {}

    default void visited(Packet p, Stage stage, int table, @Nullable CompiledRule rule) {}
}
