package dev.iod.cli;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The commands of {@code ./iod} that are more than building and testing. */
@Command(
        name = "./iod",
        mixinStandardHelpOptions = true,
        description = "An IaaS-on-DPU region on one machine.",
        subcommands = {
            TraceCommand.class,
            FlowsCommand.class,
            DropsCommand.class,
            ConnectionsCommand.class,
            TempestCommand.class
        })
public final class Main {
    private final Layout layout = Layout.ofEnvironment();

    private Main() {}

    public static void main(String[] arguments) {
        CommandLine command = command();
        command.setExecutionExceptionHandler(
                (e, line, result) -> {
                    if (e instanceof CliException) {
                        System.err.println("iod: " + e.getMessage());
                        return 1;
                    }
                    throw e;
                });
        System.exit(command.execute(arguments));
    }

    /** What understands the arguments. */
    static CommandLine command() {
        return new CommandLine(new Main());
    }

    @Command(
            description = "Start a region; a second call changes nothing.",
            mixinStandardHelpOptions = true)
    int up(
            @Option(
                            names = "--nodes",
                            paramLabel = "N",
                            description = "Nodes of a new region (default 2, at most 8).")
                    Integer nodes,
            @Option(
                            names = "--node-memory",
                            paramLabel = "MIB",
                            description =
                                    "Memory that each node offers to servers (default: its share"
                                            + " of this machine's).")
                    Long memoryMib,
            @Option(
                            names = "--pool-size",
                            paramLabel = "GIB",
                            description =
                                    "Size of each node's pool of volumes where the run directory"
                                            + " has no reflinks (default 4).")
                    Integer poolGib,
            @Option(names = "--thin-pool", description = "Do not reserve the space of those pools.")
                    boolean thin,
            @Option(
                            names = "--image-download-hosts",
                            paramLabel = "HOSTS",
                            description =
                                    "Servers from which tenants may have images downloaded, as in"
                                            + " cloud.debian.org,*.example.org:8443 (default: none).")
                    String imageHosts) {
        requireRoot();
        int gib = poolGib == null ? RegionConfig.Pool.DEFAULT.gib() : poolGib;
        Optional<RegionConfig.Pool> pool =
                poolGib == null && !thin
                        ? Optional.empty()
                        : Optional.of(new RegionConfig.Pool(gib, thin));
        return locked(
                () -> {
                    start(
                            new RegionConfig.Wanted(
                                    nodes == null ? OptionalInt.empty() : OptionalInt.of(nodes),
                                    memoryMib == null
                                            ? OptionalLong.empty()
                                            : OptionalLong.of(memoryMib),
                                    pool,
                                    Optional.ofNullable(imageHosts),
                                    RegionConfig.Wanted.databaseOfEnvironment()));
                    return 0;
                });
    }

    @Command(
            description = "Stop the region; its data stays for the next up.",
            mixinStandardHelpOptions = true)
    int down(@Option(names = "--purge", description = "Also remove the data.") boolean purge) {
        requireRoot();
        if (!Files.exists(layout.run())) {
            System.out.println("No region in " + layout.run() + ".");
            return 0;
        }
        return locked(
                () -> {
                    new Down(layout).run(purge);
                    System.out.println(
                            "Region is down"
                                    + (purge
                                            ? ", its data removed."
                                            : "; its data stays in " + layout.run() + "."));
                    return 0;
                });
    }

    @Command(description = "Show processes, nodes and servers.", mixinStandardHelpOptions = true)
    int status(@Option(names = "--json", description = "Machine-readable.") boolean json) {
        Status.Report report = new Status(layout, RegionConfig.load(layout)).report();
        if (json) {
            System.out.println(
                    Api.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(report));
        } else {
            Status.print(report);
        }
        return report.processes().stream().allMatch(p -> p.pid() != 0) ? 0 : 3;
    }

    @Command(description = "Print what a process wrote.", mixinStandardHelpOptions = true)
    int logs(
            @Parameters(
                            arity = "0..1",
                            paramLabel = "PROCESS",
                            description = "For example control or n1-dpu; all when missing.")
                    String process) {
        List<String> names =
                new Services(layout, RegionConfig.load(layout))
                        .all().stream().map(Supervisor.Service::name).toList();
        if (process != null && !names.contains(process)) {
            throw new CliException(
                    "no process '" + process + "'; there are " + String.join(", ", names));
        }
        for (String name : process == null ? names : List.of(process)) {
            Path log = layout.log(name).resolve("current");
            if (process == null) {
                System.out.println("==> " + name + " <==");
            }
            if (Files.exists(log)) {
                System.out.print(Layout.read(log));
            }
        }
        return 0;
    }

    @Command(
            description =
                    "Start a region if none runs, and let two servers on two nodes find each other.",
            mixinStandardHelpOptions = true)
    int demo(
            @Option(
                            names = "--volumes",
                            description =
                                    "Instead, let a server boot Debian from a volume, write to"
                                            + " another, and a second one read that; minutes"
                                            + " without KVM.")
                    boolean volumes,
            @Option(names = "--keep", description = "Leave what the demo made.") boolean keep) {
        requireRoot();
        return locked(
                () -> {
                    // What it makes goes again, so no space is reserved in a region of its own.
                    RegionConfig config =
                            start(
                                    RegionConfig.Wanted.ofPool(
                                            RegionConfig.exists(layout)
                                                    ? Optional.empty()
                                                    : Optional.of(RegionConfig.Pool.THIN)));
                    System.out.println(
                            volumes
                                    ? new VolumeDemo(layout, config, keep).run()
                                    : new Demo(layout, config, keep).run());
                    return 0;
                });
    }

    @Command(
            description = "Measure; \"bench eswitch --help\" says more of that one, and so on.",
            mixinStandardHelpOptions = true)
    int bench(
            @Parameters(
                            paramLabel = "BENCH",
                            description =
                                    "region: start, servers, memory and idle CPU of each process,"
                                            + " the API after a kill; or eswitch, block, ovn, gap,"
                                            + " start.")
                    String what,
            @Option(
                            names = "--rounds",
                            paramLabel = "N",
                            defaultValue = "3",
                            description = "Rounds (default 3).")
                    int rounds,
            @Option(names = "--json", description = "Only the rows, machine-readable.")
                    boolean json) {
        requireRoot();
        if (!what.equals("region")) {
            throw new CliException(
                    "no bench '%s'; there are region, eswitch, block, ovn, gap and start"
                            .formatted(what));
        }
        return locked(
                () -> {
                    new Bench(layout, rounds).run(json);
                    return 0;
                });
    }

    @Command(hidden = true, description = "Make the start caches of control and agent.")
    int train() {
        requireRoot();
        Training.run(layout.home());
        return 0;
    }

    private RegionConfig start(RegionConfig.Wanted wanted) {
        RegionConfig config = RegionConfig.loadOrCreate(layout, wanted);
        long begin = System.nanoTime();
        boolean changed = new Up(layout, config).run();
        System.out.println(
                changed
                        ? "Region is up with %d nodes after %.1f s."
                                .formatted(config.nodes(), (System.nanoTime() - begin) / 1e9)
                        : "Region is up already; nothing changed.");
        System.out.println(
                "API "
                        + config.api()
                        + ", credentials in "
                        + Credentials.clouds(layout)
                        + "; try ./iod openstack server list");
        return config;
    }

    private static void requireRoot() {
        if (!"root".equals(System.getProperty("user.name"))) {
            throw new CliException("needs root: it makes network namespaces and starts machines");
        }
    }

    private int locked(java.util.function.IntSupplier work) {
        Path file = Layout.directory(layout.run()).resolve("lock");
        try (RandomAccessFile lock = new RandomAccessFile(file.toFile(), "rw");
                FileLock held = lock.getChannel().tryLock()) {
            if (held == null) {
                throw new CliException("another ./iod command is at work on " + layout.run());
            }
            return work.getAsInt();
        } catch (IOException e) {
            throw new CliException("cannot lock " + file + ": " + CliException.reason(e), e);
        }
    }
}
