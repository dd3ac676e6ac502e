package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** Two tenants with the same address each get their own metadata. */
@ExtendWith(Region.Shared.class)
final class MetadataTest {
    private static final String SCRIPT =
            """
            #!/bin/sh
            url=http://169.254.169.254
            say() { echo "test: $*" >/dev/console; }
            say name "$(wget -qO- $url/latest/meta-data/hostname)"
            say key "$(wget -qO- $url/latest/meta-data/public-keys/0/openssh-key)"
            say uuid "$(wget -qO- $url/openstack/latest/meta_data.json | sed 's/.*"uuid": *"\\([^"]*\\)".*/\\1/')"
            say forged "$(wget -qO- --header 'X-Forwarded-For: 10.83.1.77' --header 'X-Instance-ID: other' $url/latest/meta-data/hostname)"
            say end
            """;

    @Test
    void tenantsWithEqualAddressesGetTheirOwnKeys(Region region) throws IOException {
        Path script = Files.createTempFile("iod-metadata", ".sh");
        Files.writeString(script, SCRIPT);
        try (Tenant one = new Tenant(region, "iod");
                Tenant two = new Tenant(region, "iod-admin")) {
            JsonNode first = start(one, "md-one", script);
            JsonNode second = start(two, "md-two", script);
            check(one, "md-one", first);
            check(two, "md-two", second);
            assertThat(line(one, "md-one", "key")).isNotEqualTo(line(two, "md-two", "key"));
        } finally {
            Files.delete(script);
        }
    }

    /**
     * The guest's own SSH server lets the user in with the server's password, and nobody without.
     */
    @Test
    void thePasswordWorksInTheGuest(Region region) {
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("md-password", "10.83.2.0/24");
            Path script =
                    tenant.file(
                            "password.sh",
                            """
                            #!/bin/sh
                            login() { DROPBEAR_PASSWORD=$1 dbclient -y root@127.0.0.1 echo in 2>/dev/null </dev/null; }
                            echo "test: right $(login Right-1:x) wrong $(login wrong) none $(login '')" >/dev/console
                            echo "test: end" >/dev/console
                            """);
            String options = "--network md-password --user-data " + script;
            tenant.server("md-given", options + " --password Right-1:x");
            tenant.server("md-made", options);
            assertThat(logins(tenant, "md-given")).isEqualTo("in wrong  none");
            assertThat(logins(tenant, "md-made")).isEqualTo("wrong  none");
        }
    }

    private static String logins(Tenant tenant, String server) {
        Wait.until(
                server + " tried to log in",
                120,
                () -> tenant.console(server).contains("test: end"));
        return line(tenant, server, "right");
    }

    private static JsonNode start(Tenant tenant, String name, Path script) {
        tenant.network(name, "10.83.1.0/24");
        tenant.make(
                "port create --network " + name + " --fixed-ip ip-address=10.83.1.77 " + name,
                "port delete " + name);
        tenant.keypair(name);
        return tenant.server(
                name, "--port " + name + " --key-name " + name + " --user-data " + script);
    }

    private static void check(Tenant tenant, String name, JsonNode server) {
        Wait.until(
                name + " asked for its metadata",
                120,
                () -> tenant.console(name).contains("test: end"));
        assertThat(line(tenant, name, "name")).startsWith(name);
        assertThat(line(tenant, name, "forged")).startsWith(name);
        assertThat(line(tenant, name, "uuid")).isEqualTo(server.at("/id").stringValue());
        String key = tenant.client.text("keypair show --public-key " + name).strip();
        assertThat(line(tenant, name, "key").split(" ")[1]).isEqualTo(key.split(" ")[1]);
    }

    private static String line(Tenant tenant, String server, String word) {
        return tenant.console(server)
                .lines()
                .filter(text -> text.contains("test: " + word + " "))
                .map(
                        text ->
                                text.substring(
                                                text.indexOf("test: " + word + " ")
                                                        + word.length()
                                                        + 7)
                                        .strip())
                .findFirst()
                .orElse("");
    }
}
