package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Actor;
import dev.iod.region.Quotas;
import dev.iod.rest.ApiException;
import dev.iod.rest.testing.HttpCaller;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageApiTest {
    private static final String IMAGES = "/image/v2/images";
    private static final String PATCH = "application/openstack-images-v2.1-json-patch";

    private Path directory;
    private TestRegion region;
    private HttpCaller admin;
    private HttpCaller alice;
    private HttpCaller bob;

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        region =
                new TestRegion(
                        database ->
                                List.of(
                                        ImageApi.service(
                                                database,
                                                new ImageService(
                                                        database,
                                                        new ImageFiles(directory),
                                                        new QemuConverter("nobody"),
                                                        Clock.systemUTC()))));
        admin = region.admin();
        alice = region.member("alice");
        bob = region.member("bob");
    }

    @AfterAll
    void stop() {
        region.close();
    }

    @Test
    void anUploadIsDigestedAndComesBack() throws Exception {
        byte[] data = new byte[3_000_001];
        new Random(7).nextBytes(data);
        List<String> before = StoredImages.files(directory);
        String id = create(alice, "'name':'a','disk_format':'raw','container_format':'bare'");
        assertThat(alice.upload(IMAGES + "/" + id + "/file", data).status()).isEqualTo(204);
        JsonNode image = alice.get(IMAGES + "/" + id).json();
        assertThat(image.path("status").stringValue()).isEqualTo("active");
        assertThat(image.path("size").longValue()).isEqualTo(data.length);
        assertThat(image.path("checksum").stringValue()).isEqualTo(hex("MD5", data));
        assertThat(image.path("os_hash_value").stringValue()).isEqualTo(hex("SHA-512", data));
        assertThat(alice.download(IMAGES + "/" + id + "/file")).isEqualTo(data);
        assertThat(alice.upload(IMAGES + "/" + id + "/file", data).status()).isEqualTo(409);
        assertThat(alice.delete(IMAGES + "/" + id).status()).isEqualTo(204);
        assertThat(StoredImages.files(directory)).hasSameElementsAs(before);
        assertThat(alice.get(IMAGES + "/" + id).status()).isEqualTo(404);
    }

    @Test
    void anInterruptedUploadLeavesNothingAndCanBeRepeated() throws Exception {
        String id = create(alice, "'name':'b','disk_format':'raw','container_format':'bare'");
        String path = IMAGES + "/" + id;
        List<String> before = StoredImages.files(directory);
        try (Socket socket = new Socket("127.0.0.1", URI.create(region.url()).getPort())) {
            OutputStream out = socket.getOutputStream();
            out.write(
                    ("PUT %s/file HTTP/1.1\r\n"
                                    + "Host: x\r\n"
                                    + "X-Auth-Token: %s\r\n"
                                    + "Content-Length: 1000000\r\n"
                                    + "Content-Type: application/octet-stream\r\n\r\n")
                            .formatted(path, alice.token())
                            .getBytes(StandardCharsets.US_ASCII));
            out.write(new byte[500_000]);
            out.flush();
            StoredImages.await(alice, path, "saving");
        }
        StoredImages.await(alice, path, "queued");
        assertThat(StoredImages.files(directory)).hasSameElementsAs(before);
        assertThat(alice.upload(path + "/file", new byte[10]).status()).isEqualTo(204);
        StoredImages.await(alice, path, "active");
    }

    @Test
    void privateImagesAreNobodyElses() {
        String id = create(alice, "'name':'c','visibility':'private'");
        assertThat(bob.get(IMAGES + "/" + id).status()).isEqualTo(404);
        assertThat(bob.delete(IMAGES + "/" + id).status()).isEqualTo(404);
        assertThat(ids(bob, "")).doesNotContain(id);
        assertThat(ids(alice, "")).contains(id);
        assertThat(ids(admin, "")).contains(id);
        assertThat(bob.post(IMAGES, "{'name':'x','owner':'someone'}").status()).isEqualTo(403);
        HttpCaller.Answer refused = bob.post(IMAGES, "{'name':'x','visibility':'public'}");
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.text()).contains("<title>403 Forbidden</title>", "publicize_image");
        String open = create(admin, "'name':'d','visibility':'public'");
        assertThat(bob.get(IMAGES + "/" + open).status()).isEqualTo(200);
        assertThat(bob.delete(IMAGES + "/" + open).status()).isEqualTo(403);
    }

    @Test
    void patchesChangeAttributesAndProperties() {
        String path = IMAGES + "/" + create(alice, "'name':'e','kernel_id':'k'");
        HttpCaller.Answer changed =
                alice.send(
                        "PATCH",
                        path,
                        "[{'op':'replace','path':'/name','value':'f'},{'op':'add','path':'/a~1b','value':'1'},{'op':'remove','path':'/kernel_id'}]"
                                .replace('\'', '"'),
                        "Content-Type",
                        PATCH);
        assertThat(changed.status()).isEqualTo(200);
        assertThat(changed.json().path("name").stringValue()).isEqualTo("f");
        assertThat(changed.json().path("a/b").stringValue()).isEqualTo("1");
        assertThat(changed.json().has("kernel_id")).isFalse();
        assertThat(patch(path, "[{'op':'replace','path':'/status','value':'active'}]"))
                .isEqualTo(403);
        assertThat(patch(path, "[{'op':'remove','path':'/nothing'}]")).isEqualTo(409);
        assertThat(patch(path, "[{'op':'move','path':'/name'}]")).isEqualTo(400);
        assertThat(patch(path, "{}")).isEqualTo(400);
        assertThat(alice.send("PATCH", path, "[]", "Content-Type", "application/json").status())
                .isEqualTo(415);
        assertThat(alice.put(path + "/tags/t1", "").status()).isEqualTo(204);
        assertThat(ids(alice, "?tag=t1")).hasSize(1);
        assertThat(alice.delete(path + "/tags/t1").status()).isEqualTo(204);
        assertThat(alice.delete(path + "/tags/t1").status()).isEqualTo(404);
    }

    @Test
    void listsFilterAndPage() {
        for (int i = 0; i < 5; i++) {
            create(bob, "'name':'page%d','colour':'red'".formatted(i));
        }
        assertThat(ids(bob, "?name=page3")).hasSize(1);
        assertThat(ids(bob, "?name=in:page3,page4")).hasSize(2);
        assertThat(ids(bob, "?colour=red")).hasSize(5);
        assertThat(ids(bob, "?colour=blue")).isEmpty();
        JsonNode first = bob.get(IMAGES + "?colour=red&limit=3&sort=name:asc").json();
        assertThat(first.at("/images/0/name").stringValue()).isEqualTo("page0");
        JsonNode second = bob.get("/image" + first.path("next").stringValue()).json();
        assertThat(second.at("/images/0/name").stringValue()).isEqualTo("page3");
        assertThat(second.path("images").size()).isEqualTo(2);
        assertThat(second.has("next")).isFalse();
        assertThat(bob.get(IMAGES + "?sort_key=nothing").status()).isEqualTo(400);
        assertThat(bob.get(IMAGES + "?marker=nothing").status()).isEqualTo(400);
        assertThat(bob.get(IMAGES + "?limit=-1").status()).isEqualTo(400);
    }

    @Test
    void theOlderPatchIsUnderstood() {
        String path = created(alice, "{'name':'old','colour':'red','size_class':'s'}");
        String patch =
                "[{'replace':'/name','value':'new'},{'add':'/shape','value':'round'},"
                        + "{'remove':'/colour'}]";
        HttpCaller.Answer changed = oldPatch(path, patch);
        assertThat(changed.status()).isEqualTo(200);
        JsonNode image = alice.get(path).json();
        assertThat(image.path("name").stringValue()).isEqualTo("new");
        assertThat(image.path("shape").stringValue()).isEqualTo("round");
        assertThat(image.has("colour")).isFalse();
        for (String wrong :
                List.of(
                        "{'replace':'/name'}",
                        "[{'op':'replace','path':'/name','value':'x'}]",
                        "[{'replace':'/name','add':'/name','value':'x'}]",
                        "[{'replace':7,'value':'x'}]",
                        "[7]")) {
            assertThat(oldPatch(path, wrong).status()).as(wrong).isEqualTo(400);
        }
        assertThat(oldPatch(path, "[{'replace':'/status','value':'x'}]").status()).isEqualTo(403);
    }

    @Test
    void whatTheServiceNotesOfImagesIsReserved() {
        String name = "os_glance_import_task";
        assertThat(alice.post(IMAGES, "{'" + name + "':'x'}").status()).isEqualTo(403);
        String path = created(alice, "{'name':'reserved'}");
        for (String operation :
                List.of(
                        "{'op':'add','path':'/%s','value':'x'}",
                        "{'op':'replace','path':'/%s','value':'x'}",
                        "{'op':'remove','path':'/%s'}")) {
            HttpCaller.Answer refused =
                    alice.send(
                            "PATCH",
                            path,
                            ("[" + operation.formatted(name) + "]").replace('\'', '"'),
                            "Content-Type",
                            PATCH);
            assertThat(refused.status()).as(operation).isEqualTo(403);
            assertThat(refused.text()).contains("Attribute 'os_glance_import_task' is reserved.");
        }
    }

    private static String created(HttpCaller caller, String body) {
        return IMAGES + "/" + caller.post(IMAGES, body).json().path("id").stringValue();
    }

    private HttpCaller.Answer oldPatch(String path, String patch) {
        return alice.send(
                "PATCH",
                path,
                patch.replace('\'', '"'),
                "Content-Type",
                "application/openstack-images-v2.0-json-patch");
    }

    @Test
    void malformedRequestsAreRefused() {
        assertThat(alice.post(IMAGES, "{'name':7}").status()).isEqualTo(400);
        assertThat(alice.post(IMAGES, "{'disk_format':'floppy'}").status()).isEqualTo(400);
        assertThat(alice.post(IMAGES, "{'status':'active'}").status()).isEqualTo(403);
        assertThat(alice.post(IMAGES, "{'id':'../../etc/passwd'}").status()).isEqualTo(400);
        String id = create(alice, "'name':'g'");
        assertThat(alice.upload(IMAGES + "/" + id + "/file", new byte[1]).status()).isEqualTo(400);
        assertThat(alice.put(IMAGES + "/" + id + "/file", "{}").status()).isEqualTo(415);
        assertThat(alice.get(IMAGES + "/" + id + "/file").status()).isEqualTo(204);
        assertThat(alice.post(IMAGES, "{'id':'" + id + "'}").status()).isEqualTo(409);
    }

    @Test
    void aProtectedImageStays() {
        String path = IMAGES + "/" + create(alice, "'name':'h','protected':true");
        assertThat(alice.delete(path).status()).isEqualTo(403);
        assertThat(patch(path, "[{'op':'replace','path':'/protected','value':false}]"))
                .isEqualTo(200);
        assertThat(alice.delete(path).status()).isEqualTo(204);
    }

    @Test
    void imagesAndTheirBytesAreLimited() {
        HttpCaller carol = region.member("carol");
        String fields = "'name':'q','disk_format':'raw','container_format':'bare'";
        String first = create(carol, fields);
        String project = carol.get(IMAGES + "/" + first).json().path("owner").stringValue();
        region.database()
                .run(
                        handle -> {
                            Quotas.set(handle, project, ImageQuotas.IMAGES, 2);
                            Quotas.set(handle, project, ImageQuotas.BYTES, 10);
                        });
        String file = IMAGES + "/%s/file";
        assertThat(carol.upload(file.formatted(first), new byte[11]).status()).isEqualTo(413);
        assertThat(carol.upload(file.formatted(first), new byte[6]).status()).isEqualTo(204);
        String second = create(carol, fields);
        assertThat(carol.upload(file.formatted(second), new byte[5]).status()).isEqualTo(413);
        assertThat(carol.upload(file.formatted(second), new byte[4]).status()).isEqualTo(204);
        assertThat(carol.post(IMAGES, "{" + fields + "}").status()).isEqualTo(413);
        assertThat(carol.delete(IMAGES + "/" + first).status()).isEqualTo(204);
        assertThat(carol.post(IMAGES, "{" + fields + "}").status()).isEqualTo(201);
    }

    @Test
    void aBootableImageResolvesToItsParts() {
        String kernel = active(alice, "aki", new byte[] {1, 2, 3});
        String initrd = active(alice, "ari", new byte[] {4, 5});
        String id =
                create(
                        alice,
                        "'name':'m','disk_format':'ami','container_format':'ami','kernel_id':'%s','ramdisk_id':'%s'"
                                .formatted(kernel, initrd));
        ImageService images =
                new ImageService(
                        region.database(),
                        new ImageFiles(directory),
                        new QemuConverter("nobody"),
                        Clock.systemUTC());
        Actor actor = new Actor("req-test", "u", Optional.of(owner(id)), Set.of("member"));
        assertThatThrownBy(() -> resolve(images, actor, id))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("not active");
        alice.upload(IMAGES + "/" + id + "/file", new byte[] {6});
        Images.Bootable bootable = resolve(images, actor, id);
        assertThat(bootable.boot())
                .isInstanceOfSatisfying(
                        Images.Boot.Kernel.class,
                        boot -> {
                            assertThat(boot.kernel().imageId()).isEqualTo(kernel);
                            assertThat(boot.initrd().sizeBytes()).isEqualTo(2);
                        });
        assertThat(bootable.disk()).as("this format describes a machine").isEmpty();
        String raw =
                create(
                        alice,
                        "'name':'d','disk_format':'raw','container_format':'bare','kernel_id':'%s','ramdisk_id':'%s'"
                                .formatted(kernel, initrd));
        alice.upload(IMAGES + "/" + raw + "/file", new byte[] {7, 8, 9});
        assertThat(resolve(images, actor, raw).disk().orElseThrow())
                .returns(raw, Images.Part::imageId)
                .returns(3L, Images.Part::sizeBytes);
        assertThatThrownBy(() -> resolve(images, actor, kernel)).hasMessageContaining("kernel_id");
        Actor stranger = new Actor("req-test", "v", Optional.of("other"), Set.of("member"));
        assertThatThrownBy(() -> resolve(images, stranger, id))
                .hasMessageContaining("Can not find");
    }

    @Test
    void aDiskSaysByWhichFirmwareItBoots() {
        ImageService images =
                new ImageService(
                        region.database(),
                        new ImageFiles(directory),
                        new QemuConverter("nobody"),
                        Clock.systemUTC());
        Map<String, Images.Firmware> firmwares =
                Map.of(
                        "'min_ram':0", Images.Firmware.BIOS,
                        "'hw_firmware_type':'bios','os_secure_boot':'optional'",
                                Images.Firmware.BIOS,
                        "'hw_firmware_type':'uefi'", Images.Firmware.UEFI,
                        "'hw_firmware_type':'uefi','os_secure_boot':'disabled'",
                                Images.Firmware.UEFI,
                        "'hw_firmware_type':'uefi','os_secure_boot':'optional'",
                                Images.Firmware.UEFI_SECURE_BOOT,
                        "'hw_firmware_type':'uefi','os_secure_boot':'required'",
                                Images.Firmware.UEFI_SECURE_BOOT,
                        "'hw_disk_bus':'virtio','hw_machine_type':'q35'", Images.Firmware.BIOS);
        firmwares.forEach(
                (properties, firmware) -> {
                    Images.Bootable bootable = resolveDisk(images, properties);
                    assertThat(bootable.boot()).isEqualTo(new Images.Boot.Disk(firmware));
                    assertThat(bootable.disk()).isPresent();
                    assertThat(bootable.machineType())
                            .isEqualTo(properties.contains("q35") ? "q35" : "");
                });
        Map<String, String> refused =
                Map.of(
                        "'hw_disk_bus':'ide'", "have hw_disk_bus virtio, not ide",
                        "'hw_machine_type':'pc'", "have hw_machine_type q35, not pc",
                        "'hw_firmware_type':'coreboot'",
                                "hw_firmware_type bios or uefi, not coreboot",
                        "'hw_firmware_type':'uefi','os_secure_boot':'yes'", "not yes",
                        "'os_secure_boot':'required'", "needs hw_firmware_type=uefi",
                        "'ramdisk_id':'x'", "no property kernel_id",
                        "'kernel_id':'x','hw_firmware_type':'uefi'", "without a firmware");
        refused.forEach(
                (properties, reason) ->
                        assertThatThrownBy(() -> resolveDisk(images, properties))
                                .as(properties)
                                .isInstanceOf(ApiException.class)
                                .hasMessageContaining(reason));
    }

    private Images.Bootable resolveDisk(ImageService images, String properties) {
        String id =
                create(
                        alice,
                        "'name':'b','disk_format':'raw','container_format':'bare'," + properties);
        alice.upload(IMAGES + "/" + id + "/file", new byte[] {1});
        Actor actor = new Actor("req-test", "u", Optional.of(owner(id)), Set.of("member"));
        return resolve(images, actor, id);
    }

    private Images.Bootable resolve(ImageService images, Actor actor, String id) {
        return region.database().read(handle -> images.resolve(handle, actor, id));
    }

    private String owner(String id) {
        return alice.get(IMAGES + "/" + id).json().path("owner").stringValue();
    }

    private static String active(HttpCaller actor, String format, byte[] data) {
        String id =
                create(
                        actor,
                        "'name':'part','disk_format':'%s','container_format':'%s'"
                                .formatted(format, format));
        assertThat(actor.upload(IMAGES + "/" + id + "/file", data).status()).isEqualTo(204);
        return id;
    }

    private static String create(HttpCaller actor, String attributes) {
        HttpCaller.Answer answer = actor.post(IMAGES, "{" + attributes + "}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return answer.json().path("id").stringValue();
    }

    private int patch(String path, String operations) {
        return alice.send("PATCH", path, operations.replace('\'', '"'), "Content-Type", PATCH)
                .status();
    }

    private static List<String> ids(HttpCaller actor, String query) {
        return actor.get(IMAGES + query).json().path("images").values().stream()
                .map(image -> image.path("id").stringValue())
                .toList();
    }

    private static String hex(String algorithm, byte[] data) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(data));
    }
}
