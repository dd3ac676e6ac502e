package dev.iod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigTest {
    @TempDir Path directory;

    @Test
    void readsTypedValues() throws IOException {
        Path file = directory.resolve("dpu.properties");
        Files.writeString(
                file,
                "node = n1\nregion=[::1]:7000\nvcpus=2\nidentity=id\nnames = a, b ,\nkvm=true\n");
        Config config = Config.load(file);
        assertThat(config.text("node")).isEqualTo("n1");
        assertThat(config.address("region").getPort()).isEqualTo(7000);
        assertThat(config.address("region").getAddress().isLoopbackAddress()).isTrue();
        assertThat(config.integer("vcpus", 1, 64)).isEqualTo(2);
        assertThat(config.path("identity")).isEqualTo(directory.resolve("id"));
        assertThat(config.list("names")).containsExactly("a", "b");
        assertThat(config.flag("kvm", false)).isTrue();
        assertThat(config.textIf("token")).isEmpty();
        config.finish();
    }

    @Test
    void refusesUnknownKeysAndNamesTheKnownOnes() {
        Config config = Config.of(Map.of("node", "n1", "nod", "n1"), directory);
        config.text("node");
        assertThatThrownBy(config::finish)
                .isInstanceOf(SetupException.class)
                .hasMessage("settings: unknown key nod; known are node");
    }

    @Test
    void saysWhatIsWrong() {
        Config config = Config.of(Map.of("vcpus", "many", "port", "0", "a", "b:c"), directory);
        assertThatThrownBy(() -> config.text("node")).hasMessage("settings: node is missing");
        assertThatThrownBy(() -> config.number("vcpus", 1, 2))
                .hasMessage("settings: vcpus = many is not a whole number");
        assertThatThrownBy(() -> config.number("port", 1, 2))
                .hasMessage("settings: port = 0 is not a number from 1 to 2");
        assertThatThrownBy(() -> config.address("a")).hasMessageContaining("host:port");
        assertThatThrownBy(() -> config.flag("a", true)).hasMessageContaining("true or false");
        assertThatThrownBy(() -> Config.load(directory.resolve("none")))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("none");
    }
}
