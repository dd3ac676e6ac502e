package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.region.NodeGoals;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Volumes that start as an image, or as a copy. */
class SourcesTest {
    private static final int MIB = 1 << 20;

    private Region region;
    private HttpCaller owner;

    @BeforeEach
    void start() {
        region = new Region();
        owner = region.volume("p");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private Answer post(String fields) {
        return owner.post("/volumes", "{'volume': {%s}}".formatted(fields));
    }

    private String create(String fields) {
        Answer answer = post(fields);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer.json().at("/volume/id").stringValue();
    }

    private JsonNode show(String id) {
        return owner.get("/volumes/" + id).json().path("volume");
    }

    private String status(String id) {
        return show(id).path("status").stringValue();
    }

    private static void refused(Answer answer, int status, String words) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().iterator().next().path("message").stringValue()).isEqualTo(words);
    }

    private long sum(String sql) {
        return region.database.read(handle -> handle.createQuery(sql).mapTo(Long.class).one());
    }

    @Test
    void aVolumeOfAnImageHasItsDiskAndSaysSo() {
        FakePool node = region.node("n1", 100);
        String image =
                region.image("p", "cirros", MIB, ", 'min_disk': 2, 'hw_firmware_type': 'uefi'");
        JsonNode made = post("'size': 2, 'imageRef': '%s'".formatted(image)).json().path("volume");
        assertThat(made.has("volume_image_metadata")).as("as in Cinder").isFalse();
        String id = made.path("id").stringValue();
        node.sync();
        JsonNode shown = show(id);
        assertThat(shown.path("status").stringValue()).isEqualTo("available");
        assertThat(shown.path("bootable").stringValue()).isEqualTo("true");
        JsonNode metadata = shown.path("volume_image_metadata");
        assertThat(metadata.path("image_id").stringValue()).isEqualTo(image);
        assertThat(metadata.path("image_name").stringValue()).isEqualTo("cirros");
        assertThat(metadata.path("disk_format").stringValue()).isEqualTo("raw");
        assertThat(metadata.path("min_disk").stringValue()).isEqualTo("2");
        assertThat(metadata.path("size").stringValue()).isEqualTo(Integer.toString(MIB));
        assertThat(metadata.path("hw_firmware_type").stringValue()).isEqualTo("uefi");
        assertThat(metadata.path("checksum").stringValue()).hasSize(32);
        assertThat(node.origins.get(id)).hasSize(64);
        JsonNode listed =
                owner.get(
                                "/volumes/detail?glance_metadata=%7B%27image_name%27%3A+%27cirros%27%7D",
                                "OpenStack-API-Version", "volume 3.4")
                        .json()
                        .path("volumes");
        assertThat(listed.at("/0/volume_image_metadata")).isEqualTo(metadata);
        String byName = create("'size': 2, 'imageRef': 'cirros'");
        assertThat(status(byName)).isEqualTo("creating");
    }

    @Test
    void anImageIsKeptUntilItsVolumesAreMadeOrFailed() {
        FakePool node = region.node("n1", 100);
        String image = region.image("p", "i", MIB, "");
        HttpCaller images = new HttpCaller(region.base() + "/image/v2", "p");
        String made = create("'size': 1, 'imageRef': '%s'".formatted(image));
        assertThat(images.delete("/images/" + image).status()).isEqualTo(409);
        node.sync();
        node.failure = Optional.of("the pool is full");
        String failed = create("'size': 1, 'imageRef': '%s'".formatted(image));
        String deleted = create("'size': 1, 'imageRef': '%s'".formatted(image));
        assertThat(images.delete("/images/" + image).status()).isEqualTo(409);
        node.sync();
        assertThat(status(failed)).isEqualTo("error");
        assertThat(status(deleted)).isEqualTo("error");
        assertThat(images.delete("/images/" + image).status()).isEqualTo(204);
        assertThat(status(made)).isEqualTo("available");
        node.failure = Optional.empty();
        node.sync();
        assertThat(node.volumes).as("it needs its image no more").containsOnlyKeys(made);
        String other = region.image("p", "other", MIB, "");
        String nowhere = create("'size': 500, 'imageRef': '%s'".formatted(other));
        assertThat(status(nowhere)).as("there is no room").isEqualTo("error");
        assertThat(images.delete("/images/" + other).status()).isEqualTo(204);
    }

    @Test
    void anImageIsNotKeptForAVolumeThatHasWaitedInVain() {
        FakePool node = region.node("n1", 100);
        String image = region.image("p", "i", MIB, "");
        node.heard(false);
        region.sessions.settled = false;
        String id = create("'size': 500, 'imageRef': '%s'".formatted(image));
        assertThat(status(id)).isEqualTo("creating");
        node.heard(true);
        assertThat(status(id)).as("there is no room").isEqualTo("error");
        assertThat(sum("SELECT count(*) FROM image_use")).isZero();
        assertThat(
                        new HttpCaller(region.base() + "/image/v2", "p")
                                .delete("/images/" + image)
                                .status())
                .isEqualTo(204);
    }

    /**
     * Its node is told when a copy that waits will not be made: there is no room, or it is deleted.
     */
    @Test
    void aDeletedSnapshotGoesWithTheLastCopyThatWaits() {
        FakePool node = region.node("n1", 100);
        String volume = create("'size': 1");
        node.sync();
        for (boolean forced : new boolean[] {true, false}) {
            String snapshot =
                    owner.post("/snapshots", "{'snapshot': {'volume_id': '%s'}}".formatted(volume))
                            .json()
                            .at("/snapshot/id")
                            .stringValue();
            node.sync();
            node.heard(false);
            region.sessions.settled = false;
            String copy = create("'size': 500, 'snapshot_id': '%s'".formatted(snapshot));
            assertThat(owner.delete("/snapshots/" + snapshot).status()).isEqualTo(202);
            node.sync();
            assertThat(node.volumes).as("it is kept for the copy").containsKey(snapshot);
            long told = revision();
            if (forced) {
                region.volume("p0:admin")
                        .post("/volumes/" + copy + "/action", "{'os-force_delete': {}}");
                node.heard(true);
            } else {
                node.heard(true);
                assertThat(status(copy)).as("there is no room").isEqualTo("error");
            }
            assertThat(revision()).isGreaterThan(told);
            node.sync();
            assertThat(node.volumes).doesNotContainKey(snapshot);
            assertThat(owner.get("/snapshots/" + snapshot).status()).isEqualTo(404);
        }
    }

    private long revision() {
        return region.database.read(handle -> NodeGoals.revision(handle, "n1"));
    }

    @Test
    void aVolumeDoesNotGrowWhileItsCopyWaits() {
        FakePool node = region.node("n1", 100);
        String volume = create("'size': 1");
        node.sync();
        node.heard(false);
        region.sessions.settled = false;
        String clone = create("'source_volid': '%s'".formatted(volume));
        String extend = "{'os-extend': {'new_size': 2}}";
        refused(
                owner.post("/volumes/" + volume + "/action", extend),
                400,
                "Invalid volume: Volume %s cannot be extended while another is made of it."
                        .formatted(volume));
        node.heard(true);
        node.sync();
        assertThat(status(clone)).isEqualTo("available");
        assertThat(owner.post("/volumes/" + volume + "/action", extend).status()).isEqualTo(202);
    }

    @Test
    void imagesThatCannotBe() {
        region.node("n1", 100);
        String nothing = "00000000-0000-4000-8000-000000000000";
        String unknown = "Invalid image identifier or unable to access requested image.";
        refused(post("'size': 1, 'imageRef': '%s'".formatted(nothing)), 400, unknown);
        String others = region.image("q", "o", MIB, "");
        refused(post("'size': 1, 'imageRef': '%s'".formatted(others)), 400, unknown);
        String large = region.image("p", "i", MIB, ", 'min_disk': 5");
        refused(
                post("'size': 4, 'imageRef': '%s'".formatted(large)),
                400,
                "Invalid input received: Volume size 4GB cannot be smaller than the image minDisk"
                        + " size 5GB.");
        region.image("p", "i", MIB, "");
        refused(
                post("'size': 4, 'imageRef': 'i'"),
                409,
                "Multiple matches found for 'i', use an ID to be more specific.");
        refused(
                post("'imageRef': '%s'".formatted(large)),
                400,
                "Invalid input received: Invalid volume size provided for create request: None"
                        + " (size argument must be an integer (or string representation of an"
                        + " integer) and greater than zero).");
        String queued =
                new HttpCaller(region.base() + "/image/v2", "p")
                        .post("/images", "{'name': 'queued'}")
                        .json()
                        .path("id")
                        .stringValue();
        refused(
                post("'size': 4, 'imageRef': '%s'".formatted(queued)),
                400,
                "Invalid input received: Image %s is not active.".formatted(queued));
        refused(
                post("'size': 4, 'imageRef': '%s', 'source_volid': '%s'".formatted(large, nothing)),
                400,
                "Invalid input received: May specify only one of backup, imageRef, snapshot,"
                        + " source volume");
        assertThat(sum("SELECT count(*) FROM volume")).isZero();
        assertThat(sum("SELECT count(*) FROM image_use")).isZero();
    }

    @Test
    void aCloneIsOnTheNodeOfItsVolumeAndAsLargeOrLarger() {
        FakePool node = region.node("n1", 100);
        String image = region.image("p", "i", MIB, "");
        String volume = create("'size': 2, 'imageRef': '%s'".formatted(image));
        node.sync();
        region.node("n2", 1000);
        refused(
                post("'size': 1, 'source_volid': '%s'".formatted(volume)),
                400,
                "Invalid input received: Volume size '1'GB cannot be smaller than original volume"
                        + " size  2GB. They must be >= original volume size.");
        String clone = create("'source_volid': '%s'".formatted(volume));
        String larger = create("'size': 5, 'source_volid': '%s'".formatted(volume));
        refused(
                post("'source_volid': '%s'".formatted(clone)),
                400,
                "Invalid volume: Originating source volume status must be one of 'available,"
                        + " in-use' values");
        node.sync();
        JsonNode shown = show(clone);
        assertThat(shown.path("status").stringValue()).isEqualTo("available");
        assertThat(shown.path("size").longValue()).isEqualTo(2);
        assertThat(shown.path("source_volid").stringValue()).isEqualTo(volume);
        assertThat(shown.path("bootable").stringValue()).isEqualTo("true");
        assertThat(shown.at("/volume_image_metadata/image_id").stringValue()).isEqualTo(image);
        assertThat(node.origins).containsEntry(clone, volume).containsEntry(larger, volume);
        assertThat(node.volumes).containsEntry(larger, 5L << 30);
        String tooLarge = create("'size': 500, 'source_volid': '%s'".formatted(volume));
        assertThat(status(tooLarge)).as("its node has no room").isEqualTo("error");
        refused(
                region.volume("q")
                        .post("/volumes", "{'volume': {'source_volid': '%s'}}".formatted(volume)),
                404,
                "Volume %s could not be found.".formatted(volume));
    }

    /** What is deleted stays until what is made of it is made. */
    @Test
    void aVolumeThatIsDeletedIsClonedFirst() {
        FakePool node = region.node("n1", 100);
        String volume = create("'size': 1");
        node.sync();
        String clone = create("'source_volid': '%s'".formatted(volume));
        assertThat(owner.delete("/volumes/" + volume).status()).isEqualTo(202);
        node.sync();
        assertThat(status(clone)).isEqualTo("available");
        assertThat(status(volume)).isEqualTo("deleting");
        node.sync();
        assertThat(owner.get("/volumes/" + volume).status()).isEqualTo(404);
        assertThat(show(clone).path("source_volid").stringValue()).isEqualTo(volume);
        assertThat(node.volumes).containsOnlyKeys(clone);
    }

    @Test
    void aVolumeThatWasNotMadeTakesNoRoom() {
        FakePool node = region.node("n1", 10);
        node.failure = Optional.of("it does not work");
        String failed = create("'size': 10");
        node.sync();
        assertThat(status(failed)).isEqualTo("error");
        assertThat(sum("SELECT coalesce(sum(used), 0) FROM allocation")).isZero();
        node.failure = Optional.empty();
        String other = create("'size': 10");
        node.sync();
        assertThat(status(other)).isEqualTo("available");
    }

    /** Its node has said so; it stays in the goal, for the pool may come back. */
    @Test
    void aVolumeThatItsNodeLostIsInErrorUntilItIsThereAgain() {
        FakePool node = region.node("n1", 10);
        String id = create("'size': 1");
        node.sync();
        node.volumes.clear();
        node.sync();
        assertThat(status(id)).isEqualTo("error");
        JsonNode message =
                owner.get("/messages", "OpenStack-API-Version", "volume 3.5")
                        .json()
                        .at("/messages/0");
        assertThat(message.path("resource_uuid").stringValue()).isEqualTo(id);
        assertThat(message.path("user_message").stringValue())
                .isEqualTo("volume:Its node cannot find or use it any more.");
        node.sync();
        assertThat(
                        owner.get("/messages", "OpenStack-API-Version", "volume 3.5")
                                .json()
                                .path("messages"))
                .as("told once")
                .hasSize(1);
        assertThat(sum("SELECT sum(used) FROM allocation")).isEqualTo(1024);
        node.volumes.put(id, 1L << 30);
        node.sync();
        assertThat(node.volumes).as("it was not deleted").containsOnlyKeys(id);
        assertThat(status(id)).isEqualTo("available");
        node.volumes.clear();
        node.sync();
        assertThat(owner.delete("/volumes/" + id).status()).isEqualTo(202);
        node.sync();
        assertThat(owner.get("/volumes/" + id).status()).isEqualTo(404);
        assertThat(sum("SELECT count(*) FROM allocation")).isZero();
    }
}
