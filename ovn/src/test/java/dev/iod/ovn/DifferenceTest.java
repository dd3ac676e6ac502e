package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.ovsdb.Condition;
import dev.iod.ovsdb.Endpoint;
import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * After any sequence of changes the state that was changed by difference is the one made anew of
 * the same rows: what the engine was told, what is refused, which services there are, and which
 * rows are asked for.
 */
class DifferenceTest {
    private static final long SEED = Long.getLong("seed", 20261129);
    private static final int ROUNDS = 5;
    private static final int STEPS = 400;

    @TempDir Path directory;

    /** Everything between the rows and the engine. */
    private final class Chain {
        final Map<String, List<Condition>> selected = new HashMap<>();
        final Map<EntityKey, Entity> engine = new HashMap<>();
        final LogicalPorts.Devices devices = new LogicalPorts.Devices();
        final Model model = new Model(RandomRows.CHASSIS);
        final LocalDatapaths local = new LocalDatapaths(model);
        final Selection selection = new Selection(model, local);
        final Wanted wanted = new Wanted((before, after) -> {});
        final StateBuilder builder;
        int sent;

        Chain() {
            var config =
                    new Chassis.Config(
                            RandomRows.CHASSIS,
                            RandomRows.CHASSIS,
                            "192.0.2.1",
                            List.of(new Endpoint.Unix(directory)),
                            Optional.empty(),
                            directory.resolve("zones"),
                            false);
            builder =
                    new StateBuilder(
                            model,
                            local,
                            devices,
                            new Binder(config, model),
                            new Zones(config.zoneFile()),
                            wanted);
        }

        private void tell(Fact fact) {
            local.changed(fact);
            selection.changed(fact);
            builder.changed(fact);
        }

        void apply(Map<String, Map<UUID, Optional<Row>>> changes) {
            model.apply(changes, this::tell);
            local.settle(this::tell);
        }

        void plug(String port, Optional<Entity.Device> device) {
            device.ifPresentOrElse(
                    d -> devices.ports().put(port, d), () -> devices.ports().remove(port));
            if (device.isPresent()) {
                local.plug(port);
            } else {
                local.unplug(port);
            }
            tell(new Fact.Plugged(port));
            local.settle(this::tell);
        }

        void provide(String port, Optional<Entity.Device> device) {
            device.ifPresentOrElse(
                    d -> devices.services().put(port, d), () -> devices.services().remove(port));
            tell(new Fact.Provided(port));
        }

        /** Runs and tells the engine. */
        void settle() {
            Map<String, List<Condition>> changes = selection.changes(true);
            while (!changes.isEmpty()) {
                selected.putAll(changes);
                changes = selection.changes(true);
            }
            builder.run();
            Engine.Change change = wanted.takeDifference();
            sent = change.put().size() + change.remove().size();
            change.remove().forEach(key -> assertThat(engine.remove(key)).isNotNull());
            // Nothing is said again: of a large set only the members that came or went.
            change.put()
                    .forEach(
                            entity ->
                                    assertThat(engine.put(EntityKey.of(entity), entity))
                                            .isNotEqualTo(entity));
        }
    }

    /** What entities say, without the numbers that were given in the order of their coming. */
    private static Set<String> said(Collection<Entity> entities) {
        Map<Integer, String> groups =
                entities.stream()
                        .filter(Entity.DatapathGroup.class::isInstance)
                        .map(Entity.DatapathGroup.class::cast)
                        .collect(
                                Collectors.toMap(
                                        g -> -g.id(), g -> Arrays.toString(g.datapaths())));
        return entities.stream()
                .map(entity -> said(entity, groups))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String said(Entity entity, Map<Integer, String> groups) {
        return switch (entity) {
            case Entity.Rule r ->
                    "rule %s of %s %s %d %d: %s => %s"
                            .formatted(
                                    r.cookie(),
                                    groups.getOrDefault(r.scope(), "" + r.scope()),
                                    r.stage(),
                                    r.table(),
                                    r.priority(),
                                    r.match(),
                                    r.actions()
                                            .toString()
                                            .replaceAll("options=\\[B@[0-9a-f]+", ""));
            case Entity.DatapathGroup g -> "group " + Arrays.toString(g.datapaths());
            case Entity.MulticastGroup g ->
                    "multicast " + g.key() + g.name() + Arrays.toString(g.ports());
            default -> entity.toString();
        };
    }

    @Test
    void changedStateIsTheStateMadeAnew() {
        System.out.println("DifferenceTest: seed " + SEED);
        int rules = 0;
        for (int round = 0; round < ROUNDS; round++) {
            rules += round(new SplittableRandom(SEED + round));
            assertThat(directory.resolve("zones").toFile().delete()).isTrue();
        }
        assertThat(rules).isGreaterThan(ROUNDS * STEPS);
    }

    private int round(SplittableRandom random) {
        var rows = new RandomRows(random);
        var chain = new Chain();
        int rules = 0;
        for (int step = 0; step < STEPS; step++) {
            // A port that is remembered beyond its row is history, which a new chain has not.
            boolean removals = random.nextInt(4) == 0;
            chain.apply(rows.change(removals));
            if (random.nextInt(5) == 0) {
                String port = RandomRows.PORTS.get(random.nextInt(6));
                chain.plug(port, device(random));
            }
            if (random.nextInt(12) == 0) {
                chain.provide("meta" + random.nextInt(4), device(random));
            }
            if (random.nextInt(40) == 0) {
                chain.builder.touchAll();
            }
            if (removals || random.nextBoolean()) {
                chain.settle();
                rules += check(chain, rows, step);
            }
        }
        return rules;
    }

    private static Optional<Entity.Device> device(SplittableRandom random) {
        int id = random.nextInt(4);
        return id == 0
                ? Optional.empty()
                : Optional.of(
                        new Entity.Device(
                                id, "d" + id, new Entity.Kind.VhostUser("/nowhere", id), 1500));
    }

    private int check(Chain chain, RandomRows rows, int step) {
        var anew = new Chain();
        anew.apply(rows.all());
        chain.devices.ports().forEach((port, device) -> anew.plug(port, Optional.of(device)));
        chain.devices.services().forEach((port, device) -> anew.provide(port, Optional.of(device)));
        anew.settle();
        String what = "seed " + SEED + " step " + step;
        assertSame(what, said(chain.wanted.all()), said(anew.wanted.all()));
        assertSame(what + ", engine", said(chain.engine.values()), said(anew.engine.values()));
        assertThat(Set.copyOf(chain.builder.refused()))
                .as(what)
                .isEqualTo(Set.copyOf(anew.builder.refused()));
        assertThat(chain.builder.services()).as(what).isEqualTo(anew.builder.services());
        assertThat(chain.selected).as(what).isEqualTo(anew.selected);
        return (int) chain.engine.values().stream().filter(Entity.Rule.class::isInstance).count();
    }

    private static void assertSame(String what, Set<String> changed, Set<String> anew) {
        var tooMuch = new TreeSet<>(changed);
        tooMuch.removeAll(anew);
        var missing = new TreeSet<>(anew);
        missing.removeAll(changed);
        assertThat(tooMuch).as(what + ": not in the state made anew; lacks %s", missing).isEmpty();
        assertThat(missing).as(what + ": missing").isEmpty();
    }

    @Test
    void nothingChangedIsNothingSent() {
        var rows = new RandomRows(new SplittableRandom(SEED));
        var chain = new Chain();
        for (int i = 0; i < 300; i++) {
            chain.apply(rows.change(false));
        }
        for (int i = 0; i < 6; i++) {
            int id = i;
            chain.plug(
                    "p" + i,
                    Optional.of(
                            new Entity.Device(
                                    id, "d", new Entity.Kind.VhostUser("/nowhere", id), 1500)));
        }
        chain.settle();
        assertThat(chain.sent).isPositive();
        chain.builder.touchAll();
        chain.apply(rows.all());
        chain.settle();
        assertThat(chain.sent).isZero();
    }
}
