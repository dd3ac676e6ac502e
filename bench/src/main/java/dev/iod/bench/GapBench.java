package dev.iod.bench;

import dev.iod.pipeline.EngineClient;
import dev.iod.vhost.testing.NetDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code ./iod bench gap}: a steady stream between two ports of one engine, while 20,000 rules
 * load, while 100 ports change, and after each for as long while nothing changes, which is the
 * machine's own floor; the longest time a frame took in each.
 */
@Command(
        name = "gap",
        mixinStandardHelpOptions = true,
        description = "Measures the longest gap of the packet path while its rules change.")
final class GapBench implements Callable<Integer> {
    private static final int FRAMES_PER_SECOND = 10_000;
    private static final long PAUSE_NANOS = 20_000;
    private static final long WARM_UP_NANOS = 4_000_000_000L;
    private static final long QUIET_NANOS = 2_000_000_000L;
    private static final long AFTER_NANOS = 200_000_000L;

    /** After a change, until what the JVM does about it later is done too. */
    private static final long SETTLE_NANOS = 2_000_000_000L;

    @Mixin Output output = new Output();

    @Option(
            names = "--jvm",
            paramLabel = "OPTION",
            description = "A further option of the engine's JVM; may be repeated.")
    List<String> jvmOptions = List.of();

    /** The parts of a round that change something. */
    private enum Part {
        LOADING("gap-load-20k"),
        CHANGING("gap-change-100");

        final String label;

        Part(String label) {
            this.label = label;
        }
    }

    @Override
    public Integer call() throws Exception {
        output.check();
        Findings<Run> findings = Findings.of(output, Machine.here(Map.of()));
        for (int i = 1; i <= output.rounds; i++) {
            round(Main.home(), i).forEach(findings::add);
        }
        findings.print();
        return 0;
    }

    private List<Run> round(Path home, int number) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("/dev/shm"), "iod-gap");
        try (Cleanup cleanup = new Cleanup()) {
            cleanup.add("directory", () -> Lab.delete(directory));
            GapEngine engine = GapEngine.start(home, directory, jvmOptions, cleanup);
            List<NetDriver> drivers = engine.drivers();
            Stream stream = new Stream(drivers.get(0), drivers.get(1));
            cleanup.add("stream", stream::stop);
            stream.runFor(WARM_UP_NANOS);
            List<Run> runs = new ArrayList<>();
            runs.add(
                    new Run(
                            "gap-spin",
                            Run.OURS,
                            number,
                            Map.of(Metric.STALL, Stream.spin(QUIET_NANOS) / 1e6)));
            for (Part part : Part.values()) {
                runs.add(measure(part, engine, stream, number));
            }
            return runs;
        }
    }

    /** A part, and after it as long a time in which nothing changes: the machine's own floor. */
    private static Run measure(Part part, GapEngine engine, Stream stream, int number) {
        List<EngineClient.Transaction> transactions =
                switch (part) {
                    case LOADING -> List.of(engine.rules());
                    case CHANGING -> engine.changes();
                };
        stream.runFor(AFTER_NANOS);
        engine.watch().start();
        stream.forget();
        long begin = System.nanoTime();
        stream.runWhile(CompletableFuture.runAsync(() -> transactions.forEach(GapEngine::commit)));
        long nanos = System.nanoTime() - begin;
        EngineWatch.Causes causes = engine.watch().causes();
        Map<Metric, Double> values = new EnumMap<>(Metric.class);
        values.put(Metric.DELAY, stream.longest / 1e6);
        values.put(Metric.SURE_DELAY, stream.longestSure / 1e6);
        values.put(Metric.OWN_STOP, stream.longestStop / 1e6);
        values.put(Metric.JVM_PAUSE, causes.longestPauseMillis());
        values.put(Metric.NO_PROCESSOR, causes.waitedMillis());
        stream.runFor(SETTLE_NANOS);
        stream.forget();
        stream.runFor(nanos);
        values.put(Metric.FLOOR, stream.longest / 1e6);
        values.put(Metric.SURE_FLOOR, stream.longestSure / 1e6);
        values.put(Metric.ABOVE_FLOOR, value(values, Metric.DELAY) - stream.longest / 1e6);
        values.put(Metric.SURE_ABOVE, value(values, Metric.SURE_DELAY) - stream.longestSure / 1e6);
        return new Run(part.label, Run.OURS, number, values);
    }

    private static double value(Map<Metric, Double> values, Metric metric) {
        return values.getOrDefault(metric, 0.0);
    }

    /** Sends at a steady rate and looks how long each frame takes; one thread. */
    private static final class Stream {
        private static final int NUMBER_AT = 20;
        private final NetDriver from;
        private final NetDriver to;
        private final byte[] frame = GapEngine.frame();
        private final long[] sentAt = new long[1 << 16];
        private int sent;
        private int outstanding;

        /** Nanoseconds, since {@link #forget}. */
        private long longest;

        private long longestSure;
        private long longestStop;
        private final ReentrantLock lock = new ReentrantLock();
        private volatile boolean stopped;

        Stream(NetDriver from, NetDriver to) {
            this.from = from;
            this.to = to;
        }

        void runFor(long nanos) {
            long end = System.nanoTime() + nanos;
            run(() -> System.nanoTime() - end < 0);
        }

        void runWhile(CompletableFuture<Void> work) {
            run(() -> !work.isDone());
            work.join();
            runFor(AFTER_NANOS);
        }

        void forget() {
            longest = 0;
            longestSure = 0;
            longestStop = 0;
        }

        /** Comes back when nothing touches the guests' memory any more, which then goes. */
        void stop() {
            stopped = true;
            lock.lock();
            lock.unlock();
        }

        private void run(BooleanSupplier more) {
            lock.lock();
            try {
                measure(more);
            } finally {
                lock.unlock();
            }
        }

        private void measure(BooleanSupplier more) {
            long due = System.nanoTime();
            long looked = due;
            while (!stopped && more.getAsBoolean()) {
                long now = System.nanoTime();
                longestStop = Math.max(longestStop, now - looked);
                if (now >= due && outstanding < 200) {
                    // What this thread itself was late with is not the engine's.
                    due = Math.max(due + 1_000_000_000L / FRAMES_PER_SECOND, now - 1_000_000);
                    send(now);
                }
                List<byte[]> arrived = to.receive();
                long seen = System.nanoTime();
                for (byte[] got : arrived) {
                    int number = (got[NUMBER_AT] & 0xff) << 8 | got[NUMBER_AT + 1] & 0xff;
                    longest = Math.max(longest, seen - sentAt[number]);
                    longestSure = Math.max(longestSure, looked - sentAt[number]);
                }
                looked = now;
                outstanding -= from.reapTransmitted();
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }

        /** The longest time between two looks at the clock, when nothing else is done. */
        static long spin(long nanos) {
            long begin = System.nanoTime();
            long before = begin;
            long longest = 0;
            while (before - begin < nanos) {
                long now = System.nanoTime();
                longest = Math.max(longest, now - before);
                before = now;
            }
            return longest;
        }

        private void send(long now) {
            int number = sent++ & 0xffff;
            frame[NUMBER_AT] = (byte) (number >>> 8);
            frame[NUMBER_AT + 1] = (byte) number;
            sentAt[number] = now;
            from.send(List.of(frame));
            outstanding++;
        }
    }
}
