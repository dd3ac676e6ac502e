package dev.iod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LifecycleTest {
    @TempDir Path directory;

    @Test
    void backoffDoublesWithinBoundsAndStartsAgain() {
        Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1), new Random(7));
        long[] steps = {100, 200, 400, 800, 1000, 1000};
        for (long step : steps) {
            assertThat(backoff.next().toMillis()).isBetween(step / 2, step);
        }
        backoff.reset();
        assertThat(backoff.next().toMillis()).isBetween(50L, 100L);
    }

    @Test
    void stopsInOrderOnceAndDoesNotWaitForever() {
        List<String> closed = new CopyOnWriteArrayList<>();
        CountDownLatch never = new CountDownLatch(1);
        Shutdown shutdown = new Shutdown(Duration.ofMillis(50));
        shutdown.add("first", () -> closed.add("first"));
        shutdown.add("stuck", never::await);
        shutdown.add(
                "broken",
                () -> {
                    throw new IOException("told in the log");
                });
        shutdown.add("last", () -> closed.add("last"));
        shutdown.run();
        shutdown.run();
        assertThat(closed).containsExactly("first", "last");
    }

    @Test
    void thePartsAreBounded() {
        Shutdown shutdown = new Shutdown();
        for (int i = 0; i < 64; i++) {
            shutdown.add("part", () -> {});
        }
        assertThatThrownBy(() -> shutdown.add("one more", () -> {}))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void filesAreReplacedWhole() throws IOException {
        Path file = directory.resolve("goal");
        Files.writeString(directory.resolve("goal.part"), "left by a crash");
        AtomicFile.replace(file, new byte[] {1}, "rw-------");
        AtomicFile.replace(file, new byte[] {2, 3}, "rw-------");
        assertThat(Files.readAllBytes(file)).containsExactly(2, 3);
        assertThat(directory.resolve("goal.part")).doesNotExist();
    }

    @Test
    void figuresAreReadOverASocket() throws Exception {
        Metrics metrics = new Metrics();
        metrics.gauge("iod_test_servers", "Servers here.", () -> 3);
        Path socket = directory.resolve("metrics.sock");
        Files.writeString(socket, "left by a crash");
        try (MetricsSocket open = MetricsSocket.open(metrics, socket)) {
            assertThat(open).isNotNull();
            assertThat(scrape(socket)).contains("HTTP/1.1 200").contains("iod_test_servers 3.0");
            assertThat(scrape(socket)).contains("iod_test_servers 3.0");
        }
        assertThat(socket).doesNotExist();
    }

    private static String scrape(Path socket) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            String request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8)));
            return new String(
                    Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void figuresAreWrittenAsPrometheusText() {
        Metrics metrics = new Metrics();
        metrics.counter("iod_test_goals_total", "Goals received.", "node").labelValues("n1").inc();
        metrics.gauge("iod_test_servers", "Servers here.", () -> 3);
        assertThat(new String(metrics.write(), StandardCharsets.UTF_8))
                .contains("iod_test_goals_total{node=\"n1\"} 1.0")
                .contains("iod_test_servers 3.0");
    }
}
