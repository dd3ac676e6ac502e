package dev.iod.bench;

import dev.iod.bench.BlockLoad.Work;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * An encrypted volume beside a plain one of the same process. Without storage behind them
 * (cipher-null) the difference is the cipher and the copy it needs, and hardly noise.
 */
record CipherCases(String backend, int seconds) implements BlockCases {
    private static final String PLAIN = "bench";
    private static final String ENCRYPTED = "encrypted";

    private List<Work> works() {
        String prefix = "cipher-" + backend;
        boolean waits = backend.equals("file");
        return List.of(
                new Work(prefix + "-randread-4k", 0, 4096, true, 32, waits),
                new Work(prefix + "-randwrite-4k", 100, 4096, true, 32, waits));
    }

    @Override
    public List<String> names() {
        return works().stream().map(Work::label).toList();
    }

    @Override
    public void measure(BlockLab lab, List<String> wanted, Sink sink) {
        byte[] key = new byte[64];
        new SplittableRandom(1).nextBytes(key);
        try (BlockEngineProcess engine = lab.engine(backend)) {
            engine.create(PLAIN, false);
            engine.create(ENCRYPTED, false);
            if (backend.equals("file")) {
                lab.fill(PLAIN);
                lab.fill(ENCRYPTED);
            }
            try (BlockLoad plain = new BlockLoad(engine.attach(PLAIN, BlockEngineProcess.NO_KEY));
                    BlockLoad encrypted = new BlockLoad(engine.attach(ENCRYPTED, key))) {
                BlockCases.warmUp(plain);
                BlockCases.warmUp(encrypted);
                for (Work work : works()) {
                    if (wanted.contains(work.label())) {
                        Map<Metric, Double> without =
                                BlockCases.measure(engine.process(), plain, work, seconds);
                        Map<Metric, Double> with =
                                BlockCases.measure(engine.process(), encrypted, work, seconds);
                        double added =
                                with.getOrDefault(Metric.REQUEST_CPU, 0.0)
                                        - without.getOrDefault(Metric.REQUEST_CPU, 0.0);
                        with.put(Metric.CIPHER_CPU, added);
                        sink.add(work.label(), Run.OURS, with);
                    }
                }
            }
        }
    }
}
