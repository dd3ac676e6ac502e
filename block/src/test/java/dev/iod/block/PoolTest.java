package dev.iod.block;

import static dev.iod.vhost.testing.BlockDriver.OK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.iod.engine.EngineException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class PoolTest {
    private static final long MIB = 1 << 20;

    @TempDir Path directory;
    private TestPool pool;

    @BeforeEach
    void mount() {
        pool = TestPool.small("pool");
    }

    @AfterEach
    void unmount() {
        pool.close();
    }

    @Test
    void aPoolThatDoesNotFitSaysSoAndTakesNothing() throws IOException {
        Path small = pool.path().resolve("small");
        assertThatThrownBy(() -> LoopPool.ensure(small, 1024 * MIB, false))
                .isInstanceOfSatisfying(
                        EngineException.class,
                        e -> assertThat(e.category()).isEqualTo(EngineException.Category.FULL))
                .hasMessageContaining("cannot reserve 1024 MiB");
        try (Stream<Path> left = Files.list(small)) {
            assertThat(left).containsExactly(LoopPool.mountPoint(small));
        }
    }

    @Test
    void aPoolThatAnotherMountNamespaceHasIsWaitedFor() throws Exception {
        Path file = Files.writeString(pool.path().resolve("file"), "text");
        Process holder =
                new ProcessBuilder("unshare", "--mount", "--propagation", "private", "cat").start();
        try {
            Path mounts = Path.of("/proc/" + holder.pid() + "/ns/mnt");
            Path own = Files.readSymbolicLink(Path.of("/proc/self/ns/mnt"));
            while (Files.readSymbolicLink(mounts).equals(own)) {
                assertThat(holder.isAlive()).isTrue();
                Thread.onSpinWait();
            }
            pool.unmount();
            assertThatThrownBy(pool::mount)
                    .isInstanceOfSatisfying(
                            EngineException.class,
                            e ->
                                    assertThat(e.category())
                                            .isEqualTo(EngineException.Category.CONFIGURATION))
                    .hasMessageMatching(".* is still mounted in another mount namespace, on .*");
        } finally {
            holder.destroy();
        }
        pool.mount();
        assertThat(file).hasContent("text");
    }

    @Test
    void aVolumeThatFindsNoRoomToGrowTakesNothing() {
        LocalPool local = pool.open();
        local.create("v", 8 * MIB, false);
        long free = local.space().freeBytes();
        assertThatThrownBy(() -> local.resize("v", 600 * MIB))
                .isInstanceOfSatisfying(
                        EngineException.class,
                        e -> assertThat(e.category()).isEqualTo(EngineException.Category.FULL));
        assertThat(local.status("v").sizeBytes()).isEqualTo(8 * MIB);
        assertThat(local.space().freeBytes()).isCloseTo(free, within(MIB));
        local.resize("v", 16 * MIB);
    }

    @Test
    void snapshotsAndClonesAreOfTheirMomentAndShareBlocks() {
        try (TestEngine engine = new TestEngine(pool.open(), directory)) {
            engine.engine.run(new Command.Create("v", 64 * MIB, false));
            try (Guest guest = engine.attach("v")) {
                assertThat(guest.write(0, (int) MIB, 1)).isEqualTo(OK);
                long free = pool.open().space().freeBytes();
                engine.engine.run(new Command.Snapshot("v", "s"));
                assertThat(guest.write(0, 4096, 2)).isEqualTo(OK);
                engine.engine.run(new Command.Clone("s", "c", 96 * MIB));
                assertThat(free - pool.open().space().freeBytes()).isLessThan(8 * MIB);
                try (Guest clone = engine.attach("c")) {
                    assertThat(clone.read(0, 4096)).containsOnly(1);
                    assertThat(clone.write(0, 4096, 3)).isEqualTo(OK);
                    assertThat(clone.read(95 * MIB, 4096)).containsOnly(0);
                }
                assertThat(guest.read(0, 4096)).containsOnly(2);
                assertThatThrownBy(() -> engine.attach("s").close())
                        .hasMessageContaining("read-only");
            }
            VolumeStatus snapshot = engine.engine.status("s");
            assertThat(snapshot.kind()).isEqualTo(VolumeStatus.Kind.SNAPSHOT);
            assertThat(snapshot.base()).isEqualTo("v");
            assertThat(engine.engine.run(new Command.List()))
                    .isInstanceOfSatisfying(
                            Answer.Volumes.class, all -> assertThat(all.volumes()).hasSize(3));
        }
    }

    /** Data, zeros and holes in any order: what an image takes is what is in it. */
    @Test
    void anImageTakesNoSpaceForZeros() throws Exception {
        long seed = Long.getLong("iod.seed", 5L);
        System.out.println("PoolTest seed " + seed);
        Random random = new Random(seed);
        LocalPool volumes = pool.open();
        for (int round = 0; round < 6; round++) {
            int blocks = 3000;
            byte[] bytes = new byte[blocks * 4096 - random.nextInt(4096)];
            Path source = directory.resolve("sparse-" + round);
            int full = 0;
            try (FileChannel out =
                    FileChannel.open(
                            source, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                for (int block = 0; block < blocks; ) {
                    int run = Math.min(blocks - block, 1 + random.nextInt(40));
                    int kind = random.nextInt(3);
                    int from = block * 4096;
                    int to = Math.min((block + run) * 4096, bytes.length);
                    for (int at = from; kind == 0 && at < to; at += 4096) {
                        // One byte anywhere makes a block data.
                        bytes[at + random.nextInt(Math.min(4096, to - at))] = 1;
                        full++;
                    }
                    if (kind < 2) {
                        out.write(ByteBuffer.wrap(bytes, from, to - from), from);
                    }
                    block += run;
                }
                out.write(ByteBuffer.wrap(bytes, bytes.length - 1, 1), bytes.length - 1);
            }
            String name = "sparse-" + round;
            assertThat(volumes.fill(name, source)).isTrue();
            byte[] filled = Files.readAllBytes(volumes.data(name));
            assertThat(filled).hasSize(blocks * 4096);
            assertThat(Arrays.mismatch(filled, Arrays.copyOf(bytes, filled.length))).isEqualTo(-1);
            assertThat(volumes.status(name).allocatedBytes())
                    .as("round %d of seed %d, %d blocks of data", round, seed, full)
                    .isLessThanOrEqualTo((full + 1) * 4096L);
            assertThat(full).isLessThan(blocks / 2);
        }
    }

    @Test
    void anImageOfZerosTakesNothing() throws Exception {
        Path source = directory.resolve("zeros");
        try (FileChannel out =
                FileChannel.open(source, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            out.write(ByteBuffer.wrap(new byte[1]), (1L << 30) - 1);
        }
        LocalPool volumes = pool.open();
        volumes.fill("zeros", source);
        assertThat(volumes.status("zeros").sizeBytes()).isEqualTo(1 << 30);
        assertThat(volumes.status("zeros").allocatedBytes()).isZero();
    }

    @Test
    void anImageIsFilledOnce() throws Exception {
        Path source = directory.resolve("image.raw");
        Files.write(source, new byte[] {1, 2, 3});
        LocalPool volumes = pool.open();
        assertThat(volumes.fill("image", source)).isTrue();
        Files.write(source, new byte[] {9});
        assertThat(volumes.fill("image", source)).isFalse();
        assertThat(Files.readAllBytes(volumes.data("image"))).hasSize(4096).startsWith(1, 2, 3, 0);
        volumes.clone("image", "root", VolumeStatus.Kind.VOLUME, 8 * MIB);
        assertThat(volumes.status("root").sizeBytes()).isEqualTo(8 * MIB);
    }

    @Test
    void whatACrashLeftHalfDoneIsRemoved() throws Exception {
        LocalPool volumes = pool.open();
        volumes.create("v", MIB, true);
        Files.createDirectory(pool.path().resolve(".new-w"));
        Files.write(pool.path().resolve(".new-w/data"), new byte[1]);
        Files.createDirectory(pool.path().resolve(".del-x"));
        assertThat(pool.open().names()).containsExactly("v");
        assertThat(Files.exists(pool.path().resolve(".new-w"))).isFalse();
        assertThat(Files.exists(pool.path().resolve(".del-x"))).isFalse();
    }

    @Test
    void badNamesAndSizesAreRefused() {
        LocalPool volumes = pool.open();
        for (String name : new String[] {"", ".", "..", "a/b", "-a", "a b", "x".repeat(65)}) {
            assertThatThrownBy(() -> volumes.create(name, MIB, true))
                    .as(name)
                    .isInstanceOf(EngineException.class);
        }
        assertThatThrownBy(() -> volumes.create("v", 100, true))
                .hasMessageContaining("multiple of 4096");
        volumes.create("v", MIB, true);
        assertThatThrownBy(() -> volumes.create("v", MIB, true)).hasMessageContaining("exists");
        assertThatThrownBy(() -> volumes.delete("w")).hasMessageContaining("there is no w");
        assertThatThrownBy(() -> volumes.clone("v", "c", VolumeStatus.Kind.VOLUME, 4096))
                .hasMessageContaining("smaller");
    }

    @Test
    void aDirectoryWithoutReflinksIsRefusedWithAWayOut() {
        Path small = directory.resolve("tmpfs");
        small.toFile().mkdirs();
        Tool.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small.toString());
        try {
            assertThatThrownBy(() -> LocalPool.open(small)).hasMessageContaining("pool-bytes");
        } finally {
            TestPool.untilNotBusy(() -> Tool.run("umount", small.toString()));
        }
    }

    @Test
    void aMountedPoolIsUsedAsItIs() {
        pool.open().create("v", MIB, true);
        assertThat(pool.mount()).isEqualTo(pool.path());
        pool.unmount();
        assertThat(LoopPool.isMounted(pool.path())).isFalse();
        pool.mount();
        assertThat(pool.open().names()).containsExactly("v");
    }
}
