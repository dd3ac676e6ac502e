package dev.iod.block;

import static dev.iod.vhost.testing.BlockDriver.OK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.vhost.testing.BlockDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Volumes under limits that share a shard; what they ask for is done at once. */
@Timeout(300)
class LimitTest {
    private static final String SHARD = "limited";
    private static final int REQUEST_BYTES = 4096;

    /** So little that a second request waits for more than an hour. */
    private static final Limits ALMOST_NOTHING = new Limits(0, 1);

    private static TestPool pool = TestPool.small("limits");

    @TempDir Path directory;
    private LocalPool volumes;
    private BlockEngine engine;

    @BeforeAll
    static void mount() {
        pool.mount();
    }

    @AfterAll
    static void unmount() {
        pool.close();
    }

    @BeforeEach
    void start() throws InterruptedException {
        volumes = pool.open();
        Shard shard = new Shard(SHARD, OptionalInt.empty(), 20_000);
        shard.start();
        engine =
                new BlockEngine(
                        volumes,
                        List.of(shard),
                        new AttachmentStore(directory.resolve("state")),
                        BackendFactory.discarding(volumes),
                        true);
    }

    @AfterEach
    void stop() {
        engine.close();
        volumes.names().forEach(volumes::delete);
    }

    private Guest attach(String name, Limits limits) {
        volumes.create(name, 16 << 20, true);
        Path socket = directory.resolve(name + ".sock");
        Guest guest = new Guest(socket, 1);
        engine.run(
                new Command.Attach(
                        name, new Location.Pool(), socket, false, 1, false, limits, new byte[0]));
        guest.frontEnd.connect();
        return guest;
    }

    private long count(String name, VolumeCounter counter) {
        return engine.status(name).device().orElseThrow().count(counter);
    }

    /** A guest that offers a request for each answer, and kicks for each. */
    private static final class Load {
        private final BlockDriver driver;
        private int answered;

        Load(Guest guest) {
            driver = guest.driver();
            for (int slot = 0; slot < Guest.SLOTS; slot++) {
                offer(slot);
            }
        }

        private void offer(int slot) {
            driver.write(slot, (long) slot * REQUEST_BYTES, REQUEST_BYTES);
            driver.kick();
        }

        /** Sees to one answer. */
        void turn() {
            if (driver.hasAnswer()) {
                int slot = driver.take();
                assertThat(driver.status(slot)).isEqualTo(OK);
                answered++;
                offer(slot);
            }
        }
    }

    /** What happened in a while. */
    private record Sum(double millis, long sleeps, long waited, int first, int second) {
        Sum less(Sum before) {
            return new Sum(
                    millis - before.millis,
                    sleeps - before.sleeps,
                    waited - before.waited,
                    first - before.first,
                    second - before.second);
        }
    }

    private Sum until(int answered, Load first, Load second) {
        Await.until(
                () -> {
                    first.turn();
                    second.turn();
                    return first.answered + second.answered >= answered;
                });
        return new Sum(
                System.nanoTime() / 1e6,
                sleeps(),
                count("a", VolumeCounter.THROTTLED) + count("b", VolumeCounter.THROTTLED),
                first.answered,
                second.answered);
    }

    @Test
    void volumesThatWaitDoNotWakeTheirShardForEachRequest() {
        Limits limits = new Limits(2_000, 0);
        try (Guest first = attach("a", limits);
                Guest second = attach("b", limits)) {
            Load a = new Load(first);
            Load b = new Load(second);
            // What they may do at once because they have rested: 200 each.
            Sum begin = until(1_000, a, b);
            Sum sum = until(3_000, a, b).less(begin);
            // Where the machine is too slow for the limits, requests need not wait; each of these
            // may cost two. All others together have a timer of a millisecond.
            long free = Math.max(0, sum.first + sum.second - sum.waited);
            assertThat((double) sum.sleeps)
                    .as("%s, %d did not wait", sum, free)
                    .isLessThan(1.5 * sum.millis + 2 * free + 100);
            assertThat((double) sum.first).as("%s", sum).isBetween(850.0, 1_150.0);
        }
    }

    @Test
    void aNewLimitIsThatOfRequestsThatWaitAlready() {
        try (Guest guest = attach("v", ALMOST_NOTHING)) {
            BlockDriver driver = guest.driver();
            for (int slot = 0; slot < Guest.SLOTS; slot++) {
                driver.read(slot, 0, REQUEST_BYTES);
            }
            driver.kick();
            Await.until(() -> count("v", VolumeCounter.THROTTLED) == Guest.SLOTS - 1);
            engine.run(new Command.Limit("v", new Limits(0, 1 << 30)));
            Await.until(() -> driver.ring().completed() == Guest.SLOTS);
        }
    }

    /** While another one lets the shard wake all the time, so that nobody asks for kicks. */
    @Test
    void aFlushIsNoticedThoughItsVolumeWaits() {
        try (Guest waiting = attach("a", ALMOST_NOTHING);
                Guest busy = attach("b", new Limits(5_000, 0))) {
            BlockDriver driver = waiting.driver();
            driver.read(0, 0, REQUEST_BYTES);
            driver.read(1, 0, REQUEST_BYTES);
            driver.kick();
            Await.until(() -> count("a", VolumeCounter.THROTTLED) == 1 && driver.hasAnswer());
            driver.take();
            Load load = new Load(busy);
            for (int i = 0; i < 200; i++) {
                driver.flush(2);
                driver.kick();
                Await.until(
                        () -> {
                            load.turn();
                            return driver.hasAnswer();
                        });
                assertThat(driver.take()).isEqualTo(2);
                assertThat(driver.status(2)).isEqualTo(OK);
            }
            assertThat(count("a", VolumeCounter.FLUSHES)).isEqualTo(200);
            engine.run(new Command.Limit("a", Limits.NONE));
            Await.until(driver::hasAnswer);
        }
    }

    /** How often the shard's thread has gone to sleep (proc(5)). */
    private static long sleeps() {
        String line = "voluntary_ctxt_switches:";
        try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
            Path shard =
                    threads.filter(thread -> read(thread.resolve("comm")).strip().equals(SHARD))
                            .findAny()
                            .orElseThrow();
            return read(shard.resolve("status"))
                    .lines()
                    .filter(each -> each.startsWith(line))
                    .mapToLong(each -> Long.parseLong(each.substring(line.length()).strip()))
                    .sum();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Empty when the thread has ended meanwhile. */
    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }
}
