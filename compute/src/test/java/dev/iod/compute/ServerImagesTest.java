package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.image.CaptureWatcher.Event;
import dev.iod.image.Images;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * {@code createImage} and {@code createBackup}, with an image service that is played by the test.
 */
class ServerImagesTest {
    private Region region;
    private HttpCaller member;
    private FakeNode node;

    @BeforeEach
    void start() {
        region = new Region();
        member = region.compute("p");
        node = region.node("n1", 8, 8192);
        Region.CAPTURES.clear();
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private String server(String image) {
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

    private Answer act(String id, String body, int minor) {
        return member.post("/servers/" + id + "/action", body, Region.version(minor));
    }

    private String task(String id) {
        return member.get("/servers/" + id).json().at("/server/OS-EXT-STS:task_state").asString("");
    }

    private void happens(String id, Event event) {
        region.database.run(
                handle -> {
                    Compute.captureWatcher().lock(handle, UUID.fromString(id));
                    Compute.captureWatcher().happened(handle, UUID.fromString(id), event);
                });
    }

    private static Images.NewCapture only(String image) {
        return Objects.requireNonNull(Region.CAPTURES.get(image));
    }

    @Test
    void theTaskStateFollowsTheImageAndReportsLeaveItAlone() {
        String id = server(Region.DISK_IMAGE);
        Answer answer =
                act(id, "{'createImage': {'name': 'i', 'metadata': {'os_distro': 'mine'}}}", 1);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        String location = answer.headers().firstValue("Location").orElseThrow();
        assertThat(location).startsWith(region.base() + "/image/v2/images/");
        Images.NewCapture capture = only(location.substring(location.lastIndexOf('/') + 1));
        assertThat(capture.diskId()).isEqualTo("root-" + id);
        assertThat(capture.sizeBytes())
                .isEqualTo(node.goal().getServers(0).getDisks(0).getSizeBytes());
        assertThat(capture.image().minRamMib()).isEqualTo(64);
        assertThat(capture.image().minDiskGib()).isEqualTo(1);
        assertThat(capture.image().properties())
                .containsEntry("image_type", "snapshot")
                .containsEntry("instance_uuid", id)
                .containsEntry("base_image_ref", Region.DISK_IMAGE)
                .containsEntry("os_distro", "mine")
                .as("what the server was made with, not what its image says now")
                .containsEntry("kernel_id", "aaaaaaaa-0000-4000-8000-000000000000")
                .containsEntry("os_command_line", "console=ttyS0");
        assertThat(task(id)).isEqualTo("image_snapshot");
        node.sync();
        assertThat(task(id)).isEqualTo("image_snapshot");
        assertThat(act(id, "{'createImage': {'name': 'j'}}", 1).status()).isEqualTo(409);
        assertThat(act(id, "{'os-stop': null}", 1).status()).isEqualTo(409);
        happens(id, new Event.Taken());
        assertThat(task(id)).isEqualTo("image_pending_upload");
        happens(id, new Event.Arriving());
        node.sync();
        assertThat(task(id)).isEqualTo("image_uploading");
        happens(id, new Event.Done());
        assertThat(task(id)).isEmpty();
        assertThat(action(id).path("action").stringValue()).isEqualTo("createImage");
        assertThat(act(id, "{'os-stop': null}", 1).status()).isEqualTo(202);
    }

    @Test
    void whatABaseSaysLaterOfItsBootIsNotThatOfTheServersImage() {
        String id = server(Region.BOOT_IMAGE);
        Answer answer = act(id, "{'createImage': {'name': 'i'}}", 45);
        assertThat(only(answer.json().path("image_id").stringValue()).image().properties())
                .doesNotContainKeys("kernel_id", "ramdisk_id", "os_command_line")
                .containsEntry("hw_firmware_type", "uefi")
                .containsEntry("os_secure_boot", "required");
    }

    private JsonNode action(String id) {
        return member.get("/servers/" + id + "/os-instance-actions")
                .json()
                .at("/instanceActions/0");
    }

    @Test
    void aFailureIsInTheActionAndTheServerIsFree() {
        String id = server(Region.DISK_IMAGE);
        String image =
                act(id, "{'createImage': {'name': 'i'}}", 45).json().path("image_id").stringValue();
        assertThat(only(image).rotation()).isEmpty();
        happens(id, new Event.Failed("The disk could not be read on its node.", "EIO"));
        assertThat(task(id)).isEmpty();
        String request = action(id).path("request_id").stringValue();
        assertThat(
                        region.compute("p0:admin")
                                .get(
                                        "/servers/" + id + "/os-instance-actions/" + request,
                                        Region.version(84))
                                .text())
                .contains("EIO");
        assertThat(act(id, "{'createImage': {'name': 'i'}}", 45).status()).isEqualTo(202);
    }

    @Test
    void backupsSayHowManyStay() {
        String id = server(Region.DISK_IMAGE);
        Answer answer =
                act(
                        id,
                        "{'createBackup': {'name': 'b', 'backup_type': 'daily', 'rotation': 2}}",
                        45);
        Images.NewCapture capture = only(answer.json().path("image_id").stringValue());
        assertThat(capture.rotation()).isEqualTo(Optional.of(new Images.Rotation("daily", 2)));
        assertThat(capture.image().properties())
                .containsEntry("image_type", "backup")
                .containsEntry("backup_type", "daily");
        assertThat(task(id)).isEqualTo("image_backup");
        happens(id, new Event.Done());
        assertThat(
                        act(
                                        id,
                                        "{'createBackup': {'name': 'b', 'backup_type': 'daily', 'rotation': -1}}",
                                        45)
                                .status())
                .isEqualTo(400);
    }

    @Test
    void aServerThatIsDeletedEndsItsImage() {
        String id = server(Region.DISK_IMAGE);
        act(id, "{'createImage': {'name': 'i'}}", 45);
        assertThat(Region.CAPTURES).hasSize(1);
        assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
        assertThat(Region.CAPTURES).isEmpty();
        happens(id, new Event.Done());
        assertThat(task(id)).isEqualTo("deleting");
    }

    @Test
    void aServerWithoutADiskHasNoImage() {
        String id = server(Region.IMAGE);
        Answer answer = act(id, "{'createImage': {'name': 'i'}}", 1);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text()).contains("has no disk that an image could be made of");
        assertThat(act(id, "{'createImage': {'name': ''}}", 1).status()).isEqualTo(400);
        assertThat(task(id)).isEmpty();
    }
}
