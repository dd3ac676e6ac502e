package dev.iod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.identity.testing.TestRegion;
import dev.iod.region.Actor;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Who sees which images, and the members of shared ones. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageMembersTest {
    private static final String IMAGES = "/image/v2/images";
    private static final String RAW = "'disk_format':'raw','container_format':'bare'";
    private static final String ACCEPTED = "{'status':'accepted'}";

    private TestRegion region;
    private ImageService images;
    private HttpCaller admin;
    private HttpCaller alice;
    private HttpCaller bob;
    private HttpCaller carol;
    private String bobs;
    private String carols;

    @BeforeAll
    void start(@TempDir Path directory) {
        region =
                new TestRegion(
                        database ->
                                List.of(ImageApi.service(database, service(database, directory))));
        images = service(region.database(), directory);
        admin = region.admin();
        alice = region.member("alice");
        bob = region.member("bob");
        carol = region.member("carol");
        bobs = project(bob);
        carols = project(carol);
    }

    private static ImageService service(Database database, Path directory) {
        return new ImageService(
                database,
                new ImageFiles(directory),
                new QemuConverter("nobody"),
                Clock.systemUTC());
    }

    @AfterAll
    void stop() {
        region.close();
    }

    @Test
    void aMemberSeesTheImageAndSaysWhetherItIsListed() {
        String path = create(alice, "'name':'shared'");
        String members = path + "/members";
        assertThat(alice.get(path).json().path("visibility").stringValue()).isEqualTo("shared");
        assertThat(bob.get(path).status()).isEqualTo(404);

        HttpCaller.Answer added = alice.post(members, "{'member':'" + bobs + "'}");
        assertThat(added.status()).as(added.text()).isEqualTo(200);
        assertThat(added.json().path("status").stringValue()).isEqualTo("pending");
        assertThat(added.json().path("image_id").stringValue()).isEqualTo(id(path));
        assertThat(added.json().path("member_id").stringValue()).isEqualTo(bobs);
        assertThat(added.json().path("schema").stringValue()).isEqualTo("/v2/schemas/member");
        assertThat(alice.post(members, "{'member':'" + bobs + "'}").status()).isEqualTo(409);
        assertThat(bob.get(path).status()).isEqualTo(200);
        assertThat(carol.get(path).status()).isEqualTo(404);
        assertThat(listed(bob, "", path)).isFalse();
        assertThat(listed(bob, "?member_status=pending", path)).isTrue();
        assertThat(listed(bob, "?member_status=all", path)).isTrue();
        assertThat(bob.get(IMAGES + "?member_status=nearly").status()).isEqualTo(400);

        String mine = members + "/" + bobs;
        assertThat(bob.put(mine, "{'status':'nearly'}").status()).isEqualTo(400);
        assertThat(bob.put(mine, ACCEPTED).json().path("status").stringValue())
                .isEqualTo("accepted");
        assertThat(listed(bob, "", path)).isTrue();
        assertThat(listed(bob, "?visibility=shared", path)).isTrue();
        assertThat(listed(bob, "?visibility=private", path)).isFalse();
        assertThat(listed(bob, "?owner=" + project(alice), path)).isTrue();
        assertThat(bob.put(mine, "{'status':'rejected'}").status()).isEqualTo(200);
        assertThat(listed(bob, "", path)).isFalse();
        assertThat(listed(bob, "?member_status=rejected", path)).isTrue();
        // As in Glance it may still be used by its id.
        assertThat(bob.get(path).status()).isEqualTo(200);

        assertThat(alice.delete(mine).status()).isEqualTo(204);
        assertThat(alice.delete(mine).status()).isEqualTo(404);
        assertThat(bob.get(path).status()).isEqualTo(404);
    }

    @Test
    void ownersShareAndMembersAnswer() {
        String path = create(alice, "'name':'roles'");
        String members = path + "/members";
        share(path, bobs);
        share(path, carols);
        String mine = members + "/" + bobs;
        assertThat(members(alice, path)).containsExactly(bobs, carols);
        assertThat(members(admin, path)).containsExactly(bobs, carols);
        assertThat(members(bob, path)).containsExactly(bobs);
        assertThat(bob.get(mine).status()).isEqualTo(200);
        assertThat(bob.get(members + "/" + carols).status()).isEqualTo(404);
        assertThat(bob.put(members + "/" + carols, ACCEPTED).status()).isEqualTo(404);
        assertThat(bob.post(members, "{'member':'x'}").status()).isEqualTo(403);
        assertThat(bob.delete(mine).status()).isEqualTo(403);
        assertThat(bob.delete(path).status()).isEqualTo(403);
        assertThat(alice.put(mine, ACCEPTED).status()).isEqualTo(403);
        assertThat(admin.put(mine, ACCEPTED).status()).isEqualTo(200);
        assertThat(alice.post(members, "{'member':''}").status()).isEqualTo(400);
        assertThat(alice.post(members, "{}").status()).isEqualTo(400);
        assertThat(alice.post(members, "{'member':7}").status()).isEqualTo(400);
        assertThat(bob.put(mine, "{}").status()).isEqualTo(400);
        // Gone with the image.
        assertThat(alice.delete(path).status()).isEqualTo(204);
        assertThat(bob.get(members).status()).isEqualTo(404);
        assertThat(alice.post(IMAGES, "{'id':'" + id(path) + "'}").status()).isEqualTo(201);
        assertThat(members(alice, path)).isEmpty();
    }

    @Test
    void onlySharedImagesHaveMembers() {
        for (String visibility : List.of("private", "community")) {
            String path = create(alice, "'name':'x','visibility':'" + visibility + "'");
            HttpCaller.Answer refused = alice.post(path + "/members", "{'member':'x'}");
            assertThat(refused.status()).isEqualTo(403);
            assertThat(refused.text()).contains("Only shared images have members.");
            assertThat(alice.get(path + "/members").status()).isEqualTo(403);
            assertThat(alice.get(path + "/members/" + bobs).status()).isEqualTo(404);
        }
        String path = create(alice, "'name':'y'");
        share(path, bobs);
        assertThat(visibility(alice, path, "private")).isEqualTo(200);
        assertThat(bob.get(path).status()).isEqualTo(404);
        assertThat(visibility(alice, path, "shared")).isEqualTo(200);
        assertThat(bob.get(path).status()).isEqualTo(200);
    }

    @Test
    void imagesOfTheCommunityAreListedWhenTheyAreAskedFor() {
        String path = create(alice, "'name':'all','visibility':'community'");
        assertThat(bob.get(path).status()).isEqualTo(200);
        assertThat(bob.delete(path).status()).isEqualTo(403);
        assertThat(listed(alice, "", path)).isTrue();
        assertThat(listed(bob, "", path)).isFalse();
        assertThat(listed(admin, "", path)).isFalse();
        assertThat(listed(bob, "?visibility=community", path)).isTrue();
        assertThat(listed(bob, "?visibility=all", path)).isTrue();
        assertThat(listed(bob, "?visibility=community&owner=" + project(alice), path)).isTrue();
        assertThat(bob.get(IMAGES + "?visibility=everybody").status()).isEqualTo(400);
        assertThat(visibility(alice, path, "public")).isEqualTo(403);
        assertThat(visibility(admin, path, "public")).isEqualTo(200);
        assertThat(listed(bob, "", path)).isTrue();
        assertThat(listed(bob, "?visibility=public", path)).isTrue();
    }

    @Test
    void membersHaveABound() {
        String path = create(alice, "'name':'many'");
        for (int i = 0; i < ImageMembers.MAX_MEMBERS; i++) {
            share(path, "p" + i);
        }
        HttpCaller.Answer refused = alice.post(path + "/members", "{'member':'more'}");
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.text()).contains("at most 128");
        assertThat(alice.delete(path + "/members/p0").status()).isEqualTo(204);
        share(path, "more");
    }

    @Test
    void serversOfMembersBootWhatIsShared() {
        String kernel = create(alice, "'disk_format':'aki','container_format':'aki'");
        String disk =
                create(
                        alice,
                        "%s,'kernel_id':'%s','ramdisk_id':'%s'"
                                .formatted(RAW, id(kernel), id(kernel)));
        for (String path : List.of(kernel, disk)) {
            assertThat(alice.upload(path + "/file", new byte[] {1}).status()).isEqualTo(204);
        }
        Actor actor = new Actor("req-test", "u", Optional.of(bobs), Set.of("member"));
        assertThatThrownBy(() -> resolve(actor, disk)).hasMessageContaining("Can not find");
        share(disk, bobs);
        // Its parts are its owner's, who need not share them too.
        assertThat(resolve(actor, disk).disk()).isPresent();
        assertThat(bob.get(kernel).status()).isEqualTo(404);
        assertThat(bob.download(disk + "/file")).hasSize(1);
        assertThat(visibility(alice, disk, "private")).isEqualTo(200);
        assertThatThrownBy(() -> resolve(actor, disk)).hasMessageContaining("Can not find");

        // Nobody boots from a part that neither he nor the image's owner sees.
        String own =
                create(bob, RAW + ",'kernel_id':'%1$s','ramdisk_id':'%1$s'".formatted(id(kernel)));
        assertThat(bob.upload(own + "/file", new byte[] {1}).status()).isEqualTo(204);
        assertThatThrownBy(() -> resolve(actor, own)).hasMessageContaining("missing or not active");
        share(kernel, bobs);
        assertThat(resolve(actor, own).disk()).isPresent();
    }

    /** Strangers cannot put an image under the name that a volume is made of. */
    @Test
    void volumesFindByNameWhatIsListed() {
        Actor actor = new Actor("req-test", "u", Optional.of(bobs), Set.of("member"));
        String wanted = "debian";
        String named = "'name':'" + wanted + "'," + RAW;
        String community = create(alice, named + ",'visibility':'community'");
        String shared = create(alice, named);
        String hidden = create(bob, named + ",'os_hidden':true");
        share(shared, bobs);
        for (String path : List.of(community, shared)) {
            assertThat(alice.upload(path + "/file", new byte[] {1}).status()).isEqualTo(204);
        }
        assertThatThrownBy(() -> source(actor, wanted)).hasMessageContaining("Invalid image");
        String own = create(bob, named);
        assertThat(bob.upload(own + "/file", new byte[] {1}).status()).isEqualTo(204);
        assertThat(source(actor, wanted).imageId()).isEqualTo(id(own));
        // By its id each is found that may be seen.
        assertThat(source(actor, id(community)).imageId()).isEqualTo(id(community));
        assertThat(source(actor, id(shared)).imageId()).isEqualTo(id(shared));

        assertThat(bob.put(shared + "/members/" + bobs, ACCEPTED).status()).isEqualTo(200);
        assertThatThrownBy(() -> source(actor, wanted)).hasMessageContaining("Multiple matches");
        assertThat(bob.delete(own).status()).isEqualTo(204);
        assertThat(source(actor, wanted).imageId()).isEqualTo(id(shared));
        assertThat(bob.delete(hidden).status()).isEqualTo(204);
    }

    private Images.Source source(Actor actor, String reference) {
        return region.database().read(handle -> images.source(handle, actor, reference));
    }

    private Images.Bootable resolve(Actor actor, String path) {
        return region.database().read(handle -> images.resolve(handle, actor, id(path)));
    }

    private void share(String path, String project) {
        HttpCaller.Answer answer = alice.post(path + "/members", "{'member':'" + project + "'}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    }

    private static List<String> members(HttpCaller caller, String path) {
        JsonNode list = caller.get(path + "/members").json();
        assertThat(list.path("schema").stringValue()).isEqualTo("/v2/schemas/members");
        return list.path("members")
                .valueStream()
                .map(member -> member.path("member_id").stringValue())
                .toList();
    }

    private static boolean listed(HttpCaller caller, String query, String path) {
        return caller.get(IMAGES + query)
                .json()
                .path("images")
                .valueStream()
                .anyMatch(image -> image.path("id").stringValue().equals(id(path)));
    }

    private static int visibility(HttpCaller caller, String path, String visibility) {
        return caller.send(
                        "PATCH",
                        path,
                        "[{\"op\":\"replace\",\"path\":\"/visibility\",\"value\":\"%s\"}]"
                                .formatted(visibility),
                        "Content-Type",
                        "application/openstack-images-v2.1-json-patch")
                .status();
    }

    private static String project(HttpCaller caller) {
        HttpCaller.Answer made = caller.post(IMAGES, "{'name':'whose'}");
        return made.json().path("owner").stringValue();
    }

    private static String create(HttpCaller caller, String attributes) {
        HttpCaller.Answer answer = caller.post(IMAGES, "{" + attributes + "}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return IMAGES + "/" + answer.json().path("id").stringValue();
    }

    private static String id(String path) {
        return path.substring(IMAGES.length() + 1);
    }
}
