package dev.iod.block;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs of the system: mount, mkfs, losetup. */
final class Tool {
    private static final int TIMEOUT_SECONDS = 120;

    private Tool() {}

    /** Runs a program that must succeed. @return what it printed, trimmed */
    static String run(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new EngineException(
                        Category.CONFIGURATION, text(command) + " takes too long");
            }
            if (process.exitValue() != 0) {
                throw new EngineException(
                        Category.CONFIGURATION, text(command) + " failed: " + output.trim());
            }
            return output.trim();
        } catch (IOException e) {
            throw new EngineException(
                    Category.CONFIGURATION,
                    "cannot run " + text(command) + ": " + e.getMessage(),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineException(Category.UNAVAILABLE, "interrupted", e);
        }
    }

    private static String text(String... command) {
        return String.join(" ", List.of(command));
    }
}
