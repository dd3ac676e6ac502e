package dev.iod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** What /proc says of a process, see proc(5). */
final class Proc {
    private static final double TICKS_PER_SECOND = 100; // USER_HZ, fixed on x86 and Arm

    private Proc() {}

    /** Whether a process has its working directory somewhere under a directory. */
    static boolean worksIn(long pid, Path directory) {
        try {
            return Files.exists(directory)
                    && Files.readSymbolicLink(Path.of("/proc/" + pid + "/cwd"))
                            .startsWith(directory.toRealPath());
        } catch (IOException e) {
            return false; // It ended meanwhile.
        }
    }

    /** Whether a process runs whose command line contains a word (a guard against reused ids). */
    static boolean isRunning(long pid, String word) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/cmdline")).contains(word);
        } catch (IOException e) {
            return false; // no such process
        }
    }

    /** Programs that services are made of; machines are not among them, they outlive a crash. */
    private static final Set<String> SERVICES =
            Set.of("java", "postgres", "ovsdb-server", "ovn-northd", "svlogd", "runsv", "runsvdir");

    /** How long service processes have to end by themselves. */
    static final int GRACE_SECONDS = 10;

    /**
     * Ends service processes of a run directory that no supervisor holds any more, for example
     * after the supervisor was killed, and their {@linkplain RunScript scripts}, which would start
     * again what is killed.
     */
    static void endStrays(Path run, int graceSeconds) {
        List<ProcessHandle> services =
                ProcessHandle.allProcesses().filter(p -> isService(p.pid(), run + "/")).toList();
        List<ProcessHandle> scripts =
                services.stream()
                        .flatMap(p -> p.parent().stream())
                        .filter(p -> isRunScript(p.pid()))
                        .toList();
        List<ProcessHandle> strays = Stream.concat(scripts.stream(), services.stream()).toList();
        strays.forEach(ProcessHandle::destroy);
        if (!Waiting.within(
                graceSeconds, () -> strays.stream().noneMatch(ProcessHandle::isAlive))) {
            strays.forEach(ProcessHandle::destroyForcibly); // the scripts first
        }
    }

    private static boolean isService(long pid, String path) {
        List<String> command = command(pid);
        return SERVICES.contains(program(command))
                && command.stream().anyMatch(word -> word.contains(path));
    }

    private static boolean isRunScript(long pid) {
        List<String> command = command(pid);
        return program(command).equals("sh") && command.getLast().endsWith("/" + RunScript.NAME);
    }

    /** The name of the program, without its directory. */
    private static String program(List<String> command) {
        return command.getFirst().substring(command.getFirst().lastIndexOf('/') + 1);
    }

    /** The words of a process's command line; one empty word when it ended. */
    private static List<String> command(long pid) {
        try {
            return List.of(Files.readString(Path.of("/proc/" + pid + "/cmdline")).split("\0"));
        } catch (IOException e) {
            return List.of(""); // it ended meanwhile
        }
    }

    /** Proportional resident memory of a process and its descendants, bytes. */
    static long residentBytes(long pid) {
        return family(pid).mapToLong(Proc::pssBytes).sum();
    }

    /**
     * CPU time of a process and its descendants, ended and waited-for children included, seconds.
     */
    static double cpuSeconds(long pid) {
        return family(pid).mapToDouble(Proc::ownCpuSeconds).sum();
    }

    private static Stream<ProcessHandle> family(long pid) {
        return ProcessHandle.of(pid).stream()
                .flatMap(p -> Stream.concat(Stream.of(p), p.descendants()));
    }

    private static long pssBytes(ProcessHandle process) {
        for (String line : lines(process, "smaps_rollup")) {
            if (line.startsWith("Pss:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        return 0;
    }

    private static double ownCpuSeconds(ProcessHandle process) {
        List<String> lines = lines(process, "stat");
        if (lines.isEmpty()) {
            return 0;
        }
        // The name in parentheses may contain spaces: fields are counted from its end.
        String[] fields =
                lines.getFirst().substring(lines.getFirst().lastIndexOf(')') + 2).split(" ");
        long ticks = 0;
        for (int i = 11; i <= 14; i++) {
            ticks += Long.parseLong(fields[i]);
        }
        return ticks / TICKS_PER_SECOND;
    }

    private static List<String> lines(ProcessHandle process, String file) {
        try {
            return Files.readAllLines(Path.of("/proc/" + process.pid() + "/" + file));
        } catch (IOException e) {
            return List.of(); // it ended meanwhile
        }
    }
}
