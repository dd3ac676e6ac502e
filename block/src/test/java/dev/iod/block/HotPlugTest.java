package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.sys.Linux;
import dev.iod.vhost.testing.BlockDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Volumes come and go while the engine runs, they are in use, and others are. */
@Timeout(300)
class HotPlugTest {
    private static final int ROUNDS = Boolean.getBoolean("iod.full") ? 300 : 15;
    private static final int BLOCKS = 128;
    private static final long BYTES = 4 << 20;

    @TempDir Path directory;
    private TestPool pool;
    private TestEngine engine;

    @BeforeEach
    void start() {
        pool = TestPool.small("hotplug");
        engine = new TestEngine(pool.open(), directory);
    }

    @AfterEach
    void stop() {
        engine.close();
        pool.close();
    }

    private Command.Attach attachment(String name, Location location) {
        return new Command.Attach(
                name, location, engine.socket(name), false, 1, false, Limits.NONE, new byte[0]);
    }

    private CompletableFuture<Answer> detach(String name) {
        return start(() -> engine.engine.run(new Command.Detach(name)));
    }

    /** A thread of its own: those of the common pool are too few to wait in. */
    private static <T> CompletableFuture<T> start(Supplier<T> task) {
        return CompletableFuture.supplyAsync(task, run -> Thread.ofPlatform().start(run));
    }

    /** Another volume's load, with every answer checked; ends when it is told to. */
    private CompletableFuture<Integer> otherLoad(Guest guest, AtomicBoolean stop) {
        return start(
                () -> {
                    StampedLoad load = new StampedLoad(8, BLOCKS, guest.driver().slots());
                    load.until(guest.driver(), true, stop::get);
                    load.until(guest.driver(), false, load::quiet);
                    assertThat(load.errors).isZero();
                    assertThat(load.lostAfterKill(guest)).isEmpty();
                    return load.writesAnswered;
                });
    }

    /**
     * A detachment under load ends when everything taken is answered; what was only offered, or
     * comes later, is answered after the next attachment. Neither loses anything.
     */
    @Test
    void aVolumeIsDetachedAndAttachedUnderLoad() throws Exception {
        engine.engine.run(new Command.Create("v", BYTES, true));
        engine.engine.run(new Command.Create("other", BYTES, true));
        AtomicBoolean stop = new AtomicBoolean();
        try (Guest other = engine.attach("other");
                Guest guest = engine.attach("v")) {
            CompletableFuture<Integer> others = otherLoad(other, stop);
            BlockDriver driver = guest.driver();
            StampedLoad load = new StampedLoad(7, BLOCKS, driver.slots());
            for (int round = 0; round < ROUNDS; round++) {
                int until = load.writesAnswered + 20 + round % 50;
                load.until(driver, true, () -> load.writesAnswered >= until);
                CompletableFuture<Answer> detached = detach("v");
                load.until(driver, true, detached::isDone);
                assertThat(detached.get()).isEqualTo(new Answer.Done());
                assertThat(engine.engine.status("v").device()).isEmpty();
                int answered = load.writesAnswered + load.flushesAnswered;
                load.step(driver, true);
                load.step(driver, true);
                assertThat(load.writesAnswered + load.flushesAnswered - answered)
                        .as("what had been answered before is all there is")
                        .isLessThanOrEqualTo(driver.slots());
                guest.frontEnd.disconnect();
                engine.engine.run(attachment("v", new Location.Pool()));
                guest.frontEnd.connect();
            }
            load.until(driver, false, load::quiet);
            assertThat(load.errors).isZero();
            assertThat(load.lostAfterKill(guest)).isEmpty();
            stop.set(true);
            assertThat(others.get(60, TimeUnit.SECONDS)).isPositive();
        }
    }

    /** Slow storage delays the end of its own volume and nothing else. */
    @Test
    void nothingWaitsForAVolumeThatIsBeingDetached() throws Exception {
        for (String name : new String[] {"slow", "other"}) {
            engine.engine.run(new Command.Create(name, BYTES, true));
        }
        try (Guest slow = engine.attach("slow")) {
            engine.inject("slow", b -> b.hold(Operation.WRITE));
            slow.driver().write(0, 0, 4096);
            slow.driver().kick();
            while (engine.device("slow").inFlight() == 0) {
                Thread.onSpinWait();
            }
            CompletableFuture<Answer> first = detach("slow");
            CompletableFuture<Answer> second = detach("slow");
            for (int i = 0; i < 20; i++) {
                try (Guest other = engine.attach("other")) {
                    assertThat(other.write(0, 4096, i)).isEqualTo(BlockDriver.OK);
                    engine.engine.run(new Command.Detach("other"));
                }
                Files.deleteIfExists(engine.socket("other"));
            }
            assertThat(first).isNotDone();
            assertThat(second).isNotDone();
            // Nobody else may have it before it is gone.
            assertThatThrownBy(() -> engine.engine.run(attachment("slow", new Location.Pool())))
                    .hasMessageContaining("is being detached");
            assertThatThrownBy(() -> engine.engine.run(new Command.Delete("slow")))
                    .hasMessageContaining("is attached");
            assertThatThrownBy(() -> engine.engine.run(new Command.Limit("slow", Limits.NONE)))
                    .hasMessageContaining("is not attached");
            engine.inject("slow", InjectingBackend::release);
            first.get(60, TimeUnit.SECONDS);
            second.get(60, TimeUnit.SECONDS);
            assertThat(slow.driver().hasAnswer()).as("it was answered before the end").isTrue();
            slow.frontEnd.awaitClosed();
            engine.engine.run(new Command.Delete("slow"));
        }
    }

    @Test
    void aFileElsewhereIsAVolumeWhileItIsAttached() throws Exception {
        Path file = pool.path().resolve("elsewhere.raw");
        Files.write(file, new byte[1 << 20]);
        Location.RawFile here = new Location.RawFile(file);
        engine.engine.run(new Command.Create("v", BYTES, true));
        try (Guest guest = new Guest(engine.socket("f"), 1)) {
            engine.engine.run(attachment("f", here));
            guest.frontEnd.connect();
            assertThat(guest.write(4096, 4096, 5)).isEqualTo(BlockDriver.OK);
            assertThat(guest.flush()).isEqualTo(BlockDriver.OK);
            assertThat(guest.tryRead(1 << 20, 512)).isEqualTo(BlockDriver.IO_ERROR);
            VolumeStatus status = engine.engine.status("f");
            assertThat(status.kind()).isEqualTo(VolumeStatus.Kind.ELSEWHERE);
            assertThat(status.sizeBytes()).isEqualTo(1 << 20);
            assertThat(((Answer.Volumes) engine.engine.run(new Command.List())).volumes())
                    .extracting(VolumeStatus::name)
                    .containsExactly("v", "f");
            assertThat(engine.engine.run(attachment("f", here))).isEqualTo(new Answer.Done());
            for (Command refused :
                    new Command[] {
                        attachment("f", new Location.RawFile(file.resolveSibling("other.raw"))),
                        attachment("g", here),
                        attachment("v", here),
                        attachment("n", new Location.RawFile(directory.resolve("none"))),
                        attachment("d", new Location.RawFile(directory)),
                        new Command.Create("f", BYTES, true),
                        new Command.Snapshot("v", "f"),
                        new Command.Resize("f", BYTES),
                        new Command.Delete("f"),
                        new Command.Snapshot("f", "s")
                    }) {
                assertThatThrownBy(() -> engine.engine.run(refused))
                        .as("%s", refused)
                        .isInstanceOf(EngineException.class);
            }
            engine.engine.run(new Command.Detach("f"));
        }
        assertThat(Files.readAllBytes(file)[4096]).isEqualTo((byte) 5);
        assertThatThrownBy(() -> engine.engine.status("f")).hasMessageContaining("there is no f");
        Files.write(file, new byte[1000]);
        assertThatThrownBy(() -> engine.engine.run(attachment("f", here)))
                .hasMessageContaining("multiple");
        Files.delete(file);
    }

    /** Memory goes away while a request of several pieces is with the storage. */
    @Test
    void aRequestThatIsAwayWhenMemoryGoesKeepsItsBufferUntilItIsBack() throws Exception {
        engine.close();
        engine = new TestEngine(pool.open(), directory, "loose", false);
        for (String name : new String[] {"v", "good"}) {
            engine.engine.run(new Command.Create(name, BYTES, true));
        }
        byte[] key = TestEngine.key(1);
        try (Guest good = engine.attach("good", 1, Limits.NONE, key)) {
            for (int round = 0; round < 5; round++) {
                Files.deleteIfExists(engine.socket("v"));
                try (Guest guest = Guest.loose(engine.socket("v"))) {
                    engine.engine.run(
                            new Command.Attach(
                                    "v",
                                    new Location.Pool(),
                                    engine.socket("v"),
                                    false,
                                    1,
                                    false,
                                    Limits.NONE,
                                    new byte[0]));
                    guest.frontEnd.connect();
                    assertThat(guest.write(0, 512 << 10, round)).isEqualTo(BlockDriver.OK);
                    engine.inject("v", b -> b.hold(Operation.READ));
                    guest.misalignedRead(512 << 10);
                    while (engine.device("v").inFlight() == 0) {
                        Thread.onSpinWait();
                    }
                    // The rings stay; the buffers do not.
                    Linux.truncate(guest.frontEnd.memoryDescriptor(), guest.frontEnd.buffers());
                    engine.inject("v", InjectingBackend::release);
                    guest.frontEnd.awaitClosed();
                    while (engine.device("v").inFlight() != 0) {
                        Thread.onSpinWait();
                    }
                    assertThat(engine.onShard(engine::freeBounces)).isEqualTo(BouncePool.COUNT);
                    Linux.truncate(guest.frontEnd.memoryDescriptor(), guest.frontEnd.memoryBytes());
                    engine.engine.run(new Command.Detach("v"));
                }
                assertThat(good.write(0, 300 << 10, round)).isEqualTo(BlockDriver.OK);
                assertThat(good.read(0, 300 << 10)).containsOnly(round);
            }
        }
    }
}
