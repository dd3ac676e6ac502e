package dev.iod.bench;

import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ./iod bench block}. */
@Command(
        name = "block",
        mixinStandardHelpOptions = true,
        description = {
            "Measures the block engine beside qemu-storage-daemon, by a vhost-user front end of its"
                    + " own, and fio on the same file. One processor for each side.",
            "Takes about twelve minutes, and 4 GiB in the run directory (IOD_RUN)."
        })
final class BlockCommand implements Callable<Integer> {
    @Mixin Output output = new Output();
    @Mixin Against.With against = new Against.With();
    @Mixin Selection selection = new Selection(2);

    @Override
    public Integer call() {
        List<BlockCases> all = cases();
        if (against.wanted()) {
            against.measure(output);
            return 0;
        }
        output.check();
        selection.check(all.stream().flatMap(cases -> cases.names().stream()).toList());
        Main.needRoot("it mounts a pool");
        Machine machine =
                Machine.here(
                        Map.of(
                                "peer",
                                BlockLab.PeerProcess.version(),
                                "fio",
                                Shell.run("fio", "--version")));
        Findings<Run> findings = Findings.of(output, machine);
        Cleanup cleanup = new Cleanup();
        try (cleanup) {
            BlockLab lab = BlockLab.open(Main.home(), cleanup);
            for (int i = 1; i <= output.rounds; i++) {
                int round = i;
                for (BlockCases cases : all) {
                    List<String> wanted = cases.names().stream().filter(selection::wants).toList();
                    if (!wanted.isEmpty()) {
                        cases.measure(
                                lab,
                                wanted,
                                (what, side, values) ->
                                        findings.add(new Run(what, side, round, values)));
                    }
                }
            }
        }
        findings.print();
        return 0;
    }

    private List<BlockCases> cases() {
        return List.of(
                new RequestCases("null", selection.seconds),
                new RequestCases("file", selection.seconds),
                new CipherCases("null", selection.seconds),
                new CipherCases("file", selection.seconds),
                new LimitCases(selection.seconds),
                new PoolCases(),
                new VolumeCases(selection.seconds));
    }
}
