package dev.iod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./iod tempest}. */
@Command(
        name = "tempest",
        mixinStandardHelpOptions = true,
        description = {
            "Run OpenStack's own test suite against the region that runs.",
            "Each test has a line; the last one counts them. A failure that is not among the known"
                    + " ones (cli/tempest/known-failures) makes the command fail."
        })
final class TempestCommand implements Callable<Integer> {
    @Parameters(
            arity = "0..1",
            paramLabel = "REGEX",
            description = {
                "Tests whose name matches, for example 'tempest\\.api\\.volume'.",
                "Default: those of the guideline \"OpenStack Powered Compute\" (cli/tempest/powered)."
            })
    private String regex = "";

    @Option(
            names = "--service",
            paramLabel = "NAME",
            split = ",",
            description =
                    "Of the guideline only the tests of some services, such as compute,image.")
    private List<String> services = List.of();

    @Option(
            names = "--workers",
            paramLabel = "N",
            defaultValue = "2",
            description = "Tests at the same time (default 2).")
    private int workers;

    @Override
    public Integer call() {
        Layout layout = Layout.ofEnvironment();
        RegionConfig config = RegionConfig.load(layout);
        if (workers < 1) {
            throw new CliException("--workers is at least 1, not " + workers);
        }
        Path lists = layout.home().resolve("cli/tempest");
        TempestKnown known = TempestKnown.of(lines(lists.resolve("known-failures")));
        Path directory = Layout.directory(layout.run().resolve("tempest"));
        Path settings = directory.resolve("tempest.conf");
        Layout.write(settings, TempestSettings.of(config, directory), false, true);

        List<String> command =
                Stream.concat(
                                Stream.of(
                                        "/usr/bin/tempest",
                                        "run",
                                        "--config-file",
                                        settings.toString(),
                                        "--concurrency",
                                        "" + workers),
                                chosen(directory, lists.resolve("powered")))
                        .toList();
        TempestReport report = new TempestReport(known);
        run(command, directory, report);
        report.end().forEach(System.out::println);
        return report.ok() ? 0 : 1;
    }

    /** The arguments that say which tests run. */
    private Stream<String> chosen(Path directory, Path guideline) {
        if (!regex.isEmpty()) {
            return Stream.of("--regex", regex);
        }
        List<String> tests =
                lines(guideline)
                        .filter(
                                test ->
                                        services.isEmpty()
                                                || services.contains(test.split("\\.")[2]))
                        .toList();
        if (tests.isEmpty()) {
            throw new CliException("the guideline has no tests of " + String.join(", ", services));
        }
        Path list = directory.resolve("tests");
        // Regular expressions: a test's full name has attributes after it.
        String names =
                tests.stream()
                        .map(test -> "^" + test.replace(".", "\\.") + "\\b(\\[|$)\n")
                        .collect(Collectors.joining());
        Layout.write(list, names, false, false);
        return Stream.of("--include-list", list.toString());
    }

    /** What a list says, without comments and empty lines. */
    private static Stream<String> lines(Path file) {
        return Layout.read(file)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"));
    }

    private static void run(List<String> command, Path directory, TempestReport report) {
        Path log = directory.resolve("output");
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
        builder.environment().put("PYTHONWARNINGS", "ignore");
        builder.environment().put("PYTHONUNBUFFERED", "1");
        try (var out = Files.newBufferedWriter(log)) {
            Process process = builder.start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
            try (var in = process.inputReader()) {
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    out.write(line);
                    out.newLine();
                    report.read(line).ifPresent(System.out::println);
                }
            }
            int exit = process.waitFor();
            if (report.isEmpty()) {
                out.flush();
                List<String> said = Files.readAllLines(log);
                throw new CliException(
                        "no test ran (exit %d): %s"
                                .formatted(exit, said.isEmpty() ? "" : said.getLast()));
            }
        } catch (IOException e) {
            throw new CliException(
                    "cannot run Tempest (package python3-tempest): " + CliException.reason(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException("interrupted", e);
        }
    }
}
