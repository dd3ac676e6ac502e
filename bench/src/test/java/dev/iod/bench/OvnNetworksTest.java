package dev.iod.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.ovsdb.Replica;
import dev.iod.ovsdb.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a real northbound database, without northd. */
final class OvnNetworksTest {
    private static final int NETWORKS = 12;
    private static final int PORTS = 4;

    /** Of a network: the servers', the router's and the metadata service's. */
    private static final int ALL_PORTS = PORTS + 2;

    private final List<Process> processes = new ArrayList<>();

    @TempDir Path directory;

    @AfterEach
    void end() {
        processes.forEach(Lab::stop);
    }

    @Test
    void changesTouchWhatWasMade() {
        OvnDatabases.server(directory, this::start, "nb", "/usr/share/ovn/ovn-nb.ovsschema");
        nb("init");
        try (Replica northbound =
                OvnDatabases.client(
                        "OVN_Northbound",
                        directory.resolve("nb.sock"),
                        List.of(Table.of("NB_Global", "nb_cfg")),
                        update -> {})) {
            var networks = new OvnNetworks(northbound, NETWORKS, PORTS, List.of("a", "b"));
            networks.make();
            assertThat(rows("Logical_Switch")).hasSize(NETWORKS);
            assertThat(rows("Logical_Router")).hasSize(3);
            assertThat(rows("Logical_Switch_Port")).hasSize(NETWORKS * ALL_PORTS);
            assertThat(members("neutron_pg_drop")).isEqualTo(NETWORKS * PORTS);

            networks.addPort(11, PORTS);
            assertThat(rows("Logical_Switch_Port")).hasSize(NETWORKS * ALL_PORTS + 1);
            assertThat(members("neutron_pg_drop")).isEqualTo(NETWORKS * PORTS + 1);

            networks.changeRule(2, 8001);
            assertThat(nb("--bare", "--columns=match", "list", "ACL"))
                    .containsOnlyOnce("tcp.dst == 8001");

            networks.remove(3);
            assertThat(rows("Logical_Switch")).hasSize(NETWORKS - 1);
            assertThat(rows("Logical_Switch_Port")).hasSize((NETWORKS - 1) * ALL_PORTS + 1);
            assertThat(rows("DHCP_Options")).hasSize(NETWORKS - 1);
            // One for the common group, one for each project, one for each change.
            assertThat(nb("get", "NB_Global", ".", "nb_cfg")).isEqualTo("7");
        }
    }

    @Test
    void everyPortHasItsOwnAddress() {
        Set<String> seen = new HashSet<>();
        for (int network : List.of(0, 1, 255, 256, 999, OvnNetworks.MAX_NETWORKS - 1)) {
            for (int port = 0; port < OvnNetworks.MAX_PORTS_PER_NETWORK; port++) {
                assertThat(seen.add(OvnNetworks.macDigits(network, port))).isTrue();
                assertThat(seen.add(OvnNetworks.port(network, port))).isTrue();
            }
        }
        assertThat(OvnNetworks.macDigits(OvnNetworks.MAX_NETWORKS - 1, 255)).hasSize(12);
    }

    private List<String> rows(String table) {
        return nb("--bare", "--columns=_uuid", "list", table)
                .lines()
                .filter(line -> !line.isBlank())
                .toList();
    }

    private int members(String group) {
        return nb("--bare", "get", "Port_Group", group, "ports").split(",").length;
    }

    private String nb(String... arguments) {
        List<String> command =
                new ArrayList<>(List.of("ovn-nbctl", "--db=unix:" + directory.resolve("nb.sock")));
        command.addAll(List.of(arguments));
        return Shell.run(command);
    }

    private Process start(String name, List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(directory.resolve(name + ".log").toFile())
                            .start();
            processes.add(process);
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
