package dev.iod.bench;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;

/**
 * Where and with what figures were taken.
 *
 * @param versions of peers, generators and what else matters to a bench
 */
record Machine(
        String processor,
        int processors,
        String kernel,
        String jdk,
        Map<String, String> versions,
        Instant time) {
    static Machine here(Map<String, String> versions) {
        String processor =
                Shell.read(Path.of("/proc/cpuinfo"))
                        .lines()
                        .filter(line -> line.startsWith("model name"))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst()
                        .orElse("unknown");
        return new Machine(
                processor,
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("java.runtime.version"),
                versions,
                Instant.now());
    }
}
