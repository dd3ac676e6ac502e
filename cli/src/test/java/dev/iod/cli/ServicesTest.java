package dev.iod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.cli.RegionConfig.Wanted;
import dev.iod.cli.Supervisor.Service;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a region is configured to is told by {@code up} alone. */
final class ServicesTest {
    private static final String URL = "jdbc:postgresql://db.example/iod?user=a\\b&password=c=d";

    @TempDir Path run;
    private Layout layout;

    @BeforeEach
    void layout() {
        layout = new Layout(Path.of("").toAbsolutePath(), run, "0a0b");
    }

    /** A region whose {@code up} has written everything that describes it. */
    private RegionConfig region(Optional<String> database) {
        RegionConfig config = RegionConfig.loadOrCreate(layout, wanted(database));
        for (Service service : new Services(layout, config).all()) {
            service.settings().forEach(s -> Layout.write(s.file(), s.text(), false, s.secret()));
        }
        return config;
    }

    private static Wanted wanted(Optional<String> database) {
        return new Wanted(
                OptionalInt.empty(),
                OptionalLong.empty(),
                Optional.empty(),
                Optional.empty(),
                database);
    }

    /** Path and bytes of every file, and when it was written. */
    private Map<String, String> tree() throws IOException {
        Map<String, String> tree = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(run)) {
            for (Path path : paths.toList()) {
                String what =
                        Files.isRegularFile(path)
                                ? Files.getLastModifiedTime(path) + " " + Layout.read(path)
                                : "";
                tree.put(path.toString(), what);
            }
        }
        return tree;
    }

    private String setting(RegionConfig config, String service, String key) {
        return new Services(layout, config)
                .all().stream()
                        .filter(s -> s.name().equals(service))
                        .flatMap(s -> s.settings().stream())
                        .flatMap(s -> s.text().lines())
                        .filter(line -> line.startsWith(key + "="))
                        .map(line -> line.substring(key.length() + 1))
                        .findFirst()
                        .orElseThrow();
    }

    @Test
    void aDatabaseOfTheOperatorsIsKept() {
        assertThat(setting(region(Optional.of(URL)), "control", "database")).isEqualTo(URL);
        assertThat(setting(RegionConfig.load(layout), "control", "database")).isEqualTo(URL);
        RegionConfig again = RegionConfig.loadOrCreate(layout, wanted(Optional.empty()));
        assertThat(setting(again, "control", "database")).isEqualTo(URL);
        RegionConfig other = RegionConfig.loadOrCreate(layout, wanted(Optional.of("jdbc:x")));
        assertThat(setting(other, "control", "database")).isEqualTo("jdbc:x");
    }

    @Test
    void withoutOneItIsTheRegionsOwn() {
        assertThat(setting(region(Optional.empty()), "control", "database"))
                .contains(run.resolve("postgres/socket").toString());
    }

    @Test
    void describingWritesNothing() throws IOException {
        RegionConfig config = region(Optional.of(URL));
        Map<String, String> before = tree();
        new Services(layout, config).all();
        assertThat(tree()).isEqualTo(before);
    }

    /** Each in a process of its own, with another environment than {@code up} had. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "status",
                "status --json",
                "logs",
                "logs control",
                "logs no-such",
                "trace no-such icmp4",
                "flows",
                "drops",
                "connections"
            })
    void whatOnlyLooksChangesNoFile(String command) throws Exception {
        region(Optional.of(URL));
        Map<String, String> before = tree();
        run(command);
        assertThat(tree()).isEqualTo(before);
    }

    @Test
    void downKeepsWhatUpWrote() throws Exception {
        region(Optional.of(URL));
        Map<String, String> before = tree();
        new Down(layout).run(false);
        assertThat(tree()).isEqualTo(before);
    }

    private void run(String command) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>();
        words.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        words.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")); // as ./iod
        words.addAll(List.of("-cp", classPath(), "dev.iod.cli.Main"));
        words.addAll(List.of(command.split(" ")));
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().put("IOD_RUN", run.toString());
        builder.environment().put(RegionConfig.DATABASE_VARIABLE, "jdbc:another");
        Process process = builder.start();
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        process.getInputStream().transferTo(output);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output.toString(StandardCharsets.UTF_8)).doesNotContain("Exception");
    }

    private static String classPath() {
        String path = System.getProperty("java.class.path");
        String modules = System.getProperty("jdk.module.path", "");
        return modules.isEmpty() ? path : modules + ":" + path;
    }

    @Test
    void memoryOfANodeIsAskedForOrShared() {
        RegionConfig shared = region(Optional.empty());
        assertThat(setting(shared, "n2-dpu", "nodes-on-machine")).isEqualTo("2");
        assertThat(setting(shared, "n2-dpu", "reserved-memory-mib")).isEqualTo("2048");
        RegionConfig.loadOrCreate(
                layout,
                new Wanted(
                        OptionalInt.empty(),
                        OptionalLong.of(777),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty()));
        assertThat(setting(RegionConfig.load(layout), "n2-dpu", "memory-mib")).isEqualTo("777");
        // Kept by an up that asks for nothing.
        RegionConfig again = RegionConfig.loadOrCreate(layout, wanted(Optional.empty()));
        assertThat(setting(again, "n1-dpu", "memory-mib")).isEqualTo("777");
        assertThatThrownBy(
                        () ->
                                RegionConfig.loadOrCreate(
                                        layout,
                                        new Wanted(
                                                OptionalInt.empty(),
                                                OptionalLong.of(63),
                                                Optional.empty(),
                                                Optional.empty(),
                                                Optional.empty())))
                .hasMessage("--node-memory is 64 to 67108864 MiB");
    }

    @Test
    void imagesAreDownloadedFromWhereTheOperatorSays() {
        assertThat(setting(region(Optional.empty()), "control", "image-download-hosts")).isEmpty();
        String hosts = "cloud.debian.org, *.example.org:8443";
        RegionConfig.loadOrCreate(layout, wantedHosts(hosts));
        RegionConfig again = RegionConfig.loadOrCreate(layout, wanted(Optional.empty()));
        assertThat(setting(again, "control", "image-download-hosts")).isEqualTo(hosts);
        RegionConfig none = RegionConfig.loadOrCreate(layout, wantedHosts(""));
        assertThat(setting(none, "control", "image-download-hosts")).isEmpty();
        assertThatThrownBy(() -> RegionConfig.loadOrCreate(layout, wantedHosts("a\nb=c")))
                .hasMessageStartingWith("--image-download-hosts is a list");
    }

    private static Wanted wantedHosts(String hosts) {
        return new Wanted(
                OptionalInt.empty(),
                OptionalLong.empty(),
                Optional.empty(),
                Optional.of(hosts),
                Optional.empty());
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 9})
    void aRegionHasOneToEightNodes(int nodes) {
        Wanted wanted =
                new Wanted(
                        OptionalInt.of(nodes),
                        OptionalLong.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty());
        assertThatThrownBy(() -> RegionConfig.loadOrCreate(layout, wanted))
                .isInstanceOf(CliException.class)
                .hasMessage("--nodes is 1 to 8, not " + nodes);
    }
}
