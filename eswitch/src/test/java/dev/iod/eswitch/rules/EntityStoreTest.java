package dev.iod.eswitch.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.rules.EntityStore.Change;
import dev.iod.eswitch.rules.PipelineState.DatapathState;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class EntityStoreTest {
    private final EntityStore store = new EntityStore();

    private static Entity.Rule rule(long id, int scope, Match match) {
        return new Entity.Rule(
                id, "r" + id, scope, Action.Stage.INGRESS, 0, 5, match, List.of(new Action.Drop()));
    }

    private static final Match ANY = new Match.Always();
    private static final Match IN_SET = new Match.In(Field.IP4_SRC, "set");

    private static Entity.SetMember set(long value) {
        return new Entity.SetMember("set", new Entity.Masked(Bits.of(value), Bits.ones(32)));
    }

    private static List<Entity> rows() {
        return List.of(
                new Entity.Datapath(1, "a", 0, 0),
                new Entity.Datapath(2, "b", 0, 0),
                new Entity.Datapath(3, "c", 0, 0),
                new Entity.DatapathGroup(9, new int[] {1, 2}),
                rule(1, -9, ANY),
                rule(2, 3, IN_SET),
                rule(3, 1, ANY),
                new Entity.MulticastGroup(1L << 16 | 0x8000, "m", new long[] {1L << 16 | 1}),
                set(7));
    }

    private static List<Change> puts(List<Entity> entities) {
        List<Change> changes = new ArrayList<>();
        entities.forEach(entity -> changes.add(new Change.Put(entity)));
        return changes;
    }

    @BeforeEach
    void fill() {
        store.apply(puts(rows()), false);
    }

    private long generation(int datapath) {
        DatapathState found = store.state().datapath(datapath);
        if (found == null) {
            throw new AssertionError("no datapath " + datapath);
        }
        return found.generation();
    }

    private Classifier[] table(int datapath) {
        DatapathState found = store.state().datapath(datapath);
        return found == null ? new Classifier[0] : found.table(Action.Stage.INGRESS, 0);
    }

    @Test
    void sharedRulesAreTheSameObject() {
        assertThat(table(1)).hasSize(2).contains(table(2)[0]);
        assertThat(table(3)).hasSize(1);
    }

    @Test
    void equalReplacementChangesNoGeneration() {
        long[] before = {generation(1), generation(2), generation(3)};
        store.apply(puts(rows()), true);
        assertThat(new long[] {generation(1), generation(2), generation(3)}).isEqualTo(before);
        assertThat(table(1)).hasSize(2);
    }

    @Test
    void replacementRemovesWhatItDoesNotName() {
        List<Entity> fewer = new ArrayList<>(rows());
        fewer.removeIf(entity -> entity instanceof Entity.Rule rule && rule.id() == 1);
        fewer.removeIf(entity -> entity instanceof Entity.Datapath d && d.key() == 2);
        store.apply(puts(fewer), true);
        assertThat(table(1)).hasSize(1);
        assertThat(store.state().datapath(2)).isNull();
    }

    @Test
    void onlyConcernedDatapathsGetANewGeneration() {
        long[] before = {generation(1), generation(2), generation(3)};
        store.apply(puts(List.of(set(8))), false);
        assertThat(generation(1)).isEqualTo(before[0]);
        assertThat(generation(3)).as("uses the set").isGreaterThan(before[2]);
        store.apply(puts(List.of(rule(1, -9, Match.equal(Field.REG0, 1)))), false);
        assertThat(generation(1)).isGreaterThan(before[0]);
        assertThat(generation(2)).isGreaterThan(before[1]);
        long third = generation(3);
        store.apply(puts(List.of(new Entity.Neighbor(2L << 16 | 1, Bits.of(5), 6))), false);
        assertThat(generation(3)).isEqualTo(third);
        assertThat(store.state().neighbor(2L << 16 | 1, 0, 5)).isEqualTo(6);
    }

    @Test
    void ruleThatMovesLeavesItsOldTable() {
        store.apply(puts(List.of(rule(3, 3, ANY))), false);
        assertThat(table(1)).hasSize(1);
        store.apply(List.of(new Change.Remove(EntityKey.rule(3))), false);
        store.apply(List.of(new Change.Remove(EntityKey.rule(2))), false);
        assertThat(table(3)).isEmpty();
    }

    @Test
    void aWrongRowLeavesEverythingAsItWas() {
        PipelineState before = store.state();
        List<Entity> bad =
                List.of(
                        rule(50, 1, ANY),
                        new Entity.MulticastGroup(
                                1L << 16 | 0x8001, "m", new long[] {2L << 16 | 1}));
        assertThatThrownBy(() -> store.apply(puts(bad), true))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("another datapath");
        assertThat(store.state()).isSameAs(before);
        store.apply(List.of(), false);
        assertThat(table(1)).hasSize(2);
    }

    @Test
    void whatCannotBeExecutedFailsClosed() {
        CompiledRule rule =
                CompiledRule.of(
                        new Entity.Rule(
                                1,
                                "r",
                                1,
                                Action.Stage.INGRESS,
                                0,
                                1,
                                ANY,
                                List.of(
                                        new Action.Set(Field.IP_PROTO.whole(), Bits.of(1)),
                                        new Action.Copy(Field.REG0.whole(), Field.L4_SRC.whole()),
                                        new Action.Clone(
                                                List.of(
                                                        new Action.ConntrackCommit(
                                                                Action.Zone.PORT,
                                                                List.of(new Action.Drop())))))));
        assertThat(rule.actions().get(0)).isInstanceOf(Action.Unsupported.class);
        assertThat(rule.actions().get(1)).isInstanceOf(Action.Unsupported.class);
        assertThat(rule.actions().get(2).toString()).contains("Unsupported");
    }
}
