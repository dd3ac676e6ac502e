package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** Servers on the Java DPU and ports of an unmodified OVN chassis reach each other. */
@ExtendWith(Region.Shared.class)
final class StockChassisTest {
    @Test
    void pingAndTcpBothWaysAndADeniedPort(Region region) throws Exception {
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("sc-one", "10.81.1.0/24");
            tenant.network("sc-two", "10.81.2.0/24");
            tenant.router("sc-router", "sc-one", "sc-two");
            tenant.securityGroup(
                    "sc-open",
                    "--protocol icmp",
                    "--protocol tcp --dst-port 22",
                    "--protocol tcp --dst-port 7000");
            JsonNode same = tenant.port("sc-same", "sc-one", "sc-open");
            JsonNode other = tenant.port("sc-other", "sc-two", "sc-open");
            JsonNode own = tenant.port("sc-server", "sc-one", "sc-open");
            Path key = tenant.keypair("sc-key");
            tenant.server("sc-server", "--port sc-server --key-name sc-key");
            String server = Tenant.address(own);
            try (StockChassis stock = new StockChassis(region)) {
                String near = plug(stock, "near", same, "10.81.1.1");
                String far = plug(stock, "far", other, "10.81.2.1");
                for (String namespace : List.of(near, far)) {
                    Wait.until(
                            "ping from " + namespace,
                            60,
                            () ->
                                    Command.succeeds(
                                            in(
                                                    namespace, "busybox", "ping", "-c", "1", "-W",
                                                    "1", server)));
                    assertThat(Command.run(in(namespace, "busybox", "ping", "-c", "5", server)))
                            .contains(" 0% packet loss");
                    assertThat(ssh(namespace, key, server, "echo tcp works"))
                            .isEqualTo("tcp works");
                }
                for (JsonNode port : List.of(same, other)) {
                    String peer = Tenant.address(port);
                    String namespace = port == same ? near : far;
                    assertThat(ssh(near, key, server, "ping -c 3 " + peer))
                            .contains("3 packets received");
                    assertThat(tcpToStock(namespace, near, key, server, peer))
                            .isEqualTo("hello from the DPU");
                }
                // A program listens on 7001, and nothing allows that port: dropped, not refused.
                assertThat(
                                ssh(
                                        near,
                                        key,
                                        server,
                                        "nc -ll -p 7001 -e echo open </dev/null >/dev/null 2>&1 & sleep 1;"
                                                + " nc -w 3 127.0.0.1 7001 </dev/null"))
                        .contains("open");
                assertThat(
                                Command.of(
                                                List.of(
                                                        in(
                                                                near,
                                                                "timeout",
                                                                "5",
                                                                "bash",
                                                                "-c",
                                                                "exec 3<>/dev/tcp/"
                                                                        + server
                                                                        + "/7001")))
                                        .attempt()
                                        .exit())
                        .as("denied by the security group: no answer until the time limit")
                        .isEqualTo(124);
            }
        }
    }

    private static String plug(StockChassis stock, String label, JsonNode port, String gateway) {
        return stock.plug(
                label,
                port.at("/id").stringValue(),
                port.at("/mac_address").stringValue(),
                Tenant.address(port) + "/24",
                gateway);
    }

    private static String tcpToStock(
            String listening, String near, Path key, String server, String peer) throws Exception {
        Process listener =
                new ProcessBuilder(in(listening, "busybox", "nc", "-l", "-p", "7000")).start();
        try {
            ssh(near, key, server, "sleep 1; echo hello from the DPU | nc -w 5 " + peer + " 7000");
            return new String(
                            listener.getInputStream().readAllBytes(),
                            java.nio.charset.StandardCharsets.UTF_8)
                    .strip();
        } finally {
            listener.destroy();
        }
    }

    private static String ssh(String namespace, Path key, String server, String command) {
        return Command.run(
                in(
                        namespace,
                        "ssh",
                        "-q",
                        "-i",
                        key.toString(),
                        "-o",
                        "StrictHostKeyChecking=no",
                        "-o",
                        "UserKnownHostsFile=/dev/null",
                        "-o",
                        "ConnectTimeout=20",
                        "-o",
                        "BatchMode=yes",
                        "root@" + server,
                        command));
    }

    static String[] in(String namespace, String... words) {
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        command.addAll(List.of(words));
        return command.toArray(String[]::new);
    }
}
