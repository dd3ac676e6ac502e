package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Volumes from their making to their deletion, and what goes wrong between. */
class VolumeLifeTest {
    private static final String[] MESSAGES = {"OpenStack-API-Version", "volume 3.5"};

    private Region region;
    private HttpCaller owner;
    private HttpCaller admin;

    @BeforeEach
    void start() {
        region = new Region();
        owner = region.volume("p");
        admin = region.volume("p0:admin");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private String create(String fields) {
        Answer answer = owner.post("/volumes", "{'volume': {%s}}".formatted(fields));
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(answer.json().at("/volume/status").stringValue()).isEqualTo("creating");
        return answer.json().at("/volume/id").stringValue();
    }

    private JsonNode show(HttpCaller caller, String id) {
        return caller.get("/volumes/" + id).json().path("volume");
    }

    private String status(String id) {
        return show(owner, id).path("status").stringValue();
    }

    private Answer act(HttpCaller caller, String id, String action) {
        return caller.post("/volumes/" + id + "/action", action);
    }

    private long taken() {
        return region.database.read(
                handle ->
                        handle.createQuery("SELECT coalesce(sum(used), 0) FROM allocation")
                                .mapTo(Long.class)
                                .one());
    }

    private List<String> messages(HttpCaller caller) {
        return caller.get("/messages", MESSAGES)
                .json()
                .path("messages")
                .valueStream()
                .map(m -> m.path("user_message").stringValue())
                .toList();
    }

    private static void refused(Answer answer, int status, String message) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().iterator().next().path("message").stringValue())
                .isEqualTo(message);
    }

    @Test
    void fromMakingToDeletion() {
        FakePool node = region.node("n1", 100);
        String id = create("'size': 2, 'name': ' v ', 'description': 'd', 'metadata': {'a': 'b'}");
        assertThat(taken()).isEqualTo(2048);
        node.reportNothing();
        assertThat(status(id)).as("nobody has looked").isEqualTo("creating");
        node.receive();
        node.report();
        assertThat(status(id)).as("it is coming").isEqualTo("creating");
        node.sync();
        JsonNode volume = show(owner, id);
        assertThat(volume.path("status").stringValue()).isEqualTo("available");
        assertThat(volume.path("name").stringValue()).isEqualTo("v");
        assertThat(volume.path("size").longValue()).isEqualTo(2);
        assertThat(volume.path("volume_type").stringValue()).isEqualTo("local");
        assertThat(volume.path("bootable").stringValue()).isEqualTo("false");
        assertThat(volume.at("/metadata/a").stringValue()).isEqualTo("b");
        assertThat(volume.path("created_at").stringValue()).doesNotContain("Z");
        assertThat(volume.has("os-vol-host-attr:host")).isFalse();
        assertThat(show(admin, id).path("os-vol-host-attr:host").stringValue())
                .isEqualTo("n1@local#pool");
        assertThat(node.volumes).containsEntry(id, 2L << 30);

        assertThat(act(owner, id, "{'os-extend': {'new_size': 5}}").status()).isEqualTo(202);
        assertThat(status(id)).isEqualTo("extending");
        assertThat(show(owner, id).path("size").longValue()).isEqualTo(2);
        assertThat(taken()).isEqualTo(5120);
        node.sync();
        assertThat(status(id)).isEqualTo("available");
        assertThat(show(owner, id).path("size").longValue()).isEqualTo(5);

        assertThat(act(owner, id, "{'os-set_bootable': {'bootable': true}}").status())
                .isEqualTo(200);
        assertThat(show(owner, id).path("bootable").stringValue()).isEqualTo("true");
        Answer renamed = owner.put("/volumes/" + id, "{'volume': {'name': 'w'}}");
        assertThat(renamed.status()).isEqualTo(200);
        assertThat(renamed.json().path("volume").has("os-vol-tenant-attr:tenant_id"))
                .as("as in Cinder only those who look are told")
                .isFalse();
        assertThat(show(owner, id).has("os-vol-tenant-attr:tenant_id")).isTrue();
        assertThat(show(owner, id).path("name").stringValue()).isEqualTo("w");

        assertThat(owner.delete("/volumes/" + id).status()).isEqualTo(202);
        assertThat(status(id)).isEqualTo("deleting");
        node.receive();
        node.reportNothing();
        assertThat(status(id)).as("nobody has looked").isEqualTo("deleting");
        assertThat(taken()).isEqualTo(5120);
        node.sync();
        refused(owner.get("/volumes/" + id), 404, "Volume %s could not be found.".formatted(id));
        assertThat(taken()).isZero();
        assertThat(node.volumes).isEmpty();
    }

    /** An agent of an older release deletes what it does not know. */
    @Test
    void volumesArePlacedOnNodesThatKeepThem() {
        FakePool old = region.node("n1", 100);
        region.database.run(handle -> handle.execute("UPDATE node SET traits = '{}'"));
        assertThat(status(create("'size': 1"))).isEqualTo("error");
        FakePool node = region.node("n2", 10);
        String id = create("'size': 1");
        old.sync();
        node.sync();
        assertThat(status(id)).isEqualTo("available");
        assertThat(node.volumes).containsOnlyKeys(id);
        assertThat(node.complete()).as("the goal says all that the pool shall have").isTrue();
    }

    @Test
    void aVolumeIsMadeBesideAnother() {
        FakePool small = region.node("n1", 10);
        String here = create("'size': 1");
        small.sync();
        FakePool large = region.node("n2", 1000);
        String beside = "{'volume': {'size': 1}, 'OS-SCH-HNT:scheduler_hints': {'same_host': %s}}";
        for (String hint : List.of("'%s'", "['%s', 'nonsense']")) {
            String id =
                    owner.post("/volumes", beside.formatted(hint.formatted(here)))
                            .json()
                            .at("/volume/id")
                            .stringValue();
            small.sync();
            large.sync();
            assertThat(small.volumes).as("though n2 has more room").containsKey(id);
        }
        String unknown = "'%s'".formatted(UUID.randomUUID());
        String other = "'%s'".formatted(here);
        for (HttpCaller caller : List.of(owner, region.volume("q"))) {
            String id =
                    caller.post("/volumes", beside.formatted(caller == owner ? unknown : other))
                            .json()
                            .at("/volume/id")
                            .stringValue();
            assertThat(caller.get("/volumes/" + id).json().at("/volume/status").stringValue())
                    .as("a volume that is not there for the caller is on no node")
                    .isEqualTo("error");
        }
    }

    @Test
    void anOldReportSaysNothingOfWhatWasAskedSince() {
        FakePool node = region.node("n1", 100);
        node.receive();
        String id = create("'size': 1");
        node.report();
        assertThat(status(id)).isEqualTo("creating");
        node.sync();
        act(owner, id, "{'os-extend': {'new_size': 2}}");
        node.report();
        assertThat(status(id)).as("it is ready, and smaller").isEqualTo("extending");
        node.sync();
        owner.delete("/volumes/" + id);
        node.volumes.clear();
        node.report();
        assertThat(status(id)).isEqualTo("deleting");
    }

    @Test
    void aVolumeThatCannotBeMadeIsInErrorAndLeavesNothing() {
        FakePool node = region.node("n1", 100);
        node.failure = Optional.of("/pool/x: the pool is full");
        String id = create("'size': 2");
        node.sync();
        assertThat(status(id)).isEqualTo("error");
        assertThat(messages(owner))
                .containsExactly("create volume from backend storage:An unknown error occurred.");
        assertThat(messages(region.volume("p:admin")))
                .containsExactly(
                        "create volume from backend storage:An unknown error occurred."
                                + " /pool/x: the pool is full");
        assertThat(messages(region.volume("q"))).isEmpty();
        node.failure = Optional.empty();
        node.sync();
        assertThat(node.volumes).as("it is not made after all").isEmpty();
        assertThat(owner.delete("/volumes/" + id).status()).isEqualTo(202);
        node.sync();
        assertThat(owner.get("/volumes/" + id).status()).isEqualTo(404);
        assertThat(taken()).isZero();
    }

    @Test
    void aVolumeThatCannotGrowStaysAsItIs() {
        FakePool node = region.node("n1", 10);
        String id = create("'size': 2");
        node.sync();
        node.failure = Optional.of("the pool is full");
        act(owner, id, "{'os-extend': {'new_size': 4}}");
        node.sync();
        assertThat(status(id)).isEqualTo("error_extending");
        assertThat(show(owner, id).path("size").longValue()).isEqualTo(2);
        assertThat(taken()).isEqualTo(2048);
        node.failure = Optional.empty();
        node.sync();
        assertThat(node.volumes).containsEntry(id, 2L << 30);
        assertThat(status(id)).as("its node has it as it was").isEqualTo("available");
        owner.delete("/volumes/" + id);
        node.sync();
        assertThat(owner.get("/volumes/" + id).status()).isEqualTo(404);
    }

    @Test
    void moreThanItsNodeHasIsNotTaken() {
        FakePool node = region.node("n1", 10);
        region.node("n2", 9);
        String id = create("'size': 4");
        node.sync();
        assertThat(act(owner, id, "{'os-extend': {'new_size': 11}}").status()).isEqualTo(202);
        assertThat(status(id)).isEqualTo("available");
        assertThat(taken()).isEqualTo(4096);
        assertThat(messages(owner)).containsExactly("extend volume:There is no room on its node.");
        for (int i = 0; i < Message.MAX_OF_VOLUME; i++) {
            act(owner, id, "{'os-extend': {'new_size': 11}}");
        }
        assertThat(messages(owner)).as("the newest are kept").hasSize(Message.MAX_OF_VOLUME);
        String big = create("'size': 10");
        assertThat(status(big)).isEqualTo("error");
        assertThat(messages(owner).getFirst())
                .isEqualTo(
                        "schedule allocate volume:Could not find any available weighted backend.");
        owner.delete("/volumes/" + big);
        assertThat(owner.get("/volumes/" + big).status())
                .as("there is nothing of it")
                .isEqualTo(404);
        String other = create("'size': 9");
        assertThat(show(admin, other).path("os-vol-host-attr:host").stringValue())
                .isEqualTo("n2@local#pool");
    }

    @Test
    void aVolumeThatCannotBeDeletedSaysSoAndGoesLater() {
        FakePool node = region.node("n1", 10);
        String id = create("'size': 1");
        node.sync();
        node.stuck = Optional.of("it is in use");
        owner.delete("/volumes/" + id);
        node.sync();
        assertThat(status(id)).isEqualTo("error_deleting");
        assertThat(taken()).as("it takes room").isEqualTo(1024);
        node.sync();
        assertThat(status(id)).isEqualTo("error_deleting");
        assertThat(messages(owner)).hasSize(1);
        node.stuck = Optional.empty();
        node.sync();
        assertThat(owner.get("/volumes/" + id).status()).isEqualTo(404);
    }

    @Test
    void whileNodesComeBackAVolumeWaitsForThem() {
        FakePool node = region.node("n1", 10);
        node.heard(false);
        region.sessions.settled = false;
        String id = create("'size': 1");
        assertThat(status(id)).isEqualTo("creating");
        node.heard(true);
        node.sync();
        assertThat(status(id)).isEqualTo("available");
        node.heard(false);
        region.sessions.settled = true;
        String late = create("'size': 1");
        assertThat(status(late)).isEqualTo("error");
    }

    @Test
    void aNodeWithVolumesIsNotRemovedAndOneThatIsDownTakesThoseThatGo() {
        FakePool node = region.node("n1", 10);
        String id = create("'size': 1");
        node.sync();
        HttpCaller root = region.root("p0:admin");
        Answer refused = root.delete("/iod/v1/nodes/n1");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.text()).contains("has 1 servers or volumes: " + id);
        node.heard(false);
        owner.delete("/volumes/" + id);
        assertThat(status(id)).isEqualTo("deleting");
        String never = create("'size': 1");
        region.database.run(
                handle ->
                        handle.execute(
                                "UPDATE volume SET node = 'n1' WHERE CAST(id AS text) = ?", never));
        assertThat(root.delete("/iod/v1/nodes/n1").status()).isEqualTo(204);
        assertThat(owner.get("/volumes/" + id).status()).isEqualTo(404);
        assertThat(status(never)).as("there is nothing of it on the node").isEqualTo("error");
    }

    @Test
    void statusesForbidWhatCinderForbids() {
        FakePool node = region.node("n1", 10);
        String id = create("'size': 1");
        refused(
                owner.delete("/volumes/" + id),
                400,
                "Invalid volume: Volume status must be available or error or error_restoring or"
                        + " error_extending or error_managing and must not be migrating, attached,"
                        + " belong to a group, have snapshots, awaiting a transfer, or be"
                        + " disassociated from snapshots after volume transfer.");
        refused(
                act(owner, id, "{'os-extend': {'new_size': 2}}"),
                400,
                "Invalid volume: Volume %s status must be 'available' to extend, currently creating."
                        .formatted(id));
        node.sync();
        refused(
                act(owner, id, "{'os-extend': {'new_size': 1}}"),
                400,
                "Invalid input received: New size for extend must be greater than current size."
                        + " (current: 1, extended: 1).");
        refused(act(owner, id, "{'os-attach': {}}"), 400, "There is no such action: os-attach");
        refused(
                act(owner, id, "{'os-force_delete': null}"),
                403,
                "Policy doesn't allow volume_extension:volume_admin_actions:force_delete to be"
                        + " performed.");
        owner.delete("/volumes/" + id);
        assertThat(act(admin, id, "{'os-force_delete': null}").status()).isEqualTo(202);
        node.sync();
        assertThat(owner.get("/volumes/" + id).status()).isEqualTo(404);
    }

    @Test
    void administratorsResetTheStatus() {
        FakePool node = region.node("n1", 10);
        String reset = "{'os-reset_status': {'status': '%s'}}";
        String id = create("'size': 1");
        refused(
                act(owner, id, reset.formatted("error")),
                403,
                "Policy doesn't allow volume_extension:volume_admin_actions:reset_status to be"
                        + " performed.");
        refused(
                act(admin, id, reset.formatted("available")),
                400,
                "Cannot reset-state to available because its node has not made the volume.");
        node.sync();
        act(owner, id, "{'os-extend': {'new_size': 2}}");
        refused(
                act(admin, id, reset.formatted("error")),
                400,
                "Cannot reset-state to error because its node may have made the volume larger"
                        + " already.");
        node.sync();
        assertThat(status(id)).isEqualTo("available");
        assertThat(act(admin, id, reset.formatted("error")).status()).isEqualTo(202);
        node.sync();
        assertThat(status(id)).as("its node does not change that").isEqualTo("error");
        assertThat(act(admin, id, reset.formatted("Available")).status()).isEqualTo(202);
        assertThat(status(id)).isEqualTo("available");
        node.volumes.clear();
        node.sync();
        assertThat(act(admin, id, reset.formatted("available")).status()).isEqualTo(202);
        node.sync();
        assertThat(status(id)).as("it is still lost").isEqualTo("error");
        refused(
                act(admin, id, reset.formatted("in-use")),
                400,
                "Cannot reset-state to in-use because volume does not have any attachments.");
        refused(act(admin, id, reset.formatted("deleting")), 400, "Cannot reset-state to deleting");
        refused(
                act(admin, id, "{'os-reset_status': {}}"),
                400,
                "Must specify 'status', 'attach_status' or 'migration_status' for update.");
        String stuck = create("'size': 4");
        assertThat(act(admin, stuck, reset.formatted("error")).status()).isEqualTo(202);
        assertThat(taken()).as("there is nothing of it").isEqualTo(2048);
        String deleted = create("'size': 4");
        assertThat(act(admin, deleted, "{'os-force_delete': null}").status()).isEqualTo(202);
        assertThat(act(admin, deleted, reset.formatted("error")).status()).isEqualTo(202);
        assertThat(taken()).as("nor of this one").isEqualTo(2048);
        node.sync();
        assertThat(node.volumes).isEmpty();
    }

    /** An administrator says that it is available again, and then its node does. */
    @Test
    void aLostVolumeThatWasResetIsThereWhenItsNodeSaysSo() {
        FakePool node = region.node("n1", 10);
        String id = create("'size': 1");
        node.sync();
        node.volumes.clear();
        node.sync();
        node.volumes.put(id, 1L << 30);
        act(admin, id, "{'os-reset_status': {'status': 'available'}}");
        node.sync();
        assertThat(status(id)).isEqualTo("available");
        assertThat(
                        region.database.<String>read(
                                handle ->
                                        handle.createQuery("SELECT presence FROM volume")
                                                .mapTo(String.class)
                                                .one()))
                .isEqualTo("made");
    }

    /** A pool that has become smaller is no reason to keep what was taken to grow. */
    @Test
    void whatWasTakenToGrowIsGivenBackWhateverItsNodeHas() {
        FakePool node = region.node("n1", 10);
        String id = create("'size': 2");
        node.sync();
        act(owner, id, "{'os-extend': {'new_size': 4}}");
        region.database.run(handle -> handle.execute("UPDATE inventory SET total = 1024"));
        node.failure = Optional.of("the pool is full");
        node.sync();
        assertThat(status(id)).isEqualTo("error_extending");
        assertThat(taken()).isEqualTo(2048);
    }

    @Test
    void mistakesAreToldInCindersWords() {
        refused(
                owner.post("/volumes", "{'volume': {'size': 0}}"),
                400,
                "Invalid input for field/attribute size. Value: 0. 0 is not valid under any of the"
                        + " given schemas");
        refused(
                owner.post("/volumes", "{'volume': {}}"),
                400,
                "Invalid input received: Invalid volume size provided for create request: None"
                        + " (size argument must be an integer (or string representation of an"
                        + " integer) and greater than zero).");
        refused(
                owner.post("/volumes", "{'volume': {'size': 1, 'volume_type': 'fast'}}"),
                404,
                "Volume type with name fast could not be found.");
        refused(
                owner.post("/volumes", "{'volume': {'size': 1, 'availability_zone': 'moon'}}"),
                400,
                "Invalid input received: Availability zone 'moon' is invalid.");
        String nothing = "00000000-0000-4000-8000-000000000000";
        refused(
                owner.post(
                        "/volumes",
                        "{'volume': {'size': 1, 'snapshot_id': '%s'}}".formatted(nothing)),
                404,
                "Snapshot %s could not be found.".formatted(nothing));
        refused(
                owner.delete("/volumes/" + nothing),
                404,
                "Volume %s could not be found.".formatted(nothing));
        assertThat(owner.get("/messages").status()).as("since 3.3").isEqualTo(404);
        assertThat(owner.get("/volumes", "OpenStack-API-Version", "volume 3.6").status())
                .isEqualTo(406);
    }

    @Test
    void metadataAsAWholeAndByKey() {
        FakePool node = region.node("n1", 10);
        String id = create("'size': 1, 'metadata': {'a': '1'}");
        node.sync();
        String path = "/volumes/" + id + "/metadata";
        JsonNode both = owner.post(path, "{'metadata': {'b': '2'}}").json().path("metadata");
        assertThat(both.propertyNames()).containsExactlyInAnyOrder("a", "b");
        assertThat(both.path("a").stringValue() + both.path("b").stringValue()).isEqualTo("12");
        assertThat(owner.put(path + "/b", "{'meta': {'b': '3'}}").status()).isEqualTo(200);
        assertThat(owner.get(path + "/b").text()).isEqualTo("{\"meta\":{\"b\":\"3\"}}");
        assertThat(owner.delete(path + "/a").status()).isEqualTo(200);
        refused(
                owner.delete(path + "/a"),
                404,
                "Volume %s has no metadata with key a.".formatted(id));
        assertThat(owner.put(path, "{'metadata': {'c': '4'}}").text())
                .isEqualTo("{\"metadata\":{\"c\":\"4\"}}");
        assertThat(owner.get(path).text()).isEqualTo("{\"metadata\":{\"c\":\"4\"}}");
        String most =
                IntStream.range(0, 127)
                        .mapToObj(n -> "'k%d': ''".formatted(n))
                        .collect(Collectors.joining(", ", "{'metadata': {", "}}"));
        assertThat(owner.post(path, most).status()).isEqualTo(200);
        assertThat(owner.put(path + "/more", "{'meta': {'more': ''}}").status()).isEqualTo(413);
        String tooMany = most.replace("{'metadata': {", "'metadata': {'x': '', 'y': '', ");
        tooMany = tooMany.substring(0, tooMany.length() - 1);
        assertThat(owner.put("/volumes/" + id, "{'volume': {" + tooMany + "}}").status())
                .isEqualTo(413);
        assertThat(owner.post("/volumes", "{'volume': {'size': 1, " + tooMany + "}}").status())
                .isEqualTo(413);
        assertThat(
                        owner.post(
                                        "/snapshots",
                                        "{'snapshot': {'volume_id': '"
                                                + id
                                                + "', "
                                                + tooMany
                                                + "}}")
                                .status())
                .isEqualTo(413);
    }

    @Test
    void listsAreFilteredSortedAndPaged() {
        FakePool node = region.node("n1", 100);
        String a = create("'size': 1, 'name': 'a', 'metadata': {'k': 'v', 'l': 'w'}");
        String b = create("'size': 3, 'name': 'b'");
        node.sync();
        String c = create("'size': 2, 'name': 'c'");
        act(owner, b, "{'os-set_bootable': {'bootable': true}}");
        assertThat(ids(owner, "")).containsExactly(c, b, a);
        assertThat(ids(owner, "?sort=size:asc")).containsExactly(a, c, b);
        assertThat(ids(owner, "?sort_key=name&sort_dir=desc")).containsExactly(c, b, a);
        assertThat(ids(owner, "?status=available")).containsExactly(b, a);
        assertThat(ids(owner, "?name=a")).containsExactly(a);
        assertThat(ids(owner, "?bootable=true")).containsExactly(b);
        assertThat(ids(owner, "?availability_zone=moon")).isEmpty();
        assertThat(ids(owner, "?metadata=%7B%27k%27%3A+%27v%27%7D")).containsExactly(a);
        assertThat(ids(owner, "?metadata=%7B%27k%27%3A+%27x%27%7D")).isEmpty();
        assertThat(owner.get("/volumes?metadata=k").status()).isEqualTo(400);
        assertThat(ids(owner, "?limit=0")).isEmpty();
        assertThat(ids(owner, "?offset=1")).containsExactly(b, a);
        JsonNode page = owner.get("/volumes/detail?limit=2").json();
        assertThat(page.at("/volumes/1/size").longValue()).isEqualTo(3);
        String next = page.at("/volumes_links/0/href").stringValue();
        assertThat(next).startsWith(region.base() + "/volume/v3/volumes/detail?");
        JsonNode rest = new HttpCaller("", owner.token()).get(next).json().path("volumes");
        assertThat(rest.size()).isEqualTo(1);
        assertThat(rest.at("/0/id").stringValue()).isEqualTo(a);
        assertThat(ids(region.volume("q"), "?all_tenants=1")).as("not for members").isEmpty();
        assertThat(ids(admin, "")).isEmpty();
        assertThat(ids(admin, "?all_tenants=1")).containsExactly(c, b, a);
        assertThat(ids(admin, "?all_tenants=1&project_id=q")).isEmpty();
        assertThat(ids(admin, "?all_tenants=1&host=n2@local")).isEmpty();
    }

    private static List<String> ids(HttpCaller caller, String query) {
        return caller.get("/volumes" + query)
                .json()
                .path("volumes")
                .valueStream()
                .map(volume -> volume.path("id").stringValue())
                .toList();
    }

    @Test
    void typesZonesServicesAndVersions() {
        region.node("n1", 10);
        JsonNode type = owner.get("/types/default").json().path("volume_type");
        String id = type.path("id").stringValue();
        assertThat(owner.get("/types").json().path("volume_types").size()).isEqualTo(1);
        assertThat(owner.get("/types/" + id).json().path("volume_type")).isEqualTo(type);
        assertThat(owner.get("/types/" + id + "/extra_specs").text())
                .isEqualTo("{\"extra_specs\":{}}");
        assertThat(
                        owner.get("/os-availability-zone")
                                .json()
                                .at("/availabilityZoneInfo/0")
                                .toString())
                .isEqualTo("{\"zoneName\":\"nova\",\"zoneState\":{\"available\":true}}");
        assertThat(owner.get("/os-services").status()).isEqualTo(403);
        JsonNode service = admin.get("/os-services").json().at("/services/0");
        assertThat(service.path("host").stringValue()).isEqualTo("n1@local");
        assertThat(service.path("state").stringValue()).isEqualTo("up");
        assertThat(admin.get("/os-services?host=n2@local").json().path("services").size()).isZero();
        Answer versions = region.root("").get("/volume/");
        assertThat(versions.status()).isEqualTo(300);
        assertThat(versions.json().at("/versions/0/version").stringValue()).isEqualTo("3.5");
        assertThat(region.root("").get("/volume/v3/").status()).isEqualTo(200);
    }
}
