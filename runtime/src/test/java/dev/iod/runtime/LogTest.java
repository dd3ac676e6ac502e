package dev.iod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class LogTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong();
    private final LineSink sink =
            new LineSink(new PrintStream(out, true, StandardCharsets.UTF_8), nanos::get);
    private final System.Logger logger = new LineLogger("dev.iod.x", Level.INFO, sink);

    private String[] lines() {
        return out.toString(StandardCharsets.UTF_8).split("\n", -1);
    }

    @Test
    void oneLineWhateverIsInIt() {
        String line =
                LogLine.of(
                        Instant.parse("2026-01-02T03:04:05.678901Z"),
                        Level.INFO,
                        "dev.iod.x",
                        "joined node=n1\r\nforged",
                        Optional.empty());
        assertThat(line)
                .isEqualTo("2026-01-02T03:04:05.678Z INFO dev.iod.x joined node=n1 \\nforged\n");
    }

    @Test
    void tellsAFailureWithItsCause() {
        logger.log(
                Level.WARNING,
                "lost",
                new IllegalStateException("a\nb", new RuntimeException("c")));
        assertThat(lines()).hasSize(2);
        assertThat(lines()[0])
                .contains("error=\"java.lang.IllegalStateException: a\\nb\"")
                .contains("cause=\"java.lang.RuntimeException: c\"")
                .contains("at=LogTest.java:");
    }

    @Test
    void fillsParametersInAndKeepsLevels() {
        logger.log(Level.INFO, "port={0} state={1}", 12345, "up");
        logger.log(Level.DEBUG, "not written");
        assertThat(lines()).hasSize(2);
        assertThat(lines()[0]).endsWith("port=12345 state=up");
        assertThat(LogLine.levels("DEBUG, a.b=warning,c=nonsense"))
                .isEqualTo(Map.of("", Level.DEBUG, "a.b", Level.WARNING));
    }

    @Test
    void longLinesAreCut() {
        logger.log(Level.INFO, "x".repeat(100_000));
        assertThat(lines()[0]).hasSize(LogLine.LIMIT).endsWith("...");
    }

    @Test
    void aFloodIsLimitedAndCounted() {
        for (int i = 0; i < LineSink.BURST + 50; i++) {
            logger.log(Level.INFO, "again");
        }
        assertThat(lines()).hasSize(LineSink.BURST + 1);
        nanos.addAndGet(1_000_000_000L);
        logger.log(Level.INFO, "later");
        assertThat(lines()[LineSink.BURST]).contains("records left out count=50");
        assertThat(lines()[LineSink.BURST + 1]).endsWith("later");
    }

    @Test
    void theJdkFindsIt() {
        assertThat(System.getLogger("dev.iod.test")).isInstanceOf(LineLogger.class);
    }
}
