package dev.iod.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ./iod bench eswitch}. */
@Command(
        name = "eswitch",
        mixinStandardHelpOptions = true,
        description = {
            "Measures the packet engine beside OVS-DPDK, with testpmd as the generator.",
            "Takes two processors and 1 GiB of huge pages while it runs."
        })
final class EswitchCommand implements Callable<Integer> {
    @Mixin Output output = new Output();
    @Mixin Against.With against = new Against.With();
    @Mixin Selection selection = new Selection(5);

    @Option(names = "--side", defaultValue = "both", description = "ours, peer or both (default).")
    String side = "both";

    @Option(
            names = "--jvm",
            paramLabel = "OPTION",
            description = "A further option of the engine's JVM, for profiling; may be repeated.")
    List<String> jvmOptions = List.of();

    @Override
    public Integer call() {
        if (against.wanted()) {
            against.measure(output, "--side", Ours.NAME);
            return 0;
        }
        output.check();
        selection.check(Arrays.stream(Case.values()).map(c -> c.label).toList());
        Main.needRoot("it makes a namespace and takes huge pages");
        List<Case> wanted =
                Arrays.stream(Case.values()).filter(c -> selection.wants(c.label)).toList();
        Cleanup cleanup = new Cleanup();
        try (cleanup) {
            Lab lab = Lab.open(Main.home(), cleanup);
            OvnCentral central = new OvnCentral(lab, List.of(Ours.NAME, Peer.NAME));
            String peer = Peer.version();
            Findings<Measurement> findings =
                    new Findings<>(output, Machine.here(versions(peer)), run -> run.figures(peer));
            new EswitchBench(lab, sides(lab, central), output.rounds, selection.seconds)
                    .run(wanted, findings::add);
            findings.print();
        }
        return 0;
    }

    private static Map<String, String> versions(String peer) {
        return Map.of(
                "peer",
                peer,
                "ovn",
                Shell.run("ovn-controller", "--version").lines().findFirst().orElse("unknown"),
                "generator",
                "testpmd of "
                        + Shell.run("dpkg-query", "-W", "-f=${Package} ${Version}", "dpdk-dev"));
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
