package dev.iod.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** How often a bench measures and what becomes of its figures: the options of every bench. */
final class Output {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @Option(names = "--rounds", defaultValue = "3", description = "Rounds, 1 to 100 (default 3).")
    int rounds;

    @Option(names = "--json", description = "Print the rows machine-readable.")
    boolean json;

    @Option(
            names = "--save",
            paramLabel = "FILE",
            description = {
                "Also write machine, rows and each round to a file, as they come; cases that it holds"
                        + " and that were not measured now stay in it."
            })
    Path save = Path.of("");

    void check() {
        if (rounds < 1 || rounds > 100) {
            throw new BenchException("--rounds is 1 to 100, not " + rounds);
        }
    }

    /** To the file, if one is wanted; what is measured further replaces it. */
    void save(Report report) {
        if (save.toString().isEmpty()) {
            return;
        }
        ObjectNode tree = JSON.valueToTree(report);
        if (Files.exists(save)) {
            JsonNode before = JSON.readTree(Shell.readAll(save));
            keep(before, tree, "rows");
            keep(before, tree, "runs");
        }
        Shell.write(save, pretty(tree) + "\n");
    }

    void print(Report report) {
        if (json) {
            System.out.println(pretty(report.rows()));
        } else {
            report.print(System.out);
        }
    }

    /** Puts what an earlier slice measured before what this one did. */
    private static void keep(JsonNode before, ObjectNode now, String list) {
        ArrayNode fresh = (ArrayNode) now.get(list);
        Set<String> measured = new HashSet<>();
        fresh.forEach(entry -> measured.add(entry.path("case").asString()));
        ArrayNode all = JSON.createArrayNode();
        before.path(list)
                .forEach(
                        entry -> {
                            if (!measured.contains(entry.path("case").asString())) {
                                all.add(entry);
                            }
                        });
        all.addAll(fresh);
        now.set(list, all);
    }

    private static String pretty(Object value) {
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value);
    }
}
