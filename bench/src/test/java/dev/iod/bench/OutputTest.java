package dev.iod.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class OutputTest {
    private static Report report(Run... runs) {
        return new Report(Machine.here(Map.of()), Report.rows(List.of(runs)), List.of(runs));
    }

    private static Run run(String what, int round, double millis) {
        return new Run(what, Run.OURS, round, Map.of(Metric.COMMAND, millis));
    }

    @Test
    void aSliceReplacesItsCasesAndKeepsTheOthers(@TempDir Path directory) {
        Output output = new Output();
        output.save = directory.resolve("bench.json");
        output.save(report(run("a", 1, 1), run("b", 1, 2)));
        output.save(report(run("b", 1, 3), run("b", 2, 5), run("c", 1, 6)));
        JsonNode saved = JsonMapper.builder().build().readTree(Shell.readAll(output.save));
        assertThat(texts(saved.path("rows"), "case")).containsExactly("a", "b", "c");
        assertThat(texts(saved.path("runs"), "case")).containsExactly("a", "b", "b", "c");
        assertThat(saved.at("/rows/1/ours/median").asDouble()).isEqualTo(4);
        assertThat(saved.at("/runs/1/values/time, ms").asDouble()).isEqualTo(3);
    }

    /** A bench that is interrupted has written what it found. */
    @Test
    void eachRunIsSavedAsItComes(@TempDir Path directory) {
        Output output = new Output();
        output.save = directory.resolve("bench.json");
        Findings<Run> findings = Findings.of(output, Machine.here(Map.of()));
        findings.add(run("a", 1, 1));
        findings.add(run("a", 2, 3));
        JsonNode saved = JsonMapper.builder().build().readTree(Shell.readAll(output.save));
        assertThat(saved.path("runs")).hasSize(2);
        assertThat(saved.at("/rows/0/ours/median").asDouble()).isEqualTo(2);
    }

    private static List<String> texts(JsonNode entries, String field) {
        List<String> texts = new ArrayList<>();
        entries.forEach(entry -> texts.add(entry.path(field).asString()));
        return texts;
    }

    @Test
    void aCaseThatDoesNotExistIsNamed() {
        Selection selection = new Selection(2);
        selection.cases = List.of("b-q", "a-");
        assertThat(selection.wants("ab-qd1")).isFalse();
        assertThat(selection.wants("b-qd1")).isTrue();
        selection.check(List.of("a-qd1", "b-qd1"));
        assertThatThrownBy(() -> selection.check(List.of("a-qd1")))
                .isInstanceOf(BenchException.class)
                .hasMessageContaining("'b-q'");
    }

    @Test
    void whatIsToBeUndoneAfterTheEndIsUndoneAtOnce() {
        List<String> undone = new ArrayList<>();
        Cleanup cleanup = new Cleanup();
        cleanup.add("first", () -> undone.add("first"));
        cleanup.add("second", () -> undone.add("second"));
        cleanup.close();
        assertThatThrownBy(() -> cleanup.add("late", () -> undone.add("late")))
                .isInstanceOf(BenchException.class);
        assertThat(undone).containsExactly("second", "first", "late");
    }
}
