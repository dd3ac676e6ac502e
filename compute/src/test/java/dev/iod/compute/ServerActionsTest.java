package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.FailureKind;
import dev.iod.node.Power;
import dev.iod.node.ServerState;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Actions on servers: pause and lock. */
class ServerActionsTest {
    private Region region;
    private HttpCaller member;
    private HttpCaller admin;
    private FakeNode node;

    @BeforeEach
    void start() {
        region = new Region();
        member = region.compute("p");
        admin = region.compute("p0:admin");
        node = region.node("n1", 8, 8192);
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private String server() {
        String id =
                member.post(
                                "/servers",
                                "{'server': {'name': 's', 'imageRef': '%s', 'flavorRef': '42'}}"
                                        .formatted(Region.IMAGE))
                        .json()
                        .at("/server/id")
                        .stringValue();
        node.sync();
        return id;
    }

    private Answer act(HttpCaller actor, String id, String body, int minor) {
        return actor.post("/servers/" + id + "/action", body, Region.version(minor));
    }

    private void done(String id, String body) {
        Answer answer = act(member, id, body, 1);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
    }

    private JsonNode server(String id) {
        return member.get("/servers/" + id, Region.version(73)).json().path("server");
    }

    private void is(String id, String status, String vm, String task, int power) {
        JsonNode server = server(id);
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

    private List<String> actions(String id) {
        return member.get("/servers/" + id + "/os-instance-actions")
                .json()
                .path("instanceActions")
                .valueStream()
                .map(a -> a.path("action").stringValue())
                .toList();
    }

    private boolean paused() {
        return node.goal().getServers(0).getPaused();
    }

    @Test
    void aServerIsPausedAndGoesOn() {
        String id = server();
        refused(
                act(member, id, "{'unpause': null}", 1),
                409,
                "Cannot 'unpause' instance %s while it is in vm_state active".formatted(id));
        done(id, "{'pause': null}");
        is(id, "ACTIVE", "active", "pausing", 1);
        assertThat(paused()).isTrue();
        assertThat(node.goal().getServers(0).getPower()).isEqualTo(Power.ON);
        refused(
                act(member, id, "{'pause': null}", 1),
                409,
                "Cannot 'pause' instance %s while it is in task_state pausing".formatted(id));
        node.sync();
        is(id, "PAUSED", "paused", "", 3);
        assertThat(member.get("/servers?status=paused").json().path("servers").size()).isEqualTo(1);
        refused(
                act(member, id, "{'os-stop': null}", 1),
                409,
                "Cannot 'stop' instance %s while it is in vm_state paused".formatted(id));
        done(id, "{'unpause': null}");
        is(id, "PAUSED", "paused", "unpausing", 3);
        node.report();
        is(id, "PAUSED", "paused", "unpausing", 3);
        node.sync();
        is(id, "ACTIVE", "active", "", 1);
        assertThat(actions(id)).containsExactly("unpause", "pause", "create");
    }

    @Test
    void aPausedServerIsRebootedHardOrDeleted() {
        String id = server();
        done(id, "{'pause': null}");
        node.sync();
        done(id, "{'reboot': {'type': 'HARD'}}");
        assertThat(paused()).isFalse();
        node.sync();
        is(id, "ACTIVE", "active", "", 1);
        done(id, "{'pause': null}");
        node.sync();
        assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
        node.sync();
        assertThat(member.get("/servers/" + id).status()).isEqualTo(404);
    }

    @Test
    void aMachineThatEndsWhileItIsPausedIsNotPaused() {
        String id = server();
        done(id, "{'pause': null}");
        node.override(id, ServerState.STOPPED, "the guest powered off");
        node.sync();
        is(id, "SHUTOFF", "stopped", "", 4);
        assertThat(paused()).isFalse();
        node.obey(id);
        done(id, "{'os-start': null}");
        node.sync();
        done(id, "{'pause': null}");
        node.sync();
        node.fail(id, FailureKind.FAILURE_END, "killed");
        node.sync();
        is(id, "ERROR", "error", "", 6);
    }

    @Test
    void aLockedServerIsChangedByAdministratorsOnly() {
        String id = server();
        assertThat(server(id).path("locked").booleanValue()).isFalse();
        assertThat(act(member, id, "{'lock': {'locked_reason': 'mine'}}", 73).status())
                .isEqualTo(202);
        assertThat(server(id).path("locked").booleanValue()).isTrue();
        assertThat(server(id).path("locked_reason").stringValue()).isEqualTo("mine");
        String locked = "Instance %s is locked".formatted(id);
        for (String body :
                List.of("{'os-stop': null}", "{'pause': null}", "{'reboot': {'type': 'SOFT'}}")) {
            refused(act(member, id, body, 1), 409, locked);
        }
        refused(member.delete("/servers/" + id), 409, locked);
        refused(
                member.post("/servers/" + id + "/metadata", "{'metadata': {'a': 'b'}}"),
                409,
                locked);
        refused(
                member.post(
                        "/servers/" + id + "/os-volume_attachments",
                        "{'volumeAttachment': {'volumeId': '%s'}}".formatted(id)),
                409,
                locked);
        assertThat(member.put("/servers/" + id, "{'server': {'name': 'x'}}").status())
                .isEqualTo(200);
        assertThat(act(admin, id, "{'pause': null}", 1).status()).isEqualTo(202);
        node.sync();
        assertThat(act(member, id, "{'unlock': null}", 1).status()).isEqualTo(202);
        assertThat(server(id).path("locked").booleanValue()).isFalse();
        assertThat(server(id).path("locked_reason").isNull()).isTrue();
        done(id, "{'unpause': null}");
        node.sync();
        assertThat(actions(id)).containsExactly("unpause", "unlock", "pause", "lock", "create");
    }

    @Test
    void whatAnAdministratorLockedItsOwnerDoesNotUnlock() {
        String id = server();
        assertThat(act(admin, id, "{'lock': null}", 1).status()).isEqualTo(202);
        refused(
                act(member, id, "{'unlock': null}", 1),
                403,
                "Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override to be"
                        + " performed.");
        assertThat(act(member, id, "{'lock': null}", 1).status()).isEqualTo(202);
        assertThat(
                        admin.get("/servers?all_tenants=1&locked_by=admin")
                                .json()
                                .path("servers")
                                .size())
                .isEqualTo(1);
        assertThat(
                        member.get("/servers?locked=true", Region.version(73))
                                .json()
                                .path("servers")
                                .size())
                .isEqualTo(1);
        assertThat(act(admin, id, "{'unlock': null}", 1).status()).isEqualTo(202);
        assertThat(
                        member.get("/servers?locked=true", Region.version(73))
                                .json()
                                .path("servers")
                                .size())
                .isZero();
        assertThat(act(member, id, "{'lock': {'locked_reason': ''}}", 73).status()).isEqualTo(400);
        assertThat(act(member, id, "{'lock': {'why': 'x'}}", 73).status()).isEqualTo(400);
        assertThat(act(member, id, "{'lock': {'why': 'x'}}", 72).status()).isEqualTo(202);
        assertThat(member.get("/servers?sort_key=locked").status()).isEqualTo(200);
    }
}
