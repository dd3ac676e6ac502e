package dev.iod.bench;

import dev.iod.bench.BlockLoad.Work;
import dev.iod.block.Command;
import dev.iod.block.Limits;
import java.util.List;
import java.util.Map;

/** Volumes that answer at once, asked for as much as they do, each under the same limits. */
record LimitCases(int seconds) implements BlockCases {
    private static final int DEPTH = 32;

    /** What waits for limits goes another way, which the compiler has to see often. */
    private static final Limits WARM_UP = new Limits(50_000, 0);

    private static final int DATA_BYTES = 64 << 10;
    private static final int MANY = 16;
    private static final int DEPTH_OF_MANY = 4;

    private record Limited(String name, int volumes, Limits limits, int requestBytes) {
        double share(double requestsPerSecond) {
            double each = requestsPerSecond / volumes;
            return limits.operationsPerSecond() > 0
                    ? each / limits.operationsPerSecond()
                    : each * requestBytes / limits.bytesPerSecond();
        }
    }

    private static final List<Limited> LIMITED =
            List.of(
                    operations(500),
                    operations(5_000),
                    operations(50_000),
                    mebibytes(10),
                    mebibytes(100),
                    mebibytes(1_000),
                    new Limited(
                            "limit-" + MANY + "-volumes-1000-iops",
                            MANY,
                            new Limits(1_000, 0),
                            4096));

    private static Limited operations(int perSecond) {
        return new Limited("limit-" + perSecond + "-iops", 1, new Limits(perSecond, 0), 4096);
    }

    private static Limited mebibytes(long perSecond) {
        return new Limited(
                "limit-" + perSecond + "-mib", 1, new Limits(0, perSecond << 20), 64 << 10);
    }

    @Override
    public List<String> names() {
        return LIMITED.stream().map(Limited::name).toList();
    }

    @Override
    public void measure(BlockLab lab, List<String> wanted, Sink sink) {
        try (BlockEngineProcess engine = lab.engine("null");
                BlockLoad load = new BlockLoad(DATA_BYTES)) {
            int connected = 0;
            for (Limited limited : LIMITED) {
                if (!wanted.contains(limited.name)) {
                    continue;
                }
                for (; connected < limited.volumes; connected++) {
                    engine.create(volume(connected), true);
                    load.connect(engine.attach(volume(connected), BlockEngineProcess.NO_KEY));
                    if (connected == 0) {
                        BlockCases.warmUp(load);
                        engine.run(new Command.Limit(volume(0), WARM_UP));
                        BlockCases.warmUp(load);
                    }
                }
                for (int i = 0; i < connected; i++) {
                    engine.run(new Command.Limit(volume(i), limited.limits));
                }
                sink.add(limited.name, Run.OURS, measure(engine.process(), load, limited));
            }
        }
    }

    private static String volume(int index) {
        return "limited-" + index;
    }

    private Map<Metric, Double> measure(Process process, BlockLoad load, Limited limited) {
        int depth = limited.volumes == 1 ? DEPTH : DEPTH_OF_MANY;
        Work work = new Work("limited", 30, limited.requestBytes, true, depth, false);
        Map<Metric, Double> values = BlockCases.measure(process, load, work, seconds);
        double perSecond = values.getOrDefault(Metric.REQUESTS, 0.0) * 1e3;
        // Latency is what the limit makes of the depth.
        values.keySet().retainAll(List.of(Metric.REQUESTS, Metric.REQUEST_CPU, Metric.SLEEPS));
        values.put(Metric.OF_LIMIT, limited.share(perSecond) * 100);
        return values;
    }
}
