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
     * @param roundRatios the same of each round by itself, whose two runs have most in common
     */
    record Row(
            @JsonProperty("case") String what,
            String metric,
            String unit,
            Optional<Figure> ours,
            Optional<PeerFigure> peer,
            Optional<Double> ratio,
            Optional<Figure> roundRatios) {}

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
                                                        peer,
                                                        roundRatios(of, metric, peer)))
                                .filter(row -> row.peer.isPresent())
                                .toList();
                rows.addAll(beside);
                if (beside.isEmpty() && ours.isPresent()) {
                    rows.add(row(what, metric, ours, Optional.empty(), "", List.of()));
                }
            }
        }
        return rows;
    }

    private static Row row(
            String what,
            Metric metric,
            Optional<Figure> ours,
            Optional<Figure> peer,
            String name,
            List<Double> roundRatios) {
        Optional<Double> ratio =
                ours.flatMap(o -> peer.map(p -> ratio(metric, o.median, p.median)));
        return new Row(
                what,
                metric.label,
                metric.unit,
                ours,
                peer.map(p -> new PeerFigure(name, p.median, p.min, p.max)),
                ratio,
                roundRatios.isEmpty() ? Optional.empty() : Optional.of(Figure.of(roundRatios)));
    }

    private static double ratio(Metric metric, double ours, double peer) {
        return metric.moreIsBetter ? ours / peer : peer / ours;
    }

    private static List<Double> roundRatios(List<Run> runs, Metric metric, String peer) {
        List<Double> ratios = new ArrayList<>();
        for (Run run : runs) {
            Double value = run.values().get(metric);
            if (run.ours() && value != null) {
                runs.stream()
                        .filter(r -> r.side().equals(peer) && r.round() == run.round())
                        .flatMap(r -> Stream.ofNullable(r.values().get(metric)))
                        .findFirst()
                        .ifPresent(other -> ratios.add(ratio(metric, value, other)));
            }
        }
        return ratios;
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
                "%-28s %-16s %-12s %28s %28s %7s %22s  %s%n",
                "case", "metric", "unit", "ours", "peer", "ratio", "of each round", "peer's name");
        for (Row row : rows) {
            out.printf(
                    "%-28s %-16s %-12s %28s %28s %7s %22s  %s%n",
                    row.what,
                    row.metric,
                    row.unit,
                    row.ours.map(f -> text(f.median, f.min, f.max)).orElse("-"),
                    row.peer.map(f -> text(f.median, f.min, f.max)).orElse("-"),
                    row.ratio.map(r -> format("%.2f", r)).orElse("-"),
                    row.roundRatios.map(f -> text(f.median, f.min, f.max)).orElse("-"),
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
