package dev.iod.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LinearPatternTest {
    @Test
    void whatClientsSendIsTaken() {
        for (String pattern :
                List.of(
                        "",
                        "web",
                        "web-1",
                        "^web",
                        "^web-1$",
                        "web.*",
                        ".+-db",
                        "^a",
                        "node-[0-9]+",
                        "[^a]b?",
                        "a|b|^c$",
                        "10\\.0\\.0\\.1",
                        "tempest-ServersTest-instance-123456",
                        "gäst 7",
                        "日本",
                        "x".repeat(LinearPattern.MAX_LENGTH))) {
            assertThat(LinearPattern.accepts(pattern)).as(pattern).isTrue();
        }
    }

    @Test
    void whatMayTakeForEverIsRefused() {
        for (String pattern :
                List.of(
                        "(.+)(.+)(.+)\\3\\2\\1",
                        "(a)\\1",
                        "(a*)*",
                        "a{1,255}",
                        "a**",
                        "a*+",
                        "a*?b",
                        "(?i)a",
                        "(?=a)",
                        "***:(a)",
                        "*a",
                        "a|*",
                        "\\1",
                        "\\d",
                        "\\m",
                        "[[:alpha:]]",
                        "[a\\d]",
                        "[",
                        "a)",
                        "a^b",
                        "a$b",
                        "a\\",
                        "x".repeat(LinearPattern.MAX_LENGTH + 1))) {
            assertThat(LinearPattern.accepts(pattern)).as(pattern).isFalse();
        }
    }

    /** The check itself is linear: the longest patterns of any make are decided at once. */
    @Test
    void randomPatternsAreDecided() {
        long seed = 20_261;
        Random random = new Random(seed);
        String alphabet = "ab-.*+?^$|[]\\(){}019 ";
        int accepted = 0;
        for (int i = 0; i < 50_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(12); n > 0; n--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            if (LinearPattern.accepts(text.toString())) {
                accepted++;
                // What stands in a set or behind a backslash is a character.
                assertThat(text.toString().replaceAll("\\[\\^?[^]]+]|\\\\.", "x"))
                        .as("seed %d: %s", seed, text)
                        .doesNotContain("(", "{", "**", "+*", "?+", "\\");
            }
        }
        assertThat(accepted).isPositive();
    }
}
