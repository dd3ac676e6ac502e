package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.FailureKind;
import dev.iod.node.Firmware;
import dev.iod.node.FixedAddress;
import dev.iod.node.Goal;
import dev.iod.node.HostRoute;
import dev.iod.node.ImagePart;
import dev.iod.node.MachineModel;
import dev.iod.node.Metadata;
import dev.iod.node.Power;
import dev.iod.node.ServerState;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Servers from their request to their end, over HTTP and with nodes that report as told. */
class ServerLifeTest {
    private Region region;
    private FakeNode n1;
    private FakeNode n2;
    private HttpCaller member;
    private HttpCaller admin;
    private String network;

    @BeforeEach
    void start() {
        region = new Region();
        n1 = region.node("n1", 4, 4096);
        n2 = region.node("n2", 4, 4096);
        member = region.compute("p1");
        admin = region.compute("p0:admin");
        network = region.network("p1", "10.9.0.0/24");
    }

    @AfterEach
    void stop() {
        region.close();
    }

    private String create(String more) {
        return create(Region.IMAGE, "42", more);
    }

    private String create(String image, String flavor, String more) {
        Answer answer =
                member.post(
                        "/servers",
                        "{'server': {'name': 'web', 'imageRef': '%s', 'flavorRef': '%s'%s}}"
                                .formatted(image, flavor, more));
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer.json().path("server").path("id").stringValue();
    }

    private JsonNode show(String id) {
        Answer answer = admin.get("/servers/" + id, Region.version(90));
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return answer.json().path("server");
    }

    private String status(String id) {
        return show(id).path("status").stringValue();
    }

    private void syncBoth() {
        n1.sync();
        n2.sync();
    }

    private int act(String id, String body) {
        return member.post("/servers/" + id + "/action", body).status();
    }

    @Test
    void aRootDiskIsAsLargeAsItsFlavorOrItsImage() {
        String empty = create(Region.IMAGE, "d1", "");
        String cloned = create(Region.DISK_IMAGE, "42", "");
        String none = create("");
        assertThat(goalOf(empty).getDisks(0).getSizeBytes()).isEqualTo(1L << 30);
        assertThat(goalOf(empty).getDisks(0).hasImage()).isFalse();
        assertThat(goalOf(cloned).getDisks(0).getSizeBytes())
                .as("whole blocks")
                .isEqualTo((2L << 30) + 4096);
        assertThat(goalOf(cloned).getDisks(0).getImage())
                .returns(Region.DISK_IMAGE, ImagePart::getImageId)
                .returns(Region.DISK_IMAGE_BYTES, ImagePart::getSizeBytes)
                .returns("22".repeat(32), ImagePart::getSha256);
        assertThat(goalOf(empty).getDisks(0).getId()).isEqualTo("root-" + empty);
        assertThat(goalOf(none).getDisksCount()).isZero();
        Answer small =
                member.post(
                        "/servers",
                        "{'server': {'name': 'web', 'imageRef': '%s', 'flavorRef': 'd1'}}"
                                .formatted(Region.DISK_IMAGE));
        assertThat(small.status()).isEqualTo(400);
        assertThat(small.text())
                .contains("Flavor's disk is too small for requested image.", "1073741824 bytes");
    }

    @Test
    void anImageThatIsABootableDiskIsBootedByItsFirmware() {
        String id = create(Region.BOOT_IMAGE, "42", "");
        dev.iod.node.Server goal = goalOf(id);
        assertThat(goal.getFirstDisk().getFirmware()).isEqualTo(Firmware.UEFI_SECURE_BOOT);
        assertThat(goal.hasKernel()).isFalse();
        assertThat(goal.getMachineModel()).isEqualTo(MachineModel.Q35);
        assertThat(goal.getDisks(0).getImage().getImageId()).isEqualTo(Region.BOOT_IMAGE);
        assertThat(show(id).path("OS-EXT-SRV-ATTR:kernel_id").stringValue()).isEmpty();
        assertThat(show(id).path("OS-EXT-SRV-ATTR:ramdisk_id").stringValue()).isEmpty();
        Answer found = admin.get("/servers?all_tenants=1&kernel_id=aaaa", Region.version(90));
        assertThat(found.text()).doesNotContain(id);
        Answer microvm =
                member.post(
                        "/servers",
                        "{'server': {'name': 'web', 'imageRef': '%s', 'flavorRef': 'v1'}}"
                                .formatted(Region.BOOT_IMAGE));
        assertThat(microvm.status()).isEqualTo(400);
        assertThat(microvm.text()).contains("boots a kernel only", "is a disk to boot from");
    }

    private dev.iod.node.Server goalOf(String id) {
        return Stream.of(n1.goal(), n2.goal())
                .flatMap(goal -> goal.getServersList().stream())
                .filter(server -> server.getId().equals(id))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void buildsAndBecomesActiveWithAnAddress() {
        String id = create(", 'networks': [{'uuid': '" + network + "'}], 'metadata': {'a': 'b'}");
        assertThat(status(id)).isEqualTo("BUILD");
        assertThat(show(id).path("OS-EXT-STS:task_state").stringValue()).isEqualTo("spawning");
        syncBoth();
        JsonNode server = show(id);
        assertThat(server.path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(server.path("OS-EXT-STS:power_state").intValue()).isEqualTo(1);
        assertThat(server.path("OS-EXT-STS:task_state").isNull()).isTrue();
        assertThat(server.path("addresses").path("net").path(0).path("addr").stringValue())
                .startsWith("10.9.0.");
        assertThat(server.path("security_groups").path(0).path("name").stringValue())
                .isEqualTo("default");
        JsonNode actions =
                member.get("/servers/" + id + "/os-instance-actions", Region.version(58))
                        .json()
                        .path("instanceActions");
        assertThat(actions.path(0).path("action").stringValue()).isEqualTo("create");
    }

    @Test
    void theGoalHasAllTheNodeNeeds() {
        member.post("/os-keypairs", "{'keypair': {'name': 'k'}}");
        Answer answer =
                member.post(
                        "/servers",
                        ("{'server': {'name': 'My Web_1', 'imageRef': '%s', 'flavorRef': 'v1',"
                                        + " 'key_name': 'k', 'user_data': 'aGk=',"
                                        + " 'metadata': {'role': 'web'},"
                                        + " 'networks': [{'uuid': '%s'}]}}")
                                .formatted(Region.IMAGE, network));
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        Goal goal = n1.goal().getServersCount() == 1 ? n1.goal() : n2.goal();
        assertThat(goal.getServersCount()).isEqualTo(1);
        dev.iod.node.Server server = goal.getServers(0);
        assertThat(server.getName()).isEqualTo("My Web_1");
        assertThat(server.getHostName()).isEqualTo("my-web-1");
        assertThat(server.getPower()).isEqualTo(Power.ON);
        assertThat(server.getMachineModel()).isEqualTo(MachineModel.MICROVM);
        assertThat(server.getKernel().getCommandLine()).isEqualTo("console=ttyS0");
        assertThat(server.getKernel().getKernel().getSizeBytes()).isEqualTo(5);
        assertThat(server.getNicsCount()).isEqualTo(1);
        assertThat(server.getNics(0).getMtu()).isEqualTo(1442);
        FixedAddress address = server.getNics(0).getAddresses(0);
        assertThat(address.getAddress()).startsWith("10.9.0.");
        assertThat(address.getPrefixLength()).isEqualTo(24);
        assertThat(address.getDhcp()).isTrue();
        assertThat(address.getGateway()).isEqualTo("10.9.0.1");
        assertThat(server.getMetadata().getUserData()).isEqualTo("aGk=");
        assertThat(server.getMetadata().getKeys(0).getOpenssh()).startsWith("ssh-rsa ");
        assertThat(server.getMetadata().getPropertiesOrThrow("role")).isEqualTo("web");
        assertThat(server.getMetadata().getSecurityGroupsList()).containsExactly("default");
        assertThat(goal.getRevision()).isPositive();
    }

    /** The metadata service says who a server is as the API does, at any time. */
    @Test
    void theNodeIsToldWhoAServerIsAndWhenThatChanges() {
        member.post(
                "/servers",
                ("{'server': {'name': 'g\u00e4st 7', 'imageRef': '%s', 'flavorRef': '42',"
                                + " 'min_count': 2}}")
                        .formatted(Region.IMAGE));
        JsonNode servers =
                admin.get("/servers/detail?all_tenants=1", Region.version(90))
                        .json()
                        .path("servers");
        assertThat(servers.size()).isEqualTo(2);
        for (JsonNode server : servers) {
            Metadata metadata = goalOf(server.path("id").stringValue()).getMetadata();
            assertThat(metadata.getReservationId())
                    .isEqualTo(server.path("OS-EXT-SRV-ATTR:reservation_id").stringValue())
                    .startsWith("r-");
            assertThat(metadata.getLaunchIndex())
                    .isEqualTo(server.path("OS-EXT-SRV-ATTR:launch_index").intValue());
            assertThat(goalOf(server.path("id").stringValue()))
                    .returns(server.path("name").stringValue(), dev.iod.node.Server::getName)
                    .returns(
                            server.path("OS-EXT-SRV-ATTR:hostname").stringValue(),
                            dev.iod.node.Server::getHostName);
        }
        assertThat(servers.valueStream().map(s -> s.path("name").stringValue()))
                .containsExactlyInAnyOrder("g\u00e4st 7-1", "g\u00e4st 7-2");

        String id = servers.path(0).path("id").stringValue();
        long before = n1.goal().getRevision() + n2.goal().getRevision();
        assertThat(member.put("/servers/" + id, "{'server': {'name': 'g\u00e4st 8'}}").status())
                .isEqualTo(200);
        assertThat(n1.goal().getRevision() + n2.goal().getRevision()).isGreaterThan(before);
        assertThat(goalOf(id).getName()).isEqualTo("g\u00e4st 8");
    }

    /** All that a guest needs to configure a second interface, to which DHCP does not speak. */
    @Test
    void anInterfaceWithoutDhcpHasWhatItsSubnetSays() {
        HttpCaller neutron = region.network("p1");
        String quiet =
                neutron.post("/networks", "{'network': {'name': 'quiet'}}")
                        .json()
                        .at("/network/id")
                        .stringValue();
        Answer subnet =
                neutron.post(
                        "/subnets",
                        ("{'subnet': {'network_id': '%s', 'cidr': '10.60.0.0/20', 'ip_version': 4,"
                                        + " 'enable_dhcp': false,"
                                        + " 'dns_nameservers': ['192.0.2.53'], 'host_routes':"
                                        + " [{'destination': '198.51.100.0/25',"
                                        + " 'nexthop': '10.60.0.7'}]}}")
                                .formatted(quiet));
        assertThat(subnet.status()).as(subnet.text()).isEqualTo(201);
        String id =
                create(", 'networks': [{'uuid': '%s'}, {'uuid': '%s'}]".formatted(network, quiet));
        dev.iod.node.Server server = goalOf(id);
        assertThat(server.getNics(0).getAddresses(0).getDhcp()).isTrue();
        FixedAddress address = server.getNics(1).getAddresses(0);
        assertThat(address)
                .returns(false, FixedAddress::getDhcp)
                .returns(20, FixedAddress::getPrefixLength)
                .returns("10.60.0.1", FixedAddress::getGateway)
                .returns(List.of("192.0.2.53"), FixedAddress::getDnsServersList);
        assertThat(address.getAddress()).startsWith("10.60.");
        assertThat(address.getRoutesList())
                .containsExactly(
                        HostRoute.newBuilder()
                                .setDestination("198.51.100.0/25")
                                .setNextHop("10.60.0.7")
                                .build());
    }

    /** Its owner learns the kind, an administrator also what the node said. */
    @ParameterizedTest
    @CsvSource({
        "FAILURE_NOT_TOLD, The server could not be run on its node.",
        "FAILURE_UNSUPPORTED, The server's node does not support what it is made of.",
        "FAILURE_IMAGE, A part of the server's image could not be brought to its node.",
        "FAILURE_DISK, A disk of the server could not be made or has failed.",
        "FAILURE_START, The server's machine did not start.",
        "FAILURE_END, The server's machine ended unexpectedly."
    })
    void aFailureIsAnErrorWithItsReason(FailureKind failure, String message) {
        String said = "QEMU ended, exit status 1: cannot open /run/iod/guests/x: process 4711";
        String id = create("");
        n1.fail(id, failure, said);
        n2.fail(id, failure, said);
        syncBoth();
        JsonNode server = member.get("/servers/" + id).json().path("server");
        assertThat(server.path("status").stringValue()).isEqualTo("ERROR");
        JsonNode fault = server.path("fault");
        assertThat(fault.propertyNames()).containsExactly("code", "created", "message");
        assertThat(fault.path("code").intValue()).isEqualTo(500);
        assertThat(fault.path("message").stringValue()).isEqualTo(message);
        for (String path :
                List.of("/servers/" + id, "/servers/detail", "/servers/" + id + actions(id))) {
            assertThat(member.get(path).text()).doesNotContain("4711");
        }
        JsonNode whole = admin.get("/servers/" + id).json().at("/server/fault");
        assertThat(whole.propertyNames()).containsExactly("code", "created", "message", "details");
        assertThat(whole.path("message").stringValue()).isEqualTo(message);
        assertThat(whole.path("details").stringValue()).isEqualTo(said);
        assertThat(
                        admin.get("/servers/detail?all_tenants=1")
                                .json()
                                .at("/servers/0/fault/details")
                                .stringValue())
                .isEqualTo(said);
        assertThat(admin.get("/servers/" + id + actions(id), Region.version(84)).text())
                .contains("4711");
        assertThat(act(id, "{'reboot': {'type': 'HARD'}}")).isEqualTo(202);
        n1.obey(id);
        n2.obey(id);
        syncBoth();
        assertThat(status(id)).isEqualTo("ACTIVE");
        assertThat(show(id).has("fault")).isFalse();
    }

    /** The path of what became of the server's creation. */
    private String actions(String id) {
        String list = "/os-instance-actions";
        JsonNode first = member.get("/servers/" + id + list).json().at("/instanceActions").get(0);
        return list + "/" + first.path("request_id").stringValue();
    }

    @Test
    void stopStartAndReboot() {
        String id = create("");
        syncBoth();
        assertThat(act(id, "{'os-start': null}")).isEqualTo(409);
        assertThat(act(id, "{'os-stop': null}")).isEqualTo(202);
        assertThat(show(id).path("OS-EXT-STS:task_state").stringValue()).isEqualTo("powering-off");
        assertThat(act(id, "{'os-stop': null}")).isEqualTo(409);
        syncBoth();
        assertThat(status(id)).isEqualTo("SHUTOFF");
        assertThat(show(id).path("OS-EXT-STS:power_state").intValue()).isEqualTo(4);
        assertThat(act(id, "{'os-start': null}")).isEqualTo(202);
        syncBoth();
        assertThat(status(id)).isEqualTo("ACTIVE");
        assertThat(act(id, "{'reboot': {'type': 'SOFT'}}")).isEqualTo(202);
        assertThat(status(id)).isEqualTo("REBOOT");
        syncBoth();
        assertThat(status(id)).isEqualTo("ACTIVE");
        assertThat(act(id, "{'reboot': {'type': 'HARD'}}")).isEqualTo(202);
        assertThat(status(id)).isEqualTo("HARD_REBOOT");
        syncBoth();
        assertThat(status(id)).isEqualTo("ACTIVE");
    }

    @Test
    void aGuestThatSwitchesItselfOffIsShutOffAndStaysSo() {
        String id = create("");
        syncBoth();
        n1.override(id, ServerState.STOPPED, "the guest powered off");
        n2.override(id, ServerState.STOPPED, "the guest powered off");
        syncBoth();
        assertThat(status(id)).isEqualTo("SHUTOFF");
        n1.obey(id);
        n2.obey(id);
        syncBoth();
        assertThat(status(id)).isEqualTo("SHUTOFF");
    }

    @Test
    void deletionEndsWhenTheNodeNoLongerReportsIt() {
        String id = create(", 'networks': [{'uuid': '" + network + "'}]");
        syncBoth();
        assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
        assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
        assertThat(show(id).path("OS-EXT-STS:task_state").stringValue()).isEqualTo("deleting");
        // Reports that do not know of the deletion end nothing.
        n1.report();
        n2.report();
        assertThat(member.get("/servers/" + id).status()).isEqualTo(200);
        syncBoth();
        assertThat(member.get("/servers/" + id).status()).isEqualTo(404);
        assertThat(region.network("p1").get("/ports?device_id=" + id).json().path("ports").size())
                .isZero();
        JsonNode hypervisors = admin.get("/os-hypervisors/detail").json().path("hypervisors");
        for (JsonNode node : hypervisors) {
            assertThat(node.path("memory_mb_used").longValue()).isZero();
            assertThat(node.path("vcpus_used").longValue()).isZero();
        }
        JsonNode actions =
                member.get("/servers/" + id + "/os-instance-actions", Region.version(21))
                        .json()
                        .path("instanceActions");
        assertThat(actions.path(0).path("action").stringValue()).isEqualTo("delete");
    }

    @Test
    void aLostNodeMakesItsServersUnknownAndNothingMoves() {
        String id = create("");
        syncBoth();
        n1.heard(false);
        n2.heard(false);
        assertThat(status(id)).isEqualTo("UNKNOWN");
        assertThat(show(id).path("host_status").stringValue()).isEqualTo("UNKNOWN");
        assertThat(member.get("/servers?status=UNKNOWN").json().path("servers").size())
                .isEqualTo(1);
        assertThat(member.get("/servers?status=ACTIVE").json().path("servers").size()).isZero();
        // Deleted while its node is away: it stays until the node says that it is gone.
        assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
        assertThat(status(id)).isEqualTo("UNKNOWN");
        n1.heard(true);
        n2.heard(true);
        syncBoth();
        assertThat(member.get("/servers/" + id).status()).isEqualTo(404);
    }

    @Test
    void noCapacityIsAnErrorServerThatCanBeDeleted() {
        admin.put("/os-quota-sets/p1", "{'quota_set': {'ram': -1, 'cores': -1}}");
        Answer answer =
                member.post(
                        "/servers",
                        "{'server': {'name': 'big', 'imageRef': '%s', 'flavorRef': '5'}}"
                                .formatted(Region.IMAGE));
        assertThat(answer.status()).isEqualTo(202);
        String id = answer.json().path("server").path("id").stringValue();
        JsonNode server = show(id);
        assertThat(server.path("status").stringValue()).isEqualTo("ERROR");
        assertThat(server.path("fault").path("message").stringValue())
                .startsWith("No valid host was found. There are not enough hosts available.");
        assertThat(member.delete("/servers/" + id).status()).isEqualTo(204);
        assertThat(member.get("/servers/" + id).status()).isEqualTo(404);
    }

    @Test
    void antiAffinityIsEnforced() {
        String group =
                member.post(
                                "/os-server-groups",
                                "{'server_group': {'name': 'g', 'policies': ['anti-affinity']}}")
                        .json()
                        .path("server_group")
                        .path("id")
                        .stringValue();
        String body =
                "{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '42'},"
                        + " 'os:scheduler_hints': {'group': '%s'}}";
        for (int i = 0; i < 3; i++) {
            assertThat(member.post("/servers", body.formatted(Region.IMAGE, group)).status())
                    .isEqualTo(202);
        }
        assertThat(n1.goal().getServersCount()).isEqualTo(1);
        assertThat(n2.goal().getServersCount()).isEqualTo(1);
        assertThat(member.get("/servers?status=ERROR").json().path("servers").size()).isEqualTo(1);
    }

    @Test
    void anAdministratorNamesTheNode() {
        String body =
                "{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '42',"
                        + " 'availability_zone': 'nova:n2', 'networks': 'none'}}";
        Answer forbidden =
                member.post("/servers", body.formatted(Region.IMAGE), Region.version(37));
        assertThat(forbidden.status()).isEqualTo(403);
        assertThat(
                        admin.post("/servers", body.formatted(Region.IMAGE), Region.version(37))
                                .status())
                .isEqualTo(202);
        assertThat(n2.goal().getServersCount()).isEqualTo(1);
    }
}
