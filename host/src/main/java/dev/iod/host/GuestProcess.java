package dev.iod.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * One QEMU process: its number, and its start time, because numbers are used again.
 *
 * @param pid process number
 * @param startTicks start of the process in clock ticks since boot, proc(5) stat field 22
 */
record GuestProcess(long pid, long startTicks) {

    /** The process that has this number now. */
    static Optional<GuestProcess> of(long pid) {
        OptionalLong ticks = startTicks(pid);
        return ticks.isPresent()
                ? Optional.of(new GuestProcess(pid, ticks.getAsLong()))
                : Optional.empty();
    }

    /** The process with this number and start time, when it still runs. */
    static Optional<GuestProcess> find(long pid, long startTicks) {
        GuestProcess process = new GuestProcess(pid, startTicks);
        return process.alive() ? Optional.of(process) : Optional.empty();
    }

    /** The processes whose working directory this is. */
    static List<GuestProcess> in(Path directory) {
        try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
            Path real = directory.toRealPath();
            return all.map(ProcessHandle::pid)
                    .filter(pid -> worksIn(pid, real))
                    .map(GuestProcess::of)
                    .flatMap(Optional::stream)
                    .toList();
        } catch (IOException e) {
            return List.of(); // No such directory, so nobody works there.
        }
    }

    private static boolean worksIn(long pid, Path directory) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/" + pid + "/cwd")).equals(directory);
        } catch (IOException e) {
            return false; // It ended meanwhile.
        }
    }

    boolean alive() {
        return startTicks(pid).equals(OptionalLong.of(startTicks));
    }

    /** Ends it the hard way; returns at once. */
    void kill() {
        if (alive()) {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    private static OptionalLong startTicks(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            // The second field is a name in parentheses that may hold anything.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            boolean dead = fields[0].equals("Z") || fields[0].equals("X");
            return dead ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(fields[19]));
        } catch (IOException e) {
            return OptionalLong.empty(); // It ended.
        }
    }
}
