package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Disk;
import dev.iod.node.Firmware;
import dev.iod.node.Goal;
import dev.iod.node.Server;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Volumes that are made with their server: they come, fail, wait and go with it. */
class VolumesWithServersTest {
    private static final String IMAGE_VOLUME =
            "{'uuid': '%s', 'source_type': 'image', 'destination_type': 'volume', 'boot_index': 0, 'volume_size': 3%s}";
    private static final String BLANK =
            "{'source_type': 'blank', 'destination_type': 'volume', 'boot_index': -1, 'volume_size': '2'%s}";
    private static final String GOES = ", 'delete_on_termination': true";

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

    private static String ofImage(String more) {
        return IMAGE_VOLUME.formatted(Region.BOOT_IMAGE, more);
    }

    private static String ofSnapshot(String id, String more) {
        return "{'uuid': '%s', 'source_type': 'snapshot', 'destination_type': 'volume', 'boot_index': -1%s}"
                .formatted(id, more);
    }

    private static String ofVolume(String id) {
        return "{'uuid': '%s', 'source_type': 'volume', 'destination_type': 'volume', 'boot_index': -1}"
                .formatted(id);
    }

    private Answer boot(String... devices) {
        return create("", devices);
    }

    private Answer create(String more, String... devices) {
        return compute.post(
                "/servers",
                "{'server': {'name': 's', 'flavorRef': '42'%s, 'networks': 'none', 'block_device_mapping_v2': [%s]}}"
                        .formatted(more, String.join(",", devices)),
                Region.version(67));
    }

    private static String id(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer.json().at("/server/id").stringValue();
    }

    private JsonNode server(String id) {
        return compute.get("/servers/" + id, Region.version(67)).json().path("server");
    }

    private String status(String server) {
        return server(server).path("status").asString("gone");
    }

    private List<JsonNode> volumes() {
        return storage.get("/volumes/detail").json().path("volumes").valueStream().toList();
    }

    /** The statuses of all volumes, the oldest first. */
    private List<String> statuses() {
        return volumes().reversed().stream().map(v -> v.path("status").stringValue()).toList();
    }

    private String volume() {
        String id =
                storage.post("/volumes", "{'volume': {'size': 1}}")
                        .json()
                        .at("/volume/id")
                        .stringValue();
        node.sync();
        return id;
    }

    private String snapshot(String volume) {
        String id =
                storage.post("/snapshots", "{'snapshot': {'volume_id': '%s'}}".formatted(volume))
                        .json()
                        .at("/snapshot/id")
                        .stringValue();
        node.sync();
        return id;
    }

    private long allocatedMib() {
        return region.database.read(
                handle ->
                        handle.createQuery(
                                        "SELECT coalesce(sum(used), 0) FROM allocation"
                                                + " WHERE resource_class = 'DISK_MB'")
                                .mapTo(Long.class)
                                .one());
    }

    private void nothingIsLeft() {
        assertThat(volumes()).isEmpty();
        assertThat(allocatedMib()).isZero();
        assertThat(
                        region.database.<Long>read(
                                handle ->
                                        handle.createQuery("SELECT count(*) FROM volume_attachment")
                                                .mapTo(Long.class)
                                                .one()))
                .isZero();
        assertThat(node.goal().getVolumesList()).isEmpty();
    }

    private static void refused(Answer answer, int status, String message) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().iterator().next().path("message").stringValue())
                .isEqualTo(message);
    }

    @Test
    void aServerBootsAVolumeThatIsMadeOfAnImageWithIt() {
        String snapshot = snapshot(volume());
        node.noVolumes(FakeNode.COMING);
        String id =
                id(
                        boot(
                                BLANK.formatted(", 'volume_type': 'local'"),
                                ofSnapshot(snapshot, GOES),
                                ofImage(GOES)));
        assertThat(statuses()).containsExactly("available", "creating", "creating", "creating");
        Goal goal = node.goal();
        Server told = goal.getServersList().getFirst();
        assertThat(told.getFirstDisk().getFirmware()).isEqualTo(Firmware.UEFI_SECURE_BOOT);
        List<String> disks = told.getDisksList().stream().map(Disk::getId).toList();
        assertThat(disks).hasSize(3);
        Disk root =
                goal.getVolumesList().stream()
                        .filter(v -> v.getId().equals(disks.getFirst()))
                        .findFirst()
                        .orElseThrow();
        assertThat(root.getImage().getImageId()).isEqualTo(Region.BOOT_IMAGE);
        assertThat(root.getSizeBytes()).isEqualTo(3L << 30);
        assertThat(goal.getVolumesList())
                .anySatisfy(v -> assertThat(v.getSourceId()).isEqualTo(snapshot));
        assertThat(allocatedMib()).isEqualTo((1 + 1 + 3 + 2 + 1) << 10);
        node.sync();
        assertThat(status(id)).isEqualTo("BUILD");
        node.noVolumes("");
        node.sync();
        node.sync();
        assertThat(status(id)).isEqualTo("ACTIVE");
        assertThat(statuses()).containsExactly("available", "in-use", "in-use", "in-use");
        assertThat(server(id).path("image").stringValue()).isEmpty();
        JsonNode attached = server(id).path("os-extended-volumes:volumes_attached");
        assertThat(attached.valueStream().map(v -> v.path("id").stringValue()))
                .containsExactlyElementsOf(disks);
        JsonNode first = storage.get("/volumes/" + disks.getFirst()).json().path("volume");
        assertThat(first.path("bootable").stringValue()).isEqualTo("true");
        assertThat(first.at("/attachments/0/device").stringValue()).isEqualTo("/dev/vda");
        assertThat(first.path("name").stringValue()).isEmpty();
        assertThat(storage.get("/volumes/" + disks.get(1)).json().at("/volume/name").stringValue())
                .isEqualTo(id + "-blank-vol");

        compute.delete("/servers/" + id);
        node.sync();
        node.sync();
        assertThat(statuses())
                .as("only the blank one stays")
                .containsExactly("available", "available");
    }

    @Test
    void anImageBesideTheVolumeThatIsBootedSaysHow() {
        String id = id(create(", 'imageRef': '%s'".formatted(Region.IMAGE), ofImage(GOES)));
        Server told = node.goal().getServersList().getFirst();
        assertThat(told.hasKernel()).as("the request's image has one").isTrue();
        assertThat(told.getDisksList()).hasSize(1);
        node.sync();
        node.sync();
        assertThat(server(id).at("/image/id").stringValue()).isEqualTo(Region.IMAGE);
        assertThat(
                        compute.delete(
                                        "/servers/%s/os-volume_attachments/%s"
                                                .formatted(id, told.getDisks(0).getId()))
                                .text())
                .contains("Cannot detach a root device volume");
    }

    @Test
    void theOlderFormMakesVolumesOfSnapshots() {
        String source = volume();
        String snapshot = snapshot(source);
        storage.post("/volumes/" + source + "/action", "{'os-set_bootable': {'bootable': true}}");
        String legacy =
                "{'server': {'name': 's', 'flavorRef': '42', %s 'block_device_mapping': [{'snapshot_id': '%s', 'volume_size': 4, 'device_name': '%s', 'delete_on_termination': '1'}]}}";
        refused(
                compute.post("/servers", legacy.formatted("", snapshot, "vda")),
                400,
                "Block Device %s is not bootable.".formatted(snapshot));
        String bootable = snapshot(source);
        String id = id(compute.post("/servers", legacy.formatted("", bootable, "/dev/vda")));
        assertThat(node.goal().getServersList().getFirst().hasFirstDisk()).isTrue();
        assertThat(volumes().getFirst().path("size").asInt()).isEqualTo(4);
        node.sync();
        node.sync();
        assertThat(status(id)).isEqualTo("ACTIVE");
        String image = "'imageRef': '%s',".formatted(Region.IMAGE);
        String second = id(compute.post("/servers", legacy.formatted(image, bootable, "vdb")));
        assertThat(server(second).at("/image/id").stringValue()).isEqualTo(Region.IMAGE);
        refused(
                compute.post(
                        "/servers",
                        "{'server': {'name': 's', 'flavorRef': '42', 'block_device_mapping': [{'device_name': 'vda'}]}}"),
                400,
                "Block Device Mapping is Invalid: Unrecognized legacy format.");
        refused(
                compute.post(
                        "/servers",
                        "{'server': {'name': 's', 'flavorRef': '42', 'block_device_mapping': [{'device_name': 'vdb', 'virtual_name': 'swap'}]}}"),
                400,
                "Swap drive requested is larger than instance type allows.");
    }

    @Test
    void severalServersGetVolumesOfTheirOwn() {
        String answer = id(create(", 'min_count': 2, 'max_count': 2", ofImage(GOES)));
        assertThat(answer).isNotEmpty();
        assertThat(node.goal().getServersList())
                .hasSize(2)
                .allSatisfy(server -> assertThat(server.getDisksList()).hasSize(1));
        node.sync();
        node.sync();
        assertThat(statuses()).containsExactly("in-use", "in-use");
        refused(
                create(", 'max_count': 2", ofImage(""), ofVolume(volume())),
                400,
                "Cannot attach one or more volumes to multiple instances");
    }

    @Test
    void aVolumeThatFailsPutsItsServerIntoError() {
        node.noVolumes("the pool is broken");
        String id = id(boot(ofImage(GOES), BLANK.formatted("")));
        node.sync();
        assertThat(status(id)).isEqualTo("ERROR");
        assertThat(server(id).at("/fault/message").stringValue())
                .isEqualTo("A disk of the server could not be made or has failed.");
        assertThat(statuses()).containsExactly("error", "error");
        assertThat(allocatedMib()).as("there is nothing of them").isZero();
        node.sync();
        String root = server(id).at("/os-extended-volumes:volumes_attached/0/id").stringValue();
        assertThat(storage.delete("/volumes/" + root).text()).contains("detach volume first");
        refused(
                region.volume("p0:admin")
                        .post(
                                "/volumes/" + root + "/action",
                                "{'os-reset_status': {'status': 'in-use'}}"),
                400,
                "Cannot reset-state to in-use because its node has not made the volume.");
        compute.delete("/servers/" + id);
        node.sync();
        node.sync();
        assertThat(statuses()).as("the other stays, for its owner to see").containsExactly("error");
        storage.delete("/volumes/" + volumes().getFirst().path("id").stringValue());
        node.sync();
        nothingIsLeft();
    }

    @Test
    void aServerThatIsDeletedWhileItsVolumesAreMadeLeavesNothing() {
        node.noVolumes(FakeNode.COMING);
        String id = id(boot(ofImage(GOES), BLANK.formatted(GOES)));
        node.sync();
        assertThat(compute.delete("/servers/" + id).status()).isEqualTo(204);
        assertThat(statuses()).containsExactly("creating", "creating");
        node.sync();
        node.sync();
        nothingIsLeft();
        String other = id(boot(ofImage("")));
        node.sync();
        compute.delete("/servers/" + other);
        node.sync();
        assertThat(statuses()).as("one that does not go is made").containsExactly("creating");
        node.noVolumes("");
        node.sync();
        assertThat(statuses()).containsExactly("available");
    }

    @Test
    void aServerThatFindsNoNodeHasMadeNoVolume() {
        node.pool(4096);
        String mine = volume();
        node.pool(5119);
        String id = id(boot(ofImage(GOES), BLANK.formatted(""), ofVolume(mine)));
        assertThat(status(id)).isEqualTo("ERROR");
        assertThat(server(id).at("/fault/message").stringValue())
                .isEqualTo(
                        "No valid host was found. There are not enough hosts available. (of 1: 1"
                                + " short of disk)");
        assertThat(statuses()).as("only what was there").containsExactly("available");
        node.pool(6144);
        id(boot(ofImage(GOES), BLANK.formatted(""), ofVolume(mine)));
        assertThat(allocatedMib()).isEqualTo(6144);
    }

    @Test
    void aCopyBringsItsServerToTheNodeOfItsSource() {
        String snapshot = snapshot(volume());
        FakeNode other = region.node("n2", 64, 65_536);
        String id = id(boot(ofImage(GOES), ofSnapshot(snapshot, GOES)));
        assertThat(node.goal().getServersList().getFirst().getId())
                .as("though n2 has more memory")
                .isEqualTo(id);
        assertThat(node.goal().getVolumesList()).hasSize(3);
        assertThat(other.goal().getVolumesList()).isEmpty();
        region.database.run(h -> h.execute("UPDATE node SET traits = '{}' WHERE name = 'n2'"));
        node.heard(false);
        String none = id(boot(ofImage(GOES)));
        assertThat(server(none).at("/fault/message").stringValue())
                .contains("1 without all of the server's volumes, 1 down");
    }

    @Test
    void aServerThatWaitsForANodeKeepsItsVolumesUnmade() {
        node.heard(false);
        region.console.settled = false;
        String id = id(boot(ofImage(GOES), BLANK.formatted("")));
        assertThat(status(id)).isEqualTo("BUILD");
        assertThat(statuses()).containsExactly("creating", "creating");
        String gone = id(boot(ofImage(""), BLANK.formatted("")));
        assertThat(compute.delete("/servers/" + gone).status()).isEqualTo(204);
        assertThat(statuses()).as("those of the other").hasSize(2);
        region.database.run(h -> h.execute("UPDATE node SET up = true"));
        node.poolsSettled();
        assertThat(node.goal().getVolumesList()).as("placed without their server").isEmpty();
        node.heard(true);
        node.sync();
        node.sync();
        assertThat(status(id)).isEqualTo("ACTIVE");
        assertThat(statuses()).containsExactly("in-use", "in-use");
        assertThat(node.goal().getVolumesList()).hasSize(2);
    }

    @Test
    void aSnapshotIsKeptForACopyThatWaitsAndNoLonger() {
        String snapshot = snapshot(volume());
        node.heard(false);
        region.console.settled = false;
        String id = id(boot(ofImage(GOES), ofSnapshot(snapshot, GOES)));
        assertThat(storage.delete("/snapshots/" + snapshot).status()).isEqualTo(202);
        assertThat(node.goal().getPool().getSnapshotsList()).hasSize(1);
        long told = node.goal().getRevision();
        assertThat(compute.delete("/servers/" + id).status()).isEqualTo(204);
        assertThat(node.goal().getPool().getSnapshotsList()).isEmpty();
        assertThat(node.goal().getRevision()).as("the node is told").isGreaterThan(told);
    }

    /** Its node may be quick with the server, and slow with what it says of its pool. */
    @Test
    void aVolumeThatIsNotKnownToBeMadeIsNotDetached() {
        String id = id(boot(ofImage(GOES), BLANK.formatted("")));
        region.database.run(
                h -> h.execute("UPDATE server SET vm_state = 'active', task_state = 'none'"));
        String data =
                compute.get("/servers/" + id + "/os-volume_attachments")
                        .json()
                        .at("/volumeAttachments/1/volumeId")
                        .stringValue();
        String path = "/servers/" + id + "/os-volume_attachments/" + data;
        refused(
                compute.delete(path),
                400,
                "Invalid volume: Volume %s status must be 'in-use'. Currently in 'creating' status."
                        .formatted(data));
        node.sync();
        node.sync();
        assertThat(compute.delete(path).status()).isEqualTo(202);
    }

    @Test
    void quotasOfVolumesHold() {
        region.volume("p0:admin")
                .put("/os-quota-sets/p", "{'quota_set': {'volumes': 2, 'gigabytes': 7}}");
        refused(
                create(", 'max_count': 2, 'min_count': 2", ofImage(""), BLANK.formatted("")),
                403,
                "VolumeLimitExceeded: Maximum number of volumes allowed (2) exceeded for quota"
                        + " 'volumes'.");
        refused(
                create(
                        "",
                        ofImage(""),
                        "{'source_type': 'blank', 'destination_type': 'volume', 'volume_size': 5}"),
                403,
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed"
                        + " gigabytes quota. Requested 8G, quota is 7G and 0G has been consumed.");
        nothingIsLeft();
        assertThat(compute.get("/servers").json().path("servers").size()).isZero();
        id(boot(ofImage(GOES), BLANK.formatted(GOES)));
    }

    @Test
    void whatCannotBeMadeIsRefused() {
        String unknown = UUID.randomUUID().toString();
        String invalid = "Block Device Mapping is Invalid: ";
        refused(
                boot(IMAGE_VOLUME.formatted(unknown, "")),
                400,
                invalid + "failed to get image %s.".formatted(unknown));
        refused(
                boot(ofImage(""), ofSnapshot(unknown, "")),
                400,
                invalid + "failed to get snapshot %s.".formatted(unknown));
        refused(
                boot(
                        "{'uuid': '%s', 'source_type': 'image', 'destination_type': 'volume', 'boot_index': 0}"
                                .formatted(Region.BOOT_IMAGE)),
                400,
                invalid
                        + "Images with destination_type 'volume' need to have a non-zero size"
                        + " specified");
        refused(
                boot(
                        ofImage(""),
                        "{'source_type': 'blank', 'destination_type': 'volume', 'boot_index': -1}"),
                400,
                invalid
                        + "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero"
                        + " size");
        refused(
                boot(
                        "{'uuid': '%s', 'source_type': 'image', 'destination_type': 'volume', 'boot_index': 0, 'volume_size': 2}"
                                .formatted(Region.BOOT_IMAGE)),
                400,
                "Invalid input received: Size of specified image 3GB is larger than volume size"
                        + " 2GB.");
        refused(
                boot(ofImage(", 'volume_type': 'nosuch'")),
                400,
                "Volume type nosuch could not be found.");
        refused(
                boot(ofImage(""), ofVolume(volume()).replace("}", ", 'volume_type': 'local'}")),
                400,
                invalid + "Specifying volume type to existing volume is not supported.");
        refused(
                boot(ofImage(", 'disk_bus': 'magic'")),
                400,
                invalid + "The provided disk bus magic is not valid.");
        refused(
                boot(ofImage(", 'disk_bus': 'ide'")),
                400,
                invalid + "Disks of this region have disk_bus virtio, not ide.");
        refused(
                boot(ofImage(", 'device_type': 'cdrom'")),
                400,
                invalid + "Devices of this region have device_type disk, not cdrom.");
        refused(
                boot(
                        ofImage(""),
                        "{'source_type': 'blank', 'destination_type': 'local', 'guest_format': 'swap', 'volume_size': 1}"),
                400,
                "Swap drive requested is larger than instance type allows.");
        refused(
                boot(
                        "{'uuid': '%s', 'source_type': 'image', 'destination_type': 'local', 'boot_index': 0}"
                                .formatted(Region.BOOT_IMAGE)),
                400,
                invalid + "Mapping image to local is not supported.");
        refused(
                boot(ofImage(""), ofImage("")),
                400,
                invalid
                        + "Boot sequence for the instance and image/block device mapping"
                        + " combination is not valid.");
        assertThat(volumes()).as("but that which was made alone").hasSize(1);
    }
}
