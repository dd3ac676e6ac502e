package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.Disk;
import dev.iod.node.FailureKind;
import dev.iod.node.Power;
import dev.iod.node.Server;
import dev.iod.node.ServerState;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The actions {@code resize}, {@code confirmResize} and {@code revertResize}. */
class ResizeTest {
    private static final long IMAGE_MIB = (Region.DISK_IMAGE_BYTES >> 20) + 1;

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
        flavor("d4", 512, 2, 4);
        flavor("d3", 256, 1, 3);
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private void flavor(String name, long ram, int vcpus, int disk) {
        Answer made =
                admin.post(
                        "/flavors",
                        "{'flavor': {'id': '%s', 'name': '%s', 'ram': %d, 'vcpus': %d, 'disk': %d}}"
                                .formatted(name, name, ram, vcpus, disk));
        assertThat(made.status()).as(made.text()).isEqualTo(200);
    }

    private String server(String image, String flavor) {
        String id =
                member.post(
                                "/servers",
                                ("{'server': {'name': 's', 'imageRef': '%s', 'flavorRef': '%s',"
                                                + " 'networks': 'none'}}")
                                        .formatted(image, flavor),
                                Region.version(90))
                        .json()
                        .at("/server/id")
                        .stringValue();
        node.sync();
        is(id, "ACTIVE", "active", "");
        return id;
    }

    private Answer act(String id, String action) {
        return member.post("/servers/" + id + "/action", action);
    }

    private Answer resize(String id, String flavor) {
        return act(id, "{'resize': {'flavorRef': '%s'}}".formatted(flavor));
    }

    private void resized(String id, String flavor) {
        Answer answer = resize(id, flavor);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        node.sync();
        assertThat(show(id).path("status").asString()).isEqualTo("VERIFY_RESIZE");
    }

    private Answer confirm(String id) {
        return act(id, "{'confirmResize': null}");
    }

    private Answer revert(String id) {
        return act(id, "{'revertResize': null}");
    }

    private void is(String id, String status, String vm, String task) {
        JsonNode server = show(id);
        assertThat(server.path("status").asString()).isEqualTo(status);
        assertThat(server.path("OS-EXT-STS:vm_state").asString()).isEqualTo(vm);
        assertThat(server.path("OS-EXT-STS:task_state").asString("")).isEqualTo(task);
    }

    private JsonNode show(String id) {
        return member.get("/servers/" + id, Region.version(90)).json().path("server");
    }

    private static void refused(Answer answer, int status, String message) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.json().iterator().next().path("message").stringValue())
                .isEqualTo(message);
    }

    private Server goal() {
        return node.goal().getServers(0);
    }

    private Map<String, Long> allocated() {
        return region.database.read(
                handle ->
                        handle
                                .createQuery(
                                        "SELECT resource_class, sum(used) AS used FROM allocation"
                                                + " GROUP BY 1")
                                .map((row, context) -> Map.entry(row.getString(1), row.getLong(2)))
                                .list()
                                .stream()
                                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
    }

    private static Map<String, Long> amounts(long vcpus, long memory, long disk) {
        return Map.of("VCPU", vcpus, "MEMORY_MB", memory, "DISK_MB", disk);
    }

    private long used(String limit) {
        return member.get("/limits").json().at("/limits/absolute/" + limit).longValue();
    }

    private JsonNode lastAction(String id) {
        JsonNode brief =
                member.get("/servers/" + id + "/os-instance-actions")
                        .json()
                        .path("instanceActions")
                        .path(0);
        return member.get(
                        "/servers/"
                                + id
                                + "/os-instance-actions/"
                                + brief.path("request_id").stringValue(),
                        Region.version(90))
                .json()
                .path("instanceAction");
    }

    private void lastActionIs(String id, String action, boolean failed) {
        JsonNode last = lastAction(id);
        assertThat(last.path("action").stringValue()).isEqualTo(action);
        assertThat(last.path("message").asString("")).isEqualTo(failed ? "Error" : "");
        assertThat(last.at("/events/0/result").asString(""))
                .isEqualTo(failed ? "Error" : "Success");
    }

    private List<String> kept() {
        return node.goal().getVolumesList().stream().map(Disk::getId).toList();
    }

    private int listed(String status) {
        return member.get("/servers?status=" + status).json().path("servers").size();
    }

    @Test
    void aServerGetsAnotherFlavorAndKeepsItWhenConfirmed() {
        String id = server(Region.DISK_IMAGE, "42");
        assertThat(allocated()).isEqualTo(amounts(1, 128, IMAGE_MIB));
        Answer answer = act(id, "{'resize': {'flavorRef': 'd4', 'OS-DCF:diskConfig': 'AUTO'}}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(answer.text()).isEmpty();
        is(id, "RESIZE", "active", "resize_prep");
        assertThat(show(id).path("OS-DCF:diskConfig").stringValue()).isEqualTo("AUTO");
        assertThat(listed("resize")).isEqualTo(1);
        assertThat(listed("active")).isZero();
        refused(
                resize(id, "d3"),
                409,
                "Cannot 'resize' instance %s while it is in task_state resize_prep".formatted(id));
        Server goal = goal();
        assertThat(goal.getVcpus()).isEqualTo(2);
        assertThat(goal.getMemoryMib()).isEqualTo(512);
        assertThat(goal.getBootGeneration()).isEqualTo(2);
        assertThat(goal.getAsksGuest()).isTrue();
        assertThat(goal.getDisksList())
                .containsExactly(
                        Disk.newBuilder()
                                .setId("root-" + id + "-2")
                                .setSizeBytes(4L << 30)
                                .setSourceId("root-" + id)
                                .build());
        assertThat(node.goal().getVolumesList())
                .containsExactly(
                        Disk.newBuilder()
                                .setId("root-" + id)
                                .setSizeBytes((2L << 30) + 4096)
                                .setMade(true)
                                .build());
        assertThat(allocated()).isEqualTo(amounts(2, 512, IMAGE_MIB + 4096));
        assertThat(used("totalCoresUsed")).isEqualTo(2);
        assertThat(used("totalRAMUsed")).isEqualTo(512);
        node.receive();
        node.report();
        is(id, "RESIZE", "active", "resize_migrating");
        node.sync();
        is(id, "VERIFY_RESIZE", "resized", "");
        assertThat(listed("verify_resize")).isEqualTo(1);
        JsonNode server = show(id);
        assertThat(server.at("/flavor/original_name").stringValue()).isEqualTo("d4");
        assertThat(server.path("progress").asInt()).isEqualTo(100);
        assertThat(server.path("OS-EXT-STS:power_state").asInt()).isEqualTo(1);
        lastActionIs(id, "resize", false);
        assertThat(goal().getDisks(0).getMade()).as("not cloned once more").isTrue();
        assertThat(kept()).containsExactly("root-" + id);
        assertThat(allocated()).isEqualTo(amounts(2, 512, IMAGE_MIB + 4096));
        refused(
                act(id, "{'reboot': {'type': 'HARD'}}"),
                409,
                "Cannot 'reboot' instance %s while it is in vm_state resized".formatted(id));

        Answer confirmed = confirm(id);
        assertThat(confirmed.status()).as(confirmed.text()).isEqualTo(204);
        is(id, "ACTIVE", "active", "");
        lastActionIs(id, "confirmResize", false);
        assertThat(allocated()).isEqualTo(amounts(2, 512, 4096));
        assertThat(kept()).isEmpty();
        assertThat(goal().getDisks(0).getId()).isEqualTo("root-" + id + "-2");
        assertThat(goal().getDisks(0).getSourceId()).isEmpty();
        assertThat(goal().getBootGeneration()).isEqualTo(2);
        node.sync();
        is(id, "ACTIVE", "active", "");
        refused(
                confirm(id),
                409,
                "Cannot 'confirmResize' instance %s while it is in vm_state active".formatted(id));
        refused(
                revert(id),
                409,
                "Cannot 'revertResize' instance %s while it is in vm_state active".formatted(id));
        // Neither the next resize nor a rebuild gives a disk a name that one had.
        flavor("d5", 512, 1, 5);
        resized(id, "d5");
        assertThat(goal().getDisks(0).getId()).isEqualTo("root-" + id + "-3");
    }

    @Test
    void aRevertedServerHasTheFlavorAndTheDiskThatItHad() {
        String id = server(Region.DISK_IMAGE, "d3");
        resized(id, "d4");
        Answer answer = revert(id);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        is(id, "REVERT_RESIZE", "resized", "resize_reverting");
        assertThat(listed("revert_resize")).isEqualTo(1);
        Server goal = goal();
        assertThat(goal.getVcpus()).isEqualTo(1);
        assertThat(goal.getMemoryMib()).isEqualTo(256);
        assertThat(goal.getBootGeneration()).isEqualTo(3);
        assertThat(goal.getDisksList().stream().map(Disk::getId)).containsExactly("root-" + id);
        assertThat(goal.getDisks(0).getMade()).as("not of the image anew").isTrue();
        assertThat(goal.getDisks(0).getSizeBytes()).isEqualTo(3L << 30);
        assertThat(kept()).as("also while the larger machine stops").containsExactly("root-" + id);
        // The machine may still have what it leaves.
        assertThat(allocated()).isEqualTo(amounts(2, 512, 7 * 1024));
        assertThat(used("totalRAMUsed")).isEqualTo(512);
        node.sync();
        is(id, "ACTIVE", "active", "");
        lastActionIs(id, "revertResize", false);
        assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
        assertThat(used("totalRAMUsed")).isEqualTo(256);
        assertThat(kept()).isEmpty();
        assertThat(show(id).at("/flavor/original_name").stringValue()).isEqualTo("d3");
        // A disk that is on its way out has not the name of one that comes.
        resized(id, "d4");
        assertThat(goal().getDisks(0).getId()).isEqualTo("root-" + id + "-4");
        revert(id);
        node.sync();
        assertThat(act(id, "{'rebuild': {'imageRef': '%s'}}".formatted(Region.DISK_IMAGE)).status())
                .isEqualTo(202);
        assertThat(goal().getDisks(0).getId()).isEqualTo("root-" + id + "-6");
    }

    @Test
    void aFlavorThatIsGoneIsRevertedTo() {
        String id = server(Region.DISK_IMAGE, "d3");
        resized(id, "d4");
        assertThat(admin.delete("/flavors/d3").status()).isEqualTo(202);
        assertThat(revert(id).status()).isEqualTo(202);
        node.sync();
        is(id, "ACTIVE", "active", "");
        assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
    }

    @Test
    void aServerThatIsOffStaysOff() {
        String id = server(Region.DISK_IMAGE, "d3");
        act(id, "{'os-stop': null}");
        node.sync();
        assertThat(resize(id, "d4").status()).isEqualTo(202);
        is(id, "RESIZE", "stopped", "resize_prep");
        assertThat(goal().getPower()).isEqualTo(Power.OFF);
        node.sync();
        is(id, "VERIFY_RESIZE", "resized", "");
        assertThat(show(id).path("OS-EXT-STS:power_state").asInt()).isEqualTo(4);
        revert(id);
        assertThat(goal().getPower()).isEqualTo(Power.OFF);
        is(id, "REVERT_RESIZE", "resized", "resize_reverting");
        node.sync();
        is(id, "SHUTOFF", "stopped", "");
        resized(id, "d4");
        assertThat(confirm(id).status()).isEqualTo(204);
        is(id, "SHUTOFF", "stopped", "");
        node.sync();
        is(id, "SHUTOFF", "stopped", "");
        act(id, "{'os-start': null}");
        node.sync();
        is(id, "ACTIVE", "active", "");
        assertThat(allocated()).isEqualTo(amounts(2, 512, 4096));
    }

    @Test
    void aGuestThatSwitchesItselfOffWhileItIsResized() {
        String id = server(Region.DISK_IMAGE, "d3");
        resized(id, "d4");
        node.override(id, ServerState.STOPPED, "the guest powered off");
        node.sync();
        is(id, "VERIFY_RESIZE", "resized", "");
        assertThat(goal().getPower()).isEqualTo(Power.OFF);
        node.obey(id);
        node.sync();
        is(id, "VERIFY_RESIZE", "resized", "");
        // It was on when the resize was asked for.
        revert(id);
        node.sync();
        is(id, "ACTIVE", "active", "");
        resized(id, "d4");
        node.override(id, ServerState.STOPPED, "the guest powered off");
        node.sync();
        node.obey(id);
        assertThat(confirm(id).status()).isEqualTo(204);
        is(id, "SHUTOFF", "stopped", "");
    }

    @Test
    void whatDiesWhileItIsResizedMayBeReverted() {
        String id = server(Region.DISK_IMAGE, "d3");
        resized(id, "d4");
        node.fail(id, FailureKind.FAILURE_END, "it crashed");
        node.sync();
        is(id, "VERIFY_RESIZE", "resized", "");
        assertThat(show(id).path("OS-EXT-STS:power_state").asInt()).isEqualTo(6);
        node.obey(id);
        revert(id);
        node.sync();
        is(id, "ACTIVE", "active", "");
        resized(id, "d4");
        node.fail(id, FailureKind.FAILURE_END, "it crashed");
        node.sync();
        confirm(id);
        node.sync();
        is(id, "ERROR", "error", "");
        assertThat(allocated()).isEqualTo(amounts(2, 512, 4096));
    }

    @Test
    void whatCannotBeMadeIsUndone() {
        String id = server(Region.DISK_IMAGE, "d3");
        for (boolean off : new boolean[] {false, true}) {
            if (off) {
                act(id, "{'os-stop': null}");
                node.sync();
            }
            assertThat(resize(id, "d4").status()).isEqualTo(202);
            node.fail(id, FailureKind.FAILURE_DISK, "the pool is full");
            node.sync();
            is(id, "REVERT_RESIZE", off ? "stopped" : "active", "resize_reverting");
            lastActionIs(id, "resize", true);
            assertThat(allocated()).isEqualTo(amounts(2, 512, 7 * 1024));
            assertThat(goal().getDisksList().stream().map(Disk::getId))
                    .containsExactly("root-" + id);
            assertThat(kept()).containsExactly("root-" + id);
            node.obey(id);
            node.sync();
            is(id, off ? "SHUTOFF" : "ACTIVE", off ? "stopped" : "active", "");
            assertThat(show(id).has("fault")).isFalse();
            assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
            lastActionIs(id, "resize", true);
        }
    }

    @Test
    void whatCannotBeUndoneIsAnErrorWithItsReason() {
        String id = server(Region.DISK_IMAGE, "d3");
        resize(id, "d4");
        node.fail(id, FailureKind.FAILURE_DISK, "the pool is gone");
        node.sync();
        node.sync();
        is(id, "ERROR", "error", "");
        assertThat(show(id).at("/fault/message").stringValue())
                .isEqualTo("A disk of the server could not be made or has failed.");
        assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
        node.obey(id);
        act(id, "{'reboot': {'type': 'HARD'}}");
        node.sync();
        is(id, "ACTIVE", "active", "");
    }

    @Test
    void withoutRoomOnItsNodeAServerStaysAsItIs() {
        String id = server(Region.DISK_IMAGE, "d3");
        flavor("wide", 256, 9, 3);
        flavor("large", 9000, 1, 3);
        flavor("deep", 256, 1, 2000);
        for (String flavor : List.of("wide", "large", "deep")) {
            assertThat(resize(id, flavor).status()).isEqualTo(202);
            is(id, "ACTIVE", "active", "");
            lastActionIs(id, "resize", true);
            assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
            assertThat(goal().getBootGeneration()).isEqualTo(1);
        }
        String details =
                admin.get(
                                "/servers/"
                                        + id
                                        + "/os-instance-actions/"
                                        + lastAction(id).path("request_id").stringValue(),
                                Region.version(90))
                        .json()
                        .at("/instanceAction/events/0/details")
                        .asString("");
        assertThat(details)
                .isEqualTo("No valid host was found. The server's node is short of disk.");
    }

    @Test
    void whatCannotBeIsRefusedAndChangesNothing() {
        String id = server(Region.DISK_IMAGE, "d3");
        refused(resize(id, "d3"), 400, "When resizing, instances must change flavor!");
        refused(resize(id, "none"), 400, "Flavor none could not be found.");
        refused(
                resize(id, "42"),
                400,
                "Server disk was unable to be resized because: Resize to zero disk flavor is not"
                        + " allowed.");
        refused(
                resize(id, "d1"),
                400,
                "Server disk was unable to be resized because: Flavor d1.micro has a disk of 1024"
                        + " MiB, and the server's has 3072 already.");
        assertThat(resize(id, "").status()).isEqualTo(400);
        assertThat(act(id, "{'resize': {}}").status()).isEqualTo(400);
        assertThat(act(id, "{'resize': null}").status()).isEqualTo(400);
        assertThat(act(id, "{'resize': {'flavorRef': 'd4', 'x': 1}}").status()).isEqualTo(400);
        String unknown = "44444444-2222-4333-8444-555555555555";
        for (Answer answer : List.of(resize(unknown, "d4"), confirm(unknown), revert(unknown))) {
            refused(answer, 404, "Instance %s could not be found.".formatted(unknown));
        }
        assertThat(
                        region.compute("q")
                                .post(
                                        "/servers/" + id + "/action",
                                        "{'resize': {'flavorRef': 'd4'}}")
                                .status())
                .isEqualTo(404);
        flavor("small", 32, 1, 4);
        refused(resize(id, "small"), 400, "Flavor's memory is too small for requested image.");
        admin.put("/os-quota-sets/p", "{'quota_set': {'ram': 300, 'cores': 1}}");
        refused(
                resize(id, "d4"),
                403,
                "Quota exceeded for cores, ram: Requested 1, 256, but already used 1, 256 of 1, 300"
                        + " cores, ram");
        // What is not more is not asked of a quota that is passed already.
        admin.put("/os-quota-sets/p", "{'quota_set': {'ram': 100, 'cores': 1}}");
        flavor("less", 128, 1, 3);
        resized(id, "less");
        assertThat(used("totalRAMUsed")).isEqualTo(256);
        act(id, "{'lock': null}");
        refused(confirm(id), 409, "Instance %s is locked".formatted(id));
        refused(revert(id), 409, "Instance %s is locked".formatted(id));
        act(id, "{'unlock': null}");
        confirm(id);
        assertThat(used("totalRAMUsed")).isEqualTo(128);
        act(id, "{'lock': null}");
        refused(resize(id, "d4"), 409, "Instance %s is locked".formatted(id));
        act(id, "{'unlock': null}");
        act(id, "{'pause': null}");
        node.sync();
        refused(
                resize(id, "d4"),
                409,
                "Cannot 'resize' instance %s while it is in vm_state paused".formatted(id));
    }

    @Test
    void aServerThatBootsAKernelMayGetAnotherMachine() {
        String id = server(Region.IMAGE, "42");
        resized(id, "v1");
        assertThat(goal().getMachineModel()).isEqualTo(dev.iod.node.MachineModel.MICROVM);
        assertThat(goal().getDisksList()).isEmpty();
        assertThat(kept()).isEmpty();
        revert(id);
        node.sync();
        resized(id, "d3");
        // It had none, so this one is of zeros.
        assertThat(goal().getDisks(0).getSourceId()).isEmpty();
        confirm(id);
        assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
        String other = server(Region.BOOT_IMAGE, "d3");
        refused(
                resize(other, "v1"),
                400,
                "Server disk was unable to be resized because: Resize to zero disk flavor is not"
                        + " allowed.");
        String whole = server(Region.BOOT_IMAGE, "42");
        refused(
                resize(whole, "v1"),
                400,
                "Flavor v1.nano has iod:machine=microvm, which boots a kernel only, but what the"
                        + " server boots is a disk to boot from.");
    }

    @Test
    void aServerThatBootsAVolumeKeepsIt() {
        HttpCaller volumes = region.volume("p");
        String volume =
                volumes.post(
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
                                ("{'server': {'name': 's', 'flavorRef': 'd3', 'networks': 'none',"
                                                + " 'block_device_mapping_v2': [{'boot_index': 0,"
                                                + " 'uuid': '%s', 'source_type': 'volume',"
                                                + " 'destination_type': 'volume'}]}}")
                                        .formatted(volume),
                                Region.version(90))
                        .json()
                        .at("/server/id")
                        .stringValue();
        node.sync();
        // Its flavor's disk is not taken, so it may be any.
        resized(id, "1");
        assertThat(goal().getMemoryMib()).isEqualTo(512);
        assertThat(goal().getDisksList().stream().map(Disk::getId)).containsExactly(volume);
        assertThat(kept()).containsExactly(volume);
        assertThat(allocated()).isEqualTo(amounts(1, 512, 3 * 1024));
        revert(id);
        node.sync();
        is(id, "ACTIVE", "active", "");
        assertThat(goal().getDisksList().stream().map(Disk::getId)).containsExactly(volume);
        assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
    }

    @Test
    void aRootDiskDoesNotTakeAVolumesPlace() {
        String id = server(Region.IMAGE, "42");
        String volume =
                region.volume("p")
                        .post("/volumes", "{'volume': {'size': 1}}")
                        .json()
                        .at("/volume/id")
                        .stringValue();
        node.sync();
        member.post(
                "/servers/" + id + "/os-volume_attachments",
                "{'volumeAttachment': {'volumeId': '%s'}}".formatted(volume));
        node.sync();
        refused(
                resize(id, "d3"),
                400,
                "Server disk was unable to be resized because: It would be the server's first"
                        + " device, which is a volume now. Detach that first.");
        resized(id, "84");
        assertThat(goal().getDisksList().stream().map(Disk::getId)).containsExactly(volume);
    }

    @Test
    void deletedInAnyStateNothingIsLeft() {
        for (int steps = 0; steps < 4; steps++) {
            String id = server(Region.DISK_IMAGE, "d3");
            resize(id, "d4");
            if (steps > 0) {
                node.sync();
            }
            if (steps > 1) {
                revert(id);
            }
            if (steps > 2) {
                node.receive();
                node.report();
            }
            assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
            assertThat(node.goal().getServersList()).isEmpty();
            assertThat(kept()).isEmpty();
            node.sync();
            assertThat(member.get("/servers/" + id).status()).isEqualTo(404);
            assertThat(allocated()).isEmpty();
        }
    }

    @Test
    void aStateSetByHandLosesNoDisk() {
        String id = server(Region.DISK_IMAGE, "d3");
        resized(id, "d4");
        HttpCaller operator = admin;
        operator.post("/servers/" + id + "/action", "{'os-resetState': {'state': 'error'}}");
        is(id, "ERROR", "error", "");
        refused(
                act(id, "{'rebuild': {'imageRef': '%s'}}".formatted(Region.DISK_IMAGE)),
                409,
                "Cannot 'rebuild' instance %s while it is in vm_state resized".formatted(id));
        operator.post("/servers/" + id + "/action", "{'os-resetState': {'state': 'active'}}");
        refused(
                resize(id, "d3"),
                409,
                "Cannot 'resize' instance %s while it is in vm_state resized".formatted(id));
        node.sync();
        is(id, "VERIFY_RESIZE", "resized", "");
        operator.post("/servers/" + id + "/action", "{'os-resetState': {'state': 'error'}}");
        node.sync();
        is(id, "VERIFY_RESIZE", "resized", "");
        revert(id);
        operator.post("/servers/" + id + "/action", "{'os-resetState': {'state': 'active'}}");
        is(id, "REVERT_RESIZE", "active", "resize_reverting");
        operator.post("/servers/" + id + "/action", "{'os-resetState': {'state': 'error'}}");
        is(id, "ERROR", "error", "resize_reverting");
        node.sync();
        is(id, "ACTIVE", "active", "");
        assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
    }

    /** Else it could be confirmed: the copy is not there, and the disk before would go. */
    @Test
    void whatFailsAfterItsStateWasSetIsUndoneNevertheless() {
        String id = server(Region.DISK_IMAGE, "d3");
        for (String state : List.of("active", "error")) {
            resize(id, "d4");
            admin.post(
                    "/servers/" + id + "/action",
                    "{'os-resetState': {'state': '%s'}}".formatted(state));
            node.fail(id, FailureKind.FAILURE_DISK, "the pool is full");
            node.sync();
            assertThat(show(id).path("OS-EXT-STS:task_state").asString())
                    .isEqualTo("resize_reverting");
            node.obey(id);
            node.sync();
            is(id, "ACTIVE", "active", "");
            assertThat(allocated()).isEqualTo(amounts(1, 256, 3 * 1024));
        }
    }

    /** It would make the disk anew, or copy it while the guest writes. */
    @Test
    void anAgentOfAnOlderReleaseIsNotAskedToCopyADisk() {
        String id = server(Region.DISK_IMAGE, "d3");
        region.database.run(handle -> handle.execute("UPDATE node SET traits = '{VOLUMES}'"));
        refused(
                resize(id, "d4"),
                409,
                "The node of %s cannot copy its disk: its agent is of an older release."
                        .formatted(id));
        is(id, "ACTIVE", "active", "");
    }

    /** A node that lost the copy must not make it anew of what the guest wrote before. */
    @Test
    void aNodeIsToldThatTheCopyIsMade() {
        String id = server(Region.DISK_IMAGE, "d3");
        resize(id, "d4");
        long asked = node.goal().getRevision();
        node.sync();
        is(id, "VERIFY_RESIZE", "resized", "");
        assertThat(node.goal().getRevision()).isGreaterThan(asked);
        assertThat(goal().getDisks(0).getMade()).isTrue();
        revert(id);
        long reverted = node.goal().getRevision();
        node.sync();
        is(id, "ACTIVE", "active", "");
        assertThat(node.goal().getRevision()).isGreaterThan(reverted);
        assertThat(kept()).isEmpty();
    }
}
