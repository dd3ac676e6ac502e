package dev.iod.bench;

import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.NetDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code ./iod bench gap}: a steady stream between two ports of one engine, once in peace and once
 * while the agent loads 20,000 rules and changes 100 ports; the longest time a frame took in each.
 */
@Command(
        name = "./iod bench gap",
        mixinStandardHelpOptions = true,
        description = "Measures the longest gap of the packet path while its rules change.")
public final class GapBench implements Callable<Integer> {
    private static final int FRAMES_PER_SECOND = 10_000;
    private static final long WARM_UP_NANOS = 4_000_000_000L;
    private static final long QUIET_NANOS = 4_000_000_000L;
    private static final long AFTER_NANOS = 200_000_000L;

    @Option(names = "--rounds", defaultValue = "3", description = "Rounds (default 3).")
    int rounds;

    @Option(names = "--json", description = "Print the rows machine-readable.")
    boolean json;

    @Option(
            names = "--jvm",
            paramLabel = "OPTION",
            description = "A further option of the engine's JVM; may be repeated.")
    List<String> jvmOptions = List.of();

    private GapBench() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new GapBench()).execute(arguments));
    }

    /** Longest times of one round, milliseconds. */
    private record Round(double quiet, double loading, double changing) {}

    @Override
    public Integer call() throws Exception {
        Path home = Path.of(System.getenv().getOrDefault("IOD_HOME", ".")).toAbsolutePath();
        List<Round> all = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            Round round = round(home);
            System.err.printf(
                    "round %d: quiet %.2f ms, loading %.2f ms, changing %.2f ms%n",
                    i + 1, round.quiet, round.loading, round.changing);
            all.add(round);
        }
        Report report =
                new Report(
                        Machine.here(),
                        List.of(
                                row("gap-quiet", all.stream().map(Round::quiet).toList()),
                                row("gap-load-20k", all.stream().map(Round::loading).toList()),
                                row("gap-change-100", all.stream().map(Round::changing).toList())),
                        List.of());
        if (json) {
            System.out.println(
                    JsonMapper.builder()
                            .build()
                            .writerWithDefaultPrettyPrinter()
                            .writeValueAsString(report.rows()));
        } else {
            report.print(System.out);
        }
        return 0;
    }

    private static Report.Row row(String what, List<Double> values) {
        return new Report.Row(
                what,
                "longest delay",
                "ms",
                Optional.of(Report.Figure.of(values)),
                Optional.empty(),
                Optional.empty());
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
