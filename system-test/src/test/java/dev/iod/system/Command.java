package dev.iod.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Another program, run to its end. */
final class Command {
    private static final int LIMIT_SECONDS = 600;

    private final List<String> words;
    private final Map<String, String> environment = new HashMap<>();
    private int limitSeconds = LIMIT_SECONDS;

    private Command(List<String> words) {
        this.words = words;
    }

    static Command of(List<String> words) {
        return new Command(words);
    }

    static String run(String... words) {
        return of(List.of(words)).run();
    }

    static boolean succeeds(String... words) {
        return of(List.of(words)).attempt().exit == 0;
    }

    Command environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** How long it may take; ten minutes unless said otherwise. */
    Command within(int seconds) {
        limitSeconds = seconds;
        return this;
    }

    record Result(int exit, String output) {}

    /** Both output streams; throws when the program fails. */
    String run() {
        Result result = attempt();
        if (result.exit != 0) {
            throw new AssertionError(
                    String.join(" ", words)
                            + " failed (exit "
                            + result.exit
                            + "): "
                            + result.output);
        }
        return result.output;
    }

    Result attempt() {
        try {
            // A file, because a pipe is read until the last child has closed it.
            Path said = Files.createTempFile("iod-command", ".out");
            try {
                return attempt(said);
            } finally {
                Files.delete(said);
            }
        } catch (IOException e) {
            throw new AssertionError("cannot run " + words, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private Result attempt(Path said) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(said.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(
                    words
                            + " did not end within "
                            + limitSeconds
                            + " s: "
                            + Files.readString(said).strip());
        }
        return new Result(process.exitValue(), Files.readString(said).strip());
    }
}
