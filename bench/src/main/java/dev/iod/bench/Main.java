package dev.iod.bench;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/** {@code ./iod bench eswitch}. */
@Command(
        name = "./iod bench eswitch",
        mixinStandardHelpOptions = true,
        description = {
            "Measures the packet engine beside OVS-DPDK, with testpmd as the generator.",
            "Takes two processors and 1 GiB of huge pages while it runs."
        })
public final class Main implements Callable<Integer> {
    private static final ObjectWriter JSON =
            JsonMapper.builder().build().writerWithDefaultPrettyPrinter();

    @Option(
            names = "--case",
            description = "port-1flow, ovn-sg-10k or ovn-new-connections; all when missing.")
    List<String> cases = List.of();

    @Option(names = "--side", defaultValue = "both", description = "ours, peer or both (default).")
    String side = "both";

    @Option(names = "--rounds", defaultValue = "3", description = "Rounds (default 3).")
    int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "5",
            description = "How long a round measures (default 5).")
    int seconds;

    @Option(names = "--json", description = "Print the rows machine-readable.")
    boolean json;

    @Option(
            names = "--save",
            paramLabel = "FILE",
            description = "Also write machine, rows and each round to a file.")
    Path save = Path.of("");

    @Option(
            names = "--jvm",
            paramLabel = "OPTION",
            description = "A further option of the engine's JVM, for profiling; may be repeated.")
    List<String> jvmOptions = List.of();

    private Main() {}

    public static void main(String[] arguments) {
        CommandLine command = new CommandLine(new Main());
        command.setExecutionExceptionHandler(
                (e, line, result) -> {
                    if (e instanceof BenchException) {
                        System.err.println("iod: " + e.getMessage());
                        return 1;
                    }
                    throw e;
                });
        System.exit(command.execute(arguments));
    }

    @Override
    public Integer call() {
        List<Case> wanted =
                cases.isEmpty()
                        ? Arrays.asList(Case.values())
                        : cases.stream().map(Case::of).toList();
        if (rounds < 1 || rounds > 100 || seconds < 1 || seconds > 3600) {
            throw new BenchException("--rounds is 1 to 100 and --seconds 1 to 3600");
        }
        if (!"root".equals(System.getProperty("user.name"))) {
            throw new BenchException("needs root: it makes a namespace and takes huge pages");
        }
        Path home = Path.of(System.getenv().getOrDefault("IOD_HOME", ".")).toAbsolutePath();
        Cleanup cleanup = new Cleanup();
        try (cleanup) {
            Lab lab = Lab.open(home, cleanup);
            OvnCentral central = new OvnCentral(lab, List.of(Ours.NAME, Peer.NAME));
            List<Measurement> runs =
                    new EswitchBench(lab, sides(lab, central), rounds, seconds).run(wanted);
            Report report = Report.of(runs);
            if (!save.toString().isEmpty()) {
                Shell.write(save, JSON.writeValueAsString(report) + "\n");
            }
            if (json) {
                System.out.println(JSON.writeValueAsString(report.rows()));
            } else {
                report.print(System.out);
            }
        }
        return 0;
    }

    private List<Side.Factory> sides(Lab lab, OvnCentral central) {
        Side.Factory ours = (what, sockets) -> new Ours(lab, central, what, sockets, jvmOptions);
        Side.Factory peer = (what, sockets) -> new Peer(lab, central, what, sockets);
        return switch (side) {
            case "both" -> List.of(ours, peer);
            case Ours.NAME -> List.of(ours);
            case Peer.NAME -> List.of(peer);
            default -> throw new BenchException("--side is ours, peer or both, not " + side);
        };
    }
}
