package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The filters of lists of servers. There are {@code web}, which runs at 10.1.0.5 of n1, {@code db},
 * which runs at 10.2.0.15 of n1, and {@code new}, which is being built at 10.1.0.77.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServerFiltersTest {
    private static final int NEWEST = 90;

    private Region region;
    private HttpCaller member;
    private HttpCaller admin;

    @BeforeAll
    void start() {
        region = new Region();
        FakeNode node = region.node("n1", 8, 8192);
        member = region.compute("p1");
        admin = region.compute("p1:admin");
        member.post("/os-keypairs", "{'keypair': {'name': 'key'}}");
        String one = region.network("p1", "10.1.0.0/24");
        String two = region.network("p1", "10.2.0.0/24");
        create("web", one, "10.1.0.5", "42", ", 'key_name': 'key', 'OS-DCF:diskConfig': 'AUTO'");
        create("db", two, "10.2.0.15", "2", ", 'accessIPv4': '192.0.2.9', 'description': 'data'");
        node.sync();
        create("new", one, "10.1.0.77", "42", "");
    }

    @AfterAll
    void stop() {
        region.close();
    }

    private void create(String name, String network, String address, String flavor, String more) {
        Answer answer =
                member.post(
                        "/servers",
                        ("{'server': {'name': '%s', 'imageRef': '%s', 'flavorRef': '%s',"
                                        + " 'networks': [{'uuid': '%s', 'fixed_ip': '%s'}]%s}}")
                                .formatted(name, Region.IMAGE, flavor, network, address, more),
                        Region.version(NEWEST));
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
    }

    private static List<String> names(HttpCaller caller, int minor, String query) {
        Answer answer = caller.get("/servers?" + query, Region.version(minor));
        assertThat(answer.status()).as(query + answer.text()).isEqualTo(200);
        return answer.json().path("servers").values().stream()
                .map(server -> server.path("name").stringValue())
                .sorted()
                .toList();
    }

    private static String query(String name, String value) {
        return name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    private static List<String> words(String text) {
        return text == null ? List.of() : List.of(text.split(" "));
    }

    /** Filters that everybody may use in every version. */
    @ParameterizedTest
    @CsvSource({
        "ip, 10.1, web",
        "ip, 10.2.0.15, db",
        "ip, ^10\\.[12]\\., db web",
        "ip, 0.5$, web",
        "ip, 192, ",
        "name, b, db web",
        "flavor, 42, new web",
        // An id and no pattern of ids.
        "flavor, 4, ",
        "flavor, 2, db",
        "image, " + Region.IMAGE + ", db new web",
        "image, 11111111, ",
        "reservation_id, r-nope, ",
        "status, BUILD, new",
    })
    void everybody(String name, String value, String expected) {
        for (HttpCaller caller : List.of(member, admin)) {
            for (int minor : List.of(1, 75, NEWEST)) {
                assertThat(names(caller, minor, query(name, value))).isEqualTo(words(expected));
            }
        }
    }

    /** Filters that a version, or only administration, opens: ignored before, applied since. */
    @ParameterizedTest
    @CsvSource({
        "5, ip6, fd00, ",
        "83, availability_zone, nova, db new web",
        "83, availability_zone, mars, ",
        "83, config_drive, True, ",
        "83, created_at, 1999-, ",
        "83, created_at, '20[0-9]+-[0-9]+-[0-9]+ [0-9]+:', db new web",
        "83, created_at, 1999-12-31T23:59:59+01:00, ",
        "83, key_name, ^k, web",
        "83, launched_at, '^2', db web",
        "83, power_state, 1, db web",
        "83, progress, 100, db web",
        "83, task_state, spawning, new",
        "83, task_state, none, ",
        "83, terminated_at, '', ",
        "83, user_id, user-p1, db new web",
        "83, user_id, user, ",
        "83, vm_state, building, new",
        "90, hostname, ^d, db",
        "999, access_ip_v4, ^192.0.2, db",
        "999, access_ip_v6, fe80, ",
        "999, auto_disk_config, AUTO, web",
        "999, deleted, yes, ",
        "999, description, a.a, db",
        "999, display_description, data, db",
        "999, display_name, ^web, web",
        "999, host, n1, db new web",
        "999, host, n, ",
        "999, image_ref, 11111111, ",
        "999, kernel_id, nope, ",
        "999, launch_index, 0, db new web",
        "999, launch_index, 7, ",
        "999, locked_by, owner, ",
        "999, node, ^n, db new web",
        "999, node, x, ",
        "999, ramdisk_id, nope, ",
        "999, root_device_name, vda, ",
        "999, uuid, 1, ",
    })
    void sinceAVersionOrForAdministrators(int since, String name, String value, String expected) {
        String query = query(name, value);
        List<String> all = List.of("db", "new", "web");
        assertThat(names(admin, 1, query)).isEqualTo(words(expected));
        assertThat(names(admin, NEWEST, query)).isEqualTo(words(expected));
        assertThat(names(member, Math.min(since - 1, NEWEST), query)).isEqualTo(all);
        if (since <= NEWEST) {
            assertThat(names(member, since, query)).isEqualTo(words(expected));
        }
    }

    @Test
    void lockedIsAFilterSince73() {
        for (HttpCaller caller : List.of(member, admin)) {
            assertThat(names(caller, 72, "locked=true")).hasSize(3);
            assertThat(names(caller, 73, "locked=true")).isEmpty();
            assertThat(names(caller, 73, "locked=No")).hasSize(3);
            assertThat(caller.get("/servers?locked=maybe", Region.version(73)).status())
                    .isEqualTo(400);
        }
    }

    @Test
    void addressesOfBothVersionsAreAlternatives() {
        assertThat(names(member, NEWEST, "ip=10.2&ip6=fd00")).containsExactly("db");
        assertThat(names(member, NEWEST, "ip=10.2&name=web")).isEmpty();
    }

    @Test
    void ofSeveralValuesTheLastCounts() {
        assertThat(names(member, 1, "ip=10.2&ip=10.1")).containsExactly("web");
        assertThat(names(admin, 1, "vm_state=active&vm_state=building")).containsExactly("new");
    }

    @Test
    void timesAreToTheSecond() {
        String created =
                admin.get("/servers/detail?name=db").json().at("/servers/0/created").stringValue();
        for (String time :
                List.of(created, created.replace("Z", ""), created.replace("Z", "+00:00"))) {
            assertThat(names(member, 83, query("created_at", time) + "&name=db"))
                    .containsExactly("db");
        }
    }

    @Test
    void patternsThatAreNotLinearAreRefused() {
        for (String name : List.of("ip", "ip6", "created_at", "availability_zone", "progress")) {
            Answer answer = member.get("/servers?" + query(name, "(1+)+"), Region.version(NEWEST));
            assertThat(answer.status()).as(name).isEqualTo(400);
            assertThat(answer.json().at("/badRequest/message").stringValue())
                    .contains(name, "'regex'");
        }
    }

    @Test
    void deletedServersAreForAdministrators() {
        assertThat(names(admin, 1, "status=deleted")).isEmpty();
        Answer answer = member.get("/servers?status=deleted");
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.text()).contains("Only administrators may list deleted instances");
        assertThat(names(admin, 1, "deleted=perhaps")).hasSize(3);
    }
}
