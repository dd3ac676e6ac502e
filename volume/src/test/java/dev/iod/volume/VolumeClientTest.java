package dev.iod.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.identity.testing.TestRegion;
import dev.iod.image.ImageApi;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.image.QemuConverter;
import dev.iod.region.Service;
import dev.iod.rest.Dialect;
import dev.iod.rest.testing.OpenStackClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Volumes as users of the real client see them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VolumeClientTest {
    private TestRegion region;
    private OpenStackClient admin;
    private OpenStackClient tenant;
    private FakePool node;

    @BeforeAll
    void start(@TempDir Path directory) {
        List<Service> services = new ArrayList<>();
        region =
                new TestRegion(
                        database -> {
                            ImageService images =
                                    new ImageService(
                                            database,
                                            new ImageFiles(directory.resolve("images")),
                                            new QemuConverter("nobody"),
                                            Clock.systemUTC());
                            services.add(
                                    BlockStorage.service(
                                            database, images, new Region.FixedSessions()));
                            services.add(ImageApi.service(database, images));
                            // The client wants to know where they are, and asks them nothing.
                            services.add(listed("compute", "nova"));
                            services.add(listed("network", "neutron"));
                            return services;
                        });
        node = new FakePool(region.database(), services.getFirst(), "n1", 100);
        region.member("tenant");
        admin = new OpenStackClient(region.url(), "admin", TestRegion.ADMIN_PASSWORD, "admin");
        tenant = new OpenStackClient(region.url(), "tenant", "pw-tenant", "tenant");
    }

    private static Service listed(String type, String name) {
        return Service.listed(type, name, "/" + type, "", Dialect.PLAIN, List.of()).build();
    }

    @AfterAll
    void stop() {
        tenant.close();
        admin.close();
        region.close();
    }

    private String status(String volume) {
        return tenant.json("volume show " + volume).path("status").stringValue();
    }

    private static List<String> names(JsonNode list) {
        return list.valueStream().map(row -> row.path("Name").asString()).toList();
    }

    @Test
    void aVolumeFromMakingToDeletion() {
        JsonNode made =
                tenant.json(
                        "volume create --size 2 --description d --property a=b --bootable"
                                + " --availability-zone nova --type local v1");
        assertThat(made.path("status").stringValue()).isEqualTo("creating");
        node.sync();
        JsonNode shown = tenant.json("volume show v1");
        assertThat(shown.path("status").stringValue()).isEqualTo("available");
        assertThat(shown.path("size").longValue()).isEqualTo(2);
        assertThat(shown.path("type").stringValue()).isEqualTo("local");
        assertThat(shown.path("properties").toString()).isEqualTo("{\"a\":\"b\"}");
        assertThat(names(tenant.json("volume list"))).contains("v1");
        assertThat(names(tenant.json("volume list --long --status available"))).contains("v1");
        tenant.run("volume set --name v2 --description e --property c=d --bootable v1");
        tenant.run("volume unset --property a v2");
        shown = tenant.json("volume show v2");
        assertThat(shown.path("properties").toString()).isEqualTo("{\"c\":\"d\"}");
        assertThat(shown.path("bootable").asString()).isEqualTo("true");
        assertThat(tenant.run("volume set --size 4 v2").strip()).isEmpty();
        assertThat(status("v2")).isEqualTo("extending");
        node.sync();
        assertThat(tenant.json("volume show v2").path("size").longValue()).isEqualTo(4);
        assertThat(tenant.run("volume set --size 3 v2"))
                .contains("New size must be greater than 4 GB");
        assertThat(tenant.run("volume delete v2").strip()).isEmpty();
        assertThat(status("v2")).isEqualTo("deleting");
        node.sync();
        assertThat(tenant.run("volume show v2"))
                .contains("No volume with a name or ID of 'v2' exists.");
        assertThat(tenant.run("volume create --size 2 --snapshot nosuch x"))
                .containsIgnoringCase("snapshot");
    }

    @Test
    void volumesOfImagesAndClones(@TempDir Path files) throws IOException {
        Path disk = files.resolve("disk.raw");
        Files.write(disk, new byte[1 << 20]);
        tenant.json(
                "image create --disk-format raw --container-format bare --min-disk 2 --file %s"
                                .formatted(disk)
                        + " cirros");
        assertThat(tenant.run("volume create --size 1 --image cirros small"))
                .contains("cannot be smaller than the image minDisk size 2GB. (HTTP 400)");
        tenant.json("volume create --size 2 --image cirros boot");
        assertThat(tenant.run("image delete cirros")).contains("it is in use");
        node.sync();
        JsonNode shown = tenant.json("volume show boot");
        assertThat(shown.path("status").stringValue()).isEqualTo("available");
        assertThat(shown.path("bootable").asString()).isEqualTo("true");
        assertThat(shown.at("/volume_image_metadata/image_name").stringValue()).isEqualTo("cirros");
        assertThat(tenant.run("image delete cirros").strip()).isEmpty();
        tenant.json("volume create --source boot copy");
        assertThat(tenant.run("volume create --size 1 --source boot less"))
                .contains("They must be >= original volume size. (HTTP 400)");
        node.sync();
        JsonNode copy = tenant.json("volume show copy");
        assertThat(copy.path("status").stringValue()).isEqualTo("available");
        assertThat(copy.path("size").longValue()).isEqualTo(2);
        assertThat(copy.path("source_volid")).isEqualTo(shown.path("id"));
        assertThat(tenant.run("volume delete boot copy").strip()).isEmpty();
        node.sync();
    }

    @Test
    void snapshotsFromMakingToDeletion() {
        tenant.json("volume create --size 2 base");
        node.sync();
        JsonNode made =
                tenant.json(
                        "volume snapshot create --volume base --description d --property a=b s1");
        assertThat(made.path("status").stringValue()).isEqualTo("creating");
        assertThat(tenant.run("volume delete base")).contains("have snapshots");
        node.sync();
        JsonNode shown = tenant.json("volume snapshot show s1");
        assertThat(shown.path("status").stringValue()).isEqualTo("available");
        assertThat(shown.path("size").longValue()).isEqualTo(2);
        assertThat(shown.path("properties").toString()).isEqualTo("{\"a\":\"b\"}");
        assertThat(names(tenant.json("volume snapshot list --long"))).containsExactly("s1");
        assertThat(names(tenant.json("volume snapshot list --volume base --status error")))
                .isEmpty();
        assertThat(tenant.run("volume set --state error base")).contains("(HTTP 403)");
        String id = tenant.json("volume show base").path("id").stringValue();
        admin.run("volume set --state error " + id);
        assertThat(status("base")).isEqualTo("error");
        admin.run("volume set --state available " + id);
        assertThat(status("base")).isEqualTo("available");
        tenant.run("volume snapshot set --name s2 --property c=d s1");
        tenant.run("volume snapshot unset --property a s2");
        assertThat(tenant.json("volume snapshot show s2").path("properties").toString())
                .isEqualTo("{\"c\":\"d\"}");
        tenant.json("volume create --snapshot s2 restored");
        node.sync();
        assertThat(status("restored")).isEqualTo("available");
        assertThat(tenant.run("volume snapshot create --volume nosuch s3"))
                .contains("No volume with a name or ID of 'nosuch' exists.");
        assertThat(tenant.run("volume snapshot delete s2").strip()).isEmpty();
        node.sync();
        assertThat(tenant.run("volume snapshot show s2")).containsIgnoringCase("no snapshot");
        tenant.json("volume snapshot create --volume base s4");
        node.sync();
        assertThat(tenant.run("volume delete --purge base").strip()).isEmpty();
        node.sync();
        assertThat(tenant.json("volume snapshot list")).isEmpty();
        assertThat(tenant.run("volume delete restored").strip()).isEmpty();
        node.sync();
    }

    @Test
    void failuresQuotasTypesAndServices() {
        node.failure = Optional.of("the pool is full");
        tenant.run("volume create --size 1 sick");
        node.sync();
        node.failure = Optional.empty();
        assertThat(status("sick")).isEqualTo("error");
        tenant.run("volume delete sick");
        node.sync();
        admin.run("quota set --volumes 1 --gigabytes 5 tenant");
        assertThat(tenant.run("volume create --size 6 big"))
                .contains("VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds")
                .contains("(HTTP 413)");
        admin.run("quota set --volumes 10 --gigabytes 1000 tenant");
        assertThat(names(tenant.json("volume type list"))).containsExactly("local");
        assertThat(tenant.json("volume type show local").path("is_public").booleanValue()).isTrue();
        assertThat(tenant.json("volume type list --default").at("/0/Name").asString())
                .isEqualTo("local");
        assertThat(tenant.json("availability zone list --volume").at("/0/Zone Status").asString())
                .isEqualTo("available");
        assertThat(admin.json("volume service list").at("/0/Host").asString())
                .isEqualTo("n1@local");
        assertThat(tenant.run("volume service list")).contains("(HTTP 403)");
        assertThat(tenant.run("volume create --size 1 --type fast x"))
                .contains("Volume type with name fast could not be found. (HTTP 404)");
        assertThat(tenant.run("volume create --size 1 --availability-zone moon x"))
                .contains("Availability zone 'moon' is invalid. (HTTP 400)");
    }
}
