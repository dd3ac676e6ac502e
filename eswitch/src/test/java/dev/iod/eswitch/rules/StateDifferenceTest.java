package dev.iod.eswitch.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.rules.EntityStore.Change;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Target;
import dev.iod.pipeline.EntityKey;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * After any sequence of transactions the state is the one that a store makes of all rows at once,
 * and only datapaths that a transaction concerns have another generation.
 */
final class StateDifferenceTest {
    private static final long SEED = Long.getLong("seed", 20261129);

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final Map<EntityKey, Entity> rows = new HashMap<>();

    @Test
    void changedStateIsTheStateMadeAnew() {
        System.out.println("StateDifferenceTest: seed " + SEED);
        EntityStore store = new EntityStore();
        for (int step = 0; step < 3000; step++) {
            PipelineState before = store.state();
            boolean replace = random.nextInt(200) == 0;
            store.apply(replace ? all() : transaction(), replace);
            EntityStore anew = new EntityStore();
            anew.apply(all(), true);
            assertThat(content(store.state()))
                    .as("seed %d, step %d", SEED, step)
                    .isEqualTo(content(anew.state()));
            if (replace) {
                assertThat(store.state().datapaths()).isSameAs(before.datapaths());
            }
        }
    }

    private List<Change> all() {
        List<Change> changes = new ArrayList<>();
        rows.values().forEach(row -> changes.add(new Change.Put(row)));
        return changes;
    }

    private List<Change> transaction() {
        List<Change> changes = new ArrayList<>();
        int count = random.nextInt(8) == 0 ? 60 : random.nextInt(6);
        for (int i = 0; i < count; i++) {
            Entity entity = entity();
            EntityKey key = EntityKey.of(entity);
            if (random.nextInt(3) == 0) {
                rows.remove(key);
                changes.add(new Change.Remove(key));
            } else {
                rows.put(key, entity);
                changes.add(new Change.Put(entity));
            }
        }
        return changes;
    }

    private Entity entity() {
        int datapath = 1 + random.nextInt(6);
        long port = (long) datapath << 16 | 1 + random.nextInt(4);
        return switch (random.nextInt(10)) {
            case 0 -> new Entity.Datapath(datapath, "d" + random.nextInt(2), 0, 0);
            case 1 -> new Entity.DatapathGroup(1 + random.nextInt(3), members());
            case 2 ->
                    new Entity.SetMember(
                            "set" + random.nextInt(3),
                            new Entity.Masked(
                                    Bits.of(random.nextInt(4)), Bits.ones(1 + random.nextInt(3))));
            case 3, 4 -> new Entity.LogicalPort(port, "p", target(), 0, Optional.empty());
            case 5 ->
                    new Entity.MulticastGroup(
                            (long) datapath << 16 | 0x8000, "m", new long[] {port});
            case 6 -> new Entity.Neighbor(port, Bits.of(random.nextInt(3)), random.nextInt(3));
            case 7 -> {
                int id = random.nextInt(4);
                int mtu = 1400 + random.nextInt(2);
                yield new Entity.Device(id, "d", new Entity.Kind.VhostUser("/nowhere", id), mtu);
            }
            default -> rule();
        };
    }

    private int[] members() {
        return random.ints(random.nextInt(4), 1, 7).distinct().toArray();
    }

    private Target target() {
        return switch (random.nextInt(4)) {
            case 0 -> new Target.Local(random.nextInt(4));
            case 1 -> new Target.Remote(1 + random.nextInt(3));
            case 2 -> new Target.Peer(0x10001);
            default -> new Target.Nowhere();
        };
    }

    private Entity.Rule rule() {
        boolean shared = random.nextBoolean();
        int scope = shared ? -1 - random.nextInt(3) : 1 + random.nextInt(6);
        Match match =
                switch (random.nextInt(3)) {
                    case 0 -> new Match.In(Field.IP4_SRC, "set" + random.nextInt(3));
                    case 1 -> Match.equal(Field.REG0, random.nextInt(40));
                    default -> new Match.Always();
                };
        return new Entity.Rule(
                random.nextInt(150),
                "c",
                scope,
                Action.Stage.values()[random.nextInt(2)],
                random.nextInt(3),
                random.nextInt(3),
                match,
                List.of(new Action.Drop()));
    }

    /** All that a state says but for generations and the order of equal priorities. */
    private static Map<String, Object> content(PipelineState state) {
        Map<String, Object> content = new TreeMap<>();
        state.datapaths().forEach((key, d) -> content.put("datapath " + key, content(d)));
        state.ports().forEach((key, port) -> content.put("port " + key, port));
        state.multicastGroups().forEach((key, group) -> content.put("group " + key, group));
        state.neighbors().forEach((key, mac) -> content.put("neighbor " + key, mac));
        state.sets().forEach((name, set) -> content.put("set " + name, set.toString()));
        state.devices().forEach((id, device) -> content.put("device " + id, device));
        state.portOfDevice().forEach((id, port) -> content.put("port of " + id, port));
        content.put("tunnels", state.tunnelAddresses());
        return content;
    }

    private static String content(DatapathState state) {
        StringBuilder text = new StringBuilder(state.row().toString());
        for (int number = 0; number < state.tables().length; number++) {
            List<String> rules = new ArrayList<>();
            int last = Integer.MAX_VALUE;
            for (Classifier classifier : state.tables()[number]) {
                assertThat(classifier.maxPriority()).isLessThanOrEqualTo(last);
                last = classifier.maxPriority();
                classifier.forEach(rule -> rules.add(rule.rule().toString()));
            }
            rules.sort(null);
            if (!rules.isEmpty()) {
                text.append('\n').append(number).append(rules);
            }
        }
        return text.toString();
    }

    @Test
    void onlyWhatATransactionConcernsHasAnotherGeneration() {
        EntityStore store = new EntityStore();
        List<Change> changes = new ArrayList<>();
        int[] members = {1, 2, 3, 4, 5};
        for (int datapath = 1; datapath <= 6; datapath++) {
            changes.add(new Change.Put(new Entity.Datapath(datapath, "d", 0, 0)));
        }
        changes.add(new Change.Put(new Entity.DatapathGroup(1, members)));
        store.apply(changes, true);
        long[] before = generations(store);
        int[] more = {1, 2, 3, 4, 5, 6};
        store.apply(List.of(new Change.Put(new Entity.DatapathGroup(1, more))), false);
        long[] after = generations(store);
        assertThat(Arrays.copyOf(after, 5)).isEqualTo(Arrays.copyOf(before, 5));
        assertThat(after[5]).as("joined the group").isGreaterThan(before[5]);
        assertThat(store.state().tunnelAddresses()).isEqualTo(Set.of());
    }

    private static long[] generations(EntityStore store) {
        long[] generations = new long[6];
        store.state()
                .datapaths()
                .forEach((key, state) -> generations[key - 1] = state.generation());
        return generations;
    }
}
