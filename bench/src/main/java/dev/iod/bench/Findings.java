package dev.iod.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The runs of a bench as they come. Each is told and saved at once: who interrupts a bench keeps
 * what it has found.
 *
 * @param <R> a {@link Run} or what a bench knows better
 */
final class Findings<R> {
    private final Output output;
    private final Machine machine;
    private final Function<R, Run> figures;
    private final List<R> runs = new ArrayList<>();

    /**
     * @param figures what of a run becomes rows
     */
    Findings(Output output, Machine machine, Function<R, Run> figures) {
        this.output = output;
        this.machine = machine;
        this.figures = figures;
    }

    static Findings<Run> of(Output output, Machine machine) {
        return new Findings<>(output, machine, run -> run);
    }

    void add(R run) {
        System.err.println(figures.apply(run).line());
        runs.add(run);
        output.save(report());
    }

    /** All runs are there: prints the rows. */
    void print() {
        output.print(report());
    }

    private Report report() {
        return new Report(machine, Report.rows(runs.stream().map(figures).toList()), runs);
    }
}
