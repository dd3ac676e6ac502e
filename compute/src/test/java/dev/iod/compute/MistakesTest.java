package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** What users get wrong, answered as Nova answers it; and lists in pages. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MistakesTest {
    private Region region;
    private HttpCaller member;
    private HttpCaller other;
    private HttpCaller admin;

    @BeforeAll
    void start() {
        region = new Region();
        region.node("n1", 64, 65_536);
        member = region.compute("p1");
        other = region.compute("p2");
        admin = region.compute("p0:admin");
    }

    @AfterAll
    void stop() {
        region.close();
    }

    private Answer create(HttpCaller actor, String image, String flavor, String more) {
        return actor.post(
                "/servers",
                "{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '%s'%s}}"
                        .formatted(image, flavor, more));
    }

    private static void refused(Answer answer, int status, String kind, String message) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        JsonNode error = answer.json().path(kind);
        assertThat(error.path("code").intValue()).isEqualTo(status);
        assertThat(error.path("message").stringValue()).contains(message);
    }

    @Test
    void namesThatAreNotThere() {
        refused(
                member.get("/flavors/nope"),
                404,
                "itemNotFound",
                "Flavor nope could not be found.");
        refused(
                create(member, Region.IMAGE, "nope", ""),
                400,
                "badRequest",
                "Flavor nope could not be found.");
        refused(
                create(member, UUID.randomUUID().toString(), "42", ""),
                400,
                "badRequest",
                "Can not find requested image");
        refused(create(member, "", "42", ""), 400, "badRequest", "Invalid imageRef provided.");
        refused(
                create(member, Region.IMAGE, "42", ", 'key_name': 'none'"),
                400,
                "badRequest",
                "Invalid key_name provided.");
        refused(
                create(
                        member,
                        Region.IMAGE,
                        "42",
                        ", 'networks': [{'uuid': '" + UUID.randomUUID() + "'}]"),
                400,
                "badRequest",
                "could not be found");
        refused(
                create(member, Region.IMAGE, "42", ", 'availability_zone': 'mars'"),
                400,
                "badRequest",
                "The requested availability zone is not available");
        refused(
                member.get("/servers/" + UUID.randomUUID()),
                404,
                "itemNotFound",
                "could not be found.");
        refused(member.get("/servers/x"), 404, "itemNotFound", "Instance x could not be found.");
        refused(
                member.post("/servers/x/action", "{'os-getVNCConsole': {'type': 'nope'}}"),
                404,
                "itemNotFound",
                "Instance x could not be found.");
        refused(
                member.get("/os-keypairs/none"),
                404,
                "itemNotFound",
                "Keypair none not found for user user-p1");
    }

    @Test
    void bodiesThatAreWrong() {
        refused(member.post("/servers", "{"), 400, "badRequest", "alformed request body");
        refused(member.post("/servers", "[]"), 400, "badRequest", "is not of type 'object'");
        refused(
                member.post("/servers", "{'server': {'name': '', 'flavorRef': '1'}}"),
                400,
                "badRequest",
                "Invalid input for field/attribute name. Value: . '' is too short");
        refused(
                create(member, Region.IMAGE, "42", ", 'user_data': '!!'"),
                400,
                "badRequest",
                "Invalid input for field/attribute user_data.");
        refused(
                create(
                        member,
                        Region.IMAGE,
                        "42",
                        ", 'block_device_mapping_v2': [{'uuid': 'x', 'source_type': 'volume'}]"),
                400,
                "badRequest",
                "Block Device Mapping is Invalid");
        refused(
                member.post("/os-keypairs", "{'keypair': {'name': 'k', 'public_key': 'junk'}}"),
                400,
                "badRequest",
                "Keypair data is invalid: failed to generate fingerprint");
    }

    @Test
    void someoneElsesServerIsNotThere() {
        String id =
                create(member, Region.IMAGE, "42", "")
                        .json()
                        .path("server")
                        .path("id")
                        .stringValue();
        for (Answer answer :
                List.of(
                        other.get("/servers/" + id),
                        other.delete("/servers/" + id),
                        other.put("/servers/" + id, "{'server': {'name': 'b'}}"),
                        other.post("/servers/" + id + "/action", "{'os-stop': null}"),
                        other.get("/servers/" + id + "/ips"),
                        other.get("/servers/" + id + "/os-interface"),
                        other.get("/servers/" + id + "/os-instance-actions"),
                        other.put("/servers/" + id + "/metadata", "{'metadata': {}}"),
                        other.post("/servers/" + id + "/action", "{'os-getConsoleOutput': {}}"))) {
            refused(answer, 404, "itemNotFound", "Instance " + id + " could not be found.");
        }
        assertThat(admin.get("/servers/" + id).status()).isEqualTo(200);
        assertThat(other.get("/servers").json().path("servers").size()).isZero();
        refused(
                other.get("/servers/detail?all_tenants=1"),
                403,
                "forbidden",
                "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants");
    }

    @Test
    void actionsThatDoNotFit() {
        String id =
                create(member, Region.IMAGE, "42", "")
                        .json()
                        .path("server")
                        .path("id")
                        .stringValue();
        String path = "/servers/" + id + "/action";
        refused(
                member.post(path, "{'os-start': null}"),
                409,
                "conflictingRequest",
                "Cannot 'start' instance " + id + " while it is in vm_state building");
        refused(
                member.post(path, "{'warp': {}}"),
                400,
                "badRequest",
                "There is no such action: warp");
        refused(
                member.post(path, "{'reboot': {'type': 'WARM'}}"),
                400,
                "badRequest",
                "Invalid input for field/attribute type. Value: WARM.");
        refused(
                member.post(path, "{'os-resetState': {'state': 'active'}}"),
                403,
                "forbidden",
                "Policy doesn't allow");
    }

    @Test
    void consoleOutputIsTheLastLines() {
        String id =
                create(member, Region.IMAGE, "42", "")
                        .json()
                        .path("server")
                        .path("id")
                        .stringValue();
        String path = "/servers/" + id + "/action";
        assertThat(
                        member.post(path, "{'os-getConsoleOutput': {'length': 2}}")
                                .json()
                                .path("output")
                                .stringValue())
                .isEqualTo("two\nthree\n");
        assertThat(
                        member.post(path, "{'os-getConsoleOutput': {}}")
                                .json()
                                .path("output")
                                .stringValue())
                .isEqualTo("one\ntwo\nthree\n");
    }

    @Test
    void microversions() {
        Answer tooNew = member.get("/servers", "OpenStack-API-Version", "compute 2.99");
        assertThat(tooNew.status()).isEqualTo(406);
        Answer bad = member.get("/servers", "OpenStack-API-Version", "compute two");
        assertThat(bad.status()).isEqualTo(400);
        JsonNode plain = member.get("/flavors/42").json().path("flavor");
        assertThat(plain.has("extra_specs")).isFalse();
        assertThat(plain.path("swap").stringValue()).isEmpty();
        JsonNode latest =
                member.get("/flavors/42", "OpenStack-API-Version", "compute latest")
                        .json()
                        .path("flavor");
        assertThat(latest.has("extra_specs")).isTrue();
        assertThat(latest.path("swap").intValue()).isZero();
    }

    @Test
    void disksThatNobodyMakesAreRefused() {
        for (String disk : List.of("'swap': 512", "'OS-FLV-EXT-DATA:ephemeral': 1")) {
            String id =
                    admin.post(
                                    "/flavors",
                                    "{'flavor': {'name': 'f-%d', 'ram': 64, 'vcpus': 1, 'disk': 0, %s}}"
                                            .formatted(disk.length(), disk))
                            .json()
                            .at("/flavor/id")
                            .stringValue();
            refused(
                    create(member, Region.IMAGE, id, ""),
                    400,
                    "badRequest",
                    "asks for a swap or an ephemeral disk");
        }
    }

    @Test
    void listsComeInPages() {
        HttpCaller pager = region.compute("pager");
        admin.put("/os-quota-sets/pager", "{'quota_set': {'instances': 30, 'cores': 99}}");
        for (int i = 0; i < 7; i++) {
            assertThat(create(pager, Region.IMAGE, "42", "").status()).isEqualTo(202);
        }
        for (String sort :
                List.of("", "&sort_key=display_name", "&sort_key=vm_state&sort_dir=asc")) {
            List<String> seen = new ArrayList<>();
            String marker = "";
            while (true) {
                JsonNode page = pager.get("/servers?limit=3" + sort + marker).json();
                page.path("servers").forEach(s -> seen.add(s.path("id").stringValue()));
                if (!page.has("servers_links")) {
                    break;
                }
                marker = "&marker=" + seen.getLast();
            }
            assertThat(seen).as(sort).hasSize(7).doesNotHaveDuplicates();
        }
        assertThat(pager.get("/servers?marker=nonsense").status()).isEqualTo(400);
        for (String list :
                List.of(
                        "/servers",
                        "/servers/detail",
                        "/flavors",
                        "/flavors/detail",
                        "/os-keypairs")) {
            for (String limit : List.of("", "&limit=1", "&limit=0")) {
                assertThat(pager.get(list + "?marker=none" + limit, Region.version(75)).status())
                        .as(list + limit)
                        .isEqualTo(400);
            }
        }
        for (String list : List.of("/os-hypervisors", "/os-hypervisors/detail")) {
            assertThat(admin.get(list + "?marker=none", Region.version(75)).status())
                    .as(list)
                    .isEqualTo(400);
        }
        assertThat(pager.get("/servers?colour=red").status()).isEqualTo(200);
        refused(
                pager.get("/servers?colour=red", Region.version(75)),
                400,
                "badRequest",
                "Additional properties are not allowed ('colour' was unexpected)");
        assertThat(pager.get("/servers?limit=-1").status()).isEqualTo(400);
        assertThat(pager.get("/limits?tenant_id=pager").status()).isEqualTo(200);
        assertThat(admin.get("/limits?tenant_id=pager").json().at("/limits/absolute"))
                .isEqualTo(pager.get("/limits").json().at("/limits/absolute"));
        refused(
                pager.get("/limits?tenant_id=other"),
                403,
                "forbidden",
                "Policy doesn't allow os_compute_api:limits:other_project to be performed.");
        assertThat(pager.get("/servers?sort_key=nonsense").status()).isEqualTo(400);
        assertThat(pager.get("/servers?name=%5E(").status()).isEqualTo(400);
    }

    @Test
    void flavorsAreMadeByAdministrators() {
        String body = "{'flavor': {'name': 'f', 'id': 'f1', 'ram': 64, 'vcpus': 1, 'disk': 0}}";
        refused(member.post("/flavors", body), 403, "forbidden", "Policy doesn't allow");
        assertThat(admin.post("/flavors", body).status()).isEqualTo(200);
        refused(
                admin.post("/flavors", body),
                409,
                "conflictingRequest",
                "Flavor with ID f1 already exists.");
        refused(
                admin.post("/flavors", body.replace("f1", "f2")),
                409,
                "conflictingRequest",
                "Flavor with name f already exists.");
        String specs = "/flavors/f1/os-extra_specs";
        refused(
                admin.post(specs, "{'extra_specs': {'iod:machine': 'i440fx'}}"),
                400,
                "badRequest",
                "must be q35 or microvm");
        assertThat(admin.post(specs, "{'extra_specs': {'iod:machine': 'microvm'}}").status())
                .isEqualTo(200);
        assertThat(admin.post(specs, "{'extra_specs': {}}").text())
                .isEqualTo("{\"extra_specs\":{}}");
        assertThat(admin.delete(specs + "/iod:machine").status()).isEqualTo(200);
        assertThat(admin.delete(specs + "/iod:machine").status()).isEqualTo(404);
        assertThat(admin.delete("/flavors/f1").status()).isEqualTo(202);
        assertThat(admin.delete("/flavors/f1").status()).isEqualTo(404);
    }

    @Test
    void onlyProjectsThatThereAreHaveQuotas() {
        String quotas = "/os-quota-sets/" + Region.NO_PROJECT;
        for (Answer answer :
                List.of(
                        admin.put(quotas, "{'quota_set': {'cores': 1}}"),
                        admin.get(quotas),
                        admin.get(quotas + "/defaults"),
                        admin.get(quotas + "/detail"))) {
            refused(
                    answer,
                    400,
                    "badRequest",
                    "Project ID no-such-project is not a valid project.");
        }
        assertThat(admin.delete(quotas).status()).isEqualTo(202);
        assertThat(admin.get("/os-quota-sets/p1").status()).isEqualTo(200);
        assertThat(member.get(quotas).status()).isEqualTo(403);
    }

    @Test
    void disabledNodesTakeNoServers() {
        try (Region small = new Region()) {
            small.node("n1", 4, 4096);
            HttpCaller root = small.compute("p0:admin");
            assertThat(
                            root.put(
                                            "/os-services/disable",
                                            "{'host': 'n1', 'binary': 'nova-compute'}")
                                    .status())
                    .isEqualTo(200);
            create(small.compute("p1"), Region.IMAGE, "42", "");
            JsonNode servers = root.get("/servers/detail?all_tenants=1").json().path("servers");
            assertThat(servers.path(0).path("fault").path("message").stringValue())
                    .contains("1 disabled");
        }
    }

    @Test
    void addressesAreNormalizedOrRefused() {
        String id =
                create(
                                member,
                                Region.IMAGE,
                                "42",
                                ", 'accessIPv4': '192.0.2.9', 'accessIPv6': 'fe80:0:0::1'")
                        .json()
                        .at("/server/id")
                        .stringValue();
        String path = "/servers/" + id;
        assertThat(member.get(path).json().at("/server/accessIPv6").stringValue())
                .isEqualTo("fe80::1");
        JsonNode updated =
                member.put(path, "{'server': {'accessIPv6': '2001:DB8:0:0:0:0:0:0A'}}").json();
        assertThat(updated.at("/server/accessIPv6").stringValue()).isEqualTo("2001:db8::a");
        assertThat(updated.at("/server/accessIPv4").stringValue()).isEqualTo("192.0.2.9");
        String network = region.network("p1", "10.3.0.0/24");
        for (String bad :
                List.of(
                        "'accessIPv4': '192.0.2.09'",
                        "'accessIPv4': '192.0.2'",
                        "'accessIPv4': 'fe80::1'",
                        "'accessIPv6': ':::'",
                        "'accessIPv6': '1:2:3:4:5:6:7:8:9'",
                        "'accessIPv6': 'fe80::1%eth0'",
                        "'accessIPv6': '192.0.2.9'")) {
            refused(
                    create(member, Region.IMAGE, "42", ", " + bad),
                    400,
                    "badRequest",
                    "Invalid input for field/attribute accessIP");
            refused(
                    member.put(path, "{'server': {" + bad + "}}"),
                    400,
                    "badRequest",
                    "Invalid input for field/attribute accessIP");
        }
        for (String bad : List.of("10.3.0.010", "10.3.0", ":::", "fd00::1%1")) {
            refused(
                    create(
                            member,
                            Region.IMAGE,
                            "42",
                            ", 'networks': [{'uuid': '%s', 'fixed_ip': '%s'}]"
                                    .formatted(network, bad)),
                    400,
                    "badRequest",
                    "Invalid input for field/attribute");
        }
    }
}
