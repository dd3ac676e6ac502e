package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Disk;
import dev.iod.node.FailureKind;
import dev.iod.node.Power;
import dev.iod.node.Server;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.apache.commons.codec.digest.Sha2Crypt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The action {@code rebuild}. */
class RebuildTest {
    private Region region;
    private HttpCaller member;
    private FakeNode node;

    @BeforeEach
    void start() {
        region = new Region();
        member = region.compute("p");
        node = region.node("n1", 8, 8192);
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private String server(String image) {
        region.network("p", "10.9.0.0/24");
        String id =
                member.post(
                                "/servers",
                                "{'server': {'name': 's', 'imageRef': '%s', 'flavorRef': '42'}}"
                                        .formatted(image))
                        .json()
                        .at("/server/id")
                        .stringValue();
        node.sync();
        return id;
    }

    private Answer rebuild(String id, String more, String image, int minor) {
        return member.post(
                "/servers/" + id + "/action",
                "{'rebuild': {%s 'imageRef': '%s'}}".formatted(more, image),
                Region.version(minor));
    }

    private void is(String id, String status, String vm, String task) {
        JsonNode server = show(id);
        assertThat(server.path("status").asString()).isEqualTo(status);
        assertThat(server.path("OS-EXT-STS:vm_state").asString()).isEqualTo(vm);
        assertThat(server.path("OS-EXT-STS:task_state").asString("")).isEqualTo(task);
    }

    private JsonNode show(String id) {
        return member.get("/servers/" + id, Region.version(90)).json().path("server");
    }

    private static void refused(Answer answer, int status, String message) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().iterator().next().path("message").stringValue())
                .isEqualTo(message);
    }

    private Server goal() {
        return node.goal().getServers(0);
    }

    private long allocated(String kind) {
        return region.database.read(
                handle ->
                        handle.createQuery(
                                        "SELECT coalesce(sum(used), 0) FROM allocation"
                                                + " WHERE resource_class = ?")
                                .bind(0, kind)
                                .mapTo(Long.class)
                                .one());
    }

    @Test
    void aServerStartsAnewFromAnotherImage() {
        String id = server(Region.IMAGE);
        JsonNode before = show(id);
        assertThat(allocated("DISK_MB")).isZero();
        Answer answer =
                rebuild(
                        id,
                        "'name': 'new', 'metadata': {'a': 'b'}, 'adminPass': 'secret',"
                                + " 'description': 'd', 'hostname': 'other',"
                                + " 'preserve_ephemeral': true, 'OS-DCF:diskConfig': 'AUTO',"
                                + " 'user_data': 'aGk=', ",
                        Region.DISK_IMAGE,
                        90);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(answer.headers().firstValue("Location").orElseThrow())
                .endsWith("/servers/" + id);
        JsonNode told = answer.json().path("server");
        assertThat(told.path("adminPass").stringValue()).isEqualTo("secret");
        assertThat(told.path("status").stringValue()).isEqualTo("REBUILD");
        assertThat(told.at("/image/id").stringValue()).isEqualTo(Region.DISK_IMAGE);
        assertThat(told.path("user_data").stringValue()).isEqualTo("aGk=");
        is(id, "REBUILD", "active", "rebuilding");
        assertThat(member.get("/servers?status=rebuild").json().path("servers").size())
                .isEqualTo(1);
        assertThat(member.get("/servers?status=active").json().path("servers").size()).isZero();
        refused(
                rebuild(id, "", Region.IMAGE, 90),
                409,
                "Cannot 'rebuild' instance %s while it is in task_state rebuilding".formatted(id));
        Server goal = goal();
        assertThat(goal.getName()).isEqualTo("new");
        assertThat(goal.getHostName()).isEqualTo("other");
        assertThat(goal.getBootGeneration()).isEqualTo(2);
        assertThat(goal.getMetadata().getImageId()).isEqualTo(Region.DISK_IMAGE);
        assertThat(goal.getMetadata().getUserData()).isEqualTo("aGk=");
        assertThat(goal.getMetadata().getPropertiesMap()).containsOnlyKeys("a");
        String hash = goal.getMetadata().getPasswordHash();
        assertThat(Sha2Crypt.sha512Crypt("secret".getBytes(StandardCharsets.UTF_8), hash))
                .isEqualTo(hash);
        assertThat(goal.getDisksList().stream().map(Disk::getId))
                .containsExactly("root-" + id + "-2");
        assertThat(allocated("DISK_MB")).isEqualTo((Region.DISK_IMAGE_BYTES >> 20) + 1);
        assertThat(allocated("MEMORY_MB")).isEqualTo(128);
        node.report();
        is(id, "REBUILD", "active", "rebuilding");
        node.sync();
        is(id, "ACTIVE", "active", "");
        JsonNode after = show(id);
        assertThat(after.path("description").stringValue()).isEqualTo("d");
        assertThat(after.path("OS-DCF:diskConfig").stringValue()).isEqualTo("AUTO");
        assertThat(after.path("addresses")).isEqualTo(before.path("addresses"));
        assertThat(after.path("OS-SRV-USG:launched_at"))
                .isEqualTo(before.path("OS-SRV-USG:launched_at"));
        JsonNode action =
                member.get("/servers/" + id + "/os-instance-actions")
                        .json()
                        .path("instanceActions")
                        .path(0);
        assertThat(action.path("action").stringValue()).isEqualTo("rebuild");
        assertThat(action.path("message").isNull()).isTrue();
        // Back to an image that is no disk: what the disk took is given back, also by a full node.
        node.pool(1);
        assertThat(rebuild(id, "", Region.IMAGE, 1).json().at("/server/adminPass").stringValue())
                .hasSize(12);
        assertThat(allocated("DISK_MB")).isZero();
        assertThat(goal().getDisksList()).isEmpty();
        node.sync();
        is(id, "ACTIVE", "active", "");
        assertThat(show(id).path("name").stringValue()).isEqualTo("new");
        assertThat(goal().getMetadata().getUserData()).isEqualTo("aGk=");
        member.delete("/servers/" + id);
        node.sync();
        assertThat(allocated("MEMORY_MB")).isZero();
    }

    @Test
    void aServerThatIsOffStaysOff() {
        String id = server(Region.DISK_IMAGE);
        member.post("/servers/" + id + "/action", "{'os-stop': null}");
        node.sync();
        assertThat(rebuild(id, "", Region.BOOT_IMAGE, 90).status()).isEqualTo(202);
        is(id, "REBUILD", "stopped", "rebuilding");
        assertThat(goal().getPower()).isEqualTo(Power.OFF);
        assertThat(goal().getFirstDisk().getFirmware())
                .isEqualTo(dev.iod.node.Firmware.UEFI_SECURE_BOOT);
        node.fail(id, FailureKind.FAILURE_DISK, "the pool is full");
        node.sync();
        is(id, "ERROR", "error", "");
        assertThat(show(id).at("/fault/message").stringValue())
                .isEqualTo("A disk of the server could not be made or has failed.");
        // What the node says again does not make it a sound server.
        node.sync();
        is(id, "ERROR", "error", "");
        assertThat(show(id).has("fault")).isTrue();
        node.obey(id);
        assertThat(rebuild(id, "", Region.BOOT_IMAGE, 90).status()).isEqualTo(202);
        is(id, "REBUILD", "error", "rebuilding");
        node.sync();
        is(id, "ACTIVE", "active", "");
        member.post("/servers/" + id + "/action", "{'os-stop': null}");
        node.sync();
        assertThat(rebuild(id, "", Region.DISK_IMAGE, 90).status()).isEqualTo(202);
        assertThat(goal().getDisks(0).getId()).isEqualTo("root-" + id + "-4");
        node.sync();
        is(id, "SHUTOFF", "stopped", "");
    }

    @Test
    void aNewRootDiskThatCannotBeMadeIsAnErrorWithItsReason() {
        String id = server(Region.DISK_IMAGE);
        assertThat(rebuild(id, "", Region.DISK_IMAGE, 90).status()).isEqualTo(202);
        node.fail(id, FailureKind.FAILURE_IMAGE, "no image");
        node.sync();
        is(id, "ERROR", "error", "");
        assertThat(show(id).at("/fault/message").stringValue())
                .isEqualTo("A part of the server's image could not be brought to its node.");
        JsonNode action =
                member.get("/servers/" + id + "/os-instance-actions")
                        .json()
                        .path("instanceActions")
                        .path(0);
        assertThat(action.path("message").stringValue()).isEqualTo("Error");
        assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
        node.sync();
        assertThat(allocated("DISK_MB")).isZero();
    }

    @Test
    void keysAndUserDataAreTakenAwayByNull() {
        member.post(
                "/os-keypairs",
                "{'keypair': {'name': 'k', 'public_key': '%s'}}".formatted(publicKey()));
        String id = server(Region.IMAGE);
        assertThat(
                        rebuild(id, "'key_name': 'k',", Region.IMAGE, 54)
                                .json()
                                .at("/server/key_name")
                                .stringValue())
                .isEqualTo("k");
        assertThat(goal().getMetadata().getKeys(0).getName()).isEqualTo("k");
        node.sync();
        Answer answer = rebuild(id, "'key_name': null, 'user_data': null,", Region.IMAGE, 57);
        assertThat(answer.json().at("/server/key_name").isNull()).isTrue();
        assertThat(answer.json().at("/server/user_data").isNull()).isTrue();
        assertThat(goal().getMetadata().getKeysList()).isEmpty();
        node.sync();
        refused(
                rebuild(id, "'key_name': 'other',", Region.IMAGE, 54),
                400,
                "Invalid key_name provided.");
    }

    private static String publicKey() {
        byte[] key = new byte[51];
        key[3] = 11;
        System.arraycopy("ssh-ed25519".getBytes(StandardCharsets.UTF_8), 0, key, 4, 11);
        key[18] = 32;
        return "ssh-ed25519 " + Base64.getEncoder().encodeToString(key);
    }

    @Test
    void whatCannotBeIsRefusedAndChangesNothing() {
        String id = server(Region.IMAGE);
        refused(
                rebuild(id, "'trusted_image_certificates': ['a'],", Region.IMAGE, 63),
                400,
                "Certificate validation of images is not supported by this region.");
        assertThat(rebuild(id, "'key_name': 'k',", Region.IMAGE, 53).status()).isEqualTo(400);
        assertThat(rebuild(id, "'hostname': 'k2',", Region.IMAGE, 89).status()).isEqualTo(400);
        assertThat(rebuild(id, "'description': 'k',", Region.IMAGE, 18).status()).isEqualTo(400);
        assertThat(rebuild(id, "'name': '',", Region.IMAGE, 90).status()).isEqualTo(400);
        assertThat(rebuild(id, "", id, 90).status()).isEqualTo(400);
        assertThat(rebuild("no", "", Region.IMAGE, 90).status()).isEqualTo(404);
        node.pool(100);
        refused(
                rebuild(id, "", Region.DISK_IMAGE, 90),
                400,
                "No valid host was found. The server's node is short of disk.");
        member.post("/servers/" + id + "/action", "{'lock': null}");
        refused(rebuild(id, "", Region.IMAGE, 90), 409, "Instance %s is locked".formatted(id));
        member.post("/servers/" + id + "/action", "{'unlock': null}");
        is(id, "ACTIVE", "active", "");
        assertThat(goal().getBootGeneration()).isEqualTo(1);
        assertThat(allocated("MEMORY_MB")).isEqualTo(128);
        member.post("/servers/" + id + "/action", "{'pause': null}");
        node.sync();
        refused(
                rebuild(id, "", Region.IMAGE, 90),
                409,
                "Cannot 'rebuild' instance %s while it is in vm_state paused".formatted(id));
    }

    @Test
    void aRootDiskDoesNotTakeAVolumesPlace() {
        String id = server(Region.IMAGE);
        String volume =
                region.volume("p")
                        .post("/volumes", "{'volume': {'size': 1}}")
                        .json()
                        .at("/volume/id")
                        .stringValue();
        node.sync();
        Answer attached =
                member.post(
                        "/servers/" + id + "/os-volume_attachments",
                        "{'volumeAttachment': {'volumeId': '%s'}}".formatted(volume));
        assertThat(attached.json().at("/volumeAttachment/device").stringValue())
                .isEqualTo("/dev/vda");
        node.sync();
        refused(
                rebuild(id, "", Region.DISK_IMAGE, 90),
                400,
                "Image %s is unacceptable: its disk would be the server's first device, which is a volume now. Detach that first."
                        .formatted(Region.DISK_IMAGE));
        assertThat(rebuild(id, "", Region.IMAGE, 90).status()).isEqualTo(202);
        assertThat(goal().getDisksList().stream().map(Disk::getId)).containsExactly(volume);
    }

    @Test
    void aServerThatBootsAVolumeKeepsItAndItsImage() {
        String volume =
                region.volume("p")
                        .post(
                                "/volumes",
                                "{'volume': {'size': 3, 'imageRef': '%s'}}"
                                        .formatted(Region.BOOT_IMAGE))
                        .json()
                        .at("/volume/id")
                        .stringValue();
        node.sync();
        String id =
                member.post(
                                "/servers",
                                ("{'server': {'name': 's', 'flavorRef': '42', 'networks': 'none',"
                                                + " 'block_device_mapping_v2': [{'boot_index': 0,"
                                                + " 'uuid': '%s', 'source_type': 'volume',"
                                                + " 'destination_type': 'volume'}]}}")
                                        .formatted(volume),
                                Region.version(90))
                        .json()
                        .at("/server/id")
                        .stringValue();
        node.sync();
        refused(
                rebuild(id, "", Region.DISK_IMAGE, 90),
                400,
                "Image %s is unacceptable: Unable to rebuild with a different image for a volume-backed server."
                        .formatted(Region.DISK_IMAGE));
        Answer answer = rebuild(id, "'name': 'x',", Region.BOOT_IMAGE, 90);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(answer.json().at("/server/image").stringValue()).isEmpty();
        assertThat(goal().getDisksList().stream().map(Disk::getId)).containsExactly(volume);
        assertThat(goal().getBootGeneration()).isEqualTo(2);
        node.sync();
        is(id, "ACTIVE", "active", "");
        assertThat(
                        region.volume("p")
                                .get("/volumes/" + volume)
                                .json()
                                .at("/volume/status")
                                .stringValue())
                .isEqualTo("in-use");
    }
}
