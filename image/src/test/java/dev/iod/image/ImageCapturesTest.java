package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import dev.iod.identity.testing.TestRegion;
import dev.iod.node.CaptureData;
import dev.iod.node.CaptureStart;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.PoolReport;
import dev.iod.node.VolumeState;
import dev.iod.node.VolumeStatus;
import dev.iod.region.Actor;
import dev.iod.region.CaptureException;
import dev.iod.region.CaptureSink;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Images of disks of a node that is played by the test. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageCapturesTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 4 * MIB;
    private static final String NODE = "n1";

    /** For somewhat more disks than contents are kept of. */
    private static final long ROOM_MIB = 4L * (ImageCaptures.MAX_CONTENTS + 4);

    private static final Actor ACTOR =
            new Actor("req-1", "user", Optional.of("project"), Set.of("member"));

    private final List<CaptureWatcher.Event> events = new ArrayList<>();
    private final byte[] disk = content();
    private Path directory;
    private TestRegion region;
    private ImageService images;
    private HttpCaller admin;

    private final class Recorder implements CaptureWatcher {
        @Override
        public void lock(Handle handle, UUID consumer) {}

        @Override
        public void happened(Handle handle, UUID consumer, Event event) {
            events.add(event);
        }
    }

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        ImageService[] made = new ImageService[1];
        region =
                new TestRegion(
                        database -> {
                            made[0] = service(database);
                            return List.of(ImageApi.service(database, made[0]));
                        });
        images = made[0];
        admin = region.admin();
        node(NODE, "CAPTURES");
    }

    @AfterAll
    void stop() {
        images.close();
        region.close();
    }

    @BeforeEach
    void forget() {
        events.clear();
    }

    private ImageService service(Database database) {
        return service(database, new ImageFiles(directory));
    }

    private ImageService service(Database database, ImageFiles files) {
        return service(database, database, files);
    }

    private ImageService service(Database database, Database background, ImageFiles files) {
        return new ImageService(
                database,
                background,
                files,
                (project, shape, image, disk) -> {
                    throw new AssertionError("a raw disk is not converted");
                },
                new WebDownload(AllowedHosts.NONE),
                List.of(new Recorder()),
                Clock.systemUTC());
    }

    private void node(String name, String trait) {
        region.database()
                .run(
                        handle -> {
                            handle.execute(
                                    "INSERT INTO node (name, up, encapsulation_address,"
                                            + " architecture, traits) VALUES (?, true,"
                                            + " '127.0.0.9', 'x86_64', ARRAY[?])",
                                    name,
                                    trait);
                            handle.execute("INSERT INTO resource_provider (name) VALUES (?)", name);
                            handle.execute(
                                    "INSERT INTO inventory (provider_id, resource_class, total,"
                                            + " max_unit) SELECT id, 'DISK_MB', ?, ?"
                                            + " FROM resource_provider WHERE name = ?",
                                    ROOM_MIB,
                                    ROOM_MIB,
                                    name);
                        });
    }

    /** What is taken of the node's pool. */
    private long takenMib() {
        return region.database()
                .read(
                        handle ->
                                handle.createQuery(
                                                "SELECT coalesce(sum(used), 0) FROM allocation"
                                                        + " WHERE resource_class = 'DISK_MB'")
                                        .mapTo(Long.class)
                                        .one());
    }

    /** A mebibyte of data, zeros, and data in the middle of a mebibyte. */
    private static byte[] content() {
        byte[] content = new byte[SIZE];
        byte[] random = new byte[MIB];
        new Random(7).nextBytes(random);
        System.arraycopy(random, 0, content, 0, MIB);
        System.arraycopy(random, 0, content, 3 * MIB, MIB / 2);
        return content;
    }

    private String begin(UUID consumer, Optional<Images.Rotation> rotation) {
        return begin(consumer, NODE, rotation, Map.of());
    }

    private String begin(
            UUID consumer,
            String node,
            Optional<Images.Rotation> rotation,
            Map<String, String> more) {
        return begin("project", consumer, node, rotation, more);
    }

    private String beginOf(String project) {
        return begin(project, UUID.randomUUID(), NODE, Optional.empty(), Map.of());
    }

    private String begin(
            String project,
            UUID consumer,
            String node,
            Optional<Images.Rotation> rotation,
            Map<String, String> more) {
        return region.database()
                .locked(
                        handle ->
                                images.capture(
                                        handle,
                                        ACTOR,
                                        new Images.NewCapture(
                                                consumer,
                                                node,
                                                "root-" + consumer,
                                                SIZE,
                                                new Images.NewImage(
                                                        project,
                                                        "an image",
                                                        "private",
                                                        false,
                                                        "bare",
                                                        1,
                                                        64,
                                                        more),
                                                rotation)));
    }

    /** What the goal of the node says. */
    private List<String> goal() {
        return region.database()
                .read(
                        handle -> {
                            Goal.Builder goal = Goal.newBuilder();
                            images.captures().add(handle, NODE, goal);
                            return goal.getPool().getCapturesList().stream()
                                    .map(one -> one.getId() + " " + one.getDiskId())
                                    .toList();
                        });
    }

    private String upload() {
        return goal().getFirst().split(" ")[0];
    }

    private void report(VolumeState state, String reason) {
        images.captures()
                .observed(
                        region.database(),
                        NODE,
                        Observed.newBuilder()
                                .setGoalRevision(Long.MAX_VALUE)
                                .setPool(
                                        PoolReport.newBuilder()
                                                .addVolumes(
                                                        VolumeStatus.newBuilder()
                                                                .setId(upload())
                                                                .setState(state)
                                                                .setReason(reason)))
                                .build());
    }

    private static CaptureStart start(String upload, long takenAt) {
        return CaptureStart.newBuilder()
                .setCaptureId(upload)
                .setSizeBytes(SIZE)
                .setTakenAt(takenAt)
                .build();
    }

    private CaptureData data(int offset, int length) {
        ByteString bytes = ByteString.copyFrom(disk, offset, length);
        CRC32C checksum = new CRC32C();
        checksum.update(bytes.asReadOnlyByteBuffer());
        return CaptureData.newBuilder()
                .setOffset(offset)
                .setData(bytes)
                .setCrc32C((int) checksum.getValue())
                .build();
    }

    private static CaptureData zeros(int offset, int count) {
        return CaptureData.newBuilder().setOffset(offset).setZeros(count).build();
    }

    private void sendRest(CaptureSink.Arrival arrival) {
        for (int at = (int) arrival.offset(); at < SIZE; at = (int) arrival.offset()) {
            arrival.take(
                    at == MIB
                            ? zeros(MIB, 2 * MIB)
                            : at < 3 * MIB
                                    ? data(at, MIB)
                                    : at < 3 * MIB + MIB / 2
                                            ? data(at, MIB / 2)
                                            : zeros(at, SIZE - at));
        }
    }

    private CaptureSink.Arrival open() {
        return images.captures().open(NODE, start(upload(), 1));
    }

    private HttpCaller.Answer show(String image) {
        return admin.get("/image/v2/images/" + image);
    }

    private String status(String image) {
        return show(image).json().path("status").stringValue();
    }

    private List<String> parts() throws IOException {
        try (Stream<Path> all = Files.list(directory)) {
            return all.map(p -> p.getFileName().toString())
                    .filter(name -> name.startsWith("."))
                    .toList();
        }
    }

    private static CaptureException refusal(ThrowingCallable call) {
        return catchThrowableOfType(CaptureException.class, call);
    }

    private static CaptureException.Category category(ThrowingCallable call) {
        return refusal(call).category();
    }

    @Test
    void whatNodesSendAndFetchWaitsForNoRequest() {
        String image = begin(UUID.randomUUID(), Optional.empty());
        report(VolumeState.VOLUME_READY, "");
        // Who asked the requests' database would find no table there.
        try (Database requests = Database.open(PostgresFixture.newDatabase(), 1);
                ImageService images =
                        service(requests, region.database(), new ImageFiles(directory))) {
            CaptureSink.Arrival arrival = images.captures().open(NODE, start(upload(), 1));
            sendRest(arrival);
            arrival.complete();
            assertThat(images.file(image)).isPresent();
        }
        assertThat(status(image)).isEqualTo("active");
    }

    @Test
    void aDiskBecomesAnImageWithoutItsZeros() throws IOException {
        UUID server = UUID.randomUUID();
        String image = begin(server, "n1", Optional.empty(), Map.of("image_type", "snapshot"));
        assertThat(status(image)).isEqualTo("saving");
        assertThat(goal()).singleElement().asString().endsWith(" root-" + server);
        assertThatThrownBy(() -> begin(server, Optional.empty()))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("is being made already");
        report(VolumeState.VOLUME_READY, "");
        CaptureSink.Arrival arrival = open();
        assertThat(status(image)).isEqualTo("saving");
        assertThat(takenMib()).isEqualTo(4);
        sendRest(arrival);
        arrival.complete();
        assertThat(takenMib()).isZero();
        assertThat(status(image)).isEqualTo("active");
        assertThat(show(image).json().path("size").asLong()).isEqualTo(SIZE);
        assertThat(show(image).json().path("image_type").stringValue()).isEqualTo("snapshot");
        assertThat(goal()).as("the node may delete its snapshot").isEmpty();
        Path file = images.file(image).orElseThrow();
        assertThat(Arrays.equals(Files.readAllBytes(file), disk)).isTrue();
        assertThat(SparseFile.storedBytes(file)).isLessThan(2 * MIB);
        assertThat(events)
                .containsExactly(
                        new CaptureWatcher.Event.Taken(),
                        new CaptureWatcher.Event.Arriving(),
                        new CaptureWatcher.Event.Done());
        assertThat(admin.delete("/image/v2/images/" + image).status()).isEqualTo(204);
        assertThat(file).doesNotExist();
    }

    @Test
    void aCallThatIsCutOffGoesOnAndAnotherMomentStartsAnew() {
        String image = begin(UUID.randomUUID(), Optional.empty());
        CaptureSink.Arrival first = open();
        first.take(data(0, MIB));
        assertThat(category(() -> first.take(data(0, MIB))))
                .isEqualTo(CaptureException.Category.BROKEN);
        CaptureData damaged = data(3 * MIB, 1000).toBuilder().setOffset(MIB).setCrc32C(1).build();
        assertThat(category(() -> first.take(damaged))).isEqualTo(CaptureException.Category.BROKEN);
        assertThat(category(first::complete)).isEqualTo(CaptureException.Category.BROKEN);
        CaptureSink.Arrival second = open();
        assertThat(second.offset()).isEqualTo(MIB);
        assertThat(category(() -> first.take(zeros(MIB, MIB))))
                .as("the older call is over")
                .isEqualTo(CaptureException.Category.BROKEN);
        second.close();
        CaptureSink.Arrival other = images.captures().open(NODE, start(upload(), 2));
        assertThat(other.offset()).isZero();
        assertThat(category(() -> images.captures().open("n2", start(upload(), 2))))
                .as("of another node")
                .isEqualTo(CaptureException.Category.NOT_WANTED);
        sendRest(other);
        other.complete();
        assertThat(status(image)).isEqualTo("active");
    }

    @Test
    void aRegionThatIsKilledTakesItAgain() throws IOException {
        String image = begin(UUID.randomUUID(), Optional.empty());
        CaptureSink.Arrival cutOff = open();
        cutOff.take(data(0, MIB));
        assertThat(parts()).hasSize(1);
        cutOff.close();
        try (ImageService next = service(region.database())) {
            next.start();
            assertThat(parts()).isEmpty();
            assertThat(status(image)).isEqualTo("saving");
            CaptureSink.Arrival again = next.captures().open(NODE, start(upload(), 1));
            assertThat(again.offset()).isZero();
            sendRest(again);
            again.complete();
        }
        assertThat(status(image)).isEqualTo("active");
    }

    @Test
    void anImageThatIsDeletedMeanwhileGetsNothing() throws Exception {
        String image = begin(UUID.randomUUID(), Optional.empty());
        String upload = upload();
        CaptureSink.Arrival arrival = open();
        arrival.take(data(0, MIB));
        assertThat(admin.delete("/image/v2/images/" + image).status()).isEqualTo(204);
        assertThat(events.getLast())
                .isEqualTo(new CaptureWatcher.Event.Failed("The image was deleted.", ""));
        assertThat(goal()).isEmpty();
        assertThat(takenMib()).isZero();
        Eventually.is(List.of(), this::parts);
        assertThat(category(() -> sendRest(arrival))).isEqualTo(CaptureException.Category.BROKEN);
        assertThat(category(arrival::complete)).isEqualTo(CaptureException.Category.BROKEN);
        assertThat(category(() -> images.captures().open(NODE, start(upload, 1))))
                .isEqualTo(CaptureException.Category.NOT_WANTED);
        assertThat(parts()).isEmpty();
        assertThat(directory.resolve(upload)).doesNotExist();
    }

    @Test
    void nothingIsLeftOfACaptureThatEnds() throws Exception {
        UUID server = UUID.randomUUID();
        String image = begin(server, Optional.empty());
        // As a region leaves it that is killed before the image is active.
        Path whole = Files.write(directory.resolve(upload()), new byte[1]);
        open().take(data(0, MIB));
        region.database().runLocked(handle -> images.endCapture(handle, server));
        assertThat(show(image).status()).isEqualTo(404);
        assertThat(takenMib()).isZero();
        assertThat(events).noneMatch(CaptureWatcher.Event.Failed.class::isInstance);
        Eventually.is(List.of(), this::parts);
        Eventually.is(false, () -> Files.exists(whole));
    }

    @Test
    @Timeout(60)
    void aReportDoesNotWaitForWhatIsBeingStored() throws Exception {
        UUID server = UUID.randomUUID();
        begin(server, Optional.empty());
        CountDownLatch storing = new CountDownLatch(1);
        CountDownLatch slow = new CountDownLatch(1);
        ImageFiles files =
                new ImageFiles(
                        directory,
                        _ -> {
                            storing.countDown();
                            try {
                                slow.await();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                            return Long.MAX_VALUE;
                        });
        BlockingQueue<CaptureException.Category> ends = new LinkedBlockingQueue<>();
        try (ImageService service = service(region.database(), files)) {
            CaptureSink.Arrival arrival = service.captures().open(NODE, start(upload(), 1));
            service.captures()
                    .executor()
                    .execute(() -> ends.add(category(() -> arrival.take(data(0, MIB)))));
            storing.await();
            region.database().runLocked(handle -> service.endCapture(handle, server));
            service.captures().observed(region.database(), NODE, Observed.getDefaultInstance());
            Eventually.is(List.of(), this::parts);
            assertThat(ends).isEmpty();
            slow.countDown();
            assertThat(ends.take()).isEqualTo(CaptureException.Category.BROKEN);
        }
    }

    @Test
    void aRegionThatStopsGivesUpNoImage() throws Exception {
        String image = begin(UUID.randomUUID(), Optional.empty());
        String other = beginOf("another");
        List<String> uploads = goal().stream().map(line -> line.split(" ")[0]).toList();
        BlockingQueue<CaptureException.Category> ends = new LinkedBlockingQueue<>();
        CountDownLatch working = new CountDownLatch(1);
        CountDownLatch stopping = new CountDownLatch(1);
        ImageService service = service(region.database());
        CaptureSink.Arrival first = service.captures().open(NODE, start(uploads.get(0), 1));
        CaptureSink.Arrival second = service.captures().open(NODE, start(uploads.get(1), 1));
        service.captures()
                .executor()
                .execute(
                        () -> {
                            working.countDown();
                            awaitInAnyCase(stopping);
                            ends.add(category(() -> first.take(data(0, MIB))));
                        });
        working.await();
        Thread stop = Thread.ofPlatform().start(service::close);
        CaptureData wrong = data(3 * MIB, 1);
        Eventually.is(
                true,
                () ->
                        String.valueOf(refusal(() -> second.take(wrong)).getMessage())
                                .contains("nobody wants it now"));
        stopping.countDown();
        stop.join();
        assertThat(ends.take()).isEqualTo(CaptureException.Category.BROKEN);
        for (String one : List.of(image, other)) {
            assertThat(status(one)).isEqualTo("saving");
            assertThat(admin.delete("/image/v2/images/" + one).status()).isEqualTo(204);
        }
        // As its next start does.
        new ImageFiles(directory).clean(region.database().read(ImageStore::files));
    }

    /** Like the writing of a file, of which an interruption is seen when it goes on. */
    private static void awaitInAnyCase(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aDatabaseThatIsAwayAtTheEndEndsNothing() throws IOException {
        String image = begin(UUID.randomUUID(), Optional.empty());
        CaptureSink.Arrival arrival = open();
        sendRest(arrival);
        region.database().run(handle -> handle.execute("ALTER TABLE image RENAME TO image_away"));
        try {
            assertThatThrownBy(arrival::complete).isNotInstanceOf(CaptureException.class);
        } finally {
            region.database()
                    .run(handle -> handle.execute("ALTER TABLE image_away RENAME TO image"));
        }
        arrival.close();
        assertThat(status(image)).isEqualTo("saving");
        assertThat(parts()).isEmpty();
        CaptureSink.Arrival again = open();
        assertThat(again.offset()).isZero();
        sendRest(again);
        again.complete();
        assertThat(status(image)).isEqualTo("active");
        Path file = images.file(image).orElseThrow();
        assertThat(Arrays.equals(Files.readAllBytes(file), disk)).isTrue();
    }

    @Test
    void whoIsRefusedChangesNothing() {
        String image = begin(UUID.randomUUID(), Optional.empty());
        assertThat(category(() -> images.captures().open("n2", start(upload(), 1))))
                .as("of another node")
                .isEqualTo(CaptureException.Category.NOT_WANTED);
        assertThat(events).isEmpty();
        CaptureSink.Arrival arrival = open();
        assertThat(category(() -> arrival.take(zeros(0, SIZE + 1))))
                .isEqualTo(CaptureException.Category.BROKEN);
        assertThat(arrival.offset()).isZero();
        arrival.close();
        admin.delete("/image/v2/images/" + image);
    }

    @Test
    void zerosAreTakenInPartsThatAreDigestedSoon() throws IOException {
        long size = 2 * CaptureFile.MAX_ZEROS;
        try (CaptureFile file = CaptureFile.create(directory.resolve(".part-zeros"), size)) {
            CaptureData.Builder zeros = CaptureData.newBuilder();
            assertThat(category(() -> file.take(zeros.setZeros(CaptureFile.MAX_ZEROS + 1).build())))
                    .isEqualTo(CaptureException.Category.BROKEN);
            file.take(zeros.setZeros(CaptureFile.MAX_ZEROS).build());
            assertThat(file.offset()).isEqualTo(CaptureFile.MAX_ZEROS);
        }
        Files.delete(directory.resolve(".part-zeros"));
    }

    @Test
    void aPoolThatIsFullRefuses() {
        List<String> made = new ArrayList<>();
        while (takenMib() + 4 <= ROOM_MIB) {
            made.add(begin(UUID.randomUUID(), Optional.empty()));
        }
        assertThat(made).hasSize((int) ROOM_MIB / 4);
        assertThatThrownBy(() -> begin(UUID.randomUUID(), Optional.empty()))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("has no room for a snapshot");
        admin.delete("/image/v2/images/" + made.removeFirst());
        made.add(begin(UUID.randomUUID(), Optional.empty()));
        made.forEach(image -> admin.delete("/image/v2/images/" + image));
        assertThat(takenMib()).isZero();
    }

    @Test
    void aDiskThatCannotBeReadMakesNoImage() {
        String image = begin(UUID.randomUUID(), Optional.empty());
        report(VolumeState.VOLUME_FAILED, "/pool/x is damaged");
        assertThat(show(image).status()).isEqualTo(404);
        assertThat(events)
                .containsExactly(
                        new CaptureWatcher.Event.Failed(
                                "The disk could not be read on its node.", "/pool/x is damaged"));
    }

    @Test
    void aDiskThatIsAnotherDiskInsideMakesNoImage() throws IOException {
        String image = begin(UUID.randomUUID(), Optional.empty());
        CaptureSink.Arrival arrival = open();
        byte[] qcow2 = new byte[MIB];
        System.arraycopy(new byte[] {'Q', 'F', 'I', (byte) 0xfb, 0, 0, 0, 3}, 0, qcow2, 0, 8);
        qcow2[23] = 16;
        qcow2[28] = 16;
        CRC32C checksum = new CRC32C();
        checksum.update(qcow2);
        arrival.take(
                CaptureData.newBuilder()
                        .setData(ByteString.copyFrom(qcow2))
                        .setCrc32C((int) checksum.getValue())
                        .build());
        arrival.take(zeros(MIB, SIZE - MIB));
        assertThat(category(arrival::complete)).isEqualTo(CaptureException.Category.NOT_WANTED);
        assertThat(show(image).status()).isEqualTo(404);
        assertThat(events.getLast()).isInstanceOf(CaptureWatcher.Event.Failed.class);
        assertThat(parts()).isEmpty();
    }

    @Test
    void quotasAndOlderNodesAreSaidAtOnce() {
        node("old", "VOLUMES");
        assertThatThrownBy(() -> begin(UUID.randomUUID(), "old", Optional.empty(), Map.of()))
                .hasMessageContaining("cannot send its disk");
        assertThatThrownBy(
                        () ->
                                begin(
                                        UUID.randomUUID(),
                                        NODE,
                                        Optional.empty(),
                                        Map.of("status", "active")))
                .hasMessageContaining("no property");
        region.database().run(handle -> Quotas.set(handle, "project", ImageQuotas.BYTES, SIZE - 1));
        try {
            assertThatThrownBy(() -> begin(UUID.randomUUID(), Optional.empty()))
                    .hasMessageContaining("limit of %d for image_bytes".formatted(SIZE - 1));
        } finally {
            region.database().run(handle -> Quotas.reset(handle, "project", "image"));
        }
        assertThat(goal()).isEmpty();
    }

    private String backup(String project, UUID server, String type, int kept) {
        String image =
                begin(
                        project,
                        server,
                        NODE,
                        Optional.of(new Images.Rotation(type, kept)),
                        Map.of(
                                "image_type",
                                "backup",
                                "backup_type",
                                type,
                                "instance_uuid",
                                server.toString()));
        finish();
        return image;
    }

    private void finish() {
        CaptureSink.Arrival arrival = open();
        sendRest(arrival);
        arrival.complete();
    }

    @Test
    void backupsRotate() {
        UUID server = UUID.randomUUID();
        String first = backup("project", server, "daily", 2);
        Path file = images.file(first).orElseThrow();
        String guarded = backup("project", server, "daily", 2);
        String used = backup("project", server, "daily", 3);
        UUID volume = UUID.randomUUID();
        region.database()
                .run(
                        handle -> {
                            handle.execute(
                                    "UPDATE image SET protected = true WHERE id = ?", guarded);
                            images.hold(handle, used, volume);
                        });
        List<String> others =
                List.of(
                        guarded,
                        used,
                        backup("project", server, "weekly", 1),
                        backup("project", UUID.randomUUID(), "daily", 1),
                        backup("another", server, "daily", 1));
        String last = backup("project", server, "daily", 1);
        assertThat(show(first).status()).isEqualTo(404);
        assertThat(file).doesNotExist();
        assertThat(audited("delete image", first)).containsExactly("req-1 user project");
        assertThat(status(last)).isEqualTo("active");
        others.forEach(image -> assertThat(status(image)).isEqualTo("active"));
        region.database().run(handle -> images.release(handle, volume));
        String none = backup("project", server, "daily", 0);
        for (String gone : List.of(used, last, none)) {
            assertThat(show(gone).status()).isEqualTo(404);
        }
        assertThat(status(guarded)).isEqualTo("active");
    }

    @Test
    void whatOnlyCallsItselfABackupDoesNotRotate() {
        UUID server = UUID.randomUUID();
        String golden =
                begin(
                        UUID.randomUUID(),
                        NODE,
                        Optional.empty(),
                        Map.of(
                                "image_type", "backup",
                                "backup_type", "daily",
                                "instance_uuid", server.toString()));
        finish();
        backup("project", server, "daily", 0);
        assertThat(status(golden)).isEqualTo("active");
        assertThat(
                        Images.inherited(
                                Map.of(
                                        "image_type", "backup",
                                        "backup_type", "daily",
                                        "instance_uuid", server.toString(),
                                        "img_signature", "x",
                                        "signature_verified", "True",
                                        "os_distro", "iod")))
                .containsExactly(Map.entry("os_distro", "iod"));
    }

    private List<String> audited(String action, String target) {
        return region.database()
                .read(
                        handle ->
                                handle.createQuery(
                                                "SELECT request_id || ' ' || user_id || ' ' ||"
                                                        + " project_id FROM audit"
                                                        + " WHERE action = ? AND target = ?")
                                        .bind(0, action)
                                        .bind(1, target)
                                        .mapTo(String.class)
                                        .list());
    }

    @Test
    void onlySoManyArriveAtATime() {
        List<String> made = new ArrayList<>();
        List<CaptureSink.Arrival> arrivals = new ArrayList<>();
        for (int i = 0; i <= ImageCaptures.MAX_ARRIVING; i++) {
            made.add(beginOf("project-" + i));
        }
        List<String> uploads = goal().stream().map(line -> line.split(" ")[0]).toList();
        for (String upload : uploads.subList(0, ImageCaptures.MAX_ARRIVING)) {
            arrivals.add(images.captures().open(NODE, start(upload, 1)));
        }
        events.clear();
        assertThat(category(() -> images.captures().open(NODE, start(uploads.getLast(), 1))))
                .isEqualTo(CaptureException.Category.BUSY);
        assertThat(events).as("it is not on its way").isEmpty();
        arrivals.getFirst().close();
        CaptureSink.Arrival last = images.captures().open(NODE, start(uploads.getLast(), 1));
        assertThat(category(() -> images.captures().open(NODE, start(uploads.getFirst(), 1))))
                .as("one that goes on, too")
                .isEqualTo(CaptureException.Category.BUSY);
        last.close();
        arrivals.forEach(CaptureSink.Arrival::close);
        made.forEach(image -> admin.delete("/image/v2/images/" + image));
    }

    @Test
    void onlySoManyOfAProjectArriveAtATime() {
        List<String> made = new ArrayList<>();
        for (int i = 0; i <= ImageCaptures.ARRIVING_OF_PROJECT; i++) {
            made.add(beginOf("busy"));
        }
        made.add(beginOf("calm"));
        List<String> uploads = goal().stream().map(line -> line.split(" ")[0]).toList();
        List<CaptureSink.Arrival> arrivals = new ArrayList<>();
        for (String upload : uploads.subList(0, ImageCaptures.ARRIVING_OF_PROJECT)) {
            arrivals.add(images.captures().open(NODE, start(upload, 1)));
        }
        String next = uploads.get(ImageCaptures.ARRIVING_OF_PROJECT);
        assertThat(category(() -> images.captures().open(NODE, start(next, 1))))
                .isEqualTo(CaptureException.Category.BUSY);
        arrivals.add(images.captures().open(NODE, start(uploads.getLast(), 1)));
        // A call in place of another is not one more.
        arrivals.add(images.captures().open(NODE, start(uploads.getFirst(), 1)));
        arrivals.forEach(CaptureSink.Arrival::close);
        images.captures().open(NODE, start(next, 1)).close();
        made.forEach(image -> admin.delete("/image/v2/images/" + image));
    }

    @Test
    void ofThoseThatWereCutOffTheOldestBeginsAnewAtTheBound() throws Exception {
        List<String> made = new ArrayList<>();
        for (int i = 0; i <= ImageCaptures.MAX_CONTENTS; i++) {
            made.add(begin(UUID.randomUUID(), Optional.empty()));
        }
        List<String> uploads = goal().stream().map(line -> line.split(" ")[0]).toList();
        for (String upload : uploads) {
            CaptureSink.Arrival arrival = images.captures().open(NODE, start(upload, 1));
            arrival.take(data(0, MIB));
            arrival.close();
        }
        assertThat(parts()).hasSize(ImageCaptures.MAX_CONTENTS);
        for (int i : List.of(1, ImageCaptures.MAX_CONTENTS, 0)) {
            CaptureSink.Arrival again = images.captures().open(NODE, start(uploads.get(i), 1));
            assertThat(again.offset()).isEqualTo(i == 0 ? 0 : MIB);
            again.close();
        }
        made.forEach(image -> admin.delete("/image/v2/images/" + image));
        Eventually.is(List.of(), this::parts);
    }
}
