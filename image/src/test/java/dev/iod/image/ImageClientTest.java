package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Service;
import dev.iod.rest.Dialect;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.OpenStackClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Sharing and import as users of the real client see them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageClientTest {
    private static final String IMAGES = "/image/v2/images/";

    private TestRegion region;
    private OpenStackClient owner;
    private OpenStackClient member;
    // Without a file the client would read its standard input, which are our commands.
    private Path file;

    @BeforeAll
    void start(@TempDir Path temporary) throws IOException {
        file = Files.write(temporary.resolve("disk"), new byte[1000]);
        Path directory = temporary.resolve("images");
        region =
                new TestRegion(
                        database ->
                                List.of(
                                        listed("compute", "nova"),
                                        listed("network", "neutron"),
                                        ImageApi.service(
                                                database,
                                                new ImageService(
                                                        database,
                                                        new ImageFiles(directory),
                                                        new QemuConverter("nobody"),
                                                        Clock.systemUTC()))));
        region.member("owner");
        region.member("guest");
        owner = new OpenStackClient(region.url(), "owner", "pw-owner", "owner");
        member = new OpenStackClient(region.url(), "guest", "pw-guest", "guest");
    }

    /** The client wants to know where they are, and asks them nothing. */
    private static Service listed(String type, String name) {
        return Service.listed(type, name, "/" + type, "", Dialect.PLAIN, List.of()).build();
    }

    @AfterAll
    void stop() {
        owner.close();
        member.close();
        region.close();
    }

    @Test
    void anImageIsSharedWithAProject() {
        HttpCaller admin = region.admin();
        String guest =
                admin.get("/identity/v3/projects?name=guest")
                        .json()
                        .at("/projects/0/id")
                        .stringValue();
        String id =
                owner.json(
                                "image create --shared --disk-format raw --container-format bare"
                                        + " --file %s s1".formatted(file))
                        .path("id")
                        .stringValue();
        JsonNode added = owner.json("image add project s1 " + guest);
        assertThat(added.path("member_id").stringValue()).isEqualTo(guest);
        assertThat(added.path("status").stringValue()).isEqualTo("pending");
        assertThat(owner.run("image add project s1 " + guest)).contains("409", "is duplicated");
        assertThat(owner.json("image member list s1").at("/0/Member ID").stringValue())
                .isEqualTo(guest);
        assertThat(names(member.json("image list --member-status pending"))).contains("s1");
        assertThat(names(member.json("image list"))).doesNotContain("s1");
        member.run("image set --accept " + id);
        assertThat(names(member.json("image list --shared"))).contains("s1");
        member.run("image set --reject " + id);
        assertThat(member.json("image member list " + id).at("/0/Status").stringValue())
                .isEqualTo("rejected");
        assertThat(owner.run("image set --accept " + id)).contains("403");
        assertThat(owner.run("image remove project s1 " + guest).strip()).isEmpty();
        assertThat(member.run("image show " + id)).contains("No Image found for");
        owner.run("image set --community s1");
        assertThat(names(member.json("image list --community"))).contains("s1");
        assertThat(owner.run("image set --public s1")).contains("403", "publicize_image");
        assertThat(owner.run("image add project s1 " + guest))
                .contains("403", "Only shared images have members.");
        owner.run("image delete s1");
    }

    @Test
    void anImageIsImported() throws Exception {
        String id =
                owner.json(
                                "image create --import --disk-format raw --container-format bare"
                                        + " --file %s i1".formatted(file))
                        .path("id")
                        .stringValue();
        StoredImages.await(region.login("owner", "pw-owner", "owner"), IMAGES + id, "active");
        assertThat(owner.json("image show i1").path("size").intValue()).isEqualTo(1000);
        owner.run("image delete i1");

        String made =
                glance(
                        "image-create-via-import --import-method glance-direct --disk-format raw"
                                + " --container-format bare --name i2 --file "
                                + file);
        assertThat(made).contains("| name", "i2");
        String second = owner.json("image show i2").path("id").stringValue();
        StoredImages.await(region.login("owner", "pw-owner", "owner"), IMAGES + second, "active");
        assertThat(glance("import-info")).contains("import-methods");
        assertThat(glance("stores-info")).contains("local");
        owner.run("image delete i2");

        glance("image-create --disk-format raw --container-format bare --name i3");
        String third = owner.json("image show i3").path("id").stringValue();
        glance("image-stage --file %s %s".formatted(file, third));
        assertThat(owner.json("image show i3").path("status").stringValue()).isEqualTo("uploading");
        assertThat(glance("image-import --import-method web-download --uri http://x/ " + third))
                .contains("not");
        glance("image-import --import-method glance-direct " + third);
        StoredImages.await(region.login("owner", "pw-owner", "owner"), IMAGES + third, "active");
        assertThat(glance("member-create %s someone".formatted(third))).contains("pending");
        assertThat(glance("member-list --image-id " + third)).contains("someone");
        assertThat(glance("task-list")).contains("403");
        owner.run("image delete i3");
    }

    /** What the {@code glance} client prints, errors included. */
    private String glance(String arguments) throws Exception {
        // From a standard input it would read an image.
        List<String> command = List.of("sh", "-c", "exec /usr/bin/glance " + arguments + " <&-");
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment()
                .putAll(
                        Map.of(
                                "OS_AUTH_URL", region.url() + "/identity/v3",
                                "OS_USERNAME", "owner",
                                "OS_PASSWORD", "pw-owner",
                                "OS_PROJECT_NAME", "owner",
                                "OS_USER_DOMAIN_ID", "default",
                                "OS_PROJECT_DOMAIN_ID", "default",
                                "PYTHONWARNINGS", "ignore"));
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }

    private static List<String> names(JsonNode list) {
        return list.valueStream().map(row -> row.path("Name").asString()).toList();
    }
}
