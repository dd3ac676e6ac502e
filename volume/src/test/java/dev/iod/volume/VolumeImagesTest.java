package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.node.Capture;
import dev.iod.node.CaptureData;
import dev.iod.node.CaptureStart;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.PoolReport;
import dev.iod.node.VolumeState;
import dev.iod.node.VolumeStatus;
import dev.iod.region.Actor;
import dev.iod.region.CaptureSink;
import dev.iod.rest.ApiException;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Images of volumes ({@code os-volume_upload_image}), with the region's own image service. */
class VolumeImagesTest {
    private static final Actor ACTOR =
            new Actor("req-1", "user", Optional.of("p"), Set.of("member"));

    private Region region;
    private HttpCaller volumes;
    private HttpCaller images;
    private FakePool pool;

    @BeforeEach
    void start() {
        region = new Region();
        volumes = region.volume("p");
        images = new HttpCaller(region.base() + "/image/v2", "p");
        pool = region.node("n1", 100);
    }

    @AfterEach
    void stop() {
        region.images.close();
        region.close();
    }

    private String volume(String more) {
        String id =
                volumes.post("/volumes", "{'volume': {'size': 1%s}}".formatted(more))
                        .json()
                        .at("/volume/id")
                        .stringValue();
        pool.sync();
        return id;
    }

    private Answer upload(String volume, String more) {
        return volumes.post(
                "/volumes/" + volume + "/action",
                "{'os-volume_upload_image': {'image_name': 'i'%s}}".formatted(more),
                "OpenStack-API-Version",
                "volume 3.1");
    }

    private String status(String volume) {
        return volumes.get("/volumes/" + volume).json().at("/volume/status").stringValue();
    }

    private List<Capture> goal() {
        return region.database.read(
                handle -> {
                    Goal.Builder goal = Goal.newBuilder();
                    region.images.captures().add(handle, "n1", goal);
                    return goal.getPool().getCapturesList();
                });
    }

    private void send() {
        CaptureSink.Arrival arrival =
                region.images
                        .captures()
                        .open(
                                "n1",
                                CaptureStart.newBuilder()
                                        .setCaptureId(goal().getFirst().getId())
                                        .setSizeBytes(1L << 30)
                                        .build());
        for (long at = 0; at < 1L << 30; at += 256L << 20) {
            arrival.take(CaptureData.newBuilder().setOffset(at).setZeros(256L << 20).build());
        }
        arrival.complete();
    }

    @Test
    void aVolumeBecomesAnImageWithItsMetadata() {
        String base =
                region.image("p", "base", 4096, ", 'os_distro': 'iod', 'backup_type': 'daily'");
        String id = volume(", 'imageRef': '%s'".formatted(base));
        Answer answer = upload(id, "");
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        JsonNode shown = answer.json().path("os-volume_upload_image");
        assertThat(shown.path("status").stringValue()).isEqualTo("uploading");
        assertThat(shown.path("disk_format").stringValue()).isEqualTo("raw");
        assertThat(shown.path("visibility").stringValue()).isEqualTo("private");
        assertThat(shown.at("/volume_type/name").stringValue()).isEqualTo("local");
        assertThat(status(id)).isEqualTo("uploading");
        assertThat(goal()).singleElement().extracting(Capture::getDiskId).isEqualTo(id);
        for (String action :
                List.of(
                        "{'os-extend': {'new_size': 2}}",
                        "{'os-volume_upload_image': {'image_name': 'j'}}")) {
            assertThat(volumes.post("/volumes/" + id + "/action", action).status()).isEqualTo(400);
        }
        assertThat(volumes.delete("/volumes/" + id).status()).isEqualTo(400);
        pool.sync();
        assertThat(status(id)).isEqualTo("uploading");
        send();
        assertThat(status(id)).isEqualTo("available");
        JsonNode image = images.get("/images/" + shown.path("image_id").stringValue()).json();
        assertThat(image.path("status").stringValue()).isEqualTo("active");
        assertThat(image.path("os_distro").stringValue()).isEqualTo("iod");
        assertThat(image.path("min_disk").intValue()).isEqualTo(1);
        assertThat(image.has("image_name")).isFalse();
        assertThat(image.has("backup_type")).as("what is of that image alone").isFalse();
        assertThat(goal()).isEmpty();
    }

    /** Gives a server a volume, as it is when its guest has taken it. */
    private UUID inUse(String volume, boolean goes) {
        UUID server = UUID.randomUUID();
        region.database.runLocked(
                handle -> {
                    ServerVolumes.attach(handle, ACTOR, server, "p", "n1", true, volume, goes);
                    handle.execute(
                            "UPDATE volume SET status = 'in-use' WHERE id = ?",
                            UUID.fromString(volume));
                });
        return server;
    }

    private void gone(UUID server) {
        region.database.runLocked(handle -> ServerVolumes.release(handle, region.images, server));
    }

    @Test
    void aVolumeInUseBecomesAnImageByForceAndStaysItsServers() {
        String id = volume("");
        UUID server = inUse(id, true);
        assertThat(upload(id, "").status()).isEqualTo(400);
        assertThat(upload(id, ", 'force': true").status()).isEqualTo(202);
        assertThat(status(id)).isEqualTo("uploading");
        assertThatThrownBy(
                        () ->
                                region.database.runLocked(
                                        handle -> ServerVolumes.detach(handle, ACTOR, server, id)))
                .isInstanceOf(ApiException.class);
        send();
        assertThat(status(id)).isEqualTo("in-use");
    }

    @Test
    void aVolumeWhoseServerIsDeletedBecomesAnImageUnlessItGoesToo() {
        String stays = volume("");
        UUID server = inUse(stays, false);
        upload(stays, ", 'force': true");
        gone(server);
        assertThat(status(stays)).isEqualTo("uploading");
        send();
        assertThat(status(stays)).isEqualTo("available");
        String goes = volume("");
        UUID other = inUse(goes, true);
        String image =
                upload(goes, ", 'force': true")
                        .json()
                        .at("/os-volume_upload_image/image_id")
                        .stringValue();
        assertThat(images.get("/images/" + image).status()).isEqualTo(200);
        gone(other);
        assertThat(status(goes)).isEqualTo("deleting");
        assertThat(images.get("/images/" + image).status()).isEqualTo(404);
        assertThat(goal()).isEmpty();
    }

    @Test
    void anImageTakesTheRoomOfItsVolumeUntilItIsThere() {
        String id =
                volumes.post("/volumes", "{'volume': {'size': 60}}")
                        .json()
                        .at("/volume/id")
                        .stringValue();
        pool.sync();
        Answer refused = upload(id, "");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.text()).contains("has no room for a snapshot");
        assertThat(status(id)).isEqualTo("available");
        String small = volume("");
        upload(small, "");
        assertThat(takenMib()).isEqualTo(62 << 10);
        send();
        assertThat(takenMib()).isEqualTo(61 << 10);
        upload(small, "");
        assertThat(
                        volumes.post("/volumes/" + small + "/action", "{'os-force_delete': {}}")
                                .status())
                .isEqualTo(403);
        assertThat(
                        region.volume("p0:admin")
                                .post("/volumes/" + small + "/action", "{'os-force_delete': {}}")
                                .status())
                .isEqualTo(202);
        assertThat(takenMib()).isEqualTo(61 << 10);
        pool.sync();
        assertThat(takenMib()).isEqualTo(60 << 10);
    }

    private long takenMib() {
        return region.database.read(
                handle ->
                        handle.createQuery(
                                        "SELECT coalesce(sum(used), 0) FROM allocation"
                                                + " WHERE resource_class = 'DISK_MB'")
                                .mapTo(Long.class)
                                .one());
    }

    @Test
    void anImageWaitsForItsNodeAlsoWhenThatIsNotRemoved() {
        String id = volume("");
        String image = upload(id, "").json().at("/os-volume_upload_image/image_id").stringValue();
        pool.heard(false);
        assertThat(region.root("p0:admin").delete("/iod/v1/nodes/n1").status()).isEqualTo(409);
        assertThat(images.get("/images/" + image).json().path("status").stringValue())
                .isEqualTo("saving");
        pool.heard(true);
        send();
        assertThat(images.get("/images/" + image).json().path("status").stringValue())
                .isEqualTo("active");
    }

    @Test
    void beforeVisibilityCouldBeSaidItIsThatOfGlance() {
        String id = volume("");
        String image =
                volumes.post(
                                "/volumes/" + id + "/action",
                                "{'os-volume_upload_image': {'image_name': 'i'}}")
                        .json()
                        .at("/os-volume_upload_image/image_id")
                        .stringValue();
        assertThat(images.get("/images/" + image).json().path("visibility").stringValue())
                .isEqualTo("shared");
    }

    @Test
    void aFailureIsTheOwnersMessageAndTheVolumeIsFree() {
        String id = volume("");
        upload(id, "");
        region.images
                .captures()
                .observed(
                        region.database,
                        "n1",
                        Observed.newBuilder()
                                .setGoalRevision(Long.MAX_VALUE)
                                .setPool(
                                        PoolReport.newBuilder()
                                                .addVolumes(
                                                        VolumeStatus.newBuilder()
                                                                .setId(goal().getFirst().getId())
                                                                .setState(VolumeState.VOLUME_FAILED)
                                                                .setReason("EIO")))
                                .build());
        assertThat(status(id)).isEqualTo("available");
        JsonNode message =
                volumes.get("/messages", "OpenStack-API-Version", "volume 3.3")
                        .json()
                        .at("/messages/0");
        assertThat(message.path("event_id").stringValue()).isEqualTo("VOLUME_VOLUME_003_004");
        assertThat(message.path("resource_uuid").stringValue()).isEqualTo(id);
        assertThat(volumes.delete("/volumes/" + id).status()).isEqualTo(202);
    }

    @Test
    void onlyRawImagesAreMadeAndOnlyAdministratorsMakeThemPublic() {
        String id = volume("");
        Answer qcow2 = upload(id, ", 'disk_format': 'qcow2'");
        assertThat(qcow2.status()).isEqualTo(400);
        assertThat(qcow2.text()).contains("only raw is made");
        assertThat(upload(id, ", 'visibility': 'public'").status()).isEqualTo(403);
        assertThat(upload(id, ", 'container_format': 'box'").status()).isEqualTo(400);
        assertThat(status(id)).isEqualTo("available");
    }
}
