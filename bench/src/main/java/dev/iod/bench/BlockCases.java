package dev.iod.bench;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Cases of the block engine's bench that share processes. */
interface BlockCases {
    /** How long a load runs before it is measured, so that the compiler's work is not counted. */
    double SETTLE_SECONDS = 0.3;

    /** The same for a new process. */
    double WARM_UP_SECONDS = 2;

    List<String> names();

    /**
     * Measures.
     *
     * @param wanted some of {@link #names}, at least one
     */
    void measure(BlockLab lab, List<String> wanted, Sink sink);

    /** Where figures go. */
    interface Sink {
        void add(String what, String side, Map<Metric, Double> values);
    }

    /** Warms up, then measures one load on what one process shows. */
    static Map<Metric, Double> measure(
            Process process, BlockLoad load, BlockLoad.Work work, int seconds) {
        load.run(work, SETTLE_SECONDS);
        double cpu = Lab.cpuSeconds(process);
        long sleeps = Lab.sleeps(process);
        BlockLoad.Result result = load.run(work, seconds);
        double used = Lab.cpuSeconds(process) - cpu;
        long slept = Lab.sleeps(process) - sleeps;
        Map<Metric, Double> values = new EnumMap<>(Metric.class);
        values.put(Metric.REQUESTS, result.perSecond() / 1e3);
        values.put(Metric.REQUEST_CPU, used * 1e6 / result.requests());
        values.put(Metric.SLEEPS, (double) slept / result.requests());
        values.put(Metric.MEDIAN_LATENCY, result.p50());
        values.put(Metric.P99_LATENCY, result.p99());
        values.put(Metric.P999_LATENCY, result.p999());
        return values;
    }

    /** A load of all kinds, for a new process. */
    static void warmUp(BlockLoad load) {
        load.run(new BlockLoad.Work("warm-up", 50, 4096, true, 32, false), WARM_UP_SECONDS);
    }
}
