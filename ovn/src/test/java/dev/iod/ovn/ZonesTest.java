package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ZonesTest {
    @TempDir Path directory;

    private Path file() {
        return directory.resolve("zones");
    }

    @Test
    void areTheSameAfterARestart() {
        var zones = new Zones(file());
        int a = zones.of("a");
        int b = zones.of("b with spaces");
        assertThat(zones.of("a")).isEqualTo(a).isNotEqualTo(b);
        zones.save();
        var again = new Zones(file());
        assertThat(again.of("b with spaces")).isEqualTo(b);
        assertThat(again.of("c")).isNotIn(a, b, 0);
        assertThat(again.of("a")).isEqualTo(a);
    }

    @Test
    void aFreedZoneIsUsedLast() {
        var zones = new Zones(file());
        int freed = zones.of("old");
        zones.retain(Set.of());
        var used = new HashSet<Integer>();
        for (int i = 0; i < 65534; i++) {
            used.add(zones.of("owner" + i));
        }
        assertThat(used).hasSize(65534).doesNotContain(0, freed);
        assertThat(zones.of("last")).isEqualTo(freed);
        assertThatThrownBy(() -> zones.of("one too many"))
                .isInstanceOfSatisfying(
                        OvnException.class,
                        e -> assertThat(e.category()).isEqualTo(OvnException.Category.LIMIT));
        zones.retain(Set.of("owner5"));
        assertThat(zones.of("one too many")).isPositive();
    }

    @Test
    void linesThatMakeNoSenseAreIgnored() throws Exception {
        Files.writeString(file(), "5 a\nnonsense\n70000 b\n5 twice\n-1 c\n\n7 d\n");
        var zones = new Zones(file());
        assertThat(zones.of("a")).isEqualTo(5);
        assertThat(zones.of("d")).isEqualTo(7);
        assertThat(zones.of("twice")).isNotIn(5, 7);
    }
}
