package dev.iod.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * What a bench found.
 *
 * @param rows figures over all rounds
 * @param runs each round of each side
 */
record Report(Machine machine, List<Row> rows, List<Measurement> runs) {
    static Report of(List<Measurement> runs) {
        Machine machine = Machine.here();
        return new Report(machine, rows(runs, machine.peer()), List.copyOf(runs));
    }

    /** Of all rounds. */
    record Figure(double median, double min, double max) {
        static Figure of(List<Double> values) {
            List<Double> sorted = values.stream().sorted().toList();
            int middle = sorted.size() / 2;
            double median =
                    sorted.size() % 2 == 1
                            ? sorted.get(middle)
                            : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
            return new Figure(median, sorted.getFirst(), sorted.getLast());
        }
    }

    record PeerFigure(String name, double median, double min, double max) {}

    /**
     * @param ratio of the medians, above 1 when ours is better; empty when a side was not run
     */
    record Row(
            @JsonProperty("case") String what,
            String metric,
            String unit,
            Optional<Figure> ours,
            Optional<PeerFigure> peer,
            Optional<Double> ratio) {}

    private enum Metric {
        THROUGHPUT("throughput", "Mpps", true, m -> m.packetsPerSecond() / 1e6),
        CONNECTIONS("new connections", "1000/s", true, m -> m.packetsPerSecond() / 1e3),
        CPU("CPU time", "ns/packet", false, Measurement::cpuNanosPerPacket);

        final String label;
        final String unit;
        final boolean moreIsBetter;
        final ToDoubleFunction<Measurement> value;

        Metric(
                String label,
                String unit,
                boolean moreIsBetter,
                ToDoubleFunction<Measurement> value) {
            this.label = label;
            this.unit = unit;
            this.moreIsBetter = moreIsBetter;
            this.value = value;
        }

        boolean appliesTo(Case what) {
            return switch (this) {
                case THROUGHPUT -> what != Case.OVN_NEW_CONNECTIONS;
                case CONNECTIONS -> what == Case.OVN_NEW_CONNECTIONS;
                case CPU -> true;
            };
        }
    }

    static List<Row> rows(List<Measurement> runs, String peerName) {
        List<Row> rows = new ArrayList<>();
        for (Case what : Case.values()) {
            List<Measurement> of = runs.stream().filter(m -> m.what().equals(what.label)).toList();
            for (Metric metric : Metric.values()) {
                if (!of.isEmpty() && metric.appliesTo(what)) {
                    rows.add(row(what, metric, of, peerName));
                }
            }
        }
        return rows;
    }

    private static Row row(Case what, Metric metric, List<Measurement> runs, String peerName) {
        Optional<Figure> ours = figure(metric, runs, Ours.NAME);
        Optional<Figure> peer = figure(metric, runs, Peer.NAME);
        Optional<Double> ratio =
                ours.flatMap(
                        o ->
                                peer.map(
                                        p ->
                                                metric.moreIsBetter
                                                        ? o.median / p.median
                                                        : p.median / o.median));
        return new Row(
                what.label,
                metric.label,
                metric.unit,
                ours,
                peer.map(p -> new PeerFigure(peerName, p.median, p.min, p.max)),
                ratio);
    }

    private static Optional<Figure> figure(Metric metric, List<Measurement> runs, String side) {
        List<Double> values =
                runs.stream()
                        .filter(m -> m.side().equals(side))
                        .map(m -> metric.value.applyAsDouble(m))
                        .toList();
        return values.isEmpty() ? Optional.empty() : Optional.of(Figure.of(values));
    }

    void print(PrintStream out) {
        out.printf(
                "%-20s %-16s %-10s %28s %28s %7s%n",
                "case", "metric", "unit", "ours", "peer", "ratio");
        for (Row row : rows) {
            out.printf(
                    "%-20s %-16s %-10s %28s %28s %7s%n",
                    row.what,
                    row.metric,
                    row.unit,
                    row.ours.map(f -> text(f.median, f.min, f.max)).orElse("-"),
                    row.peer.map(f -> text(f.median, f.min, f.max)).orElse("-"),
                    row.ratio.map(r -> format("%.2f", r)).orElse("-"));
        }
    }

    private static String text(double median, double min, double max) {
        return format("%.2f (%.2f to %.2f)", median, min, max);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
