package dev.iod.block;

import static dev.iod.vhost.testing.BlockDriver.IO_ERROR;
import static dev.iod.vhost.testing.BlockDriver.OK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.sys.Errno;
import dev.iod.vhost.testing.BlockDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Full and broken storage: the guest sees what a disk would show, others are unharmed. */
@Timeout(300)
class FailureTest {
    private static final long MIB = 1 << 20;

    @TempDir Path directory;

    @Test
    void errorsReachTheirRequestAndTheReasonIsVisibleOutside() {
        try (TestPool pool = TestPool.small("failure");
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            engine.engine.run(new Command.Create("bad", 4 * MIB, true));
            engine.engine.run(new Command.Create("good", 4 * MIB, true));
            try (Guest bad = engine.attach("bad");
                    Guest good = engine.attach("good")) {
                assertThat(bad.write(0, 4096, 1)).isEqualTo(OK);
                engine.inject("bad", b -> b.error(Operation.READ, Errno.EIO));
                assertThat(bad.tryRead(0, 4096)).isEqualTo(IO_ERROR);
                engine.inject("bad", b -> b.error(Operation.WRITE, Errno.EIO));
                assertThat(bad.write(0, 4096, 2)).isEqualTo(IO_ERROR);
                assertThat(engine.device("bad").lastError())
                        .contains("WRITE of 4096")
                        .contains("EIO");
                assertThat(engine.device("bad").count(VolumeCounter.ERRORS)).isEqualTo(2);
                assertThat(engine.device("bad").failed()).isEmpty();
                engine.inject(
                        "bad",
                        b -> {
                            b.error(Operation.READ, 0);
                            b.error(Operation.WRITE, 0);
                            b.tearWrites(true);
                        });
                assertThat(bad.write(0, 8192, 3)).isEqualTo(IO_ERROR);
                assertThat(bad.read(0, 4096)).as("the half that was written").containsOnly(3);
                assertThat(bad.flush()).as("a failed write is not a failed sync").isEqualTo(OK);
                assertThat(good.write(0, 4096, 1)).isEqualTo(OK);
                assertThat(good.flush()).isEqualTo(OK);
                assertThat(engine.device("good").lastError()).isEmpty();
            }
        }
    }

    /** A guest of a new volume v has written a block, and the sync of it failed. */
    private static Guest failASync(TestEngine engine) {
        engine.engine.run(new Command.Create("v", 4 * MIB, true));
        Guest guest = engine.attach("v");
        assertThat(guest.write(0, 4096, 1)).isEqualTo(OK);
        engine.inject("v", b -> b.error(Operation.FLUSH, Errno.EIO));
        assertThat(guest.flush()).isEqualTo(IO_ERROR);
        return guest;
    }

    @Test
    void afterAFailedSyncNothingEverSucceedsAgain() throws Exception {
        try (TestPool pool = TestPool.small("failure-sync")) {
            try (TestEngine engine = new TestEngine(pool.open(), directory)) {
                try (Guest guest = failASync(engine)) {
                    engine.inject("v", b -> b.error(Operation.FLUSH, 0));
                    assertThat(guest.flush()).isEqualTo(IO_ERROR);
                    assertThat(guest.write(0, 4096, 2)).isEqualTo(IO_ERROR);
                    assertThat(guest.tryRead(0, 4096)).isEqualTo(IO_ERROR);
                    assertThat(engine.device("v").failed()).contains("sync failed");
                }
                engine.engine.run(new Command.Detach("v"));
                try (Guest guest = engine.attach("v")) {
                    assertThat(guest.flush()).as("attached again").isEqualTo(IO_ERROR);
                }
            }
            // Neither does a new engine forget it, nor one whose state directory is gone.
            for (String state : new String[] {"state", "other"}) {
                try (TestEngine engine = new TestEngine(pool.open(), directory, state);
                        Guest guest = engine.attach("v")) {
                    assertThat(guest.flush()).isEqualTo(IO_ERROR);
                    assertThat(guest.tryRead(0, 4096)).isEqualTo(IO_ERROR);
                }
            }
        }
    }

    /** What was not synced is nobody's to tell: a copy would look whole. */
    @Test
    void whatHasFailedIsNotCopied() throws Exception {
        try (TestPool pool = TestPool.small("failure-copy");
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            try (Guest _ = failASync(engine)) {
                refusesCopies(engine);
            }
            engine.engine.run(new Command.Detach("v"));
            refusesCopies(engine);
            assertThat(pool.open().names()).containsExactly("v");
            engine.engine.run(new Command.ClearFailure("v"));
            engine.engine.run(new Command.Clone("v", "clone", 0));
            engine.engine.run(new Command.Snapshot("v", "snapshot"));
        }
    }

    private static void refusesCopies(TestEngine engine) {
        for (Command copy :
                new Command[] {
                    new Command.Clone("v", "clone", 0), new Command.Snapshot("v", "snapshot")
                }) {
            assertThatThrownBy(() -> engine.engine.run(copy))
                    .hasMessageContaining("v has failed: a sync failed");
        }
    }

    @Test
    void aPersonMayClearAFailure() throws Exception {
        try (TestPool pool = TestPool.small("failure-clear")) {
            try (TestEngine engine = new TestEngine(pool.open(), directory)) {
                try (Guest _ = failASync(engine)) {
                    assertThatThrownBy(() -> engine.engine.run(new Command.ClearFailure("v")))
                            .hasMessageContaining("is attached");
                }
            }
            // Over the socket of a process, which remembers what this one noted.
            try (EngineProcess process = EngineProcess.start(directory, pool.path());
                    BlockClient client = EngineProcess.connect(directory)) {
                assertThatThrownBy(() -> client.run(new Command.ClearFailure("w")))
                        .hasMessageContaining("there is no w");
                client.run(new Command.Detach("v"));
                client.run(new Command.ClearFailure("v"));
                assertThat(directory.resolve("log"))
                        .content()
                        .contains("v may be attached and used again")
                        .contains("it had failed: a sync failed: FLUSH");
                assertThatThrownBy(() -> client.run(new Command.ClearFailure("v")))
                        .hasMessageContaining("has not failed");
                assertThat(process.cpuMillis()).isPositive();
            }
            try (TestEngine engine = new TestEngine(pool.open(), directory);
                    Guest guest = engine.attach("v")) {
                assertThat(guest.flush()).isEqualTo(OK);
                assertThat(guest.read(0, 4096)).containsOnly(1);
            }
        }
    }

    @Test
    void aFullPoolFailsWritesOfNewBlocksOnly() {
        try (TestPool pool = new TestPool("failure-full", 320 * MIB, true);
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            LocalPool volumes = pool.open();
            engine.engine.run(new Command.Create("thick", 64 * MIB, false));
            engine.engine.run(new Command.Create("thin", 1024 * MIB, true));
            assertThatThrownBy(
                            () -> engine.engine.run(new Command.Create("big", 2048 * MIB, false)))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("full");
            assertThat(volumes.names()).containsExactly("thick", "thin");
            try (Guest thick = engine.attach("thick");
                    Guest thin = engine.attach("thin")) {
                assertThat(thin.write(0, 4096, 1)).isEqualTo(OK);
                long offset = MIB;
                while (thin.write(offset, (int) MIB, 2) == OK) {
                    offset += MIB;
                    assertThat(offset).as("the pool gets full").isLessThan(1023 * MIB);
                }
                assertThat(engine.device("thin").lastError()).contains("ENOSPC");
                assertThat(thin.write(0, 4096, 3)).as("a block it has").isEqualTo(OK);
                assertThat(thin.read(MIB, 4096)).containsOnly(2);
                assertThat(thin.flush()).isEqualTo(OK);
                assertThat(thick.write(63 * MIB, (int) MIB, 4)).isEqualTo(OK);
                assertThat(thick.flush()).isEqualTo(OK);
                assertThat(thin.range(BlockDriver.DISCARD, MIB, 64 * MIB, false)).isEqualTo(OK);
                assertThat(thin.flush()).isEqualTo(OK);
                assertThat(thin.write(offset, (int) MIB, 5))
                        .as("space was given back")
                        .isEqualTo(OK);
            }
        }
    }

    /** The file of a thin pool finds its own file system full: here a small tmpfs. */
    @Test
    void aFullBackingStoreFailsAndTheRestGoesOn() {
        Path small = directory.resolve("small");
        try {
            Files.createDirectories(small);
            Tool.run("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", small.toString());
            Path mount = LoopPool.ensure(small, 512 * MIB, true);
            try (TestEngine engine = new TestEngine(LocalPool.open(mount), directory)) {
                engine.engine.run(new Command.Create("v", 400 * MIB, true));
                try (Guest guest = engine.attach("v")) {
                    assertThat(guest.write(0, (int) MIB, 1)).isEqualTo(OK);
                    assertThat(guest.flush()).isEqualTo(OK);
                    long offset = MIB;
                    int status = OK;
                    while (status == OK && offset < 399 * MIB) {
                        status = guest.write(offset, (int) MIB, 2);
                        if (status == OK) {
                            status = guest.flush();
                        }
                        offset += MIB;
                    }
                    assertThat(status).isEqualTo(IO_ERROR);
                    assertThat(engine.device("v").lastError()).isNotEmpty();
                }
            } finally {
                TestPool.untilNotBusy(() -> LoopPool.unmount(small));
            }
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        } finally {
            TestPool.untilNotBusy(() -> Tool.run("umount", small.toString()));
        }
    }

    @Test
    void slowStorageDelaysItsOwnVolumeOnly() {
        try (TestPool pool = TestPool.small("failure-slow");
                TestEngine engine = new TestEngine(pool.open(), directory)) {
            engine.engine.run(new Command.Create("slow", 4 * MIB, true));
            engine.engine.run(new Command.Create("fast", 4 * MIB, true));
            try (Guest slow = engine.attach("slow");
                    Guest fast = engine.attach("fast")) {
                engine.inject("slow", b -> b.hold(Operation.WRITE));
                slow.driver().write(0, 0, 4096);
                slow.driver().kick();
                for (int i = 0; i < 20; i++) {
                    assertThat(fast.write(i * 4096L, 4096, 1)).isEqualTo(OK);
                }
                assertThat(slow.driver().hasAnswer()).isFalse();
                engine.inject("slow", InjectingBackend::release);
                assertThat(slow.await(slow.driver(), 0)).isEqualTo(OK);
                engine.inject("slow", b -> b.delay(Operation.WRITE, 50_000_000));
                long begin = System.nanoTime();
                assertThat(slow.write(0, 4096, 2)).isEqualTo(OK);
                assertThat(System.nanoTime() - begin).isGreaterThan(50_000_000);
            }
        }
    }
}
