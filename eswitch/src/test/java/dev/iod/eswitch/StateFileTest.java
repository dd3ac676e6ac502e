package dev.iod.eswitch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.rules.EntityStore.Change;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kept state is that of the last complete transaction, wherever the engine was killed. */
final class StateFileTest {
    private static final long SEED = 20261122;

    @TempDir Path directory;

    private static Entity row(int key, int version) {
        return new Entity.Datapath(key, "version " + version, 0, 0);
    }

    /** The rows as they should be, and their transactions. */
    private final class Agent {
        final SplittableRandom random = new SplittableRandom(SEED);
        final Map<EntityKey, Entity> rows = new HashMap<>();
        final StateFile file = new StateFile(directory);
        int version;

        void transaction() {
            List<Change> changes = new ArrayList<>();
            boolean replace = random.nextInt(20) == 0;
            if (replace) {
                rows.clear();
            }
            for (int i = random.nextInt(20); i >= 0; i--) {
                Entity row = row(random.nextInt(50), ++version);
                if (replace || random.nextInt(3) > 0) {
                    changes.add(new Change.Put(row));
                    rows.put(EntityKey.of(row), row);
                } else {
                    changes.add(new Change.Remove(EntityKey.of(row)));
                    rows.remove(EntityKey.of(row));
                }
            }
            file.append(changes, replace, rows.values());
        }
    }

    private Set<Entity> read() {
        return Set.copyOf(new StateFile(directory).read());
    }

    @Test
    void everyTransactionIsKept() {
        assertThat(read()).isEmpty();
        Agent agent = new Agent();
        for (int i = 0; i < 300; i++) {
            agent.transaction();
            assertThat(read()).isEqualTo(Set.copyOf(agent.rows.values()));
        }
    }

    @Test
    void aTransactionThatWasCutOffDoesNotCount() throws IOException {
        Agent agent = new Agent();
        agent.transaction();
        Set<Entity> before = Set.copyOf(agent.rows.values());
        Path path = directory.resolve("state");
        int size = (int) Files.size(path);
        agent.transaction();
        byte[] all = Files.readAllBytes(path);
        assertThat(all.length).as("appended").isGreaterThan(size);
        for (int end = size; end < all.length; end++) {
            Files.write(path, Arrays.copyOf(all, end));
            assertThat(read()).isEqualTo(before);
        }
        Files.write(path, all);
        assertThat(read()).isEqualTo(Set.copyOf(agent.rows.values()));
    }

    @Test
    void damageIsNoticedAndTheFileDoesNotGrowForEver() throws IOException {
        Agent agent = new Agent();
        Set<Set<Entity>> earlier = new HashSet<>(Set.of(Set.of()));
        for (int i = 0; i < 29; i++) {
            agent.transaction();
            earlier.add(Set.copyOf(agent.rows.values()));
        }
        agent.transaction();
        assertThat(earlier).hasSize(30).doesNotContain(Set.copyOf(agent.rows.values()));
        Path path = directory.resolve("state");
        byte[] all = Files.readAllBytes(path);
        for (int i = 0; i < 2000; i++) {
            byte[] bad = all.clone();
            bad[agent.random.nextInt(bad.length)] ^= (byte) (1 << agent.random.nextInt(8));
            Files.write(path, bad);
            // Nothing, or what was true after some transaction: a bad length may look like the end.
            assertThat(read()).as("change %d", i).isIn(earlier);
        }
        for (int i = 0; i < 20_000; i++) {
            agent.transaction();
        }
        assertThat(Files.size(path)).isLessThan(4 << 20);
        assertThat(read()).isEqualTo(Set.copyOf(agent.rows.values()));
    }
}
