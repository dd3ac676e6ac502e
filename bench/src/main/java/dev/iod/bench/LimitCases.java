package dev.iod.bench;

import dev.iod.bench.BlockLoad.Work;
import dev.iod.block.Command;
import dev.iod.block.Limits;
import java.util.List;
import java.util.Map;

/** A volume that answers at once, asked for as much as it does, under limits. */
record LimitCases(int seconds) implements BlockCases {
    private static final String VOLUME = "bench";
    private static final int DEPTH = 32;

    private record Limited(String name, Limits limits, int requestBytes) {
        double share(double requestsPerSecond) {
            return limits.operationsPerSecond() > 0
                    ? requestsPerSecond / limits.operationsPerSecond()
                    : requestsPerSecond * requestBytes / limits.bytesPerSecond();
        }
    }

    private static final List<Limited> LIMITED =
            List.of(
                    operations(500),
                    operations(5_000),
                    operations(50_000),
                    mebibytes(10),
                    mebibytes(100),
                    mebibytes(1_000));

    private static Limited operations(int perSecond) {
        return new Limited("limit-" + perSecond + "-iops", new Limits(perSecond, 0), 4096);
    }

    private static Limited mebibytes(long perSecond) {
        return new Limited("limit-" + perSecond + "-mib", new Limits(0, perSecond << 20), 64 << 10);
    }

    @Override
    public List<String> names() {
        return LIMITED.stream().map(Limited::name).toList();
    }

    @Override
    public void measure(BlockLab lab, List<String> wanted, Sink sink) {
        try (BlockEngineProcess engine = lab.engine("null")) {
            engine.create(VOLUME, false);
            try (BlockLoad load = new BlockLoad(engine.attach(VOLUME, BlockEngineProcess.NO_KEY))) {
                BlockCases.warmUp(load);
                for (Limited limited : LIMITED) {
                    if (wanted.contains(limited.name)) {
                        engine.run(new Command.Limit(VOLUME, limited.limits));
                        Work work =
                                new Work("limited", 30, limited.requestBytes, true, DEPTH, false);
                        Map<Metric, Double> values =
                                BlockCases.measure(engine.process(), load, work, seconds);
                        double perSecond = values.getOrDefault(Metric.REQUESTS, 0.0) * 1e3;
                        // Latency is what the limit makes of the depth.
                        values.keySet().retainAll(List.of(Metric.REQUESTS, Metric.REQUEST_CPU));
                        values.put(Metric.OF_LIMIT, limited.share(perSecond) * 100);
                        sink.add(limited.name, Run.OURS, values);
                    }
                }
            }
        }
    }
}
