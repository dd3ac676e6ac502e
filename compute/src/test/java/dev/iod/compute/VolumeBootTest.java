package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Disk;
import dev.iod.node.Firmware;
import dev.iod.node.Server;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Servers that are made with volumes, and those that boot one. */
class VolumeBootTest {
    private Region region;
    private HttpCaller compute;
    private HttpCaller storage;
    private FakeNode node;

    @BeforeEach
    void start() {
        region = new Region();
        compute = region.compute("p");
        storage = region.volume("p");
        node = region.node("n1", 8, 8192);
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private String volume() {
        return volume(node);
    }

    private String volume(FakeNode on) {
        String id =
                storage.post("/volumes", "{'volume': {'size': 1}}")
                        .json()
                        .at("/volume/id")
                        .stringValue();
        on.sync();
        return id;
    }

    private String bootable() {
        String id = volume();
        assertThat(
                        storage.post(
                                        "/volumes/" + id + "/action",
                                        "{'os-set_bootable': {'bootable': true}}")
                                .status())
                .isEqualTo(200);
        return id;
    }

    private static String device(String volume, String index, String more) {
        return "{'uuid': '%s', 'source_type': 'volume', 'destination_type': 'volume', 'boot_index': %s%s}"
                .formatted(volume, index, more);
    }

    /** A server without an image that asks for these devices. */
    private Answer boot(String flavor, String... devices) {
        return create(
                flavor, "'block_device_mapping_v2': [%s]".formatted(String.join(",", devices)));
    }

    private Answer create(String flavor, String more) {
        return compute.post(
                "/servers",
                "{'server': {'name': 's', 'flavorRef': '%s', %s}}".formatted(flavor, more));
    }

    private static String id(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer.json().at("/server/id").stringValue();
    }

    private JsonNode server(String id) {
        return compute.get("/servers/" + id, Region.version(3)).json().path("server");
    }

    private String status(String volume) {
        return storage.get("/volumes/" + volume).json().at("/volume/status").asString("gone");
    }

    private Server told(String id) {
        return node.goal().getServersList().stream()
                .filter(s -> s.getId().equals(id))
                .findFirst()
                .orElseThrow();
    }

    private static void refused(Answer answer, int status, String message) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().iterator().next().path("message").stringValue())
                .isEqualTo(message);
    }

    private long diskMib() {
        return region.database.read(
                handle ->
                        handle.createQuery(
                                        "SELECT coalesce(sum(used), 0) FROM allocation"
                                                + " WHERE resource_class = 'DISK_MB'")
                                .mapTo(Long.class)
                                .one());
    }

    @Test
    void aServerBootsAVolumeAndHasNoRootDisk() {
        String root = bootable();
        String data = volume();
        String id = id(boot("d1", device(data, "-1", ""), device(root, "0", "")));
        assertThat(status(root)).isEqualTo("attaching");
        assertThat(diskMib()).as("the flavor's disk is not taken").isEqualTo(2048);
        Server machine = told(id);
        assertThat(machine.getFirstDisk().getFirmware()).isEqualTo(Firmware.BIOS);
        assertThat(machine.getDisksList().stream().map(Disk::getId)).containsExactly(root, data);
        node.sync();
        assertThat(status(root)).isEqualTo("in-use");
        assertThat(status(data)).isEqualTo("in-use");
        JsonNode shown = server(id);
        assertThat(shown.path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(shown.path("image").stringValue()).isEmpty();
        assertThat(shown.path("os-extended-volumes:volumes_attached").size()).isEqualTo(2);
        assertThat(
                        region.compute("p0:admin")
                                .get("/servers/" + id, Region.version(3))
                                .json()
                                .at("/server/OS-EXT-SRV-ATTR:root_device_name")
                                .stringValue())
                .isEqualTo("/dev/vda");
        assertThat(storage.get("/volumes/" + root).json().at("/volume/attachments/0/device"))
                .hasToString("\"/dev/vda\"");
        String path = "/servers/" + id + "/os-volume_attachments/";
        refused(compute.delete(path + root), 400, "Cannot detach a root device volume");
        compute.post("/servers/" + id + "/action", "{'os-stop': null}");
        node.sync();
        refused(compute.delete(path + root), 400, "Cannot detach a root device volume");
        assertThat(compute.delete(path + data).status()).isEqualTo(202);
        node.sync();
        assertThat(status(data)).isEqualTo("available");
        assertThat(compute.delete("/servers/" + id).status()).isEqualTo(204);
        node.sync();
        assertThat(status(root)).as("it stays").isEqualTo("available");
    }

    private void image(String volume, String metadata) {
        region.database.run(
                handle ->
                        handle.execute(
                                "UPDATE volume SET image_metadata = CAST(? AS jsonb) WHERE id ="
                                        + " CAST(? AS uuid)",
                                metadata,
                                volume));
    }

    @Test
    void aVolumeBootsAsTheImageSaidThatItStartedAs() {
        String root = bootable();
        image(root, "{\"min_ram\": \"129\", \"image_id\": \"i\"}");
        refused(
                boot("42", device(root, "0", "")),
                400,
                "Flavor's memory is too small for requested image.");
        image(root, "{\"kernel_id\": \"k\", \"image_id\": \"i\"}");
        refused(
                boot("42", device(root, "0", "")),
                400,
                "A volume of image i cannot be booted: the image has kernel_id, and volumes are"
                        + " booted by a firmware only.");
        image(root, "{\"hw_disk_bus\": \"ide\", \"image_id\": \"i\"}");
        refused(
                boot("42", device(root, "0", "")),
                400,
                "Image i cannot be booted: servers of this region have hw_disk_bus virtio, not ide.");
        image(root, "{\"hw_firmware_type\": \"uefi\", \"os_secure_boot\": \"required\"}");
        String id = id(boot("42", device(root, "0", "")));
        assertThat(told(id).getFirstDisk().getFirmware()).isEqualTo(Firmware.UEFI_SECURE_BOOT);
    }

    @Test
    void volumesGoWithTheirServerWhenAsked() {
        String root = bootable();
        String id = id(boot("42", device(root, "'0'", ", 'delete_on_termination': 'true'")));
        node.sync();
        assertThat(server(id).at("/os-extended-volumes:volumes_attached/0/delete_on_termination"))
                .hasToString("true");
        compute.delete("/servers/" + id);
        node.sync();
        node.sync();
        assertThat(status(root)).isEqualTo("gone");
    }

    @Test
    void anImageWithVolumesBeside() {
        String data = volume();
        String image =
                "{'uuid': '%s', 'source_type': 'image', 'destination_type': 'local', 'boot_index': 0, 'delete_on_termination': true}"
                        .formatted(Region.DISK_IMAGE);
        String id =
                id(
                        create(
                                "42",
                                "'imageRef': '%s', 'block_device_mapping_v2': [%s, %s]"
                                        .formatted(
                                                Region.DISK_IMAGE,
                                                image,
                                                device(data, "null", ""))));
        assertThat(told(id).getDisksList().stream().map(Disk::getId))
                .containsExactly("root-" + id, data);
        node.sync();
        assertThat(server(id).at("/image/id").stringValue()).isEqualTo(Region.DISK_IMAGE);
        assertThat(status(data)).isEqualTo("in-use");
        String other = volume();
        String second =
                id(
                        create(
                                "42",
                                "'imageRef': '%s', 'block_device_mapping': [{'volume_id': '%s', 'device_name': '/dev/vdb'}]"
                                        .formatted(Region.IMAGE, other)));
        assertThat(told(second).getDisksList().stream().map(Disk::getId)).containsExactly(other);
        String third = bootable();
        String fourth =
                id(
                        create(
                                "42",
                                "'block_device_mapping': [{'volume_id': '%s', 'device_name': 'vda', 'delete_on_termination': '1'}]"
                                        .formatted(third)));
        assertThat(told(fourth).hasFirstDisk()).isTrue();
    }

    @Test
    void aServerGoesWhereItsVolumesAre() {
        String here = bootable();
        FakeNode other = region.node("n2", 64, 65_536);
        other.pool(1 << 22);
        String there = volume(other);
        String id = id(boot("42", device(here, "0", "")));
        assertThat(told(id).getId()).as("though n2 has more memory").isEqualTo(id);
        String apart = bootable2(other);
        String none = id(boot("42", device(apart, "0", ""), device(volume(other), "-1", "")));
        assertThat(server(none).path("status").stringValue()).isEqualTo("BUILD");
        node.pool(1 << 23);
        String near = volume();
        String nowhere =
                id(
                        create(
                                "42",
                                "'imageRef': '%s', 'block_device_mapping_v2': [%s, %s, %s]"
                                        .formatted(
                                                Region.IMAGE,
                                                "{'uuid': '%s', 'source_type': 'image', 'destination_type': 'local', 'boot_index': 0}"
                                                        .formatted(Region.IMAGE),
                                                device(
                                                        near,
                                                        "-1",
                                                        ", 'delete_on_termination': true"),
                                                device(there, "-1", ""))));
        assertThat(server(nowhere).path("status").stringValue()).isEqualTo("ERROR");
        assertThat(server(nowhere).at("/fault/message").stringValue())
                .isEqualTo(
                        "No valid host was found. There are not enough hosts available. (of 2: 2"
                                + " without all of the server's volumes)");
        assertThat(status(near)).isEqualTo("available");
        assertThat(status(there)).isEqualTo("available");
        compute.delete("/servers/" + nowhere);
        assertThat(status(near)).isEqualTo("available");
    }

    private String bootable2(FakeNode on) {
        String id = volume(on);
        storage.post("/volumes/" + id + "/action", "{'os-set_bootable': {'bootable': true}}");
        return id;
    }

    @Test
    void aServerThatWaitsForItsNodeKeepsItsVolume() {
        String root = bootable();
        node.heard(false);
        region.console.settled = false;
        String id = id(boot("42", device(root, "0", "")));
        assertThat(server(id).path("status").stringValue()).isEqualTo("BUILD");
        assertThat(status(root)).isEqualTo("attaching");
        refused(
                boot("42", device(root, "0", "")),
                400,
                "Invalid volume: volume '%s' status must be 'available'. Currently in 'attaching' status."
                        .formatted(root));
        node.heard(true);
        node.sync();
        assertThat(server(id).path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(status(root)).isEqualTo("in-use");
    }

    @Test
    void aServerThatWasNotPlacedYetGivesItsVolumeBack() {
        String root = bootable();
        node.heard(false);
        region.console.settled = false;
        String id = id(boot("42", device(root, "0", "")));
        assertThat(compute.delete("/servers/" + id).status()).isEqualTo(204);
        assertThat(status(root)).isEqualTo("available");
    }

    @Test
    void whatCannotBeBootedIsRefused() {
        String root = bootable();
        String data = volume();
        String sequence =
                "Block Device Mapping is Invalid: Boot sequence for the instance and image/block"
                        + " device mapping combination is not valid.";
        refused(
                boot("42", device(data, "0", "")),
                400,
                "Block Device %s is not bootable.".formatted(data));
        refused(boot("42", device(root, "0", ""), device(data, "0", "")), 400, sequence);
        refused(boot("42", device(root, "1", "")), 400, sequence);
        refused(boot("42", device(root, "-1", "")), 400, sequence);
        refused(create("42", "'block_device_mapping_v2': []"), 400, "Invalid imageRef provided.");
        refused(
                create(
                        "42",
                        "'imageRef': '%s', 'block_device_mapping_v2': [%s]"
                                .formatted(Region.IMAGE, device(root, "-1", ""))),
                400,
                sequence);
        String unknown = UUID.randomUUID().toString();
        refused(
                boot("42", device(unknown, "0", "")),
                400,
                "Block Device Mapping is Invalid: failed to get volume %s.".formatted(unknown));
        refused(
                boot(
                        "42",
                        device(root, "0", ", 'device_name': 'vda'"),
                        device(data, "-1", ", 'device_name': '/dev/vda'")),
                400,
                "Block Device Mapping is Invalid: The supplied device path (/dev/vda) is in use.");
        refused(
                boot("42", device(root, "0", ""), device(root, "-1", "")),
                400,
                "Block Device Mapping is Invalid: failed to get volume %s.".formatted(root));
        refused(
                boot(
                        "42",
                        "{'source_type': 'volume', 'destination_type': 'volume', 'boot_index': 0}"),
                400,
                "Block Device Mapping is Invalid: Missing device UUID.");
        refused(
                create(
                        "42",
                        "'max_count': 2, 'block_device_mapping_v2': [%s]"
                                .formatted(device(root, "0", ""))),
                400,
                "Cannot attach one or more volumes to multiple instances");
        refused(
                create(
                        "42",
                        "'block_device_mapping': [{'volume_id': '%s'}], 'block_device_mapping_v2': [%s]"
                                .formatted(root, device(root, "0", ""))),
                400,
                "Using different block_device_mapping syntaxes is not allowed in the same request.");
        refused(
                create(
                        "42",
                        "'imageRef': '%s', 'block_device_mapping_v2': [{'uuid': '%s', 'source_type': 'image', 'destination_type': 'local', 'boot_index': 0}, %s]"
                                .formatted(
                                        Region.IMAGE,
                                        Region.IMAGE,
                                        device(data, "-1", ", 'device_name': 'vda'"))),
                400,
                "The volume cannot be assigned the same device name as the root device vda");
        assertThat(boot("v1", device(root, "0", "")).text()).contains("boots a kernel only");
        assertThat(boot("42", device(root, "0", ", 'nonsense': 1")).text())
                .contains("Additional properties are not allowed");
        assertThat(boot("42", device(root, "0", ", 'tag': 'x'")).text())
                .contains("Additional properties are not allowed");
        String[] many = new String[9];
        many[0] = device(root, "0", "");
        for (int i = 1; i < many.length; i++) {
            many[i] = device(volume(), "-1", "");
        }
        refused(
                boot("42", many),
                403,
                "The maximum allowed number of disk devices (8) to attach to a single instance has"
                        + " been exceeded.");
        assertThat(status(root)).isEqualTo("available");
        assertThat(compute.get("/servers").json().path("servers").size()).isZero();
        assertThat(id(boot("42", device(root, "0", "")))).isNotEmpty();
        refused(
                boot("42", device(root, "0", "")),
                400,
                "Invalid volume: volume '%s' status must be 'available'. Currently in 'attaching' status."
                        .formatted(root));
    }

    @Test
    void volumesOfOtherProjectsAreNotTaken() {
        String root = bootable();
        String missing =
                "Block Device Mapping is Invalid: failed to get volume %s.".formatted(root);
        for (String other : List.of("q", "q:admin")) {
            refused(
                    region.compute(other)
                            .post(
                                    "/servers",
                                    "{'server': {'name': 's', 'flavorRef': '42', 'block_device_mapping_v2': [%s]}}"
                                            .formatted(device(root, "0", ""))),
                    400,
                    missing);
        }
        assertThat(status(root)).isEqualTo("available");
    }
}
