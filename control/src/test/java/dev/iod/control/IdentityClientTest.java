package dev.iod.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.identity.testing.TestRegion;
import dev.iod.image.ImageApi;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.image.QemuConverter;
import dev.iod.region.Service;
import dev.iod.rest.Dialect;
import dev.iod.rest.testing.OpenStackClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Identity and image as users of the real client see them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IdentityClientTest {
    private TestRegion region;
    private OpenStackClient admin;
    private Path directory;

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        region =
                new TestRegion(
                        database ->
                                List.of(
                                        listed("compute", "nova", "/v2.1"),
                                        listed("network", "neutron", ""),
                                        ImageApi.service(
                                                database,
                                                new ImageService(
                                                        database,
                                                        new ImageFiles(temporary.resolve("images")),
                                                        new QemuConverter("nobody"),
                                                        Clock.systemUTC()))));
        region.member("tenant");
        admin = new OpenStackClient(region.url(), "admin", TestRegion.ADMIN_PASSWORD, "admin");
    }

    private static Service listed(String type, String name, String version) {
        return Service.listed(type, name, "/" + type, version, Dialect.PLAIN, List.of()).build();
    }

    @AfterAll
    void stop() {
        admin.close();
        region.close();
    }

    @Test
    void projectsUsersAndRoles() {
        assertThat(admin.json("token issue").path("id").stringValue()).startsWith("iod2.");
        String project = admin.json("project create --description x p1").path("id").stringValue();
        assertThat(admin.json("project show p1").path("id").stringValue()).isEqualTo(project);
        assertThat(names(admin.json("project list"))).contains("p1", "admin");
        assertThat(admin.run("project create p1")).contains("(HTTP 409)");
        admin.json("user create --password secret --project p1 u1");
        assertThat(names(admin.json("user list"))).contains("u1");
        admin.run("role add --user u1 --project p1 member");
        JsonNode assigned = admin.json("role assignment list --names --project p1");
        assertThat(assigned.at("/0/User").stringValue()).isEqualTo("u1@Default");
        assertThat(region.tryLogin("u1", "secret", "p1").status()).isEqualTo(201);
        admin.run("role remove --user u1 --project p1 member");
        assertThat(region.tryLogin("u1", "secret", "p1").status()).isEqualTo(401);
        admin.run("user set --disable u1");
        admin.json("role create r1");
        assertThat(names(admin.json("role list"))).contains("r1", "member");
        admin.run("role delete r1");
        admin.run("user delete u1");
        admin.run("project delete p1");
        assertThat(admin.run("project show p1"))
                .contains("No project with a name or ID of 'p1' exists");
        assertThat(admin.json("catalog list").size()).isEqualTo(4);
        assertThat(admin.json("endpoint list").size()).isEqualTo(12);
        assertThat(admin.json("service list").size()).isEqualTo(4);
    }

    @Test
    void images() throws Exception {
        byte[] data = new byte[1 << 20];
        new Random(5).nextBytes(data);
        Path file = Files.write(directory.resolve("kernel"), data);
        Path back = directory.resolve("back");
        JsonNode made =
                admin.json(
                        "image create --file %s --disk-format aki --container-format aki --public --property os_command_line=quiet k1"
                                .formatted(file));
        String id = made.path("id").stringValue();
        JsonNode shown = admin.json("image show k1");
        assertThat(shown.path("status").stringValue()).isEqualTo("active");
        assertThat(shown.path("size").intValue()).isEqualTo(data.length);
        admin.run("image set --property kernel_id=" + id + " --tag t k1");
        assertThat(admin.json("image show k1").at("/properties/kernel_id").stringValue())
                .isEqualTo(id);
        admin.run("image unset --property kernel_id --tag t k1");
        assertThat(admin.json("image show k1").at("/properties/kernel_id").isMissingNode())
                .isTrue();
        admin.run("image save --file " + back + " k1");
        assertThat(back).hasBinaryContent(data);
        assertThat(names(admin.json("image list"))).contains("k1");
        assertThat(admin.run("image show nothing")).contains("No Image found for nothing");
        admin.run("image delete k1");
        assertThat(names(admin.json("image list"))).doesNotContain("k1");
    }

    @Test
    void disksOfOtherFormats() throws Exception {
        Path raw = directory.resolve("disk");
        byte[] data = new byte[1 << 20];
        new Random(6).nextBytes(data);
        Files.write(raw, data);
        Path disk = directory.resolve("disk.qcow2");
        Process convert =
                new ProcessBuilder(
                                List.of(
                                        "qemu-img",
                                        "convert",
                                        "-f",
                                        "raw",
                                        "-O",
                                        "qcow2",
                                        raw.toString(),
                                        disk.toString()))
                        .inheritIO()
                        .start();
        assertThat(convert.waitFor()).isZero();
        String file = " --container-format bare --file " + disk + " ";
        admin.json("image create --disk-format qcow2" + file + "q1");
        JsonNode shown = admin.json("image show q1");
        assertThat(shown.path("status").stringValue()).isEqualTo("active");
        assertThat(shown.path("size").longValue()).isEqualTo(Files.size(disk));
        assertThat(shown.path("virtual_size").intValue()).isEqualTo(data.length);
        Path back = directory.resolve("disk.back");
        admin.run("image save --file " + back + " q1");
        assertThat(back).hasSameBinaryContentAs(disk);
        assertThat(admin.run("image create --disk-format raw" + file + "q2"))
                .contains("415", "Image disk_format raw does not match stream data qcow2");
        admin.run("image delete q1");
    }

    @Test
    void commonMistakesOfATenant() {
        try (OpenStackClient wrong =
                new OpenStackClient(region.url(), "tenant", "wrong", "tenant")) {
            assertThat(wrong.run("token issue"))
                    .contains("The request you have made requires authentication. (HTTP 401)");
        }
        try (OpenStackClient tenant =
                new OpenStackClient(region.url(), "tenant", "pw-tenant", "tenant")) {
            assertThat(tenant.run("role list"))
                    .contains(
                            "You are not authorized to perform the requested action:"
                                    + " identity:list_roles. (HTTP 403)");
            // Refused the list of all, the client shows one's own.
            assertThat(names(tenant.json("project list"))).containsExactly("tenant");
            assertThat(tenant.run("user create x")).contains("(HTTP 403)");
            assertThat(
                            tenant.run(
                                    "image create --public --disk-format raw --container-format"
                                            + " bare --file /dev/null x"))
                    .contains("403", "publicize_image");
            assertThat(tenant.json("project show tenant").path("name").stringValue())
                    .isEqualTo("tenant");
        }
    }

    private static List<String> names(JsonNode list) {
        return list.values().stream().map(row -> row.path("Name").stringValue()).toList();
    }
}
