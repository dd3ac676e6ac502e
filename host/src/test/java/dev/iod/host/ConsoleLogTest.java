package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConsoleLogTest {
    @TempDir Path directory;

    @Test
    void keepsTheNewestOutputWithinItsBound() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        Path file = directory.resolve("console.log");
        while (all.size() < 4 * ConsoleLog.MAX_BYTES) {
            byte[] output = new byte[random.nextInt(300_000)];
            random.nextBytes(output);
            all.write(output);
            new ConsoleLog(file).append(output); // As after a restart, each time.
            assertThat(size()).as("seed " + seed).isLessThanOrEqualTo(ConsoleLog.MAX_BYTES);
        }
        byte[] expected = all.toByteArray();
        int kept = ConsoleLog.MAX_BYTES / 2; // At least; at most all of it.
        assertThat(new ConsoleLog(file).tail(kept))
                .as("seed " + seed)
                .isEqualTo(Arrays.copyOfRange(expected, expected.length - kept, expected.length));
    }

    @Test
    void aFloodLeavesItsEnd() throws IOException {
        byte[] flood = new byte[3 * ConsoleLog.MAX_BYTES];
        new Random(1).nextBytes(flood);
        ConsoleLog log = new ConsoleLog(directory.resolve("console.log"));
        log.append(flood);
        assertThat(size()).isEqualTo(ConsoleLog.MAX_BYTES);
        assertThat(log.tail(1000))
                .isEqualTo(Arrays.copyOfRange(flood, flood.length - 1000, flood.length));
    }

    @Test
    void aMachineThatNeverSpokeHasSaidNothing() throws IOException {
        assertThat(new ConsoleLog(directory.resolve("console.log")).tail(10)).isEmpty();
    }

    private long size() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        }
    }
}
