package dev.iod.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Measures a region of its own from nothing, several times: how long it takes to start, what each
 * process costs while nothing happens, how long the demo's servers take, and how long the API is
 * away when control is killed, also beside busy loops. There is no peer in this bench: a figure is
 * the product's alone.
 */
final class Bench {
    private static final int SETTLE_SECONDS = 20;
    private static final int IDLE_SECONDS = 30;
    private static final int BUSY_LOOPS = 5;
    private static final int BUSY_SECONDS = 5;

    private final Layout layout;
    private final int rounds;
    private final Map<String, List<Double>> samples = new LinkedHashMap<>();

    /**
     * @param layout must hold no region: its data would be lost
     */
    Bench(Layout layout, int rounds) {
        if (RegionConfig.exists(layout)) {
            throw new CliException(
                    "there is a region in "
                            + layout.run()
                            + "; the bench makes its own: set IOD_RUN to an empty directory");
        }
        if (rounds < 1) {
            throw new CliException("--rounds is at least 1, not " + rounds);
        }
        this.layout = layout;
        this.rounds = rounds;
    }

    record Figure(double median, double min, double max) {
        static Figure of(List<Double> values) {
            List<Double> sorted = values.stream().sorted().toList();
            int middle = sorted.size() / 2;
            double median =
                    sorted.size() % 2 == 1
                            ? sorted.get(middle)
                            : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
            return new Figure(median, sorted.getFirst(), sorted.getLast());
        }
    }

    record Row(String name, String metric, String unit, Figure ours) {}

    void run(boolean json) {
        for (int round = 1; round <= rounds; round++) {
            try {
                round();
            } finally {
                new Down(layout).run(true);
            }
            System.err.println("round " + round + " of " + rounds + " done");
        }
        List<Row> rows = new ArrayList<>();
        samples.forEach(
                (key, values) -> {
                    String[] parts = key.split("\\|");
                    rows.add(new Row(parts[0], parts[1], parts[2], Figure.of(values)));
                });
        if (json) {
            System.out.println(Api.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(rows));
            return;
        }
        for (Row row : rows) {
            System.out.printf(
                    "%-14s %-18s %10.2f %-3s (%.2f to %.2f)%n",
                    row.name(),
                    row.metric(),
                    row.ours().median(),
                    row.unit(),
                    row.ours().min(),
                    row.ours().max());
        }
    }

    private void round() {
        RegionConfig config =
                RegionConfig.loadOrCreate(
                        layout, RegionConfig.Wanted.ofPool(Optional.of(RegionConfig.Pool.THIN)));
        long start = System.nanoTime();
        new Up(layout, config).run();
        sample("region", "start", "s", (System.nanoTime() - start) / 1e9);
        Waiting.within(SETTLE_SECONDS, () -> false);
        Map<String, Status.Running> before = processes(config);
        Waiting.within(IDLE_SECONDS, () -> false);
        processes(config)
                .forEach(
                        (name, after) -> {
                            double cpu =
                                    after.cpuSeconds()
                                            - before.getOrDefault(name, after).cpuSeconds();
                            sample(name, "idle CPU", "%", 100 * cpu / IDLE_SECONDS);
                            sample(name, "resident", "MB", after.residentBytes() / 1e6);
                        });
        Demo.Outcome outcome = new Demo(layout, config, false).run();
        outcome.activeSeconds().forEach(s -> sample("server", "create to ACTIVE", "s", s));
        outcome.addressSeconds().forEach(s -> sample("server", "create to address", "s", s));
        sample("control", "API after kill", "s", killed(config));
        List<Process> loops = new ArrayList<>();
        try {
            for (int i = 0; i < BUSY_LOOPS; i++) {
                loops.add(new ProcessBuilder("sh", "-c", "while :; do :; done").start());
            }
            Waiting.within(BUSY_SECONDS, () -> false);
            sample("control", "the same, " + BUSY_LOOPS + " loops", "s", killed(config));
        } catch (IOException e) {
            throw new CliException("cannot start a busy loop: " + CliException.reason(e), e);
        } finally {
            loops.forEach(Process::destroyForcibly);
        }
    }

    /**
     * Kills control.
     *
     * @return seconds from there to the first answered list of servers
     */
    private double killed(RegionConfig config) {
        Api api = Api.signIn(config.api(), "demo", config.demoPassword(), Bootstrap.PROJECT);
        ProcessHandle control =
                new Status(layout, config)
                        .processes().stream()
                                .filter(p -> p.name().equals("control"))
                                .findFirst()
                                .flatMap(p -> ProcessHandle.of(p.pid()))
                                .orElseThrow(() -> new CliException("control does not run"));
        long start = System.nanoTime();
        control.destroyForcibly();
        Waiting.until("control ends", 10, () -> !control.isAlive());
        Waiting.until("the API answers", 60, () -> lists(api));
        return (System.nanoTime() - start) / 1e9;
    }

    private static boolean lists(Api api) {
        try {
            api.get("/compute/v2.1/servers");
            return true;
        } catch (CliException e) {
            return false;
        }
    }

    private Map<String, Status.Running> processes(RegionConfig config) {
        Map<String, Status.Running> processes = new LinkedHashMap<>();
        new Status(layout, config).processes().forEach(p -> processes.put(p.name(), p));
        return processes;
    }

    private void sample(String name, String metric, String unit, double value) {
        samples.computeIfAbsent(name + "|" + metric + "|" + unit, ignored -> new ArrayList<>())
                .add(value);
    }
}
