package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.vhost.testing.BlockDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The engine is killed (-9) in loops under load, started again, and takes up what was in flight: no
 * request is answered twice or never, and everything that was answered is there.
 */
@Timeout(600)
class KillTest {
    private static final boolean FULL = Boolean.getBoolean("iod.full");
    private static final int KILLS = FULL ? 100 : 6;
    private static final int BLOCKS = 256;

    @TempDir Path directory;

    private enum Disk {
        VOLUME(4096, new byte[0]),
        /** What it shares with its image is copied in whole blocks. */
        CLONE(512, new byte[0]),
        ENCRYPTED(512, TestEngine.key(7));

        private final int writtenBytes;
        private final byte[] key;

        Disk(int writtenBytes, byte[] key) {
            this.writtenBytes = writtenBytes;
            this.key = key;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aKilledEngineTakesUpWhatWasInFlight(Disk disk) throws Exception {
        long seed = Long.getLong("iod.seed", 99L);
        System.out.println("KillTest seed " + seed);
        Random random = new Random(seed);
        List<Long> gapsMillis = new ArrayList<>();
        try (TestPool pool = TestPool.small("kill");
                Guest guest = new Guest(directory.resolve("v.sock"), 1)) {
            EngineProcess engine = EngineProcess.start(directory, pool.path());
            try {
                try (BlockClient client = EngineProcess.connect(directory)) {
                    make(client, disk);
                    attach(client, disk);
                }
                guest.frontEnd.connect();
                BlockDriver driver = guest.driver();
                StampedLoad load = new StampedLoad(seed, disk.writtenBytes, BLOCKS, driver.slots());
                for (int kill = 0; kill < KILLS; kill++) {
                    int until = load.writesAnswered + 50 + random.nextInt(300);
                    load.until(driver, true, () -> load.writesAnswered >= until);
                    long killed = System.nanoTime();
                    engine.kill();
                    engine = EngineProcess.start(directory, pool.path());
                    if (disk == Disk.ENCRYPTED) {
                        try (BlockClient client = EngineProcess.connect(directory)) {
                            attach(client, disk);
                        }
                    }
                    guest.frontEnd.disconnect();
                    guest.frontEnd.connect();
                    int before = load.writesAnswered + load.flushesAnswered;
                    load.until(
                            driver,
                            true,
                            () -> load.writesAnswered + load.flushesAnswered > before);
                    gapsMillis.add((System.nanoTime() - killed) / 1_000_000);
                }
                load.until(driver, false, load::quiet);
                assertThat(load.errors).isZero();
                assertThat(load.lostAfterKill(guest)).isEmpty();
                System.out.println("milliseconds from kill to the first answer: " + gapsMillis);
                try (BlockClient client = EngineProcess.connect(directory)) {
                    VolumeStatus.Device device = client.status("v").device().orElseThrow();
                    // Of the others the file system says how large their blocks are.
                    if (disk == Disk.ENCRYPTED) {
                        assertThat(device.count(VolumeCounter.UNALIGNED)).isPositive();
                    }
                }
            } finally {
                engine.close();
            }
        }
    }

    private void make(BlockClient client, Disk disk) throws IOException {
        if (disk == Disk.CLONE) {
            Path file = directory.resolve("image");
            byte[] bytes = new byte[8 << 20];
            bytes[bytes.length - 1] = 1;
            Files.write(file, bytes);
            client.run(new Command.Fill("i", file));
            client.run(new Command.Clone("i", "v", 0));
        } else {
            client.run(new Command.Create("v", 8 << 20, true));
        }
    }

    private void attach(BlockClient client, Disk disk) {
        client.run(
                new Command.Attach(
                        "v",
                        new Location.Pool(),
                        directory.resolve("v.sock"),
                        false,
                        1,
                        false,
                        Limits.NONE,
                        disk.key));
    }

    @Test
    void commandsWorkOverTheSocket() throws Exception {
        try (TestPool pool = TestPool.small("commands");
                EngineProcess engine = EngineProcess.start(directory, pool.path());
                BlockClient client = EngineProcess.connect(directory)) {
            client.run(new Command.Create("v", 8 << 20, false));
            client.run(new Command.Snapshot("v", "s"));
            client.run(new Command.Clone("s", "c", 16 << 20));
            client.run(new Command.Resize("c", 32 << 20));
            assertThat(client.list()).hasSize(3);
            assertThat(client.status("c").sizeBytes()).isEqualTo(32 << 20);
            assertThat(client.status("c").base()).isEqualTo("s");
            assertThatThrownBy(() -> client.run(new Command.Delete("nothing")))
                    .isInstanceOfSatisfying(
                            EngineException.class,
                            e ->
                                    assertThat(e.category())
                                            .isEqualTo(EngineException.Category.NOT_FOUND));
            try (Guest guest = new Guest(directory.resolve("c.sock"), 1)) {
                client.run(
                        new Command.Attach(
                                "c",
                                new Location.Pool(),
                                directory.resolve("c.sock"),
                                false,
                                1,
                                false,
                                new Limits(1000, 0),
                                new byte[0]));
                guest.frontEnd.connect();
                assertThat(guest.write(0, 4096, 7)).isEqualTo(BlockDriver.OK);
                VolumeStatus.Device device = client.status("c").device().orElseThrow();
                assertThat(device.connected()).isTrue();
                assertThat(device.count(VolumeCounter.WRITES)).isEqualTo(1);
                client.run(new Command.Limit("c", Limits.NONE));
                client.run(new Command.Detach("c"));
                guest.frontEnd.awaitClosed();
                assertThat(client.status("c").device()).isEmpty();
            }
            PoolSpace space = client.space();
            assertThat(space.totalBytes()).isGreaterThan(space.freeBytes() + (8 << 20));
            for (String name : List.of("v", "s", "c")) {
                client.run(new Command.Delete(name));
            }
            assertThat(client.space().totalBytes()).isEqualTo(space.totalBytes());
            // XFS gives the blocks of a deleted file back in a worker of its own.
            Await.until(() -> client.space().freeBytes() > space.freeBytes());
            assertThat(client.list()).isEmpty();
            assertThat(engine.cpuMillis()).isPositive();
        }
    }
}
