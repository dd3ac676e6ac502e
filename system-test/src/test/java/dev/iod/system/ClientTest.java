package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** The real client makes, lists, shows and deletes each resource, and makes the common mistakes. */
@ExtendWith(Region.Shared.class)
final class ClientTest {
    @Test
    void everyResourceIsMadeListedShownAndDeleted(Region region) {
        try (Client client = region.client("iod-admin")) {
            roundTrip(client, "project", "ct-project", "");
            roundTrip(client, "user", "ct-user", "--password secret1");
            roundTrip(client, "role", "ct-role", "");
            roundTrip(client, "flavor", "ct-flavor", "--ram 128 --vcpus 1 --disk 0");
            roundTrip(
                    client,
                    "image",
                    "ct-image",
                    "--disk-format raw --container-format bare --file "
                            + Region.HOME.resolve("README.md"));
            roundTrip(client, "network", "ct-network", "");
            client.json("network create ct-base");
            roundTrip(
                    client, "subnet", "ct-subnet", "--network ct-base --subnet-range 10.85.1.0/24");
            roundTrip(client, "port", "ct-port", "--network ct-base");
            client.text("network delete ct-base");
            roundTrip(client, "router", "ct-router", "");
            roundTrip(client, "security group", "ct-group", "");
            roundTrip(client, "server group", "ct-servers", "--policy anti-affinity");
            Path key = region.run.resolve("demo-key");
            client.text("keypair create --private-key " + key + " ct-key");
            assertThat(Files.exists(key)).isTrue();
            assertThat(client.text("keypair list -f value -c Name")).contains("ct-key");
            assertThat(client.json("keypair show ct-key").at("/name").stringValue())
                    .isEqualTo("ct-key");
            client.text("keypair delete ct-key");
            assertThat(client.text("keypair list -f value -c Name")).doesNotContain("ct-key");
        }
    }

    private static void roundTrip(Client client, String kind, String name, String options) {
        JsonNode made = client.json(kind + " create " + options + " " + name);
        String id =
                made.at("/id").isMissingNode()
                        ? made.at("/ID").asString()
                        : made.at("/id").asString();
        assertThat(client.text(kind + " list -f value")).as("%s list", kind).contains(id);
        // A server group is shown by its id only.
        String handle = kind.equals("server group") ? id : name;
        assertThat(client.json(kind + " show " + handle).toString())
                .as("%s show", kind)
                .contains(id);
        assertThat(client.text(kind + " delete " + handle))
                .as("%s delete", kind)
                .doesNotContain("rror");
        assertThat(client.text(kind + " list -f value")).as("%s list", kind).doesNotContain(id);
        assertThat(client.text(kind + " show " + handle))
                .as("%s show after delete", kind)
                .doesNotContain("\"id\"");
    }

    /** With the settings that {@code ./iod up} writes, and the SDK's own for the rest. */
    @Test
    void theSdkWaitsForAServerBesideARouter(Region region) {
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("sdk", "10.87.1.0/24");
            tenant.router("sdk", "sdk");
            Path script =
                    tenant.file(
                            "sdk.py",
                            """
                            import openstack
                            cloud = openstack.connect()
                            server = cloud.create_server('sdk', image='iod-micro', flavor='m1.micro',
                                                         network='sdk', wait=True, timeout=180)
                            print('made', server.status, server.private_v4, len(server.admin_password))
                            print('gone', cloud.delete_server(server.id, wait=True))
                            """);
            for (String settings :
                    List.of(
                            "OS_CLOUD=iod OS_CLIENT_CONFIG_FILE=clouds.yaml; export OS_CLOUD"
                                    + " OS_CLIENT_CONFIG_FILE",
                            ". ./openrc")) {
                String answer =
                        Command.run(
                                "sh",
                                "-c",
                                "cd %s && %s && exec /usr/bin/python3 -W ignore %s"
                                        .formatted(region.run, settings, script));
                assertThat(answer)
                        .contains("made ACTIVE 10.87.1.")
                        .contains(" 12\n")
                        .contains("gone True");
            }
        }
    }

    @Test
    void commonMistakesAreAnsweredAsOpenStackDoes(Region region) {
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("cm-net", "10.86.1.0/24");
            assertThat(
                            tenant.client.text(
                                    "server create --image iod-micro --flavor nosuch --network cm-net cm"))
                    .contains("No flavor with a name or ID of 'nosuch' exists");
            assertThat(
                            tenant.client.text(
                                    "server create --image nosuch --flavor m1.micro --network cm-net cm"))
                    .contains("nosuch");
            assertThat(tenant.client.text("server show nosuch"))
                    .contains("No server with a name or ID of 'nosuch' exists");
            assertThat(
                            tenant.client.text(
                                    "subnet create --network cm-net --subnet-range 10.86.1.0/25 cm"))
                    .contains("400");
            assertThat(tenant.client.text("flavor create --ram 64 --vcpus 1 --disk 0 cm"))
                    .contains("403");
            noCapacity(region, tenant);
            someoneElses(region, tenant);
        }
        wrongPassword(region);
        malformedBody(region);
    }

    private static void noCapacity(Region region, Tenant tenant) {
        try (Client admin = region.client("iod-admin")) {
            refused(tenant, admin, "--ram 40000 --disk 0", "2 short of memory");
            refused(tenant, admin, "--ram 64 --disk 2000000", "2 short of disk");
            assertThat(admin.json("hypervisor stats show").at("/local_gb").asInt())
                    .as("GiB of both pools")
                    .isGreaterThanOrEqualTo(2 * 3);
        }
    }

    private static void refused(Tenant tenant, Client admin, String flavor, String reason) {
        admin.json("flavor create --vcpus 1 " + flavor + " cm-huge");
        tenant.client.text(
                "server create --image iod-micro --flavor cm-huge --network cm-net cm-big");
        Wait.until(
                "the server too big is in ERROR",
                30,
                () ->
                        tenant.client
                                .json("server show cm-big")
                                .at("/status")
                                .asString()
                                .equals("ERROR"));
        assertThat(tenant.client.json("server show cm-big").toString())
                .contains("No valid host was found", reason);
        tenant.client.text("server delete --wait cm-big");
        admin.text("flavor delete cm-huge");
    }

    private static void someoneElses(Region region, Tenant tenant) {
        tenant.server("cm-mine", "--network cm-net");
        String id = tenant.client.json("server show cm-mine").at("/id").stringValue();
        try (Client admin = region.client("iod-admin")) {
            admin.json("project create cm-other");
            admin.json("user create --project cm-other --password other-password cm-other");
            admin.text("role add --project cm-other --user cm-other member");
            String token = token(region, "cm-other", "other-password", "cm-other").strip();
            assertThat(status(region, "/compute/v2.1/servers/" + id, token)).isEqualTo("404");
            String port =
                    tenant.client.json("port list --server cm-mine").get(0).at("/ID").stringValue();
            assertThat(status(region, "/network/v2.0/ports/" + port, token)).isEqualTo("404");
            admin.text("user delete cm-other");
            admin.text("project delete cm-other");
        }
        tenant.client.text("server delete --wait cm-mine");
    }

    private static void wrongPassword(Region region) {
        String answer =
                Command.of(
                                List.of(
                                        Region.HOME.resolve("iod").toString(),
                                        "openstack",
                                        "--os-password",
                                        "wrong",
                                        "token",
                                        "issue"))
                        .environment("IOD_RUN", region.run.toString())
                        .attempt()
                        .output();
        assertThat(answer)
                .contains("The request you have made requires authentication. (HTTP 401)");
    }

    private static void malformedBody(Region region) {
        String token = token(region, "admin", region.adminPassword(), "admin");
        String answer =
                Command.run(
                        "curl",
                        "-s",
                        "-w",
                        " %{http_code}",
                        "-H",
                        "X-Auth-Token: " + token,
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        "{\"server\": {\"name\": 7, \"surprise\": true}}",
                        region.api() + "/compute/v2.1/servers");
        assertThat(answer).contains("badRequest").endsWith(" 400");
        answer =
                Command.run(
                        "curl",
                        "-s",
                        "-w",
                        " %{http_code}",
                        "-H",
                        "X-Auth-Token: " + token,
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        "{nonsense",
                        region.api() + "/network/v2.0/networks");
        assertThat(answer).contains("NeutronError").endsWith(" 400");
    }

    private static String status(Region region, String path, String token) {
        return Command.run(
                "curl",
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "-H",
                "X-Auth-Token: " + token,
                region.api() + path);
    }

    private static String token(Region region, String user, String password, String project) {
        String body =
                """
                {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "%s", "password": "%s",
                "domain": {"id": "default"}}}}, "scope": {"project": {"name": "%s", "domain": {"id": "default"}}}}}"""
                        .formatted(user, password, project);
        return Command.run(
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "-D",
                        "-",
                        "-H",
                        "Content-Type: application/json",
                        "-d",
                        body,
                        region.api() + "/identity/v3/auth/tokens")
                .lines()
                .filter(
                        line ->
                                line.toLowerCase(java.util.Locale.ROOT)
                                        .startsWith("x-subject-token:"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no token for " + user));
    }
}
