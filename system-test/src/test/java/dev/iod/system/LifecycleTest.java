package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** Up, status, killed processes, and up again. */
@ExtendWith(Region.Shared.class)
final class LifecycleTest {
    @Test
    void aSecondUpChangesNothing(Region region) {
        List<Long> before = pids(region);
        assertThat(region.iod("up")).contains("Region is up already; nothing changed.");
        assertThat(pids(region)).isEqualTo(before);
    }

    @Test
    void statusNamesProcessesAndNodes(Region region) {
        JsonNode status = region.status();
        List<String> names = new ArrayList<>();
        for (JsonNode process : status.at("/processes")) {
            names.add(process.at("/name").stringValue());
            assertThat(process.at("/pid").asLong()).isPositive();
            assertThat(process.at("/residentBytes").asLong()).isPositive();
            assertThat(process.at("/cpuSeconds").isNumber()).isTrue();
        }
        assertThat(names)
                .containsExactlyInAnyOrder(
                        "postgres",
                        "ovn-nb",
                        "ovn-sb",
                        "ovn-northd",
                        "control",
                        "n1-host",
                        "n1-eswitch",
                        "n1-block",
                        "n1-dpu",
                        "n2-host",
                        "n2-eswitch",
                        "n2-block",
                        "n2-dpu");
        for (JsonNode node : status.at("/nodes")) {
            assertThat(node.at("/state").stringValue()).isEqualTo("up");
            assertThat(node.at("/servers").isArray()).isTrue();
        }
        assertThat(status.at("/nodes").size()).isEqualTo(2);
    }

    @Test
    void killedDaemonsLeaveGuestsRunningAndTakeThemOver(Region region) {
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("life-net", "10.84.1.0/24");
            tenant.server("life", "--network life-net");
            List<ProcessHandle> machines = machines(region);
            assertThat(machines).hasSize(1);
            for (String name :
                    List.of(
                            "n1-host",
                            "n2-host",
                            "n1-dpu",
                            "n2-dpu",
                            "n1-eswitch",
                            "n2-eswitch",
                            "control")) {
                long pid = region.pid(name);
                Command.run("kill", "-9", "" + pid);
                Wait.until(
                        name + " runs again",
                        60,
                        () -> region.pid(name) != 0 && region.pid(name) != pid);
            }
            Wait.until(
                    "the API answers",
                    60,
                    () -> Command.succeeds("curl", "-sf", region.api() + "/identity/v3"));
            Wait.until("control has started", 60, () -> controlHasNoPriority(region));
            assertThat(machines(region)).as("the guest lives").isEqualTo(machines);
            tenant.client.text("server reboot --hard --wait life");
            Wait.until(
                    "the guest booted again",
                    120,
                    () -> tenant.console("life").split("iod-micro: address", -1).length >= 3);
            assertThat(tenant.client.json("server show life").at("/status").stringValue())
                    .isEqualTo("ACTIVE");
        }
        Wait.until("no machine is left", 60, () -> machines(region).isEmpty());
    }

    @Test
    void aStartedControlGoesBeforeNobody(Region region) {
        Wait.until("control has started", 60, () -> controlHasNoPriority(region));
    }

    /** None of its threads, those of the JVM included. */
    private static boolean controlHasNoPriority(Region region) {
        List<String> niceness =
                Command.run("ps", "-L", "-o", "ni=", "-p", "" + region.pid("control"))
                        .lines()
                        .map(String::strip)
                        .distinct()
                        .toList();
        return niceness.equals(List.of("0"));
    }

    private static List<ProcessHandle> machines(Region region) {
        return ProcessHandle.allProcesses()
                .filter(p -> p.info().commandLine().orElse("").contains("qemu-system"))
                .filter(p -> p.info().commandLine().orElse("").contains(region.run + "/nodes/"))
                .toList();
    }

    private static List<Long> pids(Region region) {
        List<Long> pids = new ArrayList<>();
        region.status().at("/processes").forEach(process -> pids.add(process.at("/pid").asLong()));
        return pids;
    }
}
