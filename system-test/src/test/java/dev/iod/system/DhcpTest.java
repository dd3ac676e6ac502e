package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** A lease is what OVN's DHCP_Options say, at the time it is given. */
@ExtendWith(Region.Shared.class)
final class DhcpTest {
    @Test
    void aChangeInNorthboundChangesTheNextLease(Region region) {
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("dhcp-net", "10.82.1.0/24");
            tenant.make("security group create dhcp-sg", "security group delete dhcp-sg");
            JsonNode port = tenant.port("dhcp-port", "dhcp-net", "dhcp-sg");
            tenant.server("dhcp-server", "--port dhcp-port");
            assertThat(tenant.console("dhcp-server"))
                    .contains("iod-micro: address " + Tenant.address(port))
                    .contains("mtu 1442");

            String options =
                    region.nbctl(
                            "get",
                            "logical_switch_port",
                            port.at("/id").stringValue(),
                            "dhcpv4_options");
            // A string option is a quoted string inside OVN's own language.
            region.nbctl(
                    "set", "dhcp_options", options, "options:hostname=\"\\\"named-by-ovn\\\"\"");
            region.nbctl("--wait=hv", "sync");
            tenant.client.text("server reboot --hard --wait dhcp-server");
            Wait.until(
                    "the next lease has the new option",
                    120,
                    () -> tenant.console("dhcp-server").contains("hostname named-by-ovn"));
        }
    }
}
