package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.Json;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/**
 * Every answer in every microversion against Tempest's schemas, which nobody here wrote. Needs the
 * Debian package python3-tempest, or its files at {@code IOD_TEMPEST}; only the schemas are used.
 */
class NovaSchemaTest {
    /** Tempest 33 does not know the attachments' own ids (Nova 2.89). */
    private static final int ATTACHMENTS_MAX_MINOR = 88;

    private static final Path INSTALLED = Path.of("/usr/lib/python3/dist-packages");
    private static final int MAX_MINOR = 90;

    /** Where something changed, and the version before it. */
    private static final List<Integer> MINORS =
            List.of(
                    1, 2, 3, 8, 9, 10, 11, 12, 13, 15, 16, 18, 19, 20, 21, 25, 26, 27, 28, 33, 35,
                    36, 38, 39, 46, 47, 48, 50, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63, 64,
                    69, 70, 71, 73, 74, 75, 79, 83, 84, 87, 88, 90);

    /** Tempest 33's schema of hypervisors ends before 2.88. */
    private static final int MAX_HYPERVISOR_MINOR = 87;

    private final List<String> answers = new ArrayList<>();

    @Test
    void answersMatchTempestsSchemas() throws Exception {
        Path tempest = Path.of(System.getenv().getOrDefault("IOD_TEMPEST", INSTALLED.toString()));
        assertThat(tempest.resolve("tempest"))
                .as("of Debian's python3-tempest, which ./iod test installs")
                .isDirectory();
        try (Region region = new Region()) {
            collect(region);
        }
        assertThat(check(tempest)).isEqualTo("checked " + answers.size() + "\n");
    }

    private void collect(Region region) {
        FakeNode node = region.node("n1", 4, 4096);
        HttpCaller admin = region.compute("p1:admin");
        HttpCaller member = region.compute("p1");
        String network = region.network("p1", "10.8.0.0/24");
        add("keypairs.create_keypair", 1, admin.post("/os-keypairs", "{'keypair': {'name': 'k'}}"));
        String server = create(member, network, 1);
        String failed =
                member.post(
                                "/servers",
                                "{'server': {'name': 'x', 'imageRef': '%s', 'flavorRef': '4'}}"
                                        .formatted(Region.IMAGE))
                        .json()
                        .path("server")
                        .path("id")
                        .stringValue();
        every(member, "servers.get_server", "/servers/" + server, MAX_MINOR);
        node.sync();
        attach(region, node, server);
        String group = group(member);
        for (HttpCaller actor : List.of(admin, member)) {
            shared(actor, server, failed, group);
        }
        hypervisors(admin);
        for (int minor : MINORS) {
            String[] version = Region.version(minor);
            add(
                    "servers.update_server",
                    minor,
                    member.put("/servers/" + server, "{'server': {'name': 'b'}}", version));
            changes(member, server, minor);
            add(
                    "servers.rebuild_server_with_admin_pass",
                    minor,
                    member.post(
                            "/servers/" + server + "/action",
                            "{'rebuild': {'imageRef': '%s'}}".formatted(Region.IMAGE),
                            version));
            node.sync();
            add(
                    "servers.rescue_server_with_admin_pass",
                    minor,
                    member.post("/servers/" + server + "/action", "{'rescue': null}", version));
            node.sync();
            member.post("/servers/" + server + "/action", "{'unrescue': null}");
            node.sync();
        }
        add("servers.delete_server", 1, member.delete("/servers/" + server));
        add("server_groups.delete_server_group", 1, member.delete("/os-server-groups/" + group));
    }

    private void attach(Region region, FakeNode node, String server) {
        for (int minor : List.of(1, 70, 79, 90)) {
            String volume =
                    region.volume("p1")
                            .post("/volumes", "{'volume': {'size': 1}}")
                            .json()
                            .at("/volume/id")
                            .stringValue();
            node.sync();
            add(
                    "servers.attach_volume",
                    minor,
                    region.compute("p1")
                            .post(
                                    "/servers/" + server + "/os-volume_attachments",
                                    "{'volumeAttachment': {'volumeId': '%s'}}".formatted(volume),
                                    Region.version(minor)));
        }
        node.sync();
    }

    private String create(HttpCaller actor, String network, int minor) {
        Answer answer =
                actor.post(
                        "/servers",
                        ("{'server': {'name': 'a', 'imageRef': '%s', 'flavorRef': '42',"
                                        + " 'networks': [{'uuid': '%s'}]}}")
                                .formatted(Region.IMAGE, network),
                        Region.version(minor));
        add("servers.create_server_with_admin_pass", minor, answer);
        return answer.json().path("server").path("id").stringValue();
    }

    private String group(HttpCaller actor) {
        Answer answer =
                actor.post(
                        "/os-server-groups",
                        "{'server_group': {'name': 'g', 'policies': ['affinity']}}");
        add("server_groups.create_show_server_group", 1, answer);
        return answer.json().path("server_group").path("id").stringValue();
    }

    private void shared(HttpCaller actor, String server, String failed, String group) {
        every(actor, "servers.get_server", "/servers/" + server, MAX_MINOR);
        every(actor, "servers.get_server", "/servers/" + failed, MAX_MINOR);
        every(actor, "servers.list_servers", "/servers", MAX_MINOR);
        every(actor, "servers.list_servers", "/servers?limit=1", MAX_MINOR);
        every(actor, "servers.list_servers_detail", "/servers/detail", MAX_MINOR);
        every(actor, "flavors.list_flavors", "/flavors", MAX_MINOR);
        every(actor, "flavors.list_flavors_details", "/flavors/detail?limit=2", MAX_MINOR);
        every(actor, "flavors.create_update_get_flavor_details", "/flavors/42", MAX_MINOR);
        every(actor, "keypairs.list_keypairs", "/os-keypairs", MAX_MINOR);
        every(actor, "keypairs.get_keypair", "/os-keypairs/k", MAX_MINOR);
        every(
                actor,
                "server_groups.create_show_server_group",
                "/os-server-groups/" + group,
                MAX_MINOR);
        every(actor, "server_groups.list_server_groups", "/os-server-groups", MAX_MINOR);
        every(actor, "limits.get_limit", "/limits", MAX_MINOR);
        every(actor, "quotas.get_quota_set", "/os-quota-sets/p1", MAX_MINOR);
        every(actor, "quotas.get_quota_set", "/os-quota-sets/p1/defaults", MAX_MINOR);
        every(actor, "quotas.get_quota_set_details", "/os-quota-sets/p1/detail", MAX_MINOR);
        every(
                actor,
                "availability_zone.list_availability_zone_list",
                "/os-availability-zone",
                MAX_MINOR);
        every(actor, "interfaces.list_interfaces", "/servers/" + server + "/os-interface", 90);
        every(actor, "servers.list_addresses", "/servers/" + server + "/ips", MAX_MINOR);
        every(
                actor,
                "servers.list_addresses_by_network",
                "/servers/" + server + "/ips/net",
                MAX_MINOR);
        every(actor, "servers.list_server_metadata", "/servers/" + server + "/metadata", 90);
        every(
                actor,
                "servers.list_volume_attachments",
                "/servers/" + server + "/os-volume_attachments",
                ATTACHMENTS_MAX_MINOR);
        String volume =
                actor.get("/servers/" + server + "/os-volume_attachments")
                        .json()
                        .at("/volumeAttachments/0/volumeId")
                        .stringValue();
        every(
                actor,
                "servers.show_volume_attachment",
                "/servers/" + server + "/os-volume_attachments/" + volume,
                ATTACHMENTS_MAX_MINOR);
        actions(actor, server);
    }

    private void actions(HttpCaller actor, String server) {
        String path = "/servers/" + server + "/os-instance-actions";
        // Tempest 33 does not know updated_at in this list (Nova 2.58) and details (2.84).
        every(actor, "servers.list_instance_actions", path, 57);
        String request =
                actor.get(path)
                        .json()
                        .path("instanceActions")
                        .path(0)
                        .path("request_id")
                        .stringValue();
        every(actor, "servers.show_instance_action", path + "/" + request, 83);
    }

    private void hypervisors(HttpCaller admin) {
        every(admin, "services.list_services", "/os-services", MAX_MINOR);
        every(
                admin,
                "availability_zone.list_availability_zone_list_detail",
                "/os-availability-zone/detail",
                MAX_MINOR);
        every(admin, "hypervisors.list_search_hypervisors", "/os-hypervisors", MAX_MINOR);
        every(
                admin,
                "hypervisors.list_hypervisors_detail",
                "/os-hypervisors/detail",
                MAX_HYPERVISOR_MINOR);
        for (int minor : MINORS.stream().filter(m -> m <= MAX_HYPERVISOR_MINOR).toList()) {
            String[] version = Region.version(minor);
            String id =
                    admin.get("/os-hypervisors", version)
                            .json()
                            .path("hypervisors")
                            .path(0)
                            .path("id")
                            .asString();
            add("hypervisors.get_hypervisor", minor, admin.get("/os-hypervisors/" + id, version));
            add(
                    "hypervisors.get_hypervisor_statistics",
                    minor,
                    admin.get("/os-hypervisors/statistics", version));
        }
    }

    private void changes(HttpCaller member, String server, int minor) {
        String[] version = Region.version(minor);
        String metadata = "/servers/" + server + "/metadata";
        add(
                "servers.set_server_metadata",
                minor,
                member.put(metadata, "{'metadata': {'a': 'b'}}", version));
        add(
                "servers.update_server_metadata",
                minor,
                member.post(metadata, "{'metadata': {'c': 'd'}}", version));
        add("servers.set_show_server_metadata_item", minor, member.get(metadata + "/a", version));
        add("servers.delete_server_metadata_item", minor, member.delete(metadata + "/a", version));
        if (minor >= 26) {
            String tags = "/servers/" + server + "/tags";
            add("servers.update_all_tags", minor, member.put(tags, "{'tags': ['x']}", version));
            add("servers.list_tags", minor, member.get(tags, version));
            add("servers.check_tag_existence", minor, member.get(tags + "/x", version));
            add("servers.delete_tag", minor, member.delete(tags + "/x", version));
        }
        add(
                "servers.get_console_output",
                minor,
                member.post(
                        "/servers/" + server + "/action", "{'os-getConsoleOutput': {}}", version));
    }

    private void every(HttpCaller actor, String schema, String path, int maxMinor) {
        for (int minor : MINORS.stream().filter(m -> m <= maxMinor).toList()) {
            add(schema, minor, actor.get(path, Region.version(minor)));
        }
    }

    private void add(String schema, int minor, Answer answer) {
        ObjectNode line = Json.object();
        line.put("schema", schema);
        line.put("minor", minor);
        line.put("status", answer.status());
        if (answer.text().isEmpty()) {
            line.putNull("body");
        } else {
            line.set("body", answer.json());
        }
        answers.add(Json.text(line));
    }

    private String check(Path tempest) throws IOException, InterruptedException {
        Path input = Path.of("target", "nova-answers.jsonl");
        Path script = Files.createTempFile("nova-schemas-", ".py");
        try (InputStream resource = NovaSchemaTest.class.getResourceAsStream("nova-schemas.py")) {
            assertThat(resource).isNotNull();
            Files.write(script, resource.readAllBytes());
            Files.write(input, answers, StandardCharsets.UTF_8);
            ProcessBuilder python =
                    new ProcessBuilder("python3", script.toString())
                            .redirectInput(input.toFile())
                            .redirectErrorStream(true);
            python.environment().put("PYTHONPATH", tempest.toString());
            Process process = python.start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return output;
        } finally {
            Files.delete(script);
        }
    }
}
