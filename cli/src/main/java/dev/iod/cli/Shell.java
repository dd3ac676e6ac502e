package dev.iod.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs other programs; output is bounded by what the programs we call print. */
final class Shell {
    private static final long LIMIT_SECONDS = 120;

    private Shell() {}

    record Result(int exit, String output) {
        boolean ok() {
            return exit == 0;
        }
    }

    /** Runs a program that must succeed and returns its output (both streams), stripped. */
    static String run(String... command) {
        Result result = attempt(command);
        if (!result.ok()) {
            throw new CliException(
                    "'"
                            + String.join(" ", command)
                            + "' failed (exit "
                            + result.exit
                            + "): "
                            + result.output);
        }
        return result.output;
    }

    /** Runs a program that may fail. */
    static Result attempt(String... command) {
        try {
            Process process =
                    new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new CliException(
                        "'"
                                + String.join(" ", command)
                                + "' did not end within "
                                + LIMIT_SECONDS
                                + " s");
            }
            return new Result(process.exitValue(), output.strip());
        } catch (IOException e) {
            throw new CliException("cannot run '" + command[0] + "': " + CliException.reason(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException("interrupted while '" + command[0] + "' was running", e);
        }
    }
}
