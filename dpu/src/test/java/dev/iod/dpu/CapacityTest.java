package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.runtime.Config;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a node offers, of machines of every size. */
class CapacityTest {
    private static final Capacity MACHINE = new Capacity(16, 32_768);

    private static Capacity offered(Capacity machine, String... keysAndValues) {
        Map<String, String> values = new HashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            values.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        Config config = Config.of(values, Path.of("."));
        Capacity capacity = Capacity.of(config, machine);
        config.finish();
        return capacity;
    }

    @Test
    void offersTheMachineLessWhatItNeedsItself() {
        assertThat(offered(MACHINE)).isEqualTo(new Capacity(16, 31_744));
        assertThat(offered(MACHINE, "reserved-vcpus", "2", "reserved-memory-mib", "768"))
                .isEqualTo(new Capacity(14, 32_000));
    }

    @Test
    void nodesOfOneMachineShareIt() {
        assertThat(offered(MACHINE, "nodes-on-machine", "2")).isEqualTo(new Capacity(8, 15_872));
        assertThat(offered(new Capacity(1, 4096), "nodes-on-machine", "2"))
                .as("processors are shared in time")
                .isEqualTo(new Capacity(1, 1536));
    }

    @Test
    void theConfigurationOverridesEachAlone() {
        assertThat(offered(MACHINE, "vcpus", "64")).isEqualTo(new Capacity(64, 31_744));
        assertThat(offered(MACHINE, "memory-mib", "64", "nodes-on-machine", "2"))
                .isEqualTo(new Capacity(8, 64));
        assertThat(offered(new Capacity(1, 100), "memory-mib", "512"))
                .isEqualTo(new Capacity(1, 512));
    }

    @Test
    void aMachineWithNothingToOfferSaysSo() {
        assertThatThrownBy(() -> offered(new Capacity(4, 1087)))
                .isInstanceOf(DpuException.class)
                .hasMessageContaining("has 4 processors and 1087 MiB")
                .hasMessageContaining("1024 MiB reserved");
        assertThat(offered(new Capacity(4, 1088)).memoryMib()).isEqualTo(64);
        assertThatThrownBy(() -> offered(MACHINE, "reserved-vcpus", "16"))
                .isInstanceOf(DpuException.class)
                .hasMessageContaining("nothing is left");
    }

    @Test
    void thisMachineIsSeenAsItsKernelTellsIt() throws IOException {
        long totalMib =
                Files.readAllLines(Path.of("/proc/meminfo")).stream()
                        .filter(line -> line.startsWith("MemTotal:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
                        .sum();
        Capacity machine = Capacity.ofMachine();
        assertThat(machine.memoryMib()).isPositive().isLessThanOrEqualTo(totalMib);
        assertThat(machine.vcpus()).isPositive();
    }
}
