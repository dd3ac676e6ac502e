package dev.iod.bench;

import dev.iod.sys.Linux;
import dev.iod.vhost.testing.NetDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code ./iod bench start}: what the packet engine does in its first seconds beside busy loops, as
 * on a node whose guests compute, and what it does there when it is warm.
 */
@Command(
        name = "start",
        mixinStandardHelpOptions = true,
        description = "Measures the packet engine's first seconds beside busy loops.")
final class StartBench implements Callable<Integer> {
    private static final int WARM_UP_SECONDS = 20;
    private static final int GENERATOR_NICE = -15;
    private static final long GENERATOR_SLICE_NANOS = 100_000;

    @Mixin Output output = new Output();

    @Option(
            names = "--loops",
            defaultValue = "5",
            description = "Busy loops, 0 to 100 (default 5).")
    int loops;

    @Option(
            names = "--seconds",
            defaultValue = "10",
            description = "How long a start and a warm time are, 1 to 600 (default 10).")
    int seconds;

    @Option(names = "--no-cache", description = "Start without the start cache.")
    boolean noCache;

    @Option(
            names = "--jvm",
            paramLabel = "OPTION",
            description = "A further option of the engine's JVM; may be repeated.")
    List<String> jvmOptions = List.of();

    @Override
    public Integer call() throws Exception {
        output.check();
        if (loops < 0 || loops > 100 || seconds < 1 || seconds > 600) {
            throw new BenchException("--loops is 0 to 100, --seconds 1 to 600");
        }
        Main.needRoot("it makes a namespace");
        Findings<Run> findings = Findings.of(output, Machine.here(Map.of()));
        // Of the first round only the generator has something: it is warm afterwards.
        round(Main.home(), 0);
        for (int i = 1; i <= output.rounds; i++) {
            round(Main.home(), i).forEach(findings::add);
        }
        findings.print();
        return 0;
    }

    private List<Run> round(Path home, int number) throws Exception {
        Path directory = Files.createTempDirectory(Path.of("/dev/shm"), "iod-start");
        try (Cleanup cleanup = new Cleanup()) {
            cleanup.add("directory", () -> Lab.delete(directory));
            // What this thread starts has its priority.
            Linux.prioritizeThread(0, 0);
            for (int i = 0; i < loops; i++) {
                Process loop = new ProcessBuilder("sh", "-c", "while :; do :; done").start();
                cleanup.add("busy loop", () -> Lab.stop(loop));
            }
            long begin = System.nanoTime();
            GapEngine engine = GapEngine.start(home, directory, !noCache, jvmOptions, cleanup);
            engine.filter();
            List<NetDriver> drivers = engine.drivers();
            Load load = new Load(drivers.get(0), drivers.get(1));
            cleanup.add("load", load::stop);
            // The generator has the packet thread's share, so that the engine is what is slow.
            Linux.prioritizeThread(GENERATOR_NICE, GENERATOR_SLICE_NANOS);
            load.first();
            double firstMillis = (System.nanoTime() - begin) / 1e6;
            Figures cold = measured(engine, load);
            load.run(WARM_UP_SECONDS);
            Figures warm = measured(engine, load);
            return List.of(
                    run("start-first", number, cold, Map.of(Metric.COMMAND, firstMillis)),
                    run("start-warm", number, warm, Map.of()),
                    run(
                            "start-first-of-warm",
                            number,
                            new Figures(0, 0),
                            Map.of(
                                    Metric.OF_WARM,
                                    100 * cold.packetsPerSecond / warm.packetsPerSecond)));
        }
    }

    private record Figures(double packetsPerSecond, double nanosPerPacket) {}

    private Figures measured(GapEngine engine, Load load) {
        double cpu = Lab.cpuSeconds(engine.process());
        long begin = System.nanoTime();
        long packets = load.run(seconds);
        double took = (System.nanoTime() - begin) / 1e9;
        return new Figures(
                packets / took, (Lab.cpuSeconds(engine.process()) - cpu) * 1e9 / packets);
    }

    private static Run run(String what, int number, Figures figures, Map<Metric, Double> more) {
        Map<Metric, Double> values = new EnumMap<>(Metric.class);
        values.putAll(more);
        if (figures.packetsPerSecond > 0) {
            values.put(Metric.THROUGHPUT, figures.packetsPerSecond / 1e6);
            values.put(Metric.PACKET_CPU, figures.nanosPerPacket);
        }
        return new Run(what, Run.OURS, number, values);
    }

    /**
     * Keeps frames in flight, UDP from 256 ports and each 32nd from a port not seen yet; one
     * thread.
     */
    private static final class Load {
        private static final int IN_FLIGHT = 128;
        private static final int BATCH = 32;
        private static final int SOURCE_PORT_AT = 34;
        private static final long PAUSE_NANOS = 20_000;

        private final NetDriver from;
        private final NetDriver to;
        private final List<byte[]> batch = new ArrayList<>();
        private int sent;
        private int outstanding;
        private volatile boolean stopped;

        Load(NetDriver from, NetDriver to) {
            this.from = from;
            this.to = to;
            for (int i = 0; i < BATCH; i++) {
                batch.add(GapEngine.datagram());
            }
        }

        /** Sends until the first frame has arrived. */
        void first() {
            Shell.await("the first frame", 60, () -> turn() > 0);
        }

        /**
         * @return frames that arrived
         */
        long run(int seconds) {
            long end = System.nanoTime() + seconds * 1_000_000_000L;
            long arrived = 0;
            while (!stopped && System.nanoTime() - end < 0) {
                int now = turn();
                arrived += now;
                if (now == 0) {
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
            }
            return arrived;
        }

        private int turn() {
            outstanding -= from.reapTransmitted();
            while (outstanding + BATCH <= IN_FLIGHT) {
                for (int i = 0; i < BATCH; i++) {
                    sent++;
                    int port = i == 0 ? 1024 + sent / BATCH % 60_000 : sent & 0xff;
                    byte[] frame = batch.get(i);
                    frame[SOURCE_PORT_AT] = (byte) (port >>> 8);
                    frame[SOURCE_PORT_AT + 1] = (byte) port;
                }
                from.send(batch);
                outstanding += BATCH;
            }
            return to.receive().size();
        }

        void stop() {
            stopped = true;
        }
    }
}
