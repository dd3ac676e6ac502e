package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The edges drawn in docs/architecture.md are the real ones: between modules those of the
 * module-info files, between the packages of a module those of its imports. Neither runs in a
 * circle.
 */
final class ModuleEdgesTest {
    private static final Path HOME = Path.of(System.getProperty("iod.home"));
    private static final Path SOURCES = Path.of("src/main/java");
    private static final Pattern MODULE = Pattern.compile("module dev\\.iod\\.([a-z]+) \\{");
    private static final Pattern REQUIRES =
            Pattern.compile("requires(?: static)?(?: transitive)? dev\\.iod\\.([a-z]+);");
    private static final Pattern MODULE_ROW =
            Pattern.compile("^\\| `[a-z-]+` \\| `dev\\.iod\\.([a-z]+)` \\|.*\\| ([^|]*) \\|$");
    private static final Pattern PACKAGE_ROW =
            Pattern.compile("^\\| `dev\\.iod\\.([a-z.]+)` \\|.*\\| ([^|]*) \\|$");
    private static final Pattern DIAGRAM =
            Pattern.compile("^```mermaid\\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);

    /** The module with most packages. */
    private static final String DRAWN = "eswitch";

    private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\\n]*", Pattern.DOTALL);
    private static final Pattern CLASS_OF_OURS =
            Pattern.compile("\\bdev\\.iod\\.([a-z][\\w]*(?:\\.[a-z]\\w*)*)\\.[A-Z]");

    @Test
    void documentedModuleEdgesAreTheRealOnes() throws IOException {
        Map<String, Set<String>> documented = documented(MODULE_ROW);
        documented.remove("system"); // has no module-info: tests only
        Map<String, Set<String>> real = new TreeMap<>();
        for (Path module : modules()) {
            real.put(name(module), required(module));
        }
        assertThat(documented).isNotEmpty().isEqualTo(real);
        assertThat(circle(real)).as("modules of a circle or before it").isEmpty();
    }

    @Test
    void documentedPackageEdgesAreTheRealOnes() throws IOException {
        Map<String, Set<String>> real = new TreeMap<>();
        for (Path module : modules()) {
            Map<String, Set<String>> edges = packages(module);
            if (edges.size() > 1) {
                String name = name(module);
                edges.forEach((from, to) -> real.put(from, shorten(name, to)));
                assertThat(circle(edges))
                        .as("packages of %s of a circle or before it", name)
                        .isEmpty();
            }
        }
        assertThat(documented(PACKAGE_ROW))
                .as(
                        "rows of docs/architecture.md; by the imports they end in\n%s",
                        real.entrySet().stream()
                                .map(e -> row(e.getKey(), e.getValue()))
                                .collect(Collectors.joining("\n")))
                .isNotEmpty()
                .isEqualTo(real);
    }

    @Test
    void theDiagramsShowTheRealEdges() throws IOException {
        Map<String, Set<String>> modules = new TreeMap<>();
        Map<String, Set<String>> engine = new TreeMap<>();
        for (Path module : modules()) {
            String name = name(module);
            modules.put(name, required(module));
            if (name.equals(DRAWN)) {
                packages(module)
                        .forEach(
                                (from, to) ->
                                        engine.put(
                                                shorten(name, Set.of(from)).iterator().next(),
                                                shorten(name, to)));
            }
        }
        List<String> real = List.of(diagram(modules), diagram(engine));
        List<String> documented =
                DIAGRAM.matcher(Files.readString(HOME.resolve("docs/architecture.md")))
                        .results()
                        .map(found -> found.group(1))
                        .toList();
        assertThat(documented)
                .as("diagrams of docs/architecture.md; these are\n%s", String.join("\n", real))
                .isEqualTo(real);
    }

    @Test
    void diagramsLeaveOutWhatIsReachedAnyway() {
        Map<String, Set<String>> edges =
                Map.of("a", Set.of("b", "c", "d"), "b", Set.of("c"), "c", Set.of(), "d", Set.of());
        assertThat(diagram(edges)).isEqualTo("flowchart TD\n    a --> b & d\n    b --> c\n");
    }

    @Test
    void findsCircles() {
        assertThat(circle(Map.of("a", Set.of("b"), "b", Set.of("c"), "c", Set.of()))).isEmpty();
        assertThat(circle(Map.of("a", Set.of("b"), "b", Set.of("c"), "c", Set.of("b"))))
                .containsExactly("a", "b", "c");
    }

    /** A Mermaid flowchart without the edges that others imply. */
    private static String diagram(Map<String, Set<String>> edges) {
        StringBuilder text = new StringBuilder("flowchart TD\n");
        for (String from : new TreeSet<>(edges.keySet())) {
            Set<String> direct = new TreeSet<>(edges.getOrDefault(from, Set.of()));
            Set<String> implied = new TreeSet<>();
            direct.forEach(to -> reach(edges, to, implied));
            direct.removeAll(implied);
            if (!direct.isEmpty()) {
                text.append("    ").append(from).append(" --> ");
                text.append(String.join(" & ", direct)).append('\n');
            }
        }
        return text.toString();
    }

    /** Adds all that is below. */
    private static void reach(Map<String, Set<String>> edges, String from, Set<String> reached) {
        for (String to : edges.getOrDefault(from, Set.of())) {
            if (reached.add(to)) {
                reach(edges, to, reached);
            }
        }
    }

    private static String row(String name, Set<String> uses) {
        String list = uses.isEmpty() ? "–" : String.join(", ", uses);
        return "| `dev.iod." + name + "` | ... | " + list + " |";
    }

    private static Map<String, Set<String>> documented(Pattern rows) throws IOException {
        Map<String, Set<String>> edges = new TreeMap<>();
        for (String line : Files.readAllLines(HOME.resolve("docs/architecture.md"))) {
            Matcher row = rows.matcher(line);
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

    /** Directories of the modules. */
    private static List<Path> modules() throws IOException {
        try (Stream<Path> directories = Files.list(HOME)) {
            return directories
                    .filter(d -> Files.exists(d.resolve(SOURCES).resolve("module-info.java")))
                    .sorted()
                    .toList();
        }
    }

    private static String descriptor(Path module) throws IOException {
        return Files.readString(module.resolve(SOURCES).resolve("module-info.java"));
    }

    private static String name(Path module) throws IOException {
        Matcher name = MODULE.matcher(descriptor(module));
        assertThat(name.find()).as("%s names a module dev.iod.*", module).isTrue();
        return name.group(1);
    }

    private static Set<String> required(Path module) throws IOException {
        return REQUIRES.matcher(descriptor(module))
                .results()
                .map(found -> found.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Edges between the packages of one module; names are without "dev.iod.". */
    private static Map<String, Set<String>> packages(Path module) throws IOException {
        Path root = module.resolve(SOURCES);
        Path ours = root.resolve("dev/iod");
        Map<String, Set<String>> edges = new TreeMap<>();
        try (Stream<Path> files = Files.walk(ours)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
                String from = ours.relativize(file.getParent()).toString().replace('/', '.');
                Set<String> to = edges.computeIfAbsent(from, name -> new TreeSet<>());
                if (!file.endsWith("package-info.java")) {
                    String code = COMMENT.matcher(Files.readString(file)).replaceAll("");
                    CLASS_OF_OURS.matcher(code).results().forEach(use -> to.add(use.group(1)));
                    to.remove(from);
                }
            }
        }
        edges.values().forEach(to -> to.retainAll(edges.keySet()));
        return edges;
    }

    /** Packages below the module's own are named without it. */
    private static Set<String> shorten(String module, Set<String> packages) {
        return packages.stream()
                .map(name -> name.startsWith(module + ".") ? after(module, name) : name)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String after(String module, String name) {
        return name.substring(module.length() + 1);
    }

    /** What is part of a circle or leads to one: the rest has an order. */
    private static List<String> circle(Map<String, Set<String>> edges) {
        Map<String, Set<String>> left = new TreeMap<>();
        edges.forEach((from, to) -> left.put(from, new TreeSet<>(to)));
        boolean taken = true;
        while (taken) {
            Set<String> done =
                    left.entrySet().stream()
                            .filter(e -> e.getValue().isEmpty())
                            .map(Map.Entry::getKey)
                            .collect(Collectors.toSet());
            taken = left.keySet().removeAll(done);
            left.values().forEach(to -> to.removeAll(done));
        }
        return new ArrayList<>(left.keySet());
    }
}
