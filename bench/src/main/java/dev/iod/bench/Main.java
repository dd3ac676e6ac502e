package dev.iod.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code ./iod bench}: one command for each bench of this module. */
@Command(
        name = "./iod bench",
        mixinStandardHelpOptions = true,
        description = "Measures the engines beside peers.",
        subcommands = {
            EswitchCommand.class,
            BlockCommand.class,
            GapBench.class,
            OvnBench.class,
            StartBench.class
        })
public final class Main {
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
        command.setExecutionStrategy(
                parsed -> {
                    CommandLine.ParseResult bench = parsed.subcommand();
                    if (bench == null || !bench.hasMatchedOption("--against")) {
                        return new CommandLine.RunLast().execute(parsed);
                    }
                    CommandLine.Model.CommandSpec mixin =
                            Objects.requireNonNull(bench.commandSpec().mixins().get("output"));
                    Output output = (Output) mixin.userObject();
                    new Against(output.against, List.of(arguments)).measure(output);
                    return 0;
                });
        System.exit(command.execute(arguments));
    }

    /** Where IoD is built. */
    static Path home() {
        return Path.of(System.getenv().getOrDefault("IOD_HOME", ".")).toAbsolutePath();
    }

    static void needRoot(String why) {
        if (!"root".equals(System.getProperty("user.name"))) {
            throw new BenchException("needs root: " + why);
        }
    }
}
