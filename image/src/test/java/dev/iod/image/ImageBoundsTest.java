package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Actor;
import dev.iod.rest.ApiException;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import dev.iod.store.ListSql;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Sizes of images' metadata, uploads that are late, and images that must not be used. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageBoundsTest {
    private static final String IMAGES = "/image/v2/images";
    private static final String RAW = "'disk_format':'raw','container_format':'bare'";

    private Path directory;
    private TestRegion region;
    private ImageService images;
    private HttpCaller admin;
    private HttpCaller alice;

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        region =
                new TestRegion(
                        database ->
                                List.of(ImageApi.service(database, service(database, directory))));
        images = service(region.database(), directory);
        admin = region.admin();
        alice = region.member("alice");
    }

    @AfterAll
    void stop() {
        region.close();
    }

    @Test
    void propertiesHaveABoundTogether() {
        String value = "ä".repeat(ImageAttributes.MAX_PROPERTIES_BYTES / 4 - 10);
        String path = create("'p1':'%s'".formatted(value));
        assertThat(
                        alice.post(IMAGES, "{'p1':'%s','p2':'%s','p3':'x'}".formatted(value, value))
                                .status())
                .isEqualTo(201);
        HttpCaller.Answer refused =
                alice.post(
                        IMAGES,
                        "{'p1':'%s','p2':'%s','p3':'%s'}".formatted(value, value, "x".repeat(99)));
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.text()).contains("65536 bytes in all");
        assertThat(patch(path, "[{'op':'add','path':'/p2','value':'%s'}]".formatted(value)))
                .isEqualTo(200);
        assertThat(patch(path, "[{'op':'add','path':'/p3','value':'%s'}]".formatted(value)))
                .isEqualTo(413);
    }

    @Test
    void aListOfLargeImagesComesInPages() {
        String value = "x".repeat(ImageAttributes.MAX_PROPERTIES_BYTES - 100);
        int count = ListSql.MAX_PAGE_BYTES / value.length() + 20;
        for (int i = 0; i < count; i++) {
            create("'large':'yes','p':'%s'".formatted(value));
        }
        List<String> seen = new ArrayList<>();
        String next = "/v2/images?large=yes";
        int pages = 0;
        while (!next.isEmpty()) {
            HttpCaller.Answer answer = alice.get("/image" + next);
            assertThat(answer.text().length()).isLessThan(2 * ListSql.MAX_PAGE_BYTES);
            answer.json()
                    .path("images")
                    .values()
                    .forEach(image -> seen.add(image.path("id").stringValue()));
            next = answer.json().path("next").asString("");
            pages++;
        }
        assertThat(pages).isEqualTo(2);
        assertThat(seen).hasSize(count).doesNotHaveDuplicates();
    }

    @Test
    void anUploadOfADeletedImageDoesNotReplaceWhatWasMadeAnew() throws Exception {
        String path = create(RAW);
        String id = path.substring(IMAGES.length() + 1);
        List<String> before = StoredImages.files(directory);
        try (Socket socket = new Socket("127.0.0.1", URI.create(region.url()).getPort())) {
            OutputStream out = socket.getOutputStream();
            out.write(
                    ("PUT %s/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\nContent-Length: 8\r\n"
                                    + "Content-Type: application/octet-stream\r\n\r\nevil")
                            .formatted(path, alice.token())
                            .getBytes(StandardCharsets.US_ASCII));
            StoredImages.await(alice, path, "saving");
            assertThat(alice.delete(path).status()).isEqualTo(204);
            assertThat(alice.post(IMAGES, "{'id':'%s',%s}".formatted(id, RAW)).status())
                    .isEqualTo(201);
            assertThat(
                            alice.upload(path + "/file", "good".getBytes(StandardCharsets.US_ASCII))
                                    .status())
                    .isEqualTo(204);
            out.write("evil".getBytes(StandardCharsets.US_ASCII));
            byte[] status = socket.getInputStream().readNBytes(12);
            assertThat(new String(status, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 404");
        }
        assertThat(new String(alice.download(path + "/file"), StandardCharsets.US_ASCII))
                .isEqualTo("good");
        assertThat(alice.get(path).json().path("status").stringValue()).isEqualTo("active");
        assertThat(StoredImages.files(directory)).hasSize(before.size() + 1);
    }

    @Test
    void anUploadOfADeletedImageDoesNotEndTheNextOne() throws Exception {
        String path = create(RAW);
        String id = path.substring(IMAGES.length() + 1);
        String head =
                "PUT %s/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\nContent-Length: 2\r\n"
                        + "Content-Type: application/octet-stream\r\n\r\n%s";
        try (Socket second = new Socket("127.0.0.1", URI.create(region.url()).getPort())) {
            try (Socket first = new Socket("127.0.0.1", URI.create(region.url()).getPort())) {
                first.getOutputStream()
                        .write(
                                head.formatted(path, alice.token(), "a")
                                        .getBytes(StandardCharsets.US_ASCII));
                StoredImages.await(alice, path, "saving");
                assertThat(alice.delete(path).status()).isEqualTo(204);
                assertThat(alice.post(IMAGES, "{'id':'%s',%s}".formatted(id, RAW)).status())
                        .isEqualTo(201);
                second.getOutputStream()
                        .write(
                                head.formatted(path, alice.token(), "b")
                                        .getBytes(StandardCharsets.US_ASCII));
                StoredImages.await(alice, path, "saving");
            }
            // The old one broke off; the new one is none of its business.
            second.getOutputStream().write('b');
            byte[] status = second.getInputStream().readNBytes(12);
            assertThat(new String(status, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 204");
        }
        assertThat(new String(alice.download(path + "/file"), StandardCharsets.US_ASCII))
                .isEqualTo("bb");
    }

    @Test
    void aDeactivatedImageIsNotUsed() {
        String kernel = create("'disk_format':'aki','container_format':'aki'");
        String id = kernel.substring(IMAGES.length() + 1);
        assertThat(admin.post(kernel + "/actions/deactivate", "").status()).isEqualTo(403);
        assertThat(alice.upload(kernel + "/file", new byte[] {1}).status()).isEqualTo(204);
        String machine = create("%s,'kernel_id':'%s','ramdisk_id':'%s'".formatted(RAW, id, id));
        assertThat(alice.upload(machine + "/file", new byte[] {2}).status()).isEqualTo(204);
        Actor caller =
                new Actor(
                        "req-test",
                        "u",
                        Optional.of(alice.get(kernel).json().path("owner").stringValue()),
                        Set.of("member"));
        String machineId = machine.substring(IMAGES.length() + 1);
        resolve(caller, machineId);
        assertThat(alice.post(machine + "/actions/deactivate", "").status()).isEqualTo(403);
        for (String image : List.of(kernel, machine)) {
            assertThat(admin.post(image + "/actions/deactivate", "").status()).isEqualTo(204);
            assertThat(alice.get(image).json().path("status").stringValue())
                    .isEqualTo("deactivated");
            assertThat(alice.get(image).json().path("size").longValue()).isEqualTo(1);
            assertThat(alice.get(image + "/file").status()).isEqualTo(403);
            assertThat(admin.get(image + "/file").status()).isEqualTo(200);
            assertThat(alice.upload(image + "/file", new byte[] {3}).status()).isEqualTo(409);
            assertThatThrownBy(() -> resolve(caller, machineId)).isInstanceOf(ApiException.class);
            // A node may still fetch what its goal names.
            assertThat(images.file(image.substring(IMAGES.length() + 1))).isPresent();
            assertThat(admin.post(image + "/actions/reactivate", "").status()).isEqualTo(204);
            resolve(caller, machineId);
        }
        assertThat(alice.get(kernel + "/file").status()).isEqualTo(200);
    }

    @Test
    void timesAndSizesFilter() {
        String path = create("%s,'filter':'me'".formatted(RAW));
        alice.upload(path + "/file", new byte[1234]);
        JsonNode image = alice.get(path).json();
        String created = image.path("created_at").stringValue();
        String before =
                Instant.parse(created).minusSeconds(1).truncatedTo(ChronoUnit.SECONDS).toString();
        for (String match :
                List.of(
                        "created_at=" + created,
                        "created_at=eq:" + created,
                        "created_at=gte:" + created,
                        "created_at=lte:" + created,
                        "created_at=gt:" + before,
                        "created_at=neq:" + before,
                        "updated_at=gt:" + before,
                        "size=1234",
                        "size_min=1234&size_max=1234",
                        "min_disk=0&min_ram=0")) {
            assertThat(count(match)).as(match).isEqualTo(1);
        }
        for (String none :
                List.of(
                        "created_at=gt:" + created,
                        "created_at=lt:" + created,
                        "created_at=neq:" + created,
                        "updated_at=lt:" + before,
                        "size=1",
                        "min_ram=1")) {
            assertThat(count(none)).as(none).isZero();
        }
        for (String bad : List.of("created_at=in:" + created, "created_at=gt:x", "size=x")) {
            assertThat(alice.get(IMAGES + "?" + bad).status()).as(bad).isEqualTo(400);
        }
    }

    @Test
    void anEmptyIdIsNotFound() {
        for (String method : List.of("GET", "DELETE", "PATCH")) {
            assertThat(alice.send(method, IMAGES + "/", "").status()).isEqualTo(404);
        }
    }

    private static ImageService service(Database database, Path directory) {
        return new ImageService(
                database,
                new ImageFiles(directory),
                new QemuConverter("nobody"),
                Clock.systemUTC());
    }

    private int count(String filter) {
        return alice.get(IMAGES + "?filter=me&" + filter).json().path("images").size();
    }

    private void resolve(Actor caller, String id) {
        assertThat(region.database().read(handle -> images.resolve(handle, caller, id)).name())
                .isEmpty();
    }

    private String create(String attributes) {
        HttpCaller.Answer answer = alice.post(IMAGES, "{" + attributes + "}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return IMAGES + "/" + answer.json().path("id").stringValue();
    }

    private int patch(String path, String operations) {
        return alice.send(
                        "PATCH",
                        path,
                        operations.replace('\'', '"'),
                        "Content-Type",
                        "application/openstack-images-v2.1-json-patch")
                .status();
    }
}
