package dev.iod.bench;

import java.nio.file.Path;
import java.time.Instant;

/** Where and with what figures were taken. */
record Machine(
        String processor,
        int processors,
        String kernel,
        String jdk,
        String peer,
        String ovn,
        String generator,
        Instant time) {
    static Machine here() {
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
                Peer.version(),
                firstLine("ovn-controller"),
                "testpmd of "
                        + Shell.run("dpkg-query", "-W", "-f=${Package} ${Version}", "dpdk-dev"),
                Instant.now());
    }

    private static String firstLine(String program) {
        return Shell.run(program, "--version").lines().findFirst().orElse("unknown");
    }
}
