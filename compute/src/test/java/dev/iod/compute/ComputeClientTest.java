package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.console.Consoles;
import dev.iod.identity.IdentityApi;
import dev.iod.identity.testing.TestRegion;
import dev.iod.image.ImageApi;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.image.QemuConverter;
import dev.iod.network.NetworkApi;
import dev.iod.network.ServerPorts;
import dev.iod.node.FailureKind;
import dev.iod.region.Service;
import dev.iod.rest.testing.OpenStackClient;
import dev.iod.store.Database;
import dev.iod.volume.BlockStorage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Compute as users of the real client see it; nodes are fakes that do at once what they shall. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ComputeClientTest {
    private TestRegion region;
    private OpenStackClient admin;
    private OpenStackClient tenant;
    private FakeNode n1;
    private FakeNode n2;
    private Path directory;

    @BeforeAll
    void start(@TempDir Path temporary) throws Exception {
        directory = temporary;
        ServerPorts ports = ServerPorts.sql();
        region = new TestRegion(database -> services(database, ports));
        Database database = region.database();
        n1 = node(database, ports, "n1");
        n2 = node(database, ports, "n2");
        region.member("tenant");
        region.member("other");
        admin = new OpenStackClient(region.url(), "admin", TestRegion.ADMIN_PASSWORD, "admin");
        tenant = new OpenStackClient(region.url(), "tenant", "pw-tenant", "tenant");
        Path part = Files.write(temporary.resolve("part"), new byte[] {1, 2, 3});
        String kernel = image("--disk-format aki --container-format aki --file " + part, "kernel");
        String initrd = image("--disk-format ari --container-format ari --file " + part, "initrd");
        image(
                "--disk-format ami --container-format ami --file %s --property kernel_id=%s --property ramdisk_id=%s"
                        .formatted(part, kernel, initrd),
                "micro");
        tenant.json("network create net");
        tenant.json("subnet create --network net --subnet-range 10.6.0.0/24 sub");
    }

    @AfterAll
    void stop() {
        tenant.close();
        admin.close();
        region.close();
    }

    private List<Service> services(Database database, ServerPorts ports) {
        ImageService images =
                new ImageService(
                        database,
                        new ImageFiles(directory.resolve("images")),
                        new QemuConverter("nobody"),
                        Clock.systemUTC());
        Consoles consoles = Region.consoles(database);
        return List.of(
                consoles.service(),
                new Compute(
                                database,
                                images,
                                ports,
                                new Region.FixedConsole(),
                                IdentityApi.projects(),
                                consoles)
                        .service(),
                NetworkApi.service(database, 1442, Compute.portWatcher()),
                BlockStorage.service(database, images, new Region.FixedConsole()),
                ImageApi.service(database, images));
    }

    private static FakeNode node(Database database, ServerPorts ports, String name) {
        return new FakeNode(
                database,
                new ComputeGoals(ports),
                new ComputeObservations(
                        new Region.FixedImages(),
                        ports,
                        new ServerPlacement(
                                new Region.FixedImages(), ports, new Region.FixedConsole())),
                name,
                4,
                2048);
    }

    private String image(String options, String name) {
        return admin.json("image create --public %s %s".formatted(options, name))
                .path("id")
                .stringValue();
    }

    private void syncBoth() {
        n1.sync();
        n2.sync();
    }

    private static List<String> names(JsonNode list) {
        return list.valueStream().map(row -> row.path("Name").asString()).toList();
    }

    @Test
    void serversFromMakingToDeletion() {
        tenant.run("keypair create k1");
        JsonNode made =
                tenant.json(
                        "server create --image micro --flavor m1.nano --network net --key-name k1"
                                + " --property a=b s1");
        assertThat(made.path("status").stringValue()).isEqualTo("BUILD");
        assertThat(made.path("adminPass").stringValue()).hasSize(12);
        syncBoth();
        JsonNode shown = tenant.json("server show s1");
        assertThat(shown.path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(shown.path("addresses").path("net").path(0).stringValue()).startsWith("10.6.0.");
        assertThat(shown.path("key_name").stringValue()).isEqualTo("k1");
        assertThat(shown.path("flavor").stringValue()).startsWith("m1.nano");
        assertThat(names(tenant.json("server list"))).containsExactly("s1");
        assertThat(tenant.json("port list --server s1").size()).isEqualTo(1);
        tenant.run("server set --name s1b --property c=d s1");
        tenant.run("server unset --property a s1b");
        assertThat(tenant.json("server show s1b").path("properties").toString())
                .isEqualTo("{\"c\":\"d\"}");
        assertThat(tenant.run("console log show --lines 1 s1b")).contains("three");
        tenant.run("server stop s1b");
        syncBoth();
        assertThat(tenant.json("server show s1b").path("status").stringValue())
                .isEqualTo("SHUTOFF");
        tenant.run("server start s1b");
        syncBoth();
        tenant.run("server reboot --hard s1b");
        assertThat(tenant.json("server show s1b").path("status").stringValue())
                .isEqualTo("HARD_REBOOT");
        syncBoth();
        assertThat(
                        tenant.json("server event list s1b")
                                .valueStream()
                                .map(row -> row.path("Action").stringValue()))
                .containsExactly("reboot", "start", "stop", "create");
        assertThat(tenant.run("server delete s1b").strip()).isEmpty();
        syncBoth();
        assertThat(tenant.run("server show s1b"))
                .contains("No server with a name or ID of 's1b' exists.");
        assertThat(tenant.json("port list --device-owner compute:nova").size()).isZero();
    }

    @Test
    void volumesOfServers() {
        tenant.json("server create --image micro --flavor m1.nano --network net holder");
        syncBoth();
        String node =
                admin.json("server list --all-projects --long")
                        .valueStream()
                        .filter(row -> row.path("Name").asString().equals("holder"))
                        .map(row -> row.path("Host").asString())
                        .findFirst()
                        .orElseThrow();
        FakeNode other = node.equals("n1") ? n2 : n1;
        other.pool(1);
        tenant.json("volume create --size 1 v1");
        syncBoth();
        tenant.json("server add volume holder v1");
        syncBoth();
        JsonNode volume = tenant.json("volume show v1");
        assertThat(volume.path("status").stringValue()).isEqualTo("in-use");
        assertThat(volume.path("attachments").path(0).path("device").asString())
                .isEqualTo("/dev/vda");
        assertThat(tenant.json("volume list").path(0).path("Attached to").toString())
                .contains("/dev/vda");
        assertThat(tenant.json("server volume list holder").size()).isEqualTo(1);
        assertThat(tenant.run("volume delete v1")).contains("HTTP 400");
        assertThat(tenant.run("server remove volume holder v1").strip()).isEmpty();
        syncBoth();
        assertThat(tenant.json("volume show v1").path("status").stringValue())
                .isEqualTo("available");
        tenant.json("server add volume holder v1");
        tenant.run("server delete holder");
        syncBoth();
        assertThat(tenant.json("volume show v1").path("status").stringValue())
                .isEqualTo("available");
        tenant.run("volume delete v1");
        syncBoth();
        other.pool(1 << 20);
    }

    @Test
    void actionsOnServers() {
        tenant.json("server create --image micro --flavor m1.nano --network net busy");
        syncBoth();
        tenant.run("server pause busy");
        syncBoth();
        assertThat(tenant.json("server show busy").path("status").stringValue())
                .isEqualTo("PAUSED");
        tenant.run("server unpause busy");
        syncBoth();
        tenant.run("server lock busy");
        assertThat(tenant.run("server stop busy")).contains("is locked").contains("409");
        tenant.run("server unlock busy");
        tenant.json("port create --network net extra");
        tenant.run("server add port busy extra");
        tenant.run("server add network busy net");
        syncBoth();
        assertThat(tenant.json("port list --server busy").size()).isEqualTo(3);
        tenant.run("server remove port busy extra");
        syncBoth();
        assertThat(tenant.json("port list --server busy").size()).isEqualTo(2);
        tenant.json("security group create web");
        tenant.run("server add security group busy web");
        assertThat(tenant.json("server show busy").path("security_groups").toString())
                .contains("web");
        tenant.run("server remove security group busy web");
        assertThat(tenant.json("server show busy").path("security_groups").toString())
                .doesNotContain("web");
        tenant.run("server delete busy");
        tenant.run("port delete extra");
        syncBoth();
    }

    @Test
    void serversThatBootVolumes() {
        tenant.json("volume create --size 1 root");
        syncBoth();
        tenant.run("volume set --bootable root");
        tenant.json("server create --volume root --flavor d1.micro --network net vb");
        syncBoth();
        JsonNode shown = tenant.json("server show vb");
        assertThat(shown.path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(shown.path("image").asString()).isEqualTo("N/A (booted from volume)");
        assertThat(shown.path("volumes_attached").size()).isEqualTo(1);
        assertThat(tenant.json("volume show root").path("status").stringValue())
                .isEqualTo("in-use");
        assertThat(tenant.run("server remove volume vb root"))
                .contains("Cannot detach a root device volume");
        assertThat(tenant.run("server create --volume root --flavor m1.nano --network net vb2"))
                .contains("status must be 'available'. Currently in 'in-use' status. (HTTP 400)");
        tenant.run("server delete vb");
        syncBoth();
        tenant.json(
                "server create --image micro --flavor m1.nano --network net --block-device"
                        + " source_type=volume,destination_type=volume,delete_on_termination=true,uuid="
                        + tenant.json("volume show root").path("id").asString()
                        + " vb3");
        syncBoth();
        assertThat(tenant.json("server show vb3").path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(tenant.json("server volume list vb3").size()).isEqualTo(1);
        tenant.run("server delete vb3");
        syncBoth();
        syncBoth();
        assertThat(tenant.run("volume show root")).contains("No volume with a name or ID");
        tenant.json("volume create --size 1 plain");
        syncBoth();
        assertThat(tenant.run("server create --volume plain --flavor m1.nano --network net vb4"))
                .contains("is not bootable. (HTTP 400)");
        tenant.run("volume delete plain");
        syncBoth();
    }

    /**
     * The forms of "server create" that make volumes, and a volume beside one that a server has.
     */
    @Test
    void volumesThatAreMadeWithTheirServers() throws Exception {
        Path disk = Files.write(directory.resolve("disk"), new byte[1 << 20]);
        image("--disk-format raw --container-format bare --file " + disk, "disk");
        n1.pool(1 << 20);
        n2.pool(1 << 20);
        String create = "server create --flavor m1.nano --network net ";
        tenant.json(create + "--image disk --boot-from-volume 2 mw1");
        syncBoth();
        syncBoth();
        JsonNode shown = tenant.json("server show mw1");
        assertThat(shown.path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(shown.path("image").asString()).isEqualTo("N/A (booted from volume)");
        String root = shown.path("volumes_attached").path(0).path("id").asString();
        JsonNode volume = tenant.json("volume show " + root);
        assertThat(volume.path("status").stringValue()).isEqualTo("in-use");
        assertThat(volume.path("size").asInt()).isEqualTo(2);
        assertThat(volume.path("bootable").asString()).isEqualTo("true");

        tenant.json("volume create --size 1 --hint same_host=%s beside".formatted(root));
        syncBoth();
        assertThat(tenant.run("server add volume mw1 beside")).doesNotContain("HTTP 400");
        syncBoth();
        assertThat(tenant.json("volume show beside").path("status").stringValue())
                .isEqualTo("in-use");

        tenant.json("volume snapshot create --force --volume %s snap".formatted(root));
        syncBoth();
        tenant.json(create + "--snapshot snap mw2");
        String blank =
                "--block-device source_type=blank,destination_type=volume,volume_size=1,delete_on_termination=true ";
        tenant.json(create + "--image disk --boot-from-volume 1 " + blank + "mw3");
        syncBoth();
        syncBoth();
        assertThat(tenant.json("server show mw2").path("status").stringValue()).isEqualTo("ACTIVE");
        assertThat(tenant.json("server volume list mw3").size()).isEqualTo(2);
        assertThat(tenant.run(create + "--snapshot nosuch mw4")).contains("nosuch");
        assertThat(tenant.run(create + "--image disk --boot-from-volume 5000 mw4"))
                .contains("VolumeSizeExceedsAvailableQuota", "HTTP 403");

        for (String server : List.of("mw1", "mw2", "mw3")) {
            tenant.run("server delete " + server);
        }
        syncBoth();
        syncBoth();
        assertThat(tenant.json("volume list").valueStream().map(v -> v.path("Size").asInt()))
                .as("the blank one of mw3 went with it")
                .containsExactlyInAnyOrder(2, 2, 1, 1);
        tenant.run("volume snapshot delete snap");
        syncBoth();
        tenant.json("volume list")
                .valueStream()
                .map(v -> v.path("ID").stringValue())
                .forEach(id -> tenant.run("volume delete " + id));
        syncBoth();
        assertThat(tenant.json("volume list").size()).isZero();
    }

    @Test
    void flavorsKeysGroupsAndNodes() throws Exception {
        admin.json("flavor create --ram 64 --vcpus 1 --disk 0 --property iod:machine=microvm f1");
        assertThat(admin.json("flavor show f1").path("properties").toString())
                .isEqualTo("{\"iod:machine\":\"microvm\"}");
        assertThat(names(tenant.json("flavor list"))).contains("f1", "m1.nano");
        assertThat(tenant.run("flavor delete f1")).contains("403: Client Error");
        admin.run("flavor delete f1");
        assertThat(admin.run("flavor show f1")).contains("No Flavor found for f1");
        Path key = directory.resolve("key");
        tenant.run("keypair create --private-key " + key + " k2");
        assertThat(Files.readString(key)).startsWith("-----BEGIN RSA PRIVATE KEY-----");
        assertThat(names(tenant.json("keypair list"))).contains("k2");
        assertThat(tenant.json("keypair show k2").path("type").stringValue()).isEqualTo("ssh");
        assertThat(tenant.run("keypair create k2")).contains("Key pair 'k2' already exists.");
        tenant.run("keypair delete k2");
        assertThat(names(tenant.json("keypair list"))).doesNotContain("k2");
        tenant.json("server group create --policy anti-affinity g1");
        assertThat(names(tenant.json("server group list"))).contains("g1");
        assertThat(tenant.json("server group show g1").path("policy").asString())
                .isEqualTo("anti-affinity");
        tenant.run("server group delete g1");
        assertThat(admin.json("hypervisor list").size()).isEqualTo(2);
        assertThat(admin.json("hypervisor show n1").path("state").stringValue()).isEqualTo("up");
        assertThat(admin.json("compute service list").size()).isEqualTo(2);
        admin.run("compute service set --disable --disable-reason x n1 nova-compute");
        assertThat(admin.json("compute service list --host n1").path(0).path("Status").asString())
                .isEqualTo("disabled");
        admin.run("compute service set --enable n1 nova-compute");
        assertThat(
                        tenant.json("availability zone list --compute")
                                .path(0)
                                .path("Zone Status")
                                .asString())
                .isEqualTo("available");
        assertThat(tenant.json("limits show --absolute").size()).isGreaterThan(5);
    }

    @Test
    void commonMistakes() {
        String make = "server create --network net ";
        assertThat(tenant.run(make + "--image micro --flavor nosuch x"))
                .contains("No flavor with a name or ID of 'nosuch' exists.");
        assertThat(tenant.run(make + "--image nosuch --flavor m1.nano x"))
                .contains("No Image found for nosuch");
        assertThat(tenant.run(make + "--image micro --flavor m1.nano --key-name nosuch x"))
                .contains("Invalid key_name provided. (HTTP 400)");
        assertThat(tenant.run(make + "--image micro --flavor m1.nano --min 99 --max 99 x"))
                .contains("Quota exceeded for cores, instances: Requested 99, 99, but already used")
                .contains("(HTTP 403)");
        assertThat(
                        tenant.run(
                                make
                                        + "--image micro --flavor m1.nano --availability-zone"
                                        + " nova:n1 x"))
                .contains("(HTTP 403)");
        tenant.run(make + "--image micro --flavor m1.medium big");
        JsonNode big = tenant.json("server show big");
        assertThat(big.path("status").stringValue()).isEqualTo("ERROR");
        assertThat(big.path("fault").path("message").asString())
                .startsWith("No valid host was found. There are not enough hosts available.");
        String id = big.path("id").stringValue();
        try (OpenStackClient other =
                new OpenStackClient(region.url(), "other", "pw-other", "other")) {
            assertThat(other.run("server show " + id))
                    .contains("No server with a name or ID of '%s' exists.".formatted(id));
            assertThat(other.run("server delete " + id))
                    .contains("No server with a name or ID of '%s' exists.".formatted(id));
            assertThat(other.json("server list").size()).isZero();
        }
        assertThat(names(admin.json("server list --all-projects"))).contains("big");
        assertThat(tenant.run("server start big"))
                .contains("Cannot 'start' instance " + id + " while it is in vm_state error")
                .contains("(HTTP 409)");
        assertThat(tenant.run("server suspend big")).contains("There is no such action: suspend");
        tenant.run("server delete big");
        assertThat(names(tenant.json("server list"))).doesNotContain("big");
    }

    @Test
    void aFailureShowsItsReason() {
        String id =
                tenant.json("server create --image micro --flavor m1.nano --network net sick")
                        .path("id")
                        .stringValue();
        n1.fail(id, FailureKind.FAILURE_START, "the kernel is no kernel");
        n2.fail(id, FailureKind.FAILURE_START, "the kernel is no kernel");
        syncBoth();
        JsonNode shown = tenant.json("server show sick");
        assertThat(shown.path("status").stringValue()).isEqualTo("ERROR");
        assertThat(shown.path("fault").path("message").asString())
                .isEqualTo("The server's machine did not start.");
        assertThat(shown.path("fault").has("details")).isFalse();
        assertThat(admin.json("server show " + id).path("fault").path("details").asString())
                .isEqualTo("the kernel is no kernel");
        tenant.run("server delete sick");
        syncBoth();
        assertThat(names(tenant.json("server list"))).doesNotContain("sick");
    }
}
