package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.block.BlockClient;
import dev.iod.block.VolumeStatus;
import dev.iod.node.Disk;
import dev.iod.node.ImagePart;
import dev.iod.node.Snapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Root disks with a block engine as a process of its own, which is killed as well. */
@Timeout(400)
class PoolDisksTest {
    private static final String IMAGE = "c".repeat(64);
    private static final int MIB = 1 << 20;

    @TempDir Path directory;
    private final Map<String, Path> files = new ConcurrentHashMap<>();
    private Optional<BlockProcess> process = Optional.empty();
    private Optional<PoolDisks> agent = Optional.empty();

    @BeforeEach
    void engine() throws IOException {
        process = Optional.of(new BlockProcess(directory));
        startAgent();
    }

    @AfterEach
    void stop() throws Exception {
        agent.ifPresent(PoolDisks::close);
        process.orElseThrow().close();
    }

    private BlockProcess block() {
        return process.orElseThrow();
    }

    private PoolDisks disks() {
        return agent.orElseThrow();
    }

    private void startAgent() {
        agent.ifPresent(PoolDisks::close);
        PoolDisks next =
                new PoolDisks(
                        block().socket(), "test", new ImageFiles(files), Captures.NONE, () -> {});
        next.start();
        agent = Optional.of(next);
    }

    private void want(Map<String, Disks.Wanted> goal) {
        want(goal, Map.of());
    }

    /**
     * @param snapshots their volumes, by id
     */
    private void want(Map<String, Disks.Wanted> goal, Map<String, String> snapshots) {
        Map<String, Snapshot> wanted = new HashMap<>();
        snapshots.forEach(
                (id, volume) ->
                        wanted.put(
                                id, Snapshot.newBuilder().setId(id).setVolumeId(volume).build()));
        disks().wanted(new Disks.Wish(goal, wanted, List.of(), Set.of(), true));
    }

    private void hold(Map<String, Disks.Wanted> goal, String held) {
        disks().wanted(new Disks.Wish(goal, Map.of(), List.of(), Set.of(held), true));
    }

    private Disks.Wanted wanted(String disk, long bytes, boolean attached) {
        return new Disks.Wanted(
                Disk.newBuilder().setId(disk).setSizeBytes(bytes).build(),
                directory.resolve(disk + ".sock"),
                attached);
    }

    private Disks.Wanted copy(String disk, String source, long bytes) {
        return new Disks.Wanted(
                Disk.newBuilder().setId(disk).setSizeBytes(bytes).setSourceId(source).build(),
                directory.resolve(disk + ".sock"),
                false);
    }

    private Disks.Wanted ofImage(String disk, String digest, long bytes) {
        return new Disks.Wanted(
                Disk.newBuilder().setId(disk).setSizeBytes(bytes).setImage(image(digest)).build(),
                directory.resolve(disk + ".sock"),
                true);
    }

    private static ImagePart image(String digest) {
        return ImagePart.newBuilder().setImageId("image").setSha256(digest).build();
    }

    private byte[] imageFile(String digest, int bytes) throws IOException {
        byte[] content = new byte[bytes];
        new Random(7).nextBytes(content);
        Path file = directory.resolve(digest);
        Files.write(file, content);
        files.put(digest, file);
        return content;
    }

    private static void until(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - end).as("in time: " + what).isNegative();
            LockSupport.parkNanos(5_000_000);
        }
    }

    private void ready(String... ids) {
        for (String disk : ids) {
            until(disk + " is ready", () -> disks().state(disk) instanceof Disks.State.Ready);
        }
    }

    private String failure(String disk) {
        until(disk + " fails", () -> disks().state(disk) instanceof Disks.State.Failed);
        return ((Disks.State.Failed) disks().state(disk)).reason();
    }

    private VolumeStatus volume(String disk) {
        try (BlockClient client = BlockClient.connect(block().socket(), "looks")) {
            return client.status(disk);
        }
    }

    private byte[] data(String name, int bytes) throws IOException {
        try (var in = Files.newInputStream(block().volumes().resolve(name).resolve("data"))) {
            return in.readNBytes(bytes);
        }
    }

    private boolean holds(String... names) {
        try {
            return block().names().equals(Set.of(names));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void theSizeOfThePoolIsKnownAndKeptWhenTheEngineIsGone() throws Exception {
        want(Map.of());
        until("the size is known", () -> disks().poolMib().isPresent());
        assertThat(disks().poolMib())
                .hasValue(Files.getFileStore(block().volumes()).getTotalSpace() / MIB);
        block().kill();
        want(Map.of("a", wanted("a", MIB, false)));
        assertThat(disks().poolMib()).isPresent();
        block().restart();
        ready("a");
    }

    @Test
    void whatWasThereAndIsLostIsNotMadeAnew() {
        Disks.Wanted lost =
                new Disks.Wanted(
                        Disk.newBuilder().setId("a").setSizeBytes(MIB).setMade(true).build(),
                        directory.resolve("a.sock"),
                        false);
        want(Map.of("a", lost, "b", wanted("b", MIB, false)));
        ready("b");
        assertThat(failure("a")).isEqualTo("the node's pool no longer has disk a");
        assertThat(holds("b")).isTrue();
        want(Map.of("b", wanted("b", MIB, false)));
    }

    private void write(String disk, int value) throws IOException {
        byte[] bytes = new byte[MIB];
        Arrays.fill(bytes, (byte) value);
        try (var out =
                Files.newOutputStream(
                        block().volumes().resolve(disk).resolve("data"),
                        StandardOpenOption.WRITE)) {
            out.write(bytes);
        }
    }

    private void readySnapshots(String... ids) {
        for (String id : ids) {
            until(id + " is ready", () -> disks().snapshot(id) instanceof Disks.State.Ready);
        }
    }

    @Test
    void snapshotsAndCopiesAreOfTheirMoment() throws IOException {
        want(Map.of("a", wanted("a", MIB, true)));
        ready("a");
        write("a", 1);
        want(Map.of("a", wanted("a", MIB, true)), Map.of("s", "a"));
        readySnapshots("s");
        write("a", 2);
        // What it is copied from is gone when it is made.
        want(
                Map.of(
                        "a", wanted("a", MIB, true),
                        "b", copy("b", "a", MIB),
                        "c", copy("c", "s", 2 * MIB)),
                Map.of("s", "a"));
        ready("a", "b", "c");
        write("a", 3);
        want(Map.of("b", copy("b", "a", MIB), "c", copy("c", "s", 2 * MIB)));
        until("the rest is gone", () -> holds("b", "c"));
        ready("b", "c");
        assertThat(data("b", MIB)).containsOnly(2);
        assertThat(data("c", MIB)).containsOnly(1);
        assertThat(volume("c").sizeBytes()).isEqualTo(2 * MIB);
        assertThat(volume("c").kind()).isEqualTo(VolumeStatus.Kind.VOLUME);
    }

    /** A volume that is to grow is copied first: a copy is as large as it was asked to be. */
    @Test
    void copiesAreMadeBeforeTheirVolumeGrows() throws IOException {
        want(Map.of("a", wanted("a", MIB, false)));
        ready("a");
        want(Map.of("a", wanted("a", 4 * MIB, false), "b", copy("b", "a", MIB)), Map.of("s", "a"));
        ready("a", "b");
        readySnapshots("s");
        assertThat(volume("s").sizeBytes()).isEqualTo(MIB);
        assertThat(volume("b").sizeBytes()).isEqualTo(MIB);
        assertThat(volume("a").sizeBytes()).isEqualTo(4 * MIB);
        want(Map.of("a", wanted("a", 4 * MIB, false)));
        until("the copies are gone", () -> holds("a"));
    }

    /**
     * As the node's agent wants it while a server is resized: no write of a later machine counts.
     */
    @Test
    void aRootDiskOfAnotherSizeStartsAsTheOneBefore() throws IOException {
        want(Map.of("old", wanted("old", MIB, true)));
        ready("old");
        write("old", 1);
        Map<String, Disks.Wanted> resized =
                Map.of("old", wanted("old", MIB, false), "new", copy("new", "old", 4 * MIB));
        want(resized);
        ready("old", "new");
        assertThat(data("new", MIB)).containsOnly(1);
        assertThat(volume("new").sizeBytes()).isEqualTo(4 * MIB);
        write("new", 2);
        block().restart();
        startAgent();
        want(resized);
        ready("old", "new");
        assertThat(data("new", MIB)).as("it is not copied once more").containsOnly(2);
        assertThat(data("old", MIB)).containsOnly(1);
        want(Map.of("old", wanted("old", MIB, true)));
        until("the other one is gone", () -> holds("old"));
        assertThat(data("old", MIB)).containsOnly(1);
    }

    @Test
    void aCopyOfWhatIsNotThereFails() {
        want(Map.of("b", copy("b", "a", MIB)), Map.of("s", "a"));
        assertThat(failure("b")).contains("its disk b: there is no a");
        until("s fails", () -> disks().snapshot("s") instanceof Disks.State.Failed);
        Snapshot lost = Snapshot.newBuilder().setId("l").setVolumeId("a").setMade(true).build();
        disks().wanted(new Disks.Wish(Map.of(), Map.of("l", lost), List.of(), Set.of(), true));
        until("l fails", () -> disks().snapshot("l") instanceof Disks.State.Failed);
        assertThat(((Disks.State.Failed) disks().snapshot("l")).reason())
                .isEqualTo("the node's pool no longer has snapshot l");
    }

    /** A region that knows no volumes does not name them, and they stay. */
    @Test
    void nothingIsDeletedForAGoalThatIsNotComplete() {
        want(Map.of("a", wanted("a", MIB, false)), Map.of("s", "a"));
        readySnapshots("s");
        disks().wanted(
                        new Disks.Wish(
                                Map.of("b", wanted("b", MIB, false)),
                                Map.of(),
                                List.of(),
                                Set.of(),
                                false));
        ready("b");
        assertThat(holds("a", "b", "s")).isTrue();
        assertThat(disks().unwanted()).as("nothing can be said of the rest").isEmpty();
        want(Map.of());
        until("everything is gone", () -> holds());
    }

    @Test
    void imagesThatDisksNeedAreNoRoomForDisks() throws IOException {
        want(Map.of());
        until("the size is known", () -> disks().poolMib().isPresent());
        long all = disks().poolMib().orElseThrow();
        imageFile(IMAGE, 32 * MIB);
        want(Map.of("b", ofImage("b", IMAGE, 32 * MIB)));
        ready("b");
        assertThat(disks().poolMib()).hasValue(all - 32);
        want(Map.of());
        until("only the image is left", () -> holds(IMAGE));
        until("it can go", () -> disks().poolMib().orElseThrow() == all);
    }

    @Test
    void disksAreEmptyOrClonesOfAnImageThatIsFilledOnce() throws IOException {
        want(
                Map.of(
                        "a", wanted("a", 8 * MIB, true),
                        "b", ofImage("b", IMAGE, 8 * MIB)));
        ready("a");
        assertThat(disks().state("b")).isInstanceOf(Disks.State.Coming.class);
        byte[] content = imageFile(IMAGE, 3 * MIB + 5);
        want(
                Map.of(
                        "a", wanted("a", 8 * MIB, false),
                        "b", ofImage("b", IMAGE, 8 * MIB),
                        "c", ofImage("c", IMAGE, 4 * MIB)));
        ready("a", "b", "c");
        assertThat(volume("a").device()).as("detached").isEmpty();
        assertThat(volume("a").allocatedBytes()).as("reserved").isGreaterThanOrEqualTo(8 * MIB);
        assertThat(volume("b").device().orElseThrow().socket())
                .isEqualTo(directory.resolve("b.sock").toString());
        assertThat(volume("b").sizeBytes()).isEqualTo(8 * MIB);
        assertThat(volume("c").base()).isEqualTo(IMAGE);
        assertThat(data("b", content.length)).isEqualTo(content);

        files.clear(); // The image's file is not needed any more, nor is a server of it.
        want(Map.of());
        until("only the image is left", () -> holds(IMAGE));
        want(Map.of("d", ofImage("d", IMAGE, 4 * MIB)));
        ready("d");
        assertThat(data("d", content.length)).isEqualTo(content);
    }

    @Test
    void aFullPoolSaysSoAndForgetsImagesThatNobodyNeeds() throws IOException {
        want(Map.of("a", wanted("a", 1L << 30, true)));
        assertThat(failure("a")).contains("its disk a: ", "the pool is full");
        imageFile(IMAGE, 64 * MIB);
        want(Map.of("b", ofImage("b", IMAGE, 64 * MIB)));
        ready("b");
        want(Map.of());
        until("only the image is left", () -> holds(IMAGE));
        long free = Files.getFileStore(block().volumes()).getUsableSpace();
        want(Map.of("c", wanted("c", (free + 32 * MIB) / 4096 * 4096, true)));
        ready("c");
        assertThat(holds("c")).isTrue();
    }

    /** A guest that writes to a thin disk would find no room, and nobody would ask the agent. */
    @Test
    void anImageGoesBeforeThinDisksNeedItsRoom() throws IOException {
        long total = Files.getFileStore(block().volumes()).getTotalSpace() / 4096 * 4096;
        imageFile(IMAGE, 64 * MIB);
        want(Map.of("b", ofImage("b", IMAGE, 64 * MIB)));
        ready("b");
        want(Map.of("b", wanted("b", 64 * MIB, false), "x", copy("x", "b", total - 32 * MIB)));
        ready("x");
        want(Map.of("x", wanted("x", total - 32 * MIB, false)));
        until("the image is gone", () -> holds("x"));
    }

    @Test
    void whatCannotBeIsToldAndTheRestGoesOn() {
        want(
                Map.of(
                        "a", wanted("a", 5, true),
                        "b", ofImage("b", "none", MIB),
                        "c", wanted("c", MIB, true)));
        ready("c");
        assertThat(failure("a")).contains("a size is a multiple of 4096");
        assertThat(failure("b")).isEqualTo("there is no such image");
    }

    @Test
    void anEngineThatIsAwayIsWaitedFor() throws IOException {
        block().kill();
        want(Map.of("a", wanted("a", MIB, true)));
        assertThat(disks().state("a")).isInstanceOf(Disks.State.Coming.class);
        block().restart();
        ready("a");
        assertThat(volume("a").device()).isPresent();
    }

    @Test
    void aDiskThatAMachineHasNotGivenBackStaysAsItIs() {
        want(Map.of("a", wanted("a", MIB, true), "b", wanted("b", MIB, true)));
        ready("a", "b");
        hold(Map.of("b", wanted("b", MIB, false)), "a");
        ready("b");
        assertThat(volume("b").device()).isEmpty();
        assertThat(volume("a").device()).as("the guest may write to it").isPresent();
        want(Map.of("b", wanted("b", MIB, false)));
        until("it is deleted", () -> holds("b"));
    }

    @Test
    void aVolumeGrowsWhetherItIsAttachedOrNot() throws IOException {
        want(Map.of("a", wanted("a", MIB, false), "b", wanted("b", MIB, true)));
        ready("a", "b");
        want(Map.of("a", wanted("a", 3 * MIB, false), "b", wanted("b", 2 * MIB, true)));
        ready("a", "b");
        assertThat(volume("a").sizeBytes()).isEqualTo(3 * MIB);
        assertThat(volume("b").sizeBytes()).isEqualTo(2 * MIB);
        // One that is wanted smaller again, because it could not be said to have grown, stays.
        want(Map.of("a", wanted("a", MIB, false), "b", wanted("b", 1L << 40, true)));
        ready("a");
        assertThat(volume("a").sizeBytes()).isEqualTo(3 * MIB);
        assertThat(failure("b")).contains("the pool is full");
        assertThat(volume("b").sizeBytes()).as("as it was").isEqualTo(2 * MIB);
        want(Map.of("b", wanted("b", 4 * MIB, true)));
        ready("b");
        assertThat(volume("b").sizeBytes()).isEqualTo(4 * MIB);
    }

    @Test
    void whatIsNotWantedIsToldUntilItIsGone() throws IOException {
        assertThat(disks().unwanted()).as("nobody has looked").isEmpty();
        want(Map.of("a", wanted("a", MIB, true)));
        until("it is looked at", () -> disks().unwanted().equals(Optional.of(Map.of())));
        hold(Map.of(), "a");
        until(
                "it is held",
                () ->
                        disks().unwanted()
                                .equals(
                                        Optional.of(
                                                Map.of("a", "a machine has not given it back"))));
        block().kill();
        want(Map.of());
        assertThat(disks().unwanted()).as("not looked at since").isEmpty();
        block().restart();
        until("it is gone", () -> disks().unwanted().equals(Optional.of(Map.of())));
        assertThat(holds()).isTrue();
    }

    /** A volume whose directory cannot be moved away is still there, and says why. */
    @Test
    void whatCannotBeDeletedSaysWhy() throws IOException {
        want(Map.of("a", wanted("a", MIB, false)));
        ready("a");
        Path stone = Files.createDirectories(block().volumes().resolve("a").resolve("stone"));
        Path heavy = Files.createFile(stone.resolve("heavy"));
        Path doomed = Files.createDirectories(block().volumes().resolve(".del-a").resolve("x"));
        Path full = Files.createFile(doomed.resolve("y"));
        want(Map.of());
        until(
                "it is told",
                () -> disks().unwanted().filter(left -> left.containsKey("a")).isPresent());
        assertThat(disks().unwanted().orElseThrow().get("a")).startsWith("cannot delete a: ");
        for (Path path : new Path[] {full, doomed, heavy, stone}) {
            Files.delete(path);
        }
        until("it is gone", () -> disks().unwanted().equals(Optional.of(Map.of())));
        assertThat(holds()).isTrue();
    }

    /** Agent and engine are killed at any moment; in the end there is what is wanted, and whole. */
    @Test
    void killedAnywhereTheNextOnesFinish() throws IOException {
        long seed = Long.getLong("seed", 1);
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        byte[] content = imageFile(IMAGE, 16 * MIB);
        for (int round = 0; round < 6; round++) {
            Map<String, Disks.Wanted> goal = new HashMap<>();
            for (int i = 0; i < 3; i++) {
                String empty = "empty" + random.nextInt(6);
                // Those that stay from the round before have grown.
                goal.put(empty, wanted(empty, (4 + round) * MIB, random.nextBoolean()));
                String clone = "clone" + random.nextInt(6);
                goal.put(clone, ofImage(clone, IMAGE, 16 * MIB));
            }
            want(goal);
            LockSupport.parkNanos(random.nextInt(30) * 1_000_000L);
            boolean agentFirst = random.nextBoolean();
            if (agentFirst) {
                startAgent();
            }
            LockSupport.parkNanos(random.nextInt(30) * 1_000_000L);
            block().restart();
            if (!agentFirst) {
                startAgent();
            }
            want(goal);
            ready(goal.keySet().toArray(String[]::new));
            until("nothing else is left", () -> disks().unwanted().equals(Optional.of(Map.of())));
            check(goal, content);
        }
    }

    private void check(Map<String, Disks.Wanted> goal, byte[] content) throws IOException {
        for (Map.Entry<String, Disks.Wanted> entry : goal.entrySet()) {
            VolumeStatus volume = volume(entry.getKey());
            boolean clone = entry.getValue().disk().hasImage();
            assertThat(volume.sizeBytes()).isEqualTo(entry.getValue().disk().getSizeBytes());
            assertThat(volume.device().isPresent()).isEqualTo(entry.getValue().attached());
            assertThat(Arrays.equals(data(volume.name(), content.length), content))
                    .as(entry.getKey())
                    .isEqualTo(clone);
        }
        Set<String> names = block().names();
        names.remove(IMAGE);
        assertThat(names).containsExactlyInAnyOrderElementsOf(goal.keySet());
    }

    /** Images that are files already, on their way, or nowhere. */
    private record ImageFiles(Map<String, Path> files) implements Images {
        @Override
        public Answer ask(String wish, ImagePart part) {
            Path file = files.get(part.getSha256());
            if (file != null) {
                return new Answer.Here(file);
            }
            return part.getSha256().equals(IMAGE)
                    ? new Answer.Coming("on its way")
                    : new Answer.Missing("there is no such image");
        }

        @Override
        public void needed(Map<String, Set<String>> wishes) {}
    }
}
