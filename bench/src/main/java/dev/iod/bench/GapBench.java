package dev.iod.bench;

import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.NetDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code ./iod bench gap}: a steady stream between two ports of one engine, once in peace and once
 * while the agent loads 20,000 rules and changes 100 ports; the longest time a frame took in each.
 */
@Command(
        name = "gap",
        mixinStandardHelpOptions = true,
        description = "Measures the longest gap of the packet path while its rules change.")
final class GapBench implements Callable<Integer> {
    private static final int FRAMES_PER_SECOND = 10_000;
    private static final long WARM_UP_NANOS = 4_000_000_000L;
    private static final long QUIET_NANOS = 4_000_000_000L;
    private static final long AFTER_NANOS = 200_000_000L;

    @Mixin Output output = new Output();

    @Option(
            names = "--jvm",
            paramLabel = "OPTION",
            description = "A further option of the engine's JVM; may be repeated.")
    List<String> jvmOptions = List.of();

    /** Longest times of one round, milliseconds. */
    private record Round(double quiet, double loading, double changing) {}

    @Override
    public Integer call() throws Exception {
        output.check();
        List<Run> runs = new ArrayList<>();
        for (int i = 1; i <= output.rounds; i++) {
            Round round = round(Main.home());
            runs.add(run("gap-quiet", i, round.quiet));
            runs.add(run("gap-load-20k", i, round.loading));
            runs.add(run("gap-change-100", i, round.changing));
            runs.subList(runs.size() - 3, runs.size())
                    .forEach(run -> System.err.println(run.line()));
        }
        output.write(new Report(Machine.here(Map.of()), Report.rows(runs), runs));
        return 0;
    }

    private static Run run(String what, int round, double millis) {
        return new Run(what, Run.OURS, round, Map.of(Metric.DELAY, millis));
    }

    private Round round(Path home) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("/dev/shm"), "iod-gap");
        try (Cleanup cleanup = new Cleanup()) {
            cleanup.add("directory", () -> Lab.delete(directory));
            GapEngine engine = GapEngine.start(home, directory, jvmOptions, cleanup);
            List<NetDriver> drivers = new ArrayList<>();
            for (FrontEnd guest : engine.guests()) {
                guest.connect();
                NetDriver driver = new NetDriver(guest);
                driver.fillReceiveRing();
                drivers.add(driver);
            }
            Stream stream = new Stream(drivers.get(0), drivers.get(1));
            cleanup.add("stream", stream::stop);
            stream.runFor(WARM_UP_NANOS);
            double quiet = stream.runFor(QUIET_NANOS);
            double loading = stream.runWhile(CompletableFuture.runAsync(engine::load));
            double changing = stream.runWhile(CompletableFuture.runAsync(engine::change));
            return new Round(quiet, loading, changing);
        }
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
        private final ReentrantLock lock = new ReentrantLock();
        private volatile boolean stopped;

        Stream(NetDriver from, NetDriver to) {
            this.from = from;
            this.to = to;
        }

        double runFor(long nanos) {
            long end = System.nanoTime() + nanos;
            return run(() -> System.nanoTime() - end < 0);
        }

        double runWhile(CompletableFuture<Void> work) {
            double longest = run(() -> !work.isDone());
            work.join();
            return Math.max(longest, runFor(AFTER_NANOS));
        }

        /** Comes back when nothing touches the guests' memory any more, which then goes. */
        void stop() {
            stopped = true;
            lock.lock();
            lock.unlock();
        }

        /** Longest time in milliseconds. */
        private double run(java.util.function.BooleanSupplier more) {
            lock.lock();
            try {
                return measure(more);
            } finally {
                lock.unlock();
            }
        }

        private double measure(java.util.function.BooleanSupplier more) {
            long longest = 0;
            long due = System.nanoTime();
            while (!stopped && more.getAsBoolean()) {
                long now = System.nanoTime();
                if (now >= due && outstanding < 200) {
                    // What this thread itself was late with is not the engine's.
                    due = Math.max(due + 1_000_000_000L / FRAMES_PER_SECOND, now - 1_000_000);
                    send(now);
                }
                for (byte[] got : to.receive()) {
                    int number = (got[NUMBER_AT] & 0xff) << 8 | got[NUMBER_AT + 1] & 0xff;
                    longest = Math.max(longest, System.nanoTime() - sentAt[number]);
                }
                outstanding -= from.reapTransmitted();
            }
            return longest / 1e6;
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
