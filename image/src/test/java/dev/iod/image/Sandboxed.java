package dev.iod.image;

import java.time.Duration;
import java.util.List;

/** Processes in sandboxes, as the machine sees them. */
final class Sandboxed {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private Sandboxed() {}

    /**
     * Waits until a process with these words at the end of its command line is there and in its
     * sandbox, or until none is left.
     *
     * @return the program itself when it is there, else this process
     */
    static ProcessHandle await(String command, boolean there) throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (System.nanoTime() < deadline) {
            List<ProcessHandle> all =
                    ProcessHandle.allProcesses()
                            .filter(p -> p.info().commandLine().orElse("").contains(command))
                            .toList();
            for (ProcessHandle one : all) {
                String program = one.info().command().orElse("");
                if (there
                        && !program.isEmpty()
                        && !program.matches(".*(java|bwrap|nice|setpriv|prlimit)")) {
                    return one;
                }
            }
            if (!there && all.isEmpty()) {
                return ProcessHandle.current();
            }
            Thread.sleep(10);
        }
        throw new AssertionError((there ? "no process " : "still a process ") + command);
    }
}
