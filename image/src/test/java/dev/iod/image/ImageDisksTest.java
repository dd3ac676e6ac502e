package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Actor;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Images of other formats than raw, from their upload to what a node fetches. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageDisksTest {
    private static final String IMAGES = "/image/v2/images";
    private static final int MIB = 1 << 20;

    private final QemuConverter qemu = new QemuConverter("nobody");
    private volatile DiskConverter converter = qemu;
    private Path directory;
    private Path work;
    private TestRegion region;
    private ImageService images;
    private HttpCaller alice;

    @BeforeAll
    void start(@TempDir Path temporary) throws Exception {
        work = Files.createDirectory(temporary.resolve("work"));
        directory = temporary.resolve("images");
        region = new TestRegion(database -> List.of(ImageApi.service(database, service(database))));
        images = service(region.database());
        alice = region.member("alice");
    }

    @AfterAll
    void stop() {
        region.close();
        qemu.close();
    }

    private ImageService service(Database database) {
        return new ImageService(
                database,
                database,
                new ImageFiles(directory),
                (project, shape, image, disk) -> converter.convert(project, shape, image, disk),
                new WebDownload(AllowedHosts.NONE),
                List.of(),
                Clock.systemUTC());
    }

    @ParameterizedTest
    @CsvSource({
        "qcow2, qcow2, compat=0.10",
        "qcow2, qcow2, 'compat=1.1,compression_type=zstd'",
        "vmdk, vmdk, subformat=monolithicSparse",
        "vmdk, vmdk, subformat=streamOptimized",
        "vhd, vpc, subformat=dynamic",
        "vhd, vpc, 'subformat=fixed,force_size=on'",
        "vhdx, vhdx, subformat=dynamic",
        "vdi, vdi, static=off"
    })
    void serversStartWithTheDiskAndUsersGetBackTheirBytes(
            String format, String driver, String options) throws Exception {
        Path source = disk(64 * MIB, 5 * MIB);
        Path image = work.resolve("image");
        boolean compressed = options.contains("zstd");
        QemuImg.run(
                "convert",
                "-f",
                "raw",
                "-O",
                driver,
                "-o",
                options,
                compressed ? "-c" : "-q",
                source.toString(),
                image.toString());
        byte[] bytes = Files.readAllBytes(image);
        String path = create(format);
        assertThat(alice.upload(path + "/file", bytes).status()).isEqualTo(204);

        JsonNode shown = alice.get(path).json();
        assertThat(shown.path("status").stringValue()).isEqualTo("active");
        assertThat(shown.path("size").longValue()).isEqualTo(bytes.length);
        assertThat(shown.path("virtual_size").longValue())
                .isEqualTo(QemuImg.virtualBytes(driver, image));
        assertThat(shown.path("os_hash_value").stringValue()).isEqualTo(hex("SHA-512", bytes));
        assertThat(alice.download(path + "/file")).isEqualTo(bytes);

        Path expected = work.resolve("expected");
        QemuImg.run("convert", "-f", driver, "-O", "raw", image.toString(), expected.toString());
        Images.Bootable bootable = resolve(path);
        assertThat(bootable.boot()).isEqualTo(new Images.Boot.Disk(Images.Firmware.BIOS));
        Images.Part part = bootable.disk().orElseThrow();
        Path disk = images.file(part.imageId()).orElseThrow();
        assertThat(disk).hasSameBinaryContentAs(expected);
        assertThat(part.sizeBytes()).isEqualTo(Files.size(expected));
        assertThat(part.sha256()).isEqualTo(hex("SHA-256", Files.readAllBytes(expected)));
        assertThat(SparseFile.storedBytes(disk)).isLessThan(6 * MIB);
        assertThat(Files.getOwner(disk)).isEqualTo(Files.getOwner(directory));

        images.start(); // clears up, and leaves what is there
        assertThat(disk).exists();
        assertThat(alice.delete(path).status()).isEqualTo(204);
        assertThat(files()).isEmpty();
    }

    @Test
    void theBytesDecideAndTheWordsHaveToAgree() throws Exception {
        byte[] qcow2 = qcow2(MIB);
        for (String declared : List.of("raw", "vmdk", "vhd", "vhdx", "vdi", "iso", "ploop")) {
            HttpCaller.Answer refused = alice.upload(create(declared) + "/file", qcow2);
            assertThat(refused.status()).as(declared).isEqualTo(415);
            assertThat(refused.text())
                    .contains(
                            "Image disk_format " + declared + " does not match stream data qcow2");
        }
        String path = create("qcow2");
        HttpCaller.Answer refused = alice.upload(path + "/file", new byte[MIB]);
        assertThat(refused.text()).contains("qcow2 does not match stream data raw");
        assertThat(alice.get(path).json().path("status").stringValue()).isEqualTo("queued");
        assertThat(files()).isEmpty();
        // What it is said to be can be put right, and then the same bytes are taken.
        assertThat(alice.upload(path + "/file", qcow2).status()).isEqualTo(204);
        assertThat(
                        alice.send(
                                        "PATCH",
                                        path,
                                        "[{\"op\":\"replace\",\"path\":\"/disk_format\",\"value\":\"raw\"}]",
                                        "Content-Type",
                                        "application/openstack-images-v2.1-json-patch")
                                .status())
                .isEqualTo(403);
        alice.delete(path);
    }

    @Test
    void virtualSizesAreOfDisksAlone() {
        byte[] iso = new byte[40_000];
        iso[0x8000] = 1;
        System.arraycopy(new byte[] {'C', 'D', '0', '0', '1'}, 0, iso, 0x8001, 5);
        iso[0x8000 + 80] = 20;
        iso[0x8000 + 129] = 8;
        assertThat(virtualSize(create("raw"), new byte[1000]).longValue()).isEqualTo(1000);
        assertThat(virtualSize(create("raw"), iso).longValue()).isEqualTo(40_000);
        assertThat(virtualSize(create("iso"), iso).longValue()).isEqualTo(20 * 2048);
        assertThat(virtualSize(create("aki", "aki"), new byte[1000]).isNull()).isTrue();
        assertThat(virtualSize(create("qcow2", "ovf"), new byte[1000]).isNull()).isTrue();
    }

    @Test
    void anImageInAContainerIsNoDisk() {
        String path = create("raw", "ovf");
        assertThat(alice.upload(path + "/file", new byte[1000]).status()).isEqualTo(204);
        assertThatThrownBy(() -> resolve(path)).hasMessageContaining("no disk of a format");
        alice.delete(path);
    }

    @Test
    void aDamagedImageIsRefusedInQemusWords() throws Exception {
        byte[] image = qcow2(MIB);
        Arrays.fill(image, 40, 48, (byte) 0x7f); // where its first table is
        String path = create("qcow2");
        HttpCaller.Answer refused = alice.upload(path + "/file", image);
        assertThat(refused.status()).isEqualTo(415);
        assertThat(refused.text()).contains("cannot be converted to raw: qemu-img: Could not open");
        assertQueuedAndClean(path);
    }

    @Test
    void aDiskInADiskIsRefused() throws Exception {
        Path inner = Files.write(work.resolve("inner"), qcow2(MIB));
        Path outer = work.resolve("outer");
        QemuImg.run("convert", "-f", "raw", "-O", "qcow2", inner.toString(), outer.toString());
        String path = create("qcow2");
        HttpCaller.Answer refused = alice.upload(path + "/file", Files.readAllBytes(outer));
        assertThat(refused.status()).isEqualTo(415);
        assertThat(refused.text()).contains("holds another one of format qcow2");
        assertQueuedAndClean(path);
    }

    @Test
    void whatTheDiskTakesCountsForTheProject() throws Exception {
        HttpCaller carol = region.member("carol");
        Path source = disk(8 * MIB, 0);
        try (var all = Files.newOutputStream(source)) {
            byte[] ones = new byte[8 * MIB];
            Arrays.fill(ones, (byte) 1);
            all.write(ones);
        }
        Path image = work.resolve("small");
        QemuImg.run(
                "convert", "-c", "-f", "raw", "-O", "qcow2", source.toString(), image.toString());
        byte[] bytes = Files.readAllBytes(image);
        assertThat(bytes.length).isLessThan(MIB);
        String path = create(carol, "qcow2", "bare");
        String project = carol.get(path).json().path("owner").stringValue();
        region.database().run(handle -> Quotas.set(handle, project, ImageQuotas.BYTES, 2 * MIB));
        assertThat(carol.upload(path + "/file", bytes).status()).isEqualTo(413);
        assertThat(carol.get(path).json().path("status").stringValue()).isEqualTo("queued");
        assertThat(files()).isEmpty();
        region.database().run(handle -> Quotas.set(handle, project, ImageQuotas.BYTES, 10 * MIB));
        assertThat(carol.upload(path + "/file", bytes).status()).isEqualTo(204);
        assertThat(carol.upload(create(carol, "raw", "bare") + "/file", new byte[2 * MIB]).status())
                .isEqualTo(413);
        carol.delete(path);
    }

    @Test
    void aKilledConversionCanBeRepeated() throws Exception {
        QemuConverter slow =
                new QemuConverter(new Sandbox("nobody"), List.of("sh", "-c", "sleep 4321; :"));
        converter = slow;
        String path = create("qcow2");
        byte[] bytes = qcow2(MIB);
        CompletableFuture<HttpCaller.Answer> upload =
                CompletableFuture.supplyAsync(() -> alice.upload(path + "/file", bytes));
        ProcessHandle process = Sandboxed.await("sleep 4321", true);
        assertThat(alice.get(path).json().path("status").stringValue()).isEqualTo("saving");
        assertThat(alice.get(path + "/file").status()).isEqualTo(204);
        process.destroyForcibly();
        Sandboxed.await("sleep 4321", false);
        slow.close();
        assertThat(upload.get().status()).isEqualTo(503);
        converter = qemu;
        assertQueuedAndClean(path);
        assertThat(alice.upload(path + "/file", bytes).status()).isEqualTo(204);
        alice.delete(path);
    }

    @Test
    void aProjectHasFewConversionsAtATime() throws Exception {
        QemuConverter slow =
                new QemuConverter(new Sandbox("nobody"), List.of("sh", "-c", "sleep 4322; :"));
        converter = slow;
        byte[] bytes = qcow2(MIB);
        List<String> paths = new ArrayList<>();
        List<CompletableFuture<HttpCaller.Answer>> uploads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            String path = create("qcow2");
            paths.add(path);
            uploads.add(
                    CompletableFuture.supplyAsync(
                            () -> alice.upload(path + "/file", bytes),
                            task -> Thread.ofVirtual().start(task)));
        }
        HttpCaller.Answer first =
                (HttpCaller.Answer)
                        CompletableFuture.anyOf(uploads.toArray(CompletableFuture[]::new)).get();
        assertThat(first.status()).isEqualTo(429);
        Sandboxed.await("sleep 4322", true);
        slow.close();
        Sandboxed.await("sleep 4322", false);
        List<Integer> statuses = new ArrayList<>();
        for (CompletableFuture<HttpCaller.Answer> upload : uploads) {
            statuses.add(upload.get().status());
        }
        assertThat(statuses).containsExactlyInAnyOrder(429, 503, 503, 503);
        converter = qemu;
        paths.forEach(path -> assertThat(alice.delete(path).status()).isEqualTo(204));
        assertThat(files()).isEmpty();
    }

    /** A project's long conversion holds that project, and nobody else. */
    @Test
    void othersDoNotWaitForALongConversion() throws Exception {
        try (QemuConverter slow =
                new QemuConverter(
                        new Sandbox(QemuConverter.NOBODYS_UID),
                        List.of(
                                "sh",
                                "-c",
                                "[ $(head -c 10 /in | tail -c 1) = x ] && sleep 4328;"
                                        + " cat /in >/out"))) {
            Path brief = Files.writeString(work.resolve("brief"), "quick as it goes");
            Path lasting = Files.writeString(work.resolve("lasting"), "long as axe goes");
            DiskShape shape = new DiskShape(DiskFormat.QCOW2, MIB);
            List<Thread> waiting = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Path disk = work.resolve("lasting." + i);
                waiting.add(
                        Thread.ofVirtual()
                                .unstarted(() -> slow.convert("long", shape, lasting, disk)));
            }
            waiting.forEach(thread -> thread.setUncaughtExceptionHandler((_, _) -> {}));
            waiting.forEach(Thread::start);
            Sandboxed.await("sleep 4328", true);
            for (int i = 0; i < 3; i++) {
                slow.convert("brief" + i, shape, brief, work.resolve("brief." + i));
            }
            assertThat(waiting).allMatch(Thread::isAlive);
        }
        Sandboxed.await("sleep 4328", false);
    }

    /** Its transaction may have been committed although the region never heard of it. */
    @Test
    void filesThatAreTheImagesAreNotDeleted() throws Exception {
        String path = create("qcow2");
        assertThat(alice.upload(path + "/file", qcow2(MIB)).status()).isEqualTo(204);
        String id = path.substring(IMAGES.length() + 1);
        String upload =
                region.database()
                        .read(handle -> ImageStore.find(handle, id))
                        .flatMap(Image::file)
                        .orElseThrow();
        images.uploads().abandon(id, upload);
        assertThat(files()).containsExactlyInAnyOrder(upload, upload + ".raw");
        assertThat(alice.get(path).json().path("status").stringValue()).isEqualTo("active");
        images.uploads().abandon(id, "another");
        assertThat(files()).hasSize(2);
        alice.delete(path);
        assertThat(files()).isEmpty();
    }

    @Test
    void uploadsLeaveRoomForOthers() throws Exception {
        AtomicLong free = new AtomicLong(ImageFiles.RESERVE_BYTES + (20L << 20));
        Path store = work.resolve("store");
        try (ImageFiles files = new ImageFiles(store, _ -> free.get())) {
            assertThatThrownBy(
                            () ->
                                    files.store(
                                            "announced",
                                            InputStream.nullInputStream(),
                                            OptionalLong.of((20L << 20) + 1),
                                            allowed(0)))
                    .hasMessageContaining("no room for the image");
            // What does not say how long it is, or what others leave it meanwhile.
            InputStream endless =
                    new InputStream() {
                        @Override
                        public int read() {
                            return 1;
                        }

                        @Override
                        public int read(byte[] bytes, int offset, int length) {
                            free.addAndGet(-length);
                            return length;
                        }
                    };
            assertThatThrownBy(
                            () ->
                                    files.store(
                                            "endless",
                                            endless,
                                            OptionalLong.empty(),
                                            allowed(1L << 20)))
                    .isInstanceOfSatisfying(
                            ApiException.class, e -> assertThat(e.fault().status()).isEqualTo(503));
            assertThat(free.get()).isGreaterThanOrEqualTo(ImageFiles.RESERVE_BYTES);
            assertThat(StoredImages.files(store)).isEmpty();
        }
    }

    /** So much more than is needed. */
    private static ImageFiles.Allowance allowed(long more) {
        return new ImageFiles.Allowance() {
            @Override
            public void check() {}

            @Override
            public long grow(long least) {
                return least + more;
            }
        };
    }

    /** Not the uploader's fault, and nothing is left of it. */
    @Test
    void aFullFileSystemIsTheRegions() throws Exception {
        Path small = Files.createDirectory(work.resolve("small-fs"));
        run("mount", "-t", "tmpfs", "-o", "size=1m", "none", small.toString());
        try (ImageFiles files = new ImageFiles(small, _ -> Long.MAX_VALUE)) {
            assertThatThrownBy(
                            () ->
                                    files.store(
                                            "large",
                                            new ByteArrayInputStream(new byte[2 * MIB]),
                                            OptionalLong.empty(),
                                            allowed(1L << 40)))
                    .isInstanceOfSatisfying(
                            ApiException.class, e -> assertThat(e.fault().status()).isEqualTo(503));
            assertThat(StoredImages.files(small)).isEmpty();
        } finally {
            run("umount", small.toString());
        }
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    @Test
    void whatIsNotTheImagesFaultIsTheRegions() throws Exception {
        try (QemuConverter broken =
                new QemuConverter(
                        new Sandbox("nobody"),
                        List.of("sh", "-c", "echo 'qemu-img: No space left on device'; exit 1"))) {
            converter = broken;
            String path = create("qcow2");
            HttpCaller.Answer answer = alice.upload(path + "/file", qcow2(MIB));
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.text()).contains("Images cannot be converted in this region now.");
            assertQueuedAndClean(path);
            alice.delete(path);
        } finally {
            converter = qemu;
        }
    }

    @Test
    void aStartFindsNothingOfWhatWasBeingConverted() throws Exception {
        CountDownLatch converting = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        converter =
                (project, shape, image, disk) -> {
                    qemu.convert(project, shape, image, disk);
                    converting.countDown();
                    try {
                        over.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                };
        String path = create("qcow2");
        byte[] bytes = qcow2(MIB);
        CompletableFuture<HttpCaller.Answer> upload =
                CompletableFuture.supplyAsync(() -> alice.upload(path + "/file", bytes));
        converting.await();
        assertThat(files()).hasSize(2);
        service(region.database()).start(); // as the next process does
        converter = qemu;
        assertQueuedAndClean(path);
        assertThat(alice.upload(path + "/file", bytes).status()).isEqualTo(204);
        // Were the first one still alive, it would be too late.
        over.countDown();
        assertThat(upload.get().status()).isGreaterThanOrEqualTo(400);
        assertThat(alice.download(path + "/file")).isEqualTo(bytes);
        assertThat(resolve(path).disk()).isPresent();
        assertThat(files()).hasSize(2);
        alice.delete(path);
    }

    @Test
    void anImageDeletedMeanwhileLeavesNothing() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        CountDownLatch converting = new CountDownLatch(1);
        converter =
                (project, shape, image, disk) -> {
                    converting.countDown();
                    try {
                        over.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    qemu.convert(project, shape, image, disk);
                };
        String path = create("qcow2");
        byte[] bytes = qcow2(MIB);
        CompletableFuture<HttpCaller.Answer> upload =
                CompletableFuture.supplyAsync(() -> alice.upload(path + "/file", bytes));
        converting.await();
        assertThat(alice.delete(path).status()).isEqualTo(204);
        over.countDown();
        assertThat(upload.get().status()).isEqualTo(404);
        converter = qemu;
        assertThat(files()).isEmpty();
    }

    private void assertQueuedAndClean(String path) throws IOException {
        assertThat(alice.get(path).json().path("status").stringValue()).isEqualTo("queued");
        assertThat(alice.get(path).json().path("virtual_size").isNull()).isTrue();
        assertThat(files()).isEmpty();
    }

    private JsonNode virtualSize(String path, byte[] bytes) {
        assertThat(alice.upload(path + "/file", bytes).status()).isEqualTo(204);
        JsonNode size = alice.get(path).json().path("virtual_size");
        assertThat(alice.delete(path).status()).isEqualTo(204);
        return size;
    }

    private List<String> files() throws IOException {
        return StoredImages.files(directory);
    }

    private Images.Bootable resolve(String path) {
        String project = alice.get(path).json().path("owner").stringValue();
        Actor actor = new Actor("req-test", "u", Optional.of(project), Set.of("member"));
        String id = path.substring(IMAGES.length() + 1);
        return region.database().read(handle -> images.resolve(handle, actor, id));
    }

    /** A raw disk with a hole behind random bytes and some at its end. */
    private Path disk(int bytes, int data) throws IOException {
        Path file = work.resolve("source");
        byte[] random = new byte[data];
        new Random(3).nextBytes(random);
        byte[] all = new byte[bytes];
        System.arraycopy(random, 0, all, 0, data);
        all[bytes - 1] = 7;
        return Files.write(file, all);
    }

    private byte[] qcow2(int bytes) throws Exception {
        Path image = work.resolve("any.qcow2");
        QemuImg.run(
                "convert",
                "-f",
                "raw",
                "-O",
                "qcow2",
                disk(bytes, bytes / 2).toString(),
                image.toString());
        return Files.readAllBytes(image);
    }

    private String create(String format) {
        return create(format, "bare");
    }

    private String create(String format, String container) {
        return create(alice, format, container);
    }

    private static String create(HttpCaller caller, String format, String container) {
        HttpCaller.Answer answer =
                caller.post(
                        IMAGES,
                        "{'name':'d','disk_format':'%s','container_format':'%s'}"
                                .formatted(format, container));
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return IMAGES + "/" + answer.json().path("id").stringValue();
    }

    private static String hex(String algorithm, byte[] data) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(data));
    }
}
