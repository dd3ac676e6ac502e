package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Actor;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocketFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Images that are staged or downloaded, and then imported. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageImportTest {
    private static final String IMAGES = "/image/v2/images";
    private static final String DIRECT = "{'method':{'name':'glance-direct'}}";
    private static final int MIB = 1 << 20;

    private final QemuConverter qemu = new QemuConverter(QemuConverter.NOBODYS_UID);
    private Path directory;
    private Path work;
    private FileServer server;
    private TestRegion region;
    private ImageService images;
    private HttpCaller admin;
    private HttpCaller alice;
    private HttpCaller bob;

    @BeforeAll
    void start(@TempDir Path temporary) throws Exception {
        work = Files.createDirectory(temporary.resolve("work"));
        directory = temporary.resolve("images");
        server = new FileServer();
        region = new TestRegion(database -> List.of(ImageApi.service(database, service(database))));
        images = service(region.database());
        admin = region.admin();
        alice = region.member("alice");
        bob = region.member("bob");
    }

    @AfterAll
    void stop() throws Exception {
        region.close();
        qemu.close();
        server.close();
    }

    private ImageService service(Database database) {
        return new ImageService(
                database,
                database,
                new ImageFiles(directory),
                qemu,
                new WebDownload(
                        AllowedHosts.parse("images.test:" + server.port()),
                        _ -> new InetAddress[] {InetAddress.getLoopbackAddress()},
                        _ -> true,
                        (SSLSocketFactory) SSLSocketFactory.getDefault(),
                        Duration.ofMinutes(1)),
                List.of(),
                Clock.systemUTC());
    }

    @Test
    void whatWasStagedIsImported() throws Exception {
        byte[] bytes = qcow2();
        String path = create(alice, "qcow2");
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(409);
        assertThat(stage(alice, path, bytes)).isEqualTo(204);
        JsonNode staged = alice.get(path).json();
        assertThat(staged.path("status").stringValue()).isEqualTo("uploading");
        assertThat(staged.path("size").longValue()).isEqualTo(bytes.length);
        assertThat(staged.path("checksum").isNull()).isTrue();
        assertThat(alice.get(path + "/file").status()).isEqualTo(204);
        assertThat(stage(alice, path, bytes)).isEqualTo(409);
        assertThat(alice.upload(path + "/file", bytes).status()).isEqualTo(409);
        assertThat(alice.post(path + "/import", web("/x")).status()).isEqualTo(409);

        images.start(); // what was staged outlives the process
        HttpCaller.Answer begun = alice.post(path + "/import", DIRECT);
        assertThat(begun.status()).as(begun.text()).isEqualTo(202);
        StoredImages.await(alice, path, "active");
        JsonNode image = alice.get(path).json();
        assertThat(image.path("virtual_size").longValue()).isEqualTo(MIB);
        assertThat(image.path("stores").stringValue()).isEqualTo("local");
        assertThat(image.path("os_glance_importing_to_stores").stringValue()).isEmpty();
        assertThat(image.path("os_glance_failed_import").stringValue()).isEmpty();
        assertThat(image.has("os_glance_import_task")).isFalse();
        assertThat(alice.download(path + "/file")).isEqualTo(bytes);
        assertThat(files()).hasSize(2);
        JsonNode task = awaitTask(path, "success");
        assertThat(task.at("/result/image_id").stringValue()).isEqualTo(id(path));
        assertThat(task.at("/input/import_req/method/name").stringValue())
                .isEqualTo("glance-direct");
        assertThat(task.path("expires_at").stringValue()).isNotEmpty();
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(409);
        // What the service notes of it is nobody's to change, and does not hinder changes.
        assertThat(patch(path, "replace", "/name", "other")).isEqualTo(200);
        assertThat(patch(path, "add", "/os_glance_failed_import", "x")).isEqualTo(403);
        assertThat(alice.delete(path).status()).isEqualTo(204);
        assertThat(files()).isEmpty();
    }

    @Test
    void anImportThatFailsSaysWhy() throws Exception {
        String path = create(alice, "raw");
        assertThat(stage(alice, path, qcow2())).isEqualTo(204);
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(202);
        JsonNode task = awaitTask(path, "failure");
        assertThat(task.path("message").stringValue())
                .isEqualTo("Image disk_format raw does not match stream data qcow2");
        JsonNode image = alice.get(path).json();
        assertThat(image.path("status").stringValue()).isEqualTo("queued");
        assertThat(image.path("size").isNull()).isTrue();
        assertThat(image.path("os_glance_failed_import").stringValue()).isEqualTo("local");
        awaitNoFiles();
        // And can be put right and repeated.
        assertThat(patch(path, "replace", "/disk_format", "qcow2")).isEqualTo(200);
        assertThat(stage(alice, path, qcow2())).isEqualTo(204);
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(202);
        StoredImages.await(alice, path, "active");
        assertThat(alice.get(path).json().path("os_glance_failed_import").stringValue()).isEmpty();
        alice.delete(path);
    }

    @Test
    void imagesOfOtherServersAreImported() throws Exception {
        byte[] bytes = qcow2();
        server.file("/good.qcow2", bytes);
        String path = create(alice, "qcow2");
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(409);
        assertThat(alice.post(path + "/import", web("/good.qcow2")).status()).isEqualTo(202);
        StoredImages.await(alice, path, "active");
        assertThat(alice.download(path + "/file")).isEqualTo(bytes);
        alice.delete(path);

        String missing = create(alice, "qcow2");
        assertThat(alice.post(missing + "/import", web("/missing")).status()).isEqualTo(202);
        assertThat(awaitTask(missing, "failure").path("message").stringValue())
                .contains("/missing answered with status 404");
        StoredImages.await(alice, missing, "queued");
        server.head("/half", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc");
        assertThat(alice.post(missing + "/import", web("/half")).status()).isEqualTo(202);
        awaitFailures(missing, 2);
        assertThat(lastTask(missing).path("message").stringValue()).contains("did not complete");
        server.head("/large", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc");
        assertThat(alice.post(missing + "/import", web("/large")).status()).isEqualTo(202);
        awaitFailures(missing, 3);
        awaitNoFiles();
        alice.delete(missing);
    }

    @Test
    void onlyWhatIsAllowedIsDownloaded() {
        String path = create(alice, "raw");
        for (String uri :
                List.of(
                        "http://other.test/x",
                        "file:///etc/passwd",
                        "http://127.0.0.1/",
                        "",
                        "::")) {
            HttpCaller.Answer refused =
                    alice.post(
                            path + "/import",
                            "{'method':{'name':'web-download','uri':'%s'}}".formatted(uri));
            assertThat(refused.status()).as(uri).isEqualTo(400);
            assertThat(refused.text()).contains("URI for web-download does not pass filtering");
        }
        assertThat(alice.get(path + "/tasks").json().path("tasks")).isEmpty();
        try (ImageService none =
                new ImageService(
                        region.database(), new ImageFiles(directory), qemu, Clock.systemUTC())) {
            assertThat(none.imports().methods()).containsExactly("glance-direct");
        }
    }

    @Test
    void requestsAreChecked() {
        String path = create(alice, "raw");
        String wanted = path + "/import";
        assertThat(alice.post(wanted, "{}").text()).contains("requires a 'method' field");
        assertThat(alice.post(wanted, "{'method':{}}").text()).contains("requires a 'name' field");
        assertThat(alice.post(wanted, "{'method':{'name':'copy-image'}}").text())
                .contains("Unknown import method name 'copy-image'");
        assertThat(alice.post(wanted, "{'method':7}").status()).isEqualTo(400);
        String stores = "{'method':{'name':'glance-direct'},%s}";
        assertThat(alice.post(wanted, stores.formatted("'stores':['tape']")).status())
                .isEqualTo(409);
        assertThat(
                        alice.post(wanted, stores.formatted("'stores':['local'],'all_stores':true"))
                                .status())
                .isEqualTo(400);
        assertThat(alice.put(path + "/stage", "{}").status()).isEqualTo(415);
        assertThat(bob.post(wanted, DIRECT).status()).isEqualTo(404);
        assertThat(stage(bob, path, new byte[1])).isEqualTo(404);
        assertThat(bob.get(path + "/tasks").status()).isEqualTo(404);
        HttpCaller.Answer bare = alice.post(IMAGES, "{'name':'no format'}");
        String formless = IMAGES + "/" + bare.json().path("id").stringValue();
        assertThat(stage(alice, formless, new byte[1])).isEqualTo(204);
        assertThat(alice.post(formless + "/import", DIRECT).text())
                .contains("'container_format' needs to be set before import");
        assertThat(bare.headers().firstValue("OpenStack-image-import-methods"))
                .hasValue("glance-direct,web-download");
        assertThat(alice.get("/image/v2/info/import").json().at("/import-methods/value"))
                .hasSize(2);
        assertThat(alice.get("/image/v2/info/stores").json().at("/stores/0/id").stringValue())
                .isEqualTo("local");
        for (String one : List.of(path, formless)) {
            assertThat(alice.delete(one).status()).isEqualTo(204);
        }
    }

    @Test
    void tasksAreTheAdministrators() throws Exception {
        String path = create(alice, "raw");
        assertThat(stage(alice, path, new byte[1000])).isEqualTo(204);
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(202);
        String id = awaitTask(path, "success").path("id").stringValue();
        assertThat(alice.get("/image/v2/tasks").status()).isEqualTo(403);
        JsonNode list = admin.get("/image/v2/tasks?status=success&limit=1&sort_dir=desc").json();
        assertThat(list.path("tasks")).hasSize(1);
        assertThat(list.at("/tasks/0/type").stringValue()).isEqualTo("api_image_import");
        assertThat(list.at("/tasks/0").has("input")).isFalse();
        assertThat(admin.get("/image/v2/tasks/" + id).json().path("image_id").stringValue())
                .isEqualTo(id(path));
        assertThat(admin.get("/image/v2/tasks/nothing").status()).isEqualTo(404);
        assertThat(admin.get("/image/v2/tasks?status=done").status()).isEqualTo(400);
        assertThat(admin.get("/image/v2/schemas/task").status()).isEqualTo(200);
        alice.delete(path);
        assertThat(admin.get("/image/v2/tasks/" + id).status()).isEqualTo(200);
    }

    /** An import hangs in its download, and the process is gone. */
    @Test
    void aStartQueuesWhatWasBeingImported() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        byte[] bytes = new byte[MIB];
        server.answer(
                "/slow",
                out -> {
                    out.write(
                            FileServer.ascii(
                                    "HTTP/1.1 200 OK\r\nContent-Length: " + MIB + "\r\n\r\n"));
                    out.write(bytes, 0, MIB / 2);
                    out.flush();
                    over.await();
                    out.write(bytes, MIB / 2, MIB / 2);
                });
        String path = create(alice, "raw");
        assertThat(alice.post(path + "/import", web("/slow")).status()).isEqualTo(202);
        StoredImages.await(alice, path, "importing");
        awaitTask(path, "processing");
        JsonNode image = alice.get(path).json();
        assertThat(image.path("os_glance_import_task").stringValue())
                .isEqualTo(lastTask(path).path("id").stringValue());
        assertThat(image.path("os_glance_importing_to_stores").stringValue()).isEqualTo("local");
        assertThat(alice.post(path + "/import", web("/slow")).status()).isEqualTo(409);
        service(region.database()).start(); // as the next process does
        assertThat(alice.get(path).json().path("status").stringValue()).isEqualTo("queued");
        assertThat(lastTask(path).path("status").stringValue()).isEqualTo("failure");
        assertThat(lastTask(path).path("message").stringValue()).contains("started anew");
        // Were the first one still alive, it would be too late.
        over.countDown();
        awaitNoFiles();
        assertThat(alice.upload(path + "/file", bytes).status()).isEqualTo(204);
        alice.delete(path);
    }

    @Test
    void aStopEndsImportsAndADeletionToo() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        server.answer(
                "/endless",
                out -> {
                    out.write(FileServer.ascii("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
                    out.flush();
                    over.await();
                });
        List<String> paths = new ArrayList<>();
        try (ImageService stopping = service(region.database())) {
            for (int i = 0; i < 4; i++) {
                paths.add(create(alice, "raw"));
            }
            Actor actor = actor(paths.getFirst());
            ImportMethod endless =
                    new ImportMethod.WebDownload(
                            URI.create("http://images.test:" + server.port() + "/endless"));
            for (String path : paths.subList(0, 3)) {
                stopping.imports().importImage(actor, id(path), endless, "{}");
                awaitTask(path, "processing");
            }
            assertThatThrownBy(
                            () ->
                                    stopping.imports()
                                            .importImage(actor, id(paths.getLast()), endless, "{}"))
                    .hasMessageContaining("3 images of the project are being imported");
            awaitParts(3);
            stopping.delete(actor, id(paths.getFirst()));
            awaitParts(2);
            // And another one may have its turn.
            awaitImport(stopping, actor, id(paths.getLast()), endless);
            stopping.delete(actor, id(paths.getLast()));
            awaitParts(2);
        }
        for (String path : paths.subList(1, 3)) {
            assertThat(alice.get(path).json().path("status").stringValue()).isEqualTo("queued");
            assertThat(lastTask(path).path("status").stringValue()).isEqualTo("failure");
            alice.delete(path);
        }
        over.countDown();
        awaitNoFiles();
    }

    /** What was announced is held of the quota only as long as the image is there. */
    @Test
    void aDeletionEndsAnUploadThatWasAnnounced() throws Exception {
        ImageFiles store = new ImageFiles(work.resolve("announced"));
        long announced = 10 * ImageFiles.ROOM_STEP_BYTES;
        AtomicLong read = new AtomicLong();
        try (ImageService service =
                new ImageService(region.database(), store, qemu, Clock.systemUTC())) {
            String path = create(alice, "raw");
            Actor actor = actor(path);
            InputStream endless =
                    new InputStream() {
                        @Override
                        public int read() {
                            throw new UnsupportedOperationException();
                        }

                        @Override
                        public int read(byte[] buffer, int offset, int length) {
                            if (read.getAndAdd(length) == 0) {
                                service.delete(actor, id(path));
                            }
                            return length;
                        }
                    };
            assertThatThrownBy(
                            () ->
                                    service.uploads()
                                            .stage(
                                                    actor,
                                                    id(path),
                                                    endless,
                                                    OptionalLong.of(announced)))
                    .hasMessageContaining("was deleted while its data was uploaded");
            assertThat(read.get()).isLessThan(2 * ImageFiles.ROOM_STEP_BYTES);
        }
        assertThat(work.resolve("announced").toFile().list()).isEmpty();
    }

    /** Whoever has an image made may choose the id of one that is gone. */
    @Test
    void tasksAreOfTheImageThatIsThere() throws Exception {
        String path = create(alice, "raw");
        assertThat(stage(alice, path, new byte[1000])).isEqualTo(204);
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(202);
        String task = awaitTask(path, "success").path("id").stringValue();
        assertThat(alice.delete(path).status()).isEqualTo(204);
        for (HttpCaller next : List.of(bob, alice)) {
            assertThat(next.post(IMAGES, "{'id':'" + id(path) + "'}").status()).isEqualTo(201);
            assertThat(next.get(path + "/tasks").json().path("tasks")).isEmpty();
            assertThat(next.delete(path).status()).isEqualTo(204);
        }
        assertThat(admin.get("/image/v2/tasks/" + task).status()).isEqualTo(200);
    }

    @Test
    void tasksThatExpiredGoWhateverBecomesOfTheImport() throws Exception {
        String path = create(alice, "raw");
        assertThat(stage(alice, path, new byte[1000])).isEqualTo(204);
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(202);
        String task = awaitTask(path, "success").path("id").stringValue();
        region.database()
                .run(
                        handle ->
                                handle.execute(
                                        "UPDATE image_task SET expires_at = now() - interval '1 s'"
                                                + " WHERE id = ?",
                                        task));
        // It is imported already.
        assertThat(alice.post(path + "/import", DIRECT).status()).isEqualTo(409);
        assertThat(admin.get("/image/v2/tasks/" + task).status()).isEqualTo(404);
        alice.delete(path);
    }

    /** The database refuses what is written at the end, as one that is stopping does. */
    @Test
    void aDatabaseThatIsAwayAtTheEndIsWaitedFor() throws Exception {
        String imported = create(alice, "qcow2");
        String uploaded = create(alice, "qcow2");
        Database database = region.database();
        database.run(
                handle -> {
                    handle.execute("CREATE SEQUENCE refusals");
                    handle.execute(
                            """
                            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                            BEGIN
                                PERFORM nextval('refusals');
                                RAISE EXCEPTION 'stopping' USING ERRCODE = '57P01';
                            END $$
                            """);
                    for (String path : List.of(imported, uploaded)) {
                        handle.execute(
                                "CREATE TRIGGER refuse_%1$s BEFORE UPDATE ON image FOR EACH ROW WHEN (NEW.id = '%2$s' AND NEW.status = 'queued') EXECUTE FUNCTION refuse()"
                                        .formatted(id(path).replace("-", ""), id(path)));
                    }
                });
        assertThat(alice.post(imported + "/import", web("/nothing")).status()).isEqualTo(202);
        assertThat(alice.upload(uploaded + "/file", new byte[1000]).status()).isEqualTo(415);
        Eventually.is(true, () -> refusals() >= 5);
        assertThat(alice.get(imported).json().path("status").stringValue()).isEqualTo("importing");
        database.run(handle -> handle.execute("DROP FUNCTION refuse() CASCADE"));
        StoredImages.await(alice, imported, "queued");
        StoredImages.await(alice, uploaded, "queued");
        assertThat(awaitTask(imported, "failure").path("message").stringValue()).contains("404");
        awaitNoFiles();
        alice.delete(imported);
        alice.delete(uploaded);
    }

    private long refusals() {
        return region.database()
                .read(
                        handle ->
                                handle.createQuery(
                                                "SELECT CASE WHEN is_called THEN last_value ELSE 0"
                                                        + " END FROM refusals")
                                        .mapTo(Long.class)
                                        .one());
    }

    private Actor actor(String path) {
        String owner = alice.get(path).json().path("owner").stringValue();
        return new Actor("req-test", "u", Optional.of(owner), Set.of("member"));
    }

    /** The slot of an import is free a moment after its files are gone. */
    private void awaitImport(ImageService service, Actor actor, String id, ImportMethod method)
            throws Exception {
        Eventually.is(
                true,
                () -> {
                    try {
                        service.imports().importImage(actor, id, method, "{}");
                        return true;
                    } catch (ApiException e) {
                        assertThat(e).hasMessageContaining("are being imported");
                        return false;
                    }
                });
        awaitParts(3);
    }

    private void awaitParts(int count) throws Exception {
        Eventually.is(count, () -> parts().size());
    }

    private List<String> parts() throws IOException {
        return files().stream().filter(name -> name.startsWith(".part-")).toList();
    }

    @Test
    void bytesOnTheirWayAreOfTheQuota() throws Exception {
        HttpCaller carol = region.member("carol");
        String staged = create(carol, "raw");
        String project = carol.get(staged).json().path("owner").stringValue();
        region.database().run(handle -> Quotas.set(handle, project, ImageQuotas.BYTES, 1000));
        assertThat(stage(carol, staged, new byte[1001])).isEqualTo(413);
        assertThat(stage(carol, staged, new byte[600])).isEqualTo(204);
        String other = create(carol, "raw");
        assertThat(carol.upload(other + "/file", new byte[401]).status()).isEqualTo(413);
        CountDownLatch over = new CountDownLatch(1);
        CountDownLatch sent = new CountDownLatch(1);
        server.answer(
                "/of",
                out -> {
                    out.write(
                            FileServer.ascii(
                                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n"));
                    out.write(new byte[100]);
                    out.write(FileServer.ascii("\r\n"));
                    out.flush();
                    sent.countDown();
                    over.await();
                    out.write(FileServer.ascii("0\r\n\r\n"));
                });
        assertThat(carol.post(other + "/import", web("/of")).status()).isEqualTo(202);
        sent.await();
        // Its length is not known, so it has all that is left until it ends.
        Eventually.is(400L, () -> held(other));
        String third = create(carol, "raw");
        assertThat(carol.upload(third + "/file", new byte[1]).status()).isEqualTo(413);
        over.countDown();
        StoredImages.await(carol, other, "active");
        assertThat(held(other)).isEqualTo(100);
        assertThat(carol.upload(third + "/file", new byte[300]).status()).isEqualTo(204);
        assertThat(carol.post(staged + "/import", DIRECT).status()).isEqualTo(202);
        StoredImages.await(carol, staged, "active");
        for (String path : List.of(staged, other, third)) {
            carol.delete(path);
        }
        assertThat(files()).isEmpty();
    }

    private long held(String path) {
        return region.database().read(handle -> ImageStore.heldBytes(handle, id(path)));
    }

    private JsonNode lastTask(String path) {
        return alice.get(path + "/tasks").json().at("/tasks/0");
    }

    private JsonNode awaitTask(String path, String status) throws Exception {
        Eventually.is(status, () -> lastTask(path).path("status").asString(""));
        return lastTask(path);
    }

    private void awaitFailures(String path, long count) throws Exception {
        Eventually.is(
                count,
                () ->
                        alice.get(path + "/tasks")
                                .json()
                                .path("tasks")
                                .valueStream()
                                .filter(task -> task.path("status").asString("").equals("failure"))
                                .count());
    }

    private void awaitNoFiles() throws Exception {
        Eventually.is(List.of(), this::files);
    }

    private List<String> files() throws IOException {
        return StoredImages.files(directory);
    }

    private String web(String path) {
        return "{'method':{'name':'web-download','uri':'http://images.test:%d%s'}}"
                .formatted(server.port(), path);
    }

    private static int stage(HttpCaller caller, String path, byte[] bytes) {
        return caller.upload(path + "/stage", bytes).status();
    }

    private int patch(String path, String verb, String name, String value) {
        return alice.send(
                        "PATCH",
                        path,
                        "[{\"op\":\"%s\",\"path\":\"%s\",\"value\":\"%s\"}]"
                                .formatted(verb, name, value),
                        "Content-Type",
                        "application/openstack-images-v2.1-json-patch")
                .status();
    }

    private byte[] qcow2() throws Exception {
        byte[] bytes = new byte[MIB];
        new Random(2).nextBytes(bytes);
        Path raw = Files.write(work.resolve("raw"), bytes);
        Path image = work.resolve("qcow2");
        QemuImg.run("convert", "-f", "raw", "-O", "qcow2", raw.toString(), image.toString());
        return Files.readAllBytes(image);
    }

    private static String create(HttpCaller caller, String format) {
        HttpCaller.Answer answer =
                caller.post(
                        IMAGES,
                        "{'name':'i','disk_format':'%s','container_format':'bare'}"
                                .formatted(format));
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return IMAGES + "/" + answer.json().path("id").stringValue();
    }

    private static String id(String path) {
        return path.substring(IMAGES.length() + 1);
    }
}
