package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Disk;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Volumes that servers get, keep and give back. */
class VolumeAttachmentTest {
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

    private String server() {
        Answer answer =
                compute.post(
                        "/servers",
                        "{'server': {'name': 's', 'imageRef': '%s', 'flavorRef': '42'}}"
                                .formatted(Region.IMAGE));
        String id = answer.json().at("/server/id").stringValue();
        node.sync();
        return id;
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

    private Answer attach(String server, String volume) {
        return compute.post(
                "/servers/" + server + "/os-volume_attachments",
                "{'volumeAttachment': {'volumeId': '%s'}}".formatted(volume));
    }

    private Answer detach(String server, String volume) {
        return compute.delete("/servers/" + server + "/os-volume_attachments/" + volume);
    }

    private String status(String volume) {
        return storage.get("/volumes/" + volume).json().at("/volume/status").asString("gone");
    }

    private List<String> disks(String server) {
        return node.goal().getServersList().stream()
                .filter(s -> s.getId().equals(server))
                .flatMap(s -> s.getDisksList().stream())
                .map(Disk::getId)
                .toList();
    }

    private List<String> messages() {
        return region.volume("p:admin")
                .get("/messages", "OpenStack-API-Version", "volume 3.5")
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
    void aNodeThatIsDownCanBeEmptiedAndRemoved() {
        String server = server();
        String volume = volume();
        attach(server, volume);
        node.sync();
        node.heard(false);
        assertThat(compute.delete("/servers/" + server).status()).isEqualTo(204);
        HttpCaller nodes = new HttpCaller(region.base() + "/iod/v1", "p:admin");
        Answer refused = nodes.delete("/nodes/n1");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.text()).contains("has 1 servers or volumes: " + volume);
        assertThat(compute.get("/servers/" + server).status()).isEqualTo(404);
        assertThat(status(volume)).isEqualTo("available");
        assertThat(storage.delete("/volumes/" + volume).status()).isEqualTo(202);
        assertThat(nodes.delete("/nodes/n1").status()).isEqualTo(204);
        assertThat(status(volume)).isEqualTo("gone");
    }

    @Test
    void aRunningServerGetsAVolumeAndGivesItBack() {
        String server = server();
        String volume = volume();
        Answer answer = attach(server, volume);
        assertThat(answer.status()).isEqualTo(200);
        JsonNode attached = answer.json().path("volumeAttachment");
        assertThat(attached.path("device").stringValue()).isEqualTo("/dev/vda");
        assertThat(attached.path("volumeId").stringValue()).isEqualTo(volume);
        assertThat(attached.path("serverId").stringValue()).isEqualTo(server);
        assertThat(status(volume)).isEqualTo("attaching");
        assertThat(disks(server)).containsExactly(volume);
        node.sync();
        assertThat(status(volume)).isEqualTo("in-use");
        JsonNode shown = storage.get("/volumes/" + volume).json().at("/volume/attachments/0");
        assertThat(shown.path("server_id").stringValue()).isEqualTo(server);
        assertThat(shown.path("device").stringValue()).isEqualTo("/dev/vda");
        assertThat(shown.path("host_name").isNull()).isTrue();
        String path = "/servers/" + server + "/os-volume_attachments";
        assertThat(compute.get(path).json().at("/volumeAttachments/0/id").stringValue())
                .isEqualTo(volume);
        JsonNode newest =
                compute.get(path + "/" + volume, Region.version(90))
                        .json()
                        .path("volumeAttachment");
        assertThat(newest.propertyNames())
                .containsExactlyInAnyOrder(
                        "device",
                        "serverId",
                        "volumeId",
                        "tag",
                        "delete_on_termination",
                        "attachment_id",
                        "bdm_uuid");
        assertThat(
                        compute.get("/servers/" + server, Region.version(3))
                                .json()
                                .at("/server/os-extended-volumes:volumes_attached/0")
                                .toString())
                .isEqualTo("{\"id\":\"%s\",\"delete_on_termination\":false}".formatted(volume));
        refused(
                storage.post("/volumes/" + volume + "/action", "{'os-extend': {'new_size': 2}}"),
                400,
                "Invalid volume: Volume %s status must be 'available' to extend, currently in-use."
                        .formatted(volume));
        assertThat(storage.delete("/volumes/" + volume).status()).isEqualTo(400);
        refused(
                region.volume("p0:admin")
                        .post("/volumes/" + volume + "/action", "{'os-force_delete': null}"),
                400,
                "Invalid volume: Volume %s is still attached, detach volume first."
                        .formatted(volume));

        assertThat(detach(server, volume).status()).isEqualTo(202);
        assertThat(status(volume)).isEqualTo("detaching");
        assertThat(disks(server)).isEmpty();
        node.sync();
        assertThat(status(volume)).isEqualTo("available");
        assertThat(compute.get(path + "/" + volume).status()).isEqualTo(404);
        assertThat(
                        compute.get("/servers/" + server + "/os-instance-actions")
                                .json()
                                .path("instanceActions")
                                .valueStream()
                                .map(a -> a.path("action").stringValue()))
                .containsExactly("detach_volume", "attach_volume", "create");
    }

    @Test
    void aGuestThatDoesNotAnswerKeepsTheVolumeAndTheReasonIsTold() {
        String server = server();
        String volume = volume();
        attach(server, volume);
        node.sync();
        node.deaf(server, "the guest has not let go");
        detach(server, volume);
        node.sync();
        assertThat(status(volume)).isEqualTo("detaching");
        assertThat(messages()).as("guests take their time").isEmpty();
        region.database.run(
                handle ->
                        handle.execute(
                                "UPDATE volume SET updated_at = now() - interval '1 minute'"));
        node.report();
        node.report();
        assertThat(status(volume)).isEqualTo("detaching");
        assertThat(messages())
                .containsExactly(
                        "detach volume:The guest has not let go of it yet."
                                + " the guest has not let go");
        assertThat(detach(server, volume).status()).as("it is under way").isEqualTo(400);
        refused(
                attach(server(), volume),
                400,
                "Invalid volume: volume '%s' status must be 'available'. Currently in 'detaching'"
                                .formatted(volume)
                        + " status.");
        node.deaf(server, "");
        node.sync();
        assertThat(status(volume)).isEqualTo("available");
    }

    @Test
    void aServerThatIsOffHasItWithItsNextStart() {
        String server = server();
        String volume = volume();
        compute.post("/servers/" + server + "/action", "{'os-stop': null}");
        node.sync();
        attach(server, volume);
        node.sync();
        assertThat(status(volume)).isEqualTo("in-use");
        compute.post("/servers/" + server + "/action", "{'os-start': null}");
        node.sync();
        assertThat(status(volume)).isEqualTo("in-use");
        compute.post("/servers/" + server + "/action", "{'os-stop': null}");
        node.sync();
        detach(server, volume);
        node.sync();
        assertThat(status(volume)).isEqualTo("available");
    }

    @Test
    void volumesStayWhenTheirServerGoesUnlessTheyShallGoWithIt() {
        String server = server();
        String stays = volume();
        String goes = volume();
        attach(server, stays);
        attach(server, goes);
        node.sync();
        String path = "/servers/" + server + "/os-volume_attachments/" + goes;
        String body =
                "{'volumeAttachment': {'volumeId': '%s', 'delete_on_termination': true}}"
                        .formatted(goes);
        assertThat(compute.put(path, body, Region.version(85)).status()).isEqualTo(202);
        assertThat(compute.put(path, body, Region.version(84)).status()).isEqualTo(400);
        compute.delete("/servers/" + server);
        assertThat(status(stays)).as("its machine may be there").isEqualTo("in-use");
        node.sync();
        assertThat(compute.get("/servers/" + server).status()).isEqualTo(404);
        assertThat(status(stays)).isEqualTo("available");
        assertThat(status(goes)).isEqualTo("deleting");
        node.sync();
        assertThat(status(goes)).isEqualTo("gone");
    }

    @Test
    void whatCannotBeAttachedIsRefused() {
        String server = server();
        String volume = volume();
        String nothing = "00000000-0000-4000-8000-000000000000";
        refused(attach(server, nothing), 404, "Volume %s could not be found.".formatted(nothing));
        refused(
                region.compute("q")
                        .post(
                                "/servers/" + server + "/os-volume_attachments",
                                "{'volumeAttachment': {'volumeId': '%s'}}".formatted(volume)),
                404,
                "Instance %s could not be found.".formatted(server));
        refused(detach(server, volume), 404, "volume_id not found: " + volume);
        FakeNode other = region.node("n2", 8, 8192);
        other.pool(1 << 22);
        String far =
                storage.post("/volumes", "{'volume': {'size': 1}}")
                        .json()
                        .at("/volume/id")
                        .stringValue();
        other.sync();
        refused(
                attach(server, far),
                400,
                ("Invalid volume: volume '%s' is not on the node of server '%s'; volumes of type"
                                + " local serve servers of their own node only.")
                        .formatted(far, server));
        other.pool(1);
        for (int i = 0; i < 8; i++) {
            assertThat(attach(server, volume()).status()).isEqualTo(200);
        }
        refused(
                attach(server, volume),
                403,
                "The maximum allowed number of disk devices (8) to attach to a single instance has"
                        + " been exceeded.");
        assertThat(status(volume)).isEqualTo("available");
    }

    @Test
    void aServerGetsVolumesOfItsOwnProjectOnly() {
        String server = server();
        String foreign =
                region.volume("q")
                        .post("/volumes", "{'volume': {'size': 1}}")
                        .json()
                        .at("/volume/id")
                        .stringValue();
        node.sync();
        refused(
                region.compute("p0:admin")
                        .post(
                                "/servers/" + server + "/os-volume_attachments",
                                "{'volumeAttachment': {'volumeId': '%s'}}".formatted(foreign)),
                404,
                "Volume %s could not be found.".formatted(foreign));
        String own = volume();
        assertThat(
                        region.compute("p0:admin")
                                .post(
                                        "/servers/" + server + "/os-volume_attachments",
                                        "{'volumeAttachment': {'volumeId': '%s'}}".formatted(own))
                                .status())
                .isEqualTo(200);
    }

    /** What the newest event of a server came to; empty while it goes on. */
    private String result(String server) {
        String path = "/servers/" + server + "/os-instance-actions";
        String request = compute.get(path).json().at("/instanceActions/0/request_id").stringValue();
        return compute.get(path + "/" + request, Region.version(51))
                .json()
                .at("/instanceAction/events/0/result")
                .asString("");
    }

    @Test
    void anActionIsOverWhenTheMachineHasTheDeviceOrNot() {
        String server = server();
        String volume = volume();
        node.deaf(server, "the guest sleeps");
        attach(server, volume);
        assertThat(result(server)).isEmpty();
        node.sync();
        assertThat(result(server)).as("the guest has not taken it").isEmpty();
        node.deaf(server, "");
        node.sync();
        assertThat(result(server)).isEqualTo("Success");
        node.deaf(server, "the guest sleeps");
        detach(server, volume);
        node.sync();
        assertThat(result(server)).isEmpty();
        compute.post("/servers/" + server + "/action", "{'reboot': {'type': 'HARD'}}");
        node.sync();
        assertThat(compute.get("/servers/" + server).json().at("/server/status").stringValue())
                .isEqualTo("ACTIVE");
        node.deaf(server, "");
        node.sync();
        assertThat(result(server)).isEqualTo("Success");
        assertThat(unfinished()).isZero();
        attach(server, volume);
        compute.delete("/servers/" + server);
        node.sync();
        assertThat(unfinished()).isZero();
    }

    private long unfinished() {
        return region.database.read(
                handle ->
                        handle.createQuery(
                                        "SELECT count(*) FROM instance_action"
                                                + " WHERE finished_at IS NULL")
                                .mapTo(Long.class)
                                .one());
    }

    @Test
    void oneOfManyAtOnceGetsAVolume() throws Exception {
        String volume = volume();
        List<String> servers = List.of(server(), server(), server(), server());
        List<Callable<Answer>> calls = new ArrayList<>();
        for (String server : servers) {
            calls.add(() -> attach(server, volume));
            calls.add(() -> storage.delete("/volumes/" + volume));
        }
        List<Integer> statuses = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(calls.size())) {
            for (Future<Answer> future : threads.invokeAll(calls)) {
                statuses.add(future.get().status());
            }
        }
        assertThat(statuses.stream().filter(s -> s == 200 || s == 202)).hasSize(1);
        assertThat(servers.stream().mapToLong(s -> disks(s).size()).sum()).isLessThanOrEqualTo(1);
    }
}
