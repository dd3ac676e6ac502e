package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Service;
import dev.iod.rest.Dialect;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.OpenStackClient;
import java.io.IOException;
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

/** Sharing and import as users of the real client see them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageClientTest {
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

    private static List<String> names(JsonNode list) {
        return list.valueStream().map(row -> row.path("Name").asString()).toList();
    }
}
