package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Disk;
import dev.iod.node.FailureKind;
import dev.iod.node.Server;
import dev.iod.node.ServerState;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.commons.codec.digest.Sha2Crypt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The actions {@code rescue} and {@code unrescue}. */
class RescueTest {
    private static final long IMAGE_MIB = (Region.DISK_IMAGE_BYTES >> 20) + 1;

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

    private void done(String id, String body) {
        Answer answer = act(id, body, 86);
        assertThat(answer.status()).as(answer.text()).isIn(200, 202);
    }

    private void is(String id, String status, String vm, String task, int power) {
        JsonNode server = member.get("/servers/" + id).json().path("server");
        assertThat(server.path("status").asString()).isEqualTo(status);
        assertThat(server.path("OS-EXT-STS:vm_state").asString()).isEqualTo(vm);
        assertThat(server.path("OS-EXT-STS:task_state").asString("")).isEqualTo(task);
        assertThat(server.path("OS-EXT-STS:power_state").intValue()).isEqualTo(power);
    }

    private static void refused(Answer answer, int status, String message) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().iterator().next().path("message").stringValue())
                .isEqualTo(message);
    }

    private Server goal() {
        return node.goal().getServers(0);
    }

    private List<String> disks() {
        return goal().getDisksList().stream().map(Disk::getId).toList();
    }

    private long allocatedDisk() {
        return region.database.read(
                handle ->
                        handle.createQuery(
                                        "SELECT coalesce(sum(used), 0) FROM allocation"
                                                + " WHERE resource_class = 'DISK_MB'")
                                .mapTo(Long.class)
                                .one());
    }

    @Test
    void aServerBootsAnotherImageBeforeItsOwnDisk() {
        String id = server(Region.DISK_IMAGE);
        refused(
                act(id, "{'unrescue': null}", 1),
                409,
                "Cannot 'unrescue' instance %s while it is in vm_state active".formatted(id));
        String hashBefore = goal().getMetadata().getPasswordHash();
        Answer answer =
                act(
                        id,
                        "{'rescue': {'adminPass': 'secret', 'rescue_image_ref': '%s'}}"
                                .formatted(Region.BOOT_IMAGE),
                        1);
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        assertThat(answer.json().path("adminPass").stringValue()).isEqualTo("secret");
        is(id, "ACTIVE", "active", "rescuing", 1);
        assertThat(disks()).containsExactly("rescue-" + id + "-r2", "root-" + id);
        assertThat(goal().getDisks(0).getImage().getImageId()).isEqualTo(Region.BOOT_IMAGE);
        assertThat(goal().hasFirstDisk()).isTrue();
        assertThat(goal().getAsksGuest()).isTrue();
        String hash = goal().getMetadata().getPasswordHash();
        assertThat(Sha2Crypt.sha512Crypt("secret".getBytes(StandardCharsets.UTF_8), hash))
                .isEqualTo(hash);
        assertThat(allocatedDisk()).isEqualTo(2 * IMAGE_MIB);
        node.report();
        is(id, "ACTIVE", "active", "rescuing", 1);
        node.sync();
        is(id, "RESCUE", "rescued", "", 1);
        assertThat(member.get("/servers?status=rescue").json().path("servers").size()).isEqualTo(1);
        for (String action : List.of("{'rescue': null}", "{'os-stop': null}", "{'pause': null}")) {
            assertThat(act(id, action, 1).status()).as(action).isEqualTo(409);
        }
        done(id, "{'unrescue': null}");
        is(id, "RESCUE", "rescued", "unrescuing", 1);
        assertThat(disks()).containsExactly("root-" + id);
        assertThat(goal().hasKernel()).isTrue();
        assertThat(goal().getMetadata().getPasswordHash()).isEqualTo(hashBefore);
        assertThat(allocatedDisk()).isEqualTo(IMAGE_MIB);
        node.sync();
        is(id, "ACTIVE", "active", "", 1);
        assertThat(
                        member.get("/servers/" + id + "/os-instance-actions")
                                .json()
                                .path("instanceActions")
                                .valueStream()
                                .map(a -> a.path("action").stringValue()))
                .containsExactly("unrescue", "rescue", "create");
        // Another rescue has another disk: nothing of the one before is on it.
        assertThat(act(id, "{'rescue': null}", 1).json().path("adminPass").stringValue())
                .hasSize(12);
        assertThat(disks()).containsExactly("rescue-" + id + "-r4", "root-" + id);
        assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
        node.sync();
        assertThat(allocatedDisk()).isZero();
    }

    @Test
    void itsOwnImageServesWithoutARescueDiskToo() {
        String id = server(Region.IMAGE);
        done(id, "{'os-stop': null}");
        node.sync();
        done(id, "{'rescue': {}}");
        is(id, "SHUTOFF", "stopped", "rescuing", 4);
        assertThat(disks()).isEmpty();
        node.sync();
        is(id, "RESCUE", "rescued", "", 1);
        node.override(id, ServerState.STOPPED, "the guest powered off");
        node.sync();
        is(id, "RESCUE", "rescued", "", 4);
        node.obey(id);
        done(id, "{'unrescue': null}");
        node.sync();
        is(id, "ACTIVE", "active", "", 1);
    }

    @Test
    void aRescueThatFailsIsAnErrorAndWhateverComesNextEndsIt() {
        String id = server(Region.DISK_IMAGE);
        String rescue = "{'rescue': null}";
        for (String next :
                List.of(
                        "{'os-stop': null}",
                        "{'reboot': {'type': 'HARD'}}",
                        "{'rebuild': {'imageRef': '%s'}}".formatted(Region.DISK_IMAGE))) {
            done(id, rescue);
            node.fail(id, FailureKind.FAILURE_IMAGE, "no image");
            node.sync();
            is(id, "ERROR", "error", "", 6);
            node.obey(id);
            done(id, next);
            assertThat(disks()).as(next).hasSize(1).allMatch(disk -> disk.startsWith("root-"));
            assertThat(allocatedDisk()).isEqualTo(IMAGE_MIB);
            node.sync();
        }
        is(id, "ACTIVE", "active", "", 1);
        done(id, rescue);
        node.fail(id, FailureKind.FAILURE_IMAGE, "no image");
        node.sync();
        done(id, rescue);
        assertThat(disks()).hasSize(2);
        assertThat(allocatedDisk()).isEqualTo(2 * IMAGE_MIB);
    }

    @Test
    void whatCannotBeIsRefusedAndChangesNothing() {
        String id = server(Region.DISK_IMAGE);
        assertThat(act(id, "{'rescue': {'rescue_image_ref': '%s'}}".formatted(id), 1).status())
                .isEqualTo(400);
        assertThat(act(id, "{'rescue': {'why': 'x'}}", 1).status()).isEqualTo(400);
        assertThat(act("no", "{'rescue': null}", 1).status()).isEqualTo(404);
        node.pool(IMAGE_MIB);
        refused(
                act(id, "{'rescue': null}", 1),
                400,
                "No valid host was found. The server's node is short of disk.");
        done(id, "{'lock': null}");
        refused(act(id, "{'rescue': null}", 1), 409, "Instance %s is locked".formatted(id));
        is(id, "ACTIVE", "active", "", 1);
        assertThat(disks()).hasSize(1);
    }

    @Test
    void aServerThatBootsAVolumeIsRescuedSince287() {
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
        String body = "{'rescue': {'rescue_image_ref': '%s'}}".formatted(Region.BOOT_IMAGE);
        refused(
                act(id, body, 86),
                400,
                "Instance %s cannot be rescued: Cannot rescue a volume-backed instance"
                        .formatted(id));
        refused(
                act(id, "{'rescue': null}", 87),
                400,
                "Instance %s cannot be rescued: it has no image, so a rescue image has to be named"
                        .formatted(id));
        assertThat(act(id, body, 87).status()).isEqualTo(200);
        assertThat(disks()).containsExactly("rescue-" + id + "-r2", volume);
        node.sync();
        is(id, "RESCUE", "rescued", "", 1);
        done(id, "{'unrescue': null}");
        node.sync();
        is(id, "ACTIVE", "active", "", 1);
        assertThat(disks()).containsExactly(volume);
    }
}
