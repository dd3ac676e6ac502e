package dev.iod.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

final class AgainstTest {
    @Test
    void aBenchIsToldToRunOneRoundOfTheSame() {
        assertThat(
                        Against.forOneRound(
                                List.of(
                                        "eswitch",
                                        "--against",
                                        "/other",
                                        "--rounds=9",
                                        "--case",
                                        "port",
                                        "--save",
                                        "file",
                                        "--json",
                                        "--seconds=2",
                                        "--side=both"),
                                List.of("--side", "ours")))
                .containsExactly(
                        "eswitch",
                        "--case",
                        "port",
                        "--seconds=2",
                        "--side",
                        "ours",
                        "--rounds",
                        "1",
                        "--json");
    }

    @Test
    void whatBothKnowIsCompared() {
        String rows =
                """
                [{"case": "a", "metric": "throughput", "unit": "Mpps",
                  "ours": {"median": 3.5, "min": 3, "max": 4}, "peer": {"median": 9}},
                 {"case": "a", "metric": "of another build", "unit": "ells",
                  "ours": {"median": 1, "min": 1, "max": 1}, "peer": null},
                 {"case": "b", "metric": "throughput", "unit": "Mpps", "ours": null,
                  "peer": {"median": 9}}]
                """;
        assertThat(Against.runs(JsonMapper.builder().build().readTree(rows), "it", 2))
                .containsExactly(new Run("a", "it", 2, Map.of(Metric.THROUGHPUT, 3.5)));
    }
}
