package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Capture;
import dev.iod.node.CaptureData;
import dev.iod.node.CaptureStart;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.PoolReport;
import dev.iod.node.VolumeState;
import dev.iod.node.VolumeStatus;
import dev.iod.region.CaptureSink;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Images of volumes ({@code os-volume_upload_image}), with the region's own image service. */
class VolumeImagesTest {
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
        arrival.take(CaptureData.newBuilder().setZeros(1L << 30).build());
        arrival.complete();
    }

    @Test
    void aVolumeBecomesAnImageWithItsMetadata() {
        String base = region.image("p", "base", 4096, ", 'os_distro': 'iod'");
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
        assertThat(goal()).isEmpty();
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
