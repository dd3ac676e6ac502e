package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The module edges in docs/architecture.md are those of the module-info files. */
final class ModuleEdgesTest {
    private static final Path HOME = Path.of(System.getProperty("iod.home"));
    private static final Pattern REQUIRES =
            Pattern.compile("requires(?: static)?(?: transitive)? dev\\.iod\\.([a-z]+);");
    private static final Pattern ROW =
            Pattern.compile("^\\| `[a-z-]+` \\| `dev\\.iod\\.([a-z]+)` \\|.*\\| ([^|]*) \\|$");

    @Test
    void documentedEdgesAreTheRealOnes() throws IOException {
        Map<String, Set<String>> documented = documented();
        documented.remove("system"); // has no module-info: tests only
        assertThat(documented).isNotEmpty().isEqualTo(real());
    }

    private static Map<String, Set<String>> documented() throws IOException {
        Map<String, Set<String>> edges = new TreeMap<>();
        for (String line : Files.readAllLines(HOME.resolve("docs/architecture.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                edges.put(
                        row.group(1),
                        Stream.of(row.group(2).split(", "))
                                .map(String::strip)
                                .filter(name -> !name.equals("–"))
                                .collect(Collectors.toCollection(TreeSet::new)));
            }
        }
        return edges;
    }

    private static Map<String, Set<String>> real() throws IOException {
        Map<String, Set<String>> edges = new TreeMap<>();
        try (Stream<Path> modules = Files.list(HOME)) {
            for (Path module : modules.toList()) {
                Path info = module.resolve("src/main/java/module-info.java");
                if (Files.exists(info)) {
                    String text = Files.readString(info);
                    Matcher name = Pattern.compile("module dev\\.iod\\.([a-z]+) \\{").matcher(text);
                    assertThat(name.find()).as("%s names a module dev.iod.*", info).isTrue();
                    Matcher requires = REQUIRES.matcher(text);
                    Set<String> targets = new TreeSet<>();
                    while (requires.find()) {
                        targets.add(requires.group(1));
                    }
                    edges.put(name.group(1), targets);
                }
            }
        }
        return edges;
    }
}
