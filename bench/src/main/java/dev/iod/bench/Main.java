package dev.iod.bench;

import java.nio.file.Path;
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
