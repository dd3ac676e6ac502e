package dev.iod.block;

import static dev.iod.vhost.testing.BlockDriver.OK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
