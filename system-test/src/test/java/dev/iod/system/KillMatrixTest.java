package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Engines and agents are killed 50 times: while guests boot, and under load (100 pings a second and
 * a TCP stream through security groups, between two nodes), also two at once and twice in a row.
 * Guests run on, the one TCP connection is neither reset nor corrupted, and traffic goes on after
 * every kill. The gaps are written to {@code target/kill-matrix.json}; they are no part of pass or
 * fail, but for an agent alone, whose death loses no packet.
 */
@ExtendWith(Region.Shared.class)
final class KillMatrixTest {
    private static final int BOOT_ROUNDS = 7;
    private static final int CYCLES = Boolean.getBoolean("iod.full") ? 30 : 3;
    private static final int RESUME_SECONDS = 90;
    private static final int PING_MILLIS = 10;

    /** What is killed, one step after the other. */
    private enum Step {
        AGENT(1, List.of("dpu")),
        ENGINE(1, List.of("eswitch")),
        BOTH(1, List.of("eswitch", "dpu")),
        ENGINE_TWICE(2, List.of("eswitch"));

        final int times;
        final List<String> processes;

        Step(int times, List<String> processes) {
            this.times = times;
            this.processes = processes;
        }
    }

    private record Kill(Step step, String node, int pings, int lost, int gapMillis) {}

    private final List<Kill> kills = new ArrayList<>();
    private int killed;

    @Test
    void guestsAndConnectionsOutliveEnginesAndAgents(Region region) throws IOException {
        try (Tenant tenant = new Tenant(region, "iod")) {
            var network = new KillNetwork(tenant, region, "kill", "10.85.1");
            KillGuest serving = network.serving();
            KillGuest asking = network.asking(11, PING_MILLIS, KillNetwork.APART);
            whileBooting(region, List.of(serving, asking));
            for (KillGuest guest : List.of(serving, asking)) {
                Wait.until(guest.name + " has an address", 180, guest::hasAddress);
            }
            Wait.until("traffic flows", 180, () -> asking.progress().lines() > 500);
            List<ProcessHandle> machines = machines(region);
            assertThat(machines).hasSize(2);

            enginesStartFromTheirCache(region);
            KillGuest.Progress before = asking.progress();
            for (int cycle = 0; cycle < CYCLES; cycle++) {
                onBothNodes(region, Step.AGENT, asking);
            }
            asking.requireNoneLost(before, "without an agent");
            for (int cycle = 0; cycle < CYCLES; cycle++) {
                onBothNodes(region, Step.ENGINE, asking);
                onBothNodes(region, Step.BOTH, asking);
                onBothNodes(region, Step.ENGINE_TWICE, asking);
            }
            assertThat(machines(region)).as("the guests live").isEqualTo(machines);
            assertThat(serving.boots()).isOne();
            assertThat(asking.boots()).isOne();
            int services = asking.metadataAnswers();
            Wait.until(
                    "the metadata service answers",
                    RESUME_SECONDS,
                    () -> asking.metadataAnswers() > services);
            report();
            assertThat(killed).isGreaterThanOrEqualTo(CYCLES * 12 + 2);
        }
    }

    /** A cache that does not fit is left aside without a word, and a start takes twice as long. */
    private static void enginesStartFromTheirCache(Region region) throws IOException {
        for (String node : List.of("n1", "n2")) {
            long pid = process(region, node, "eswitch").orElseThrow().pid();
            assertThat(Files.readString(Path.of("/proc/" + pid + "/maps")))
                    .contains("eswitch/target/eswitch.aot");
        }
    }

    /** In firmware and kernel, before and after the driver is there; ends when a guest is up. */
    private void whileBooting(Region region, List<KillGuest> guests) {
        Wait.until("the machines start", 60, () -> machines(region).size() == 2);
        for (int round = 0; round < BOOT_ROUNDS; round++) {
            if (guests.stream().anyMatch(KillGuest::hasAddress)) {
                return;
            }
            for (String node : List.of("n1", "n2")) {
                kill(region, node, "eswitch");
            }
        }
    }

    private void onBothNodes(Region region, Step step, KillGuest guest) {
        underLoad(region, "n1", step, guest);
        underLoad(region, "n2", step, guest);
    }

    private void underLoad(Region region, String node, Step step, KillGuest guest) {
        KillGuest.Progress before = guest.progress();
        for (int i = 0; i < step.times; i++) {
            for (String process : step.processes) {
                kill(region, node, process);
            }
        }
        String what = step + " of " + node;
        try {
            Wait.until(
                    what + ": pings and the TCP stream go on",
                    RESUME_SECONDS,
                    () -> {
                        guest.requireWhole(what);
                        KillGuest.Progress now = guest.progress();
                        // Both come through a pipe: what was printed first may be older.
                        return now.sequence() > before.sequence() + 250
                                && now.lines() > before.lines() + 300;
                    });
        } catch (AssertionError e) {
            kills.forEach(System.out::println);
            throw new AssertionError(before + ", now " + guest.progress() + "\n" + logs(region), e);
        }
        KillGuest.Progress after = guest.progress();
        kills.add(
                new Kill(
                        step,
                        node,
                        after.sequence() - before.sequence(),
                        after.unanswered() - before.unanswered(),
                        guest.longestGapMillis(before.sequence())));
    }

    /** What engines and VMMs wrote last. */
    private static String logs(Region region) {
        return Command.of(
                        List.of(
                                "sh",
                                "-c",
                                "cd "
                                        + region.run
                                        + "; tail -n 15 log/n?-eswitch/current log/n?-dpu/current"
                                        + " nodes/*/guests/*/stderr.log; grep -h -B 2 -A 5 'kill: broken'"
                                        + " nodes/*/guests/*/console.log | cat -v"))
                .attempt()
                .output();
    }

    /** Kills a process once it runs and waits for the next one to be there. */
    private void kill(Region region, String node, String process) {
        Wait.until(
                process + " of " + node + " runs",
                60,
                () -> process(region, node, process).isPresent());
        ProcessHandle old = process(region, node, process).orElseThrow();
        Command.run("kill", "-9", "" + old.pid());
        killed++;
        Wait.until(
                process + " of " + node + " was started again",
                60,
                () -> process(region, node, process).filter(p -> p.pid() != old.pid()).isPresent());
    }

    private static Optional<ProcessHandle> process(Region region, String node, String process) {
        String configuration = region.run + "/nodes/" + node + "/" + process + ".properties";
        return ProcessHandle.allProcesses()
                .filter(p -> p.info().commandLine().orElse("").endsWith(configuration))
                .filter(p -> p.info().command().orElse("").endsWith("/java"))
                .findAny();
    }

    private static List<ProcessHandle> machines(Region region) {
        return ProcessHandle.allProcesses()
                .filter(p -> p.info().commandLine().orElse("").contains("qemu-system"))
                .filter(p -> p.info().commandLine().orElse("").contains(region.run + "/nodes/"))
                .toList();
    }

    private void report() throws IOException {
        List<Object> rows = new ArrayList<>();
        for (Step step : Step.values()) {
            List<Kill> of = kills.stream().filter(kill -> kill.step == step).toList();
            int[] gaps = of.stream().mapToInt(Kill::gapMillis).sorted().toArray();
            int lost = of.stream().mapToInt(Kill::lost).sum();
            rows.add(
                    java.util.Map.of(
                            "case",
                            "kill-" + step.name().toLowerCase(java.util.Locale.ROOT),
                            "metric",
                            "gap of 100 pings a second",
                            "unit",
                            "ms",
                            "ours",
                            java.util.Map.of(
                                    "median", gaps[gaps.length / 2],
                                    "min", gaps[0],
                                    "max", gaps[gaps.length - 1]),
                            "samples",
                            gaps.length,
                            "lostPings",
                            lost));
        }
        Path file = Region.HOME.resolve("target/kill-matrix.json");
        Files.writeString(
                file, Region.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(rows) + "\n");
        System.out.println(killed + " kills; " + file + ":");
        kills.forEach(System.out::println);
    }
}
