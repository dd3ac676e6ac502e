package dev.iod.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Sets and maps of atoms beside those of the JDK. */
class AtomsTest {
    private static final long SEED = Long.getLong("seed", 20261130);

    private final Random random = new Random(SEED);

    private Atom atom() {
        return switch (random.nextInt(3)) {
            case 0 -> Value.of(random.nextInt(5));
            case 1 -> Value.of("text" + random.nextInt(5));
            default -> Value.of(new UUID(0, random.nextInt(5)));
        };
    }

    private List<Atom> atoms() {
        var atoms = new ArrayList<Atom>();
        for (int i = random.nextInt(6); i > 0; i--) {
            atoms.add(atom());
        }
        return atoms;
    }

    @Test
    void setsAreSets() {
        for (int i = 0; i < 5000; i++) {
            List<Atom> atoms = atoms();
            List<Atom> others = atoms();
            var set = Value.set(atoms).atoms();
            var expected = new HashSet<>(atoms);
            assertThat(set).as("seed %d", SEED).hasSameSizeAs(expected);
            assertThat(set.equals(expected)).isTrue();
            assertThat(expected.equals(set)).isTrue();
            assertThat(set).hasSameHashCodeAs(expected);
            assertThat(Value.set(atoms).equals(Value.set(others)))
                    .isEqualTo(expected.equals(new HashSet<>(others)));
            Collections.shuffle(atoms, random);
            assertThat(Value.set(atoms)).isEqualTo(new Value.Items(set));
            Atom one = atom();
            assertThat(set.contains(one)).isEqualTo(expected.contains(one));
        }
    }

    @Test
    void mapsAreMaps() {
        for (int i = 0; i < 5000; i++) {
            var expected = new LinkedHashMap<Atom, Atom>();
            atoms().forEach(key -> expected.put(key, atom()));
            Map<Atom, Atom> map = new Value.Entries(expected).atoms();
            assertThat(map.equals(expected)).as("seed %d", SEED).isTrue();
            assertThat(expected.equals(map)).isTrue();
            assertThat(map).hasSameHashCodeAs(expected);
            assertThat(List.copyOf(map.keySet())).isEqualTo(List.copyOf(expected.keySet()));
            Atom key = atom();
            assertThat(map.containsKey(key)).isEqualTo(expected.containsKey(key));
            assertThat(map.get(key)).isEqualTo(expected.get(key));
        }
    }

    @Test
    void whatComesAgainIsTheSameAtom() {
        var recent = new Recent();
        Atom text = recent.text("a");
        Atom number = recent.number(7);
        Atom ref = recent.ref(new UUID(1, 2));
        assertThat(recent.text(new String(new char[] {'a'}))).isSameAs(text);
        assertThat(recent.number(7)).isSameAs(number);
        assertThat(recent.ref(new UUID(1, 2))).isSameAs(ref);
        // More than there are places: what was forgotten is made again.
        for (int i = 0; i < 100_000; i++) {
            assertThat(recent.text("t" + i)).isEqualTo(Value.of("t" + i));
            assertThat(recent.number(i)).isEqualTo(Value.of(i));
        }
        assertThat(recent.text("a")).isEqualTo(text);
    }
}
