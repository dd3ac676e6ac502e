package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.dpu.Ledger.Entry;
import dev.iod.dpu.Ledger.Phase;
import dev.iod.runtime.Config;
import dev.iod.runtime.SetupException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settings, and the small files in which the agent remembers. */
class FilesTest {
    @TempDir Path directory;

    private static Map<String, String> settings() {
        Map<String, String> values = new HashMap<>();
        values.put("node", "n1");
        values.put("region", "127.0.0.1:7001");
        values.put("identity", "identity");
        values.put("southbound", "ssl:127.0.0.1:6642");
        values.put("engine", "eswitch.sock");
        values.put("block", "block.sock");
        values.put("host", "host.sock");
        values.put("directory", ".");
        values.put("encapsulation", "172.16.0.1");
        values.put("instance", "iod-ab12-n1");
        values.put("vcpus", "8");
        values.put("memory-mib", "4096");
        return values;
    }

    @Test
    void settingsAreChecked() {
        Settings good = Settings.of(Config.of(settings(), directory));
        assertThat(good.identity()).isEqualTo(directory.resolve("identity"));
        assertThat(good.token()).isEmpty();
        Map<String, String> bad = settings();
        bad.put("node", "n 1");
        assertThatThrownBy(() -> Settings.of(Config.of(bad, directory)))
                .isInstanceOf(DpuException.class)
                .hasMessageContaining("node = n 1");
        Map<String, String> unknown = settings();
        unknown.put("vcpu", "8");
        assertThatThrownBy(() -> Settings.of(Config.of(unknown, directory)))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("vcpu");
    }

    @Test
    void theLedgerIsReadBackAndSurvivesNonsense() throws IOException {
        Path file = directory.resolve("servers");
        Ledger ledger = Ledger.open(file);
        ledger.put("a", new Entry(3, 1, Phase.RAN));
        ledger.put("b", new Entry(1, 0, Phase.STARTING));
        ledger.remove("b");
        Files.writeString(file, Files.readString(file) + "c x y z\nd 1 2 NEVER\n\n");
        Ledger again = Ledger.open(file);
        assertThat(again.entry("a")).contains(new Entry(3, 1, Phase.RAN));
        assertThat(again.entry("b")).isEmpty();
        assertThat(again.entry("c")).isEmpty();
        assertThat(again.entry("d")).isEmpty();
    }

    @Test
    void deviceNumbersStayAndAreUsedAgain() {
        Path file = directory.resolve("devices");
        DeviceIds ids = DeviceIds.open(file);
        assertThat(ids.of("a")).isEqualTo(1);
        assertThat(ids.of("b")).isEqualTo(2);
        ids.release("a");
        DeviceIds again = DeviceIds.open(file);
        assertThat(again.of("b")).isEqualTo(2);
        assertThat(again.of("c")).isEqualTo(1);
    }

    @Test
    void deviceNumbersAreBounded() throws IOException {
        Path file = directory.resolve("devices");
        StringBuilder full = new StringBuilder();
        for (int i = 1; i <= DeviceIds.LIMIT; i++) {
            full.append('p').append(i).append(' ').append(i).append('\n');
        }
        Files.writeString(file, full);
        DeviceIds ids = DeviceIds.open(file);
        assertThat(ids.of("p7")).isEqualTo(7);
        assertThatThrownBy(() -> ids.of("one-more"))
                .isInstanceOf(DpuException.class)
                .hasMessageContaining("4096");
    }

    @Test
    void ethernetAddresses() {
        assertThat(ChassisNetwork.mac("fa:16:3e:00:00:01")).isEqualTo(0xfa163e000001L);
        assertThatThrownBy(() -> ChassisNetwork.mac("fa:16")).isInstanceOf(DpuException.class);
        assertThatThrownBy(() -> ChassisNetwork.mac("zz:16:3e:00:00:01"))
                .isInstanceOf(DpuException.class);
    }
}
