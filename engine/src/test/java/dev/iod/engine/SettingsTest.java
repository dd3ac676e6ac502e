package dev.iod.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong in a settings file is said with what was expected. */
final class SettingsTest {
    @TempDir Path directory;

    private Settings settings(String text) throws IOException {
        Path file = directory.resolve("engine.properties");
        Files.writeString(file, text);
        return Settings.read(file, Set.of("a", "b"));
    }

    @Test
    void readsWhatIsThere() throws IOException {
        Settings settings = settings("a= 7 \nb=on\n");
        assertThat(settings.required("a")).isEqualTo("7");
        assertThat(settings.number("a", 1, 7, 7)).isEqualTo(7);
        assertThat(settings.either("b", "off", "on", "off")).isTrue();
    }

    @Test
    void takesDefaultsForWhatIsNot() throws IOException {
        Settings settings = settings("b=\n");
        assertThat(settings.has("a")).isFalse();
        assertThat(settings.has("b")).isFalse();
        assertThat(settings.number("a", 3, 0, 9)).isEqualTo(3);
        assertThat(settings.either("a", "off", "on", "off")).isFalse();
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        assertThatThrownBy(() -> settings("a=1\nc=2\n"))
                .isInstanceOf(EngineException.class)
                .hasMessage("unknown settings [c]; known are [a, b]");
        Path missing = directory.resolve("missing");
        assertThatThrownBy(() -> Settings.read(missing, Set.of()))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("cannot read " + missing);
    }

    @Test
    void refusesValuesOutOfRange() throws IOException {
        Settings settings = settings("a=10\nb=x\n");
        assertThat(settings.number("a", 0, 10, 10)).isEqualTo(10);
        assertThatThrownBy(() -> settings.number("a", 0, 0, 9))
                .hasMessage("a must be 0 to 9, not 10");
        assertThatThrownBy(() -> settings.number("a", 0, 11, 20))
                .hasMessage("a must be 11 to 20, not 10");
        assertThatThrownBy(() -> settings.number("b", 0, 0, 9))
                .hasMessage("b must be a number, not \"x\"");
        assertThatThrownBy(() -> settings.either("b", "on", "on", "off"))
                .hasMessage("b must be on or off, not \"x\"");
    }
}
