package dev.iod.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a bench found.
 *
 * @param rows figures over all rounds
 * @param runs each round of each side, as {@link Run} or what a bench knows better
 */
record Report(Machine machine, List<Row> rows, List<?> runs) {
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

    /** A row for each case, metric and peer, cases and peers as they came. */
    static List<Row> rows(List<Run> runs) {
        List<Row> rows = new ArrayList<>();
        for (String what : runs.stream().map(Run::what).distinct().toList()) {
            List<Run> of = runs.stream().filter(run -> run.what().equals(what)).toList();
            List<String> peers =
                    of.stream().filter(run -> !run.ours()).map(Run::side).distinct().toList();
            for (Metric metric : Metric.values()) {
                Optional<Figure> ours = figure(of, metric, Run.OURS);
                List<Row> beside =
                        peers.stream()
                                .map(
                                        peer ->
                                                row(
                                                        what,
                                                        metric,
                                                        ours,
                                                        figure(of, metric, peer),
                                                        peer))
                                .filter(row -> row.peer.isPresent())
                                .toList();
                rows.addAll(beside);
                if (beside.isEmpty() && ours.isPresent()) {
                    rows.add(row(what, metric, ours, Optional.empty(), ""));
                }
            }
        }
        return rows;
    }

    private static Row row(
            String what, Metric metric, Optional<Figure> ours, Optional<Figure> peer, String name) {
        Optional<Double> ratio =
                ours.flatMap(
                        o ->
                                peer.map(
                                        p ->
                                                metric.moreIsBetter
                                                        ? o.median / p.median
                                                        : p.median / o.median));
        return new Row(
                what,
                metric.label,
                metric.unit,
                ours,
                peer.map(p -> new PeerFigure(name, p.median, p.min, p.max)),
                ratio);
    }

    private static Optional<Figure> figure(List<Run> runs, Metric metric, String side) {
        List<Double> values =
                runs.stream()
                        .filter(run -> run.side().equals(side))
                        .flatMap(run -> Stream.ofNullable(run.values().get(metric)))
                        .toList();
        return values.isEmpty() ? Optional.empty() : Optional.of(Figure.of(values));
    }

    void print(PrintStream out) {
        out.printf(
                "%-28s %-16s %-12s %28s %28s %7s  %s%n",
                "case", "metric", "unit", "ours", "peer", "ratio", "peer's name");
        for (Row row : rows) {
            out.printf(
                    "%-28s %-16s %-12s %28s %28s %7s  %s%n",
                    row.what,
                    row.metric,
                    row.unit,
                    row.ours.map(f -> text(f.median, f.min, f.max)).orElse("-"),
                    row.peer.map(f -> text(f.median, f.min, f.max)).orElse("-"),
                    row.ratio.map(r -> format("%.2f", r)).orElse("-"),
                    row.peer.map(PeerFigure::name).orElse(""));
        }
    }

    private static String text(double median, double min, double max) {
        return format("%.2f (%.2f to %.2f)", median, min, max);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
