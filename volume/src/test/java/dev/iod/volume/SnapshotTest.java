package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.region.Actor;
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

/** Snapshots, from the request to what their node says. */
class SnapshotTest {
    private Region region;
    private HttpCaller owner;
    private HttpCaller admin;
    private FakePool node;
    private String volume = "";

    @BeforeEach
    void start() {
        region = new Region();
        owner = region.volume("p");
        admin = region.volume("p0:admin");
        node = region.node("n1", 20);
        volume = id(owner.post("/volumes", "{'volume': {'size': 2, 'name': 'v'}}"));
        node.sync();
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private static String id(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer.json().iterator().next().path("id").stringValue();
    }

    private Answer post(String more) {
        return owner.post(
                "/snapshots", "{'snapshot': {'volume_id': '%s'%s}}".formatted(volume, more));
    }

    private JsonNode show(String id) {
        return owner.get("/snapshots/" + id).json().path("snapshot");
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

    private List<String> messages() {
        return owner.get("/messages", "OpenStack-API-Version", "volume 3.5")
                .json()
                .path("messages")
                .valueStream()
                .map(
                        m ->
                                m.path("resource_type").asString()
                                        + " "
                                        + m.path("user_message").asString())
                .toList();
    }

    private void setVolume(String status) {
        region.database.run(handle -> handle.execute("UPDATE volume SET status = ?", status));
    }

    @Test
    void fromMakingToDeletion() {
        Answer made = post(", 'name': 's', 'description': 'd', 'metadata': {'k': 'v'}");
        String id = id(made);
        JsonNode view = made.json().path("snapshot");
        assertThat(view.path("status").stringValue()).isEqualTo("creating");
        assertThat(view.path("size").longValue()).isEqualTo(2);
        assertThat(view.has("os-extended-snapshot-attributes:progress")).isFalse();
        assertThat(show(id).path("os-extended-snapshot-attributes:progress").stringValue())
                .isEqualTo("0%");
        node.sync();
        assertThat(status(id)).isEqualTo("available");
        assertThat(show(id).path("os-extended-snapshot-attributes:progress").stringValue())
                .isEqualTo("100%");
        assertThat(node.volumes).containsOnlyKeys(volume, id);
        assertThat(sum("SELECT sum(used) FROM allocation")).isEqualTo(4096);
        JsonNode renamed =
                owner.put("/snapshots/" + id, "{'snapshot': {'name': 't'}}")
                        .json()
                        .path("snapshot");
        assertThat(renamed.path("name").stringValue()).isEqualTo("t");
        assertThat(renamed.path("description").stringValue()).isEqualTo("d");

        refused(
                owner.delete("/volumes/" + volume),
                400,
                "Invalid volume: Volume status must be available or error or error_restoring or"
                        + " error_extending or error_managing and must not be migrating, attached,"
                        + " belong to a group, have snapshots, awaiting a transfer, or be"
                        + " disassociated from snapshots after volume transfer.");
        assertThat(owner.delete("/snapshots/" + id).status()).isEqualTo(202);
        assertThat(status(id)).isEqualTo("deleting");
        node.sync();
        refused(
                owner.get("/snapshots/" + id),
                404,
                "Snapshot %s could not be found.".formatted(id));
        assertThat(sum("SELECT sum(used) FROM allocation")).isEqualTo(2048);
        assertThat(owner.delete("/volumes/" + volume).status()).isEqualTo(202);
        node.sync();
        assertThat(sum("SELECT count(*) FROM volume")).isZero();
        assertThat(node.volumes).isEmpty();
    }

    @Test
    void aVolumeInUseIsTakenByForceOnly() {
        setVolume("in-use");
        refused(
                post(""),
                400,
                "Invalid volume: Volume %s status must be available, but current status is: in-use."
                        .formatted(volume));
        String id = id(post(", 'force': true"));
        node.sync();
        assertThat(status(id)).isEqualTo("available");
        setVolume("extending");
        refused(
                post(", 'force': true"),
                400,
                ("Invalid volume: Volume %s status must be available, in-use, but current status"
                                + " is: extending.")
                        .formatted(volume));
        setVolume("error");
        refused(
                post(""),
                400,
                "Invalid volume: The snapshot cannot be created when the volume is in error"
                        + " status.");
    }

    @Test
    void volumesStartAsSnapshots() {
        String id = id(post(""));
        refused(
                owner.post("/volumes", "{'volume': {'snapshot_id': '%s'}}".formatted(id)),
                400,
                "Invalid snapshot: Originating snapshot status must be one of 'available' values");
        node.sync();
        refused(
                owner.post(
                        "/volumes", "{'volume': {'size': 1, 'snapshot_id': '%s'}}".formatted(id)),
                400,
                "Invalid input received: Volume size '1'GB cannot be smaller than the snapshot size"
                        + " 2GB. They must be >= original snapshot size.");
        String copy = id(owner.post("/volumes", "{'volume': {'snapshot_id': '%s'}}".formatted(id)));
        // It is there until the volume is made.
        assertThat(owner.delete("/snapshots/" + id).status()).isEqualTo(202);
        node.sync();
        assertThat(status(id)).isEqualTo("deleting");
        JsonNode made = owner.get("/volumes/" + copy).json().path("volume");
        assertThat(made.path("status").stringValue()).isEqualTo("available");
        assertThat(made.path("size").longValue()).isEqualTo(2);
        assertThat(made.path("snapshot_id").stringValue()).isEqualTo(id);
        assertThat(node.origins).containsEntry(copy, id);
        node.sync();
        assertThat(owner.get("/snapshots/" + id).status()).isEqualTo(404);
        refused(
                owner.post("/volumes", "{'volume': {'snapshot_id': '%s'}}".formatted(id)),
                404,
                "Snapshot %s could not be found.".formatted(id));
    }

    @Test
    void whatFailsIsToldAndLeavesNothing() {
        node.failure = Optional.of("/pool: the pool is full");
        String failed = id(post(""));
        node.sync();
        assertThat(status(failed)).isEqualTo("error");
        assertThat(sum("SELECT sum(used) FROM allocation")).isEqualTo(2048);
        node.failure = Optional.empty();
        node.sync();
        assertThat(node.volumes).as("it is not taken after all").containsOnlyKeys(volume);
        String there = id(post(""));
        node.sync();
        node.stuck = Optional.of("it is in use");
        owner.delete("/snapshots/" + there);
        node.sync();
        assertThat(status(there)).isEqualTo("error_deleting");
        refused(
                owner.delete("/snapshots/" + there),
                400,
                "Invalid snapshot: Snapshot status must be available or error and must not be part"
                        + " of a group.");
        node.stuck = Optional.empty();
        node.sync();
        assertThat(owner.get("/snapshots/" + there).status()).isEqualTo(404);
        String lost = id(post(""));
        node.sync();
        node.volumes.remove(lost);
        node.sync();
        assertThat(status(lost)).isEqualTo("error");
        node.volumes.put(lost, 1L);
        node.sync();
        assertThat(status(lost)).isEqualTo("available");
        admin.put("/os-quota-sets/p", "{'quota_set': {'snapshots': 20}}");
        for (int i = 0; i < 8; i++) {
            post("");
        }
        assertThat(status(id(post("")))).as("its node has no room").isEqualTo("error");
        assertThat(messages())
                .containsExactly(
                        "VOLUME_SNAPSHOT create snapshot:Could not find any available weighted"
                                + " backend.",
                        "VOLUME_SNAPSHOT snapshot:Its node cannot find or use it any more.",
                        "VOLUME_SNAPSHOT delete snapshot:Snapshot failed to delete.",
                        "VOLUME_SNAPSHOT create snapshot:Snapshot failed to create.");
    }

    @Test
    void quotasCountSnapshotsAndTheirGigabytes() {
        admin.put("/os-quota-sets/p", "{'quota_set': {'snapshots': 2, 'gigabytes': 7}}");
        id(post(""));
        JsonNode usage = owner.get("/os-quota-sets/p?usage=true").json().path("quota_set");
        assertThat(usage.at("/snapshots/in_use").longValue()).isEqualTo(1);
        assertThat(usage.at("/gigabytes/in_use").longValue()).isEqualTo(4);
        id(post(""));
        refused(
                post(""),
                413,
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed"
                        + " gigabytes quota. Requested 2G, quota is 7G and 6G has been consumed.");
        admin.put("/os-quota-sets/p", "{'quota_set': {'gigabytes': 100}}");
        refused(
                post(""),
                413,
                "SnapshotLimitExceeded: Maximum number of snapshots allowed (2) exceeded");
        assertThat(
                        owner.get("/limits")
                                .json()
                                .at("/limits/absolute/totalSnapshotsUsed")
                                .longValue())
                .isEqualTo(2);
    }

    @Test
    void aVolumeGoesWithItsSnapshotsWhenThatIsAsked() {
        String one = id(post(""));
        assertThat(owner.delete("/volumes/" + volume + "?cascade=True").status())
                .as("it is being made")
                .isEqualTo(400);
        node.sync();
        assertThat(owner.delete("/volumes/" + volume + "?cascade=True").status()).isEqualTo(202);
        node.sync();
        assertThat(owner.get("/snapshots/" + one).status()).isEqualTo(404);
        assertThat(owner.get("/volumes/" + volume).status()).isEqualTo(404);
        assertThat(sum("SELECT count(*) FROM allocation")).isZero();
    }

    @Test
    void administratorsDeleteByForce() {
        String id = id(post(""));
        refused(
                owner.post("/snapshots/" + id + "/action", "{'os-force_delete': null}"),
                403,
                "Policy doesn't allow volume_extension:snapshot_admin_actions:force_delete to be"
                        + " performed.");
        assertThat(admin.post("/snapshots/" + id + "/action", "{'os-force_delete': null}").status())
                .isEqualTo(202);
        node.sync();
        assertThat(owner.get("/snapshots/" + id).status()).isEqualTo(404);
        assertThat(
                        region.volume("q")
                                .post(
                                        "/snapshots",
                                        "{'snapshot': {'volume_id': '%s'}}".formatted(volume))
                                .status())
                .isEqualTo(404);
    }

    /** It would be taken later, of another moment. */
    @Test
    void aNodeThatCannotTakeItNowIsNotAsked() {
        node.heard(false);
        String down = id(post(""));
        assertThat(status(down)).isEqualTo("error");
        node.heard(true);
        region.database.run(handle -> handle.execute("UPDATE node SET traits = '{}'"));
        String unable = id(post(""));
        assertThat(status(unable)).isEqualTo("error");
        region.database.run(handle -> handle.execute("UPDATE node SET traits = '{VOLUMES}'"));
        node.sync();
        assertThat(node.volumes).containsOnlyKeys(volume);
        assertThat(sum("SELECT sum(used) FROM allocation")).isEqualTo(2048);
        String refused =
                "VOLUME_SNAPSHOT create snapshot:Could not find any available weighted backend.";
        assertThat(messages()).containsExactly(refused, refused);
    }

    /** Every report of a node asks for its snapshots. */
    @Test
    void thoseOfANodeAreFoundByIndexes() {
        List<String> plan =
                region.database.read(
                        handle -> {
                            handle.execute("SET LOCAL enable_seqscan = off");
                            return handle.createQuery(
                                            "EXPLAIN SELECT id FROM volume_snapshot WHERE "
                                                    + VolumeSnapshot.ON_NODE)
                                    .bind("value", "n1")
                                    .mapTo(String.class)
                                    .list();
                        });
        assertThat(String.join("\n", plan))
                .contains("volume_snapshot_by_volume")
                .contains("volume_by_node");
    }

    /** Its owner has snapshots of it: it outlives the server that it was to go with. */
    @Test
    void aVolumeWithSnapshotsDoesNotGoWithItsServer() {
        String bare = id(owner.post("/volumes", "{'volume': {'size': 1}}"));
        String snapshot = id(post(""));
        node.sync();
        UUID server = UUID.randomUUID();
        Actor actor = new Actor("req-1", "u", Optional.of("p"), Set.of("member"));
        region.database.runLocked(
                handle ->
                        NewServerVolumes.attach(
                                handle,
                                actor,
                                region.images,
                                server,
                                false,
                                List.of(
                                        new NewServerVolumes.Existing(volume, true),
                                        new NewServerVolumes.Existing(bare, true))));
        region.database.runLocked(handle -> ServerVolumes.release(handle, region.images, server));
        node.sync();
        assertThat(owner.get("/volumes/" + bare).status()).isEqualTo(404);
        assertThat(owner.get("/volumes/" + volume).json().at("/volume/status").stringValue())
                .isEqualTo("available");
        assertThat(messages())
                .containsExactly(
                        "VOLUME delete volume:It has snapshots, and did not go with its server.");
        owner.delete("/snapshots/" + snapshot);
        node.sync();
        assertThat(owner.delete("/volumes/" + volume).status()).isEqualTo(202);
        node.sync();
        assertThat(sum("SELECT count(*) FROM volume")).isZero();
    }

    private List<String> ids(HttpCaller caller, String query) {
        return caller.get("/snapshots" + query)
                .json()
                .path("snapshots")
                .valueStream()
                .map(s -> s.path("id").stringValue())
                .toList();
    }

    @Test
    void listsMetadataAndMistakes() {
        String a = id(post(", 'name': 'a'"));
        node.sync();
        String b = id(post(", 'name': 'b'"));
        assertThat(ids(owner, "")).containsExactly(b, a);
        assertThat(ids(owner, "?status=available")).containsExactly(a);
        assertThat(ids(owner, "?name=b")).containsExactly(b);
        assertThat(ids(owner, "?volume_id=" + volume)).containsExactly(b, a);
        assertThat(ids(owner, "?volume_id=x")).isEmpty();
        assertThat(ids(owner, "?sort=created_at:asc&limit=1")).containsExactly(a);
        assertThat(ids(admin, "")).isEmpty();
        assertThat(ids(admin, "?all_tenants=1")).containsExactly(b, a);
        JsonNode page = owner.get("/snapshots/detail?limit=1").json();
        assertThat(page.at("/snapshots_links/0/href").stringValue()).contains("marker=" + b);
        assertThat(page.at("/snapshots/0/os-extended-snapshot-attributes:project_id").asString())
                .isEqualTo("p");
        String metadata = "/snapshots/" + a + "/metadata";
        assertThat(owner.post(metadata, "{'metadata': {'k': 'v'}}").status()).isEqualTo(200);
        assertThat(owner.get(metadata + "/k").text()).isEqualTo("{\"meta\":{\"k\":\"v\"}}");
        assertThat(owner.delete(metadata + "/k").status()).isEqualTo(200);
        refused(
                owner.delete(metadata + "/k"),
                404,
                "Snapshot %s has no metadata with key k.".formatted(a));
        assertThat(owner.post("/snapshots", "{'snapshot': {'name': 'x'}}").status()).isEqualTo(400);
        assertThat(post(", 'size': 1").status()).as("as in Cinder").isEqualTo(400);
        assertThat(owner.put("/snapshots/" + a, "{'snapshot': {}}").status()).isEqualTo(400);
    }
}
