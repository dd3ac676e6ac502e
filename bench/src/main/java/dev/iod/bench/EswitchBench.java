package dev.iod.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/** Runs cases on sides in turn, round by round. */
final class EswitchBench {
    private static final int ESTABLISH_SECONDS = 60;
    private static final int WARM_SECONDS = 5;

    /** New connections are counted from the first to the second of these, or for a while. */
    private static final long NEW_FROM = 100_000;

    private static final long NEW_TO = Case.NEW - 50_000L;
    private static final int NEW_WARM_SECONDS = 20;
    private static final int NEW_SECONDS = 20;
    private static final int ZONES = 2;
    private static final double LOSS_LIMIT_PERCENT = 0.1;

    private final Lab lab;
    private final List<Side.Factory> sides;
    private final int rounds;
    private final int seconds;
    private int made;

    EswitchBench(Lab lab, List<Side.Factory> sides, int rounds, int seconds) {
        this.lab = lab;
        this.sides = sides;
        this.rounds = rounds;
        this.seconds = seconds;
    }

    void run(List<Case> cases, Consumer<Measurement> found) {
        for (Case what : cases) {
            for (int round = 1; round <= rounds; round++) {
                for (Side.Factory side : sides) {
                    found.accept(run(what, side, round));
                }
            }
        }
    }

    private Measurement run(Case what, Side.Factory factory, int round) {
        Path sockets = lab.directory().resolve("run" + made++);
        sockets.toFile().mkdirs();
        try (Side side = factory.start(what, sockets);
                Generator generator = new Generator(lab, what, sockets)) {
            side.awaitReady();
            generator.start(what);
            return what == Case.OVN_NEW_CONNECTIONS
                    ? begin(what, side, generator, round)
                    : steady(what, side, generator, round);
        } finally {
            Lab.delete(sockets);
        }
    }

    private Measurement steady(Case what, Side side, Generator generator, int round) {
        long expected = what == Case.OVN_SG_10K ? (long) ZONES * Case.ESTABLISHED : 0;
        Shell.await(
                side.name() + " holds " + expected + " connections",
                ESTABLISH_SECONDS,
                () -> side.connections() == expected);
        Shell.sleepMillis(WARM_SECONDS * 1000L);
        long connections = side.connections();
        Generator.Counts before = generator.counts();
        double cpuBefore = side.cpuSeconds();
        Shell.sleepMillis(seconds * 1000L);
        Generator.Counts counts = generator.counts().since(before);
        double cpu = side.cpuSeconds() - cpuBefore;
        return measurement(what, side, round, counts, cpu, connections);
    }

    private Measurement begin(Case what, Side side, Generator generator, int round) {
        Generator.Counts first = await(generator, NEW_FROM, NEW_WARM_SECONDS);
        double cpuBefore = side.cpuSeconds();
        Generator.Counts counts = await(generator, NEW_TO, NEW_SECONDS).since(first);
        double cpu = side.cpuSeconds() - cpuBefore;
        return measurement(what, side, round, counts, cpu, side.connections());
    }

    /** Waits until end B has received so many first packets, or for so long. */
    private static Generator.Counts await(Generator generator, long packets, int seconds) {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (true) {
            Generator.Counts counts = generator.counts();
            if (counts.receivedB() >= packets || counts.nanos() - end > 0) {
                return counts;
            }
            Shell.sleepMillis(10);
        }
    }

    private static Measurement measurement(
            Case what,
            Side side,
            int round,
            Generator.Counts counts,
            double cpuSeconds,
            long connections) {
        long received = counts.received();
        if (received == 0) {
            throw new BenchException("nothing arrives through " + side.name());
        }
        double loss = 100.0 * Math.max(0, counts.sent() - received) / Math.max(1, counts.sent());
        if (loss > LOSS_LIMIT_PERCENT) {
            System.err.printf("%s round %d: loss %.3f%% is too high%n", what.label, round, loss);
        }
        return new Measurement(
                what.label,
                side.name(),
                round,
                counts.nanos() / 1e9,
                received,
                loss,
                cpuSeconds * 1e9 / received,
                connections);
    }
}
