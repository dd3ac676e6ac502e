package dev.iod.bench;

import java.nio.file.Path;

/** What a process has of the machine's memory, MiB (proc(5), smaps_rollup and status). */
record Footprint(double rssMib, double pssMib, double peakMib) {
    static Footprint of(Process process) {
        Path directory = Path.of("/proc/" + process.pid());
        String now = Shell.read(directory.resolve("smaps_rollup"));
        return new Footprint(
                mib(now, "Rss:"),
                mib(now, "Pss:"),
                mib(Shell.read(directory.resolve("status")), "VmHWM:"));
    }

    private static double mib(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024.0)
                .findFirst()
                .orElseThrow(() -> new BenchException("the kernel does not say " + name));
    }
}
