package dev.iod.eswitch.rules;

import dev.iod.eswitch.packet.Looks;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.Action.Stage;
import dev.iod.pipeline.Entity;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All the agent told the engine, ready to run packets through. Immutable: the control thread builds
 * the next one from the last, sharing what did not change, and the engine thread swaps it in whole.
 */
public record PipelineState(
        PersistentMap<Integer, DatapathState> datapaths,
        PersistentMap<Long, Entity.LogicalPort> ports,
        PersistentMap<Long, Entity.MulticastGroup> multicastGroups,
        PersistentMap<NeighborKey, Long> neighbors,
        PersistentMap<String, SetMatcher> sets,
        PersistentMap<Integer, Entity.Device> devices,
        PersistentMap<Integer, Long> portOfDevice,
        Set<Integer> tunnelAddresses) {

    public static final PipelineState EMPTY =
            new PipelineState(
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    PersistentMap.empty(),
                    Set.of());

    record NeighborKey(long port, long ipHigh, long ipLow) {}

    /**
     * @param generation changes whenever anything changed that this datapath's rules can see
     */
    public record DatapathState(Entity.Datapath row, long generation, Classifier[][] tables) {
        private static final Classifier[] NONE = {};

        /** Classifiers of a table, own and shared; empty when it has no rules. */
        Classifier[] table(Stage stage, int table) {
            int number = tableNumber(stage, table);
            return number < tables.length ? tables[number] : NONE;
        }

        static int tableNumber(Stage stage, int table) {
            return table << 1 | stage.ordinal();
        }
    }

    SetMatcher set(String name) {
        SetMatcher found = sets.get(name);
        return found == null ? SetMatcher.EMPTY : found;
    }

    public @Nullable DatapathState datapath(int key) {
        return datapaths.get(key);
    }

    public Entity.@Nullable LogicalPort port(long key) {
        return ports.get(key);
    }

    /** 0 when the neighbour is not known. */
    public long neighbor(long port, long ipHigh, long ipLow) {
        Long mac = neighbors.get(new NeighborKey(port, ipHigh, ipLow));
        return mac == null ? 0 : mac;
    }

    /** The rule of the highest priority that matches, of the datapath's own and shared rules. */
    public @Nullable CompiledRule find(
            DatapathState datapath, Stage stage, int table, Packet packet, Looks looks) {
        CompiledRule best = null;
        int above = Integer.MIN_VALUE;
        for (Classifier classifier : datapath.table(stage, table)) {
            CompiledRule found = classifier.find(packet, this, above, looks);
            if (found != null) {
                best = found;
                above = found.priority();
            }
        }
        return best;
    }
}
