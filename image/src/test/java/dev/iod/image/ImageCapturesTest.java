package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Images of disks of a node that is played by the test. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageCapturesTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 4 * MIB;
    private static final String NODE = "n1";
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
        return new ImageService(
                database,
                new ImageFiles(directory),
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
                        handle ->
                                handle.execute(
                                        "INSERT INTO node (name, up, encapsulation_address,"
                                                + " architecture, traits) VALUES (?, true,"
                                                + " '127.0.0.9', 'x86_64', ARRAY[?])",
                                        name,
                                        trait));
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
                                                        "project",
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

    private static CaptureException.Category category(
            org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return org.assertj.core.api.Assertions.catchThrowableOfType(CaptureException.class, call)
                .category();
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
        sendRest(arrival);
        arrival.complete();
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
        open().take(data(0, MIB));
        assertThat(parts()).hasSize(1);
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
    void anImageThatIsDeletedMeanwhileGetsNothing() throws IOException {
        String image = begin(UUID.randomUUID(), Optional.empty());
        String upload = upload();
        CaptureSink.Arrival arrival = open();
        arrival.take(data(0, MIB));
        assertThat(admin.delete("/image/v2/images/" + image).status()).isEqualTo(204);
        assertThat(events.getLast())
                .isEqualTo(new CaptureWatcher.Event.Failed("The image was deleted.", ""));
        assertThat(goal()).isEmpty();
        sendRest(arrival);
        assertThat(category(arrival::complete)).isEqualTo(CaptureException.Category.NOT_WANTED);
        assertThat(category(() -> images.captures().open(NODE, start(upload, 1))))
                .isEqualTo(CaptureException.Category.NOT_WANTED);
        assertThat(parts()).isEmpty();
        assertThat(directory.resolve(upload)).doesNotExist();
    }

    @Test
    void whatIsSentForNobodyIsForgottenByTheNextReport() throws IOException {
        UUID server = UUID.randomUUID();
        String image = begin(server, Optional.empty());
        open().take(data(0, MIB));
        region.database().runLocked(handle -> images.endCapture(handle, server));
        assertThat(show(image).status()).isEqualTo(404);
        assertThat(events).noneMatch(CaptureWatcher.Event.Failed.class::isInstance);
        images.captures().observed(region.database(), NODE, Observed.getDefaultInstance());
        assertThat(parts()).isEmpty();
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

    @Test
    void backupsRotate() {
        UUID server = UUID.randomUUID();
        Map<String, String> properties =
                Map.of(
                        "image_type", "backup",
                        "backup_type", "daily",
                        "instance_uuid", server.toString());
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            made.add(begin(server, NODE, Optional.of(new Images.Rotation("daily", 2)), properties));
            CaptureSink.Arrival arrival = open();
            sendRest(arrival);
            arrival.complete();
        }
        assertThat(show(made.get(0)).status()).isEqualTo(404);
        assertThat(status(made.get(1))).isEqualTo("active");
        assertThat(status(made.get(2))).isEqualTo("active");
    }

    @Test
    void onlySoManyArriveAtATime() {
        List<String> made = new ArrayList<>();
        List<CaptureSink.Arrival> arrivals = new ArrayList<>();
        for (int i = 0; i <= ImageCaptures.MAX_ARRIVING; i++) {
            made.add(begin(UUID.randomUUID(), Optional.empty()));
        }
        List<String> uploads = goal().stream().map(line -> line.split(" ")[0]).toList();
        for (String upload : uploads.subList(0, ImageCaptures.MAX_ARRIVING)) {
            arrivals.add(images.captures().open(NODE, start(upload, 1)));
        }
        assertThat(category(() -> images.captures().open(NODE, start(uploads.getLast(), 1))))
                .isEqualTo(CaptureException.Category.BUSY);
        arrivals.getFirst().close();
        images.captures().open(NODE, start(uploads.getLast(), 1)).close();
        made.forEach(image -> admin.delete("/image/v2/images/" + image));
    }
}
