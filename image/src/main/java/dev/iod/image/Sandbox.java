package dev.iod.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Runs a program of {@code /usr} on bytes of strangers, as a user that owns nothing but the file it
 * writes: bubblewrap gives it a file system with {@code /usr}, {@link #IN} and {@link #OUT} alone,
 * all read-only but the last, no network, and no sight of other processes. It ends when the thread
 * that runs it ends.
 */
final class Sandbox {
    /** Where the program finds what it reads. */
    static final String IN = "/in";

    /** The file that it writes, empty at first. */
    static final String OUT = "/out";

    private static final String BUBBLEWRAP = "/usr/bin/bwrap";
    private static final String NO_GROUP = "65534";
    private static final int OPEN_FILES = 64;

    /** Of its user, in all sandboxes: qemu-img has up to 64 threads beside its own. */
    static final int PROCESSES = 160;

    /** Conversions go behind everything else. */
    private static final int NICE = 10;

    private static final int MAX_OUTPUT_BYTES = 4096;
    private static final long LOOK_MILLIS = 200;
    private static final int STATUS_OF_SIGNAL = 128;
    private static final int SIGKILL = 9;
    private static final int SIGXCPU = 24;

    private final String user;

    /**
     * @param memoryBytes of its address space
     * @param cpu of all its threads
     * @param wall from its start to its end
     * @param fileBytes where the file it writes ends at most
     * @param storedBytes what that file takes of the disk at most, holes not counted; looked at
     *     every 200 ms
     */
    record Limits(
            long memoryBytes, Duration cpu, Duration wall, long fileBytes, long storedBytes) {}

    /** How a program ended. */
    sealed interface End {
        /**
         * By itself.
         *
         * @param output the beginning of what it wrote on its two outputs
         */
        record Exited(int status, String output) implements End {}

        /** It reached a limit and was killed. */
        record OverLimit(String limit) implements End {}

        /** Something else killed it. */
        record Killed() implements End {}
    }

    /**
     * @param user whom nothing else runs as
     */
    Sandbox(String user) {
        this.user = user;
    }

    /**
     * Runs a program and waits for its end. The file it wrote belongs to root again then, and
     * nobody has it open.
     *
     * @param in whoever may reach it may read it, too
     * @param out made here; to be removed by the caller, whatever the end is
     * @throws IOException when it cannot be started
     * @throws InterruptedException after the program was killed
     */
    End run(List<String> program, Path in, Path out, Limits limits)
            throws IOException, InterruptedException {
        Files.createFile(out, PosixFilePermissions.asFileAttribute(permissions("rw-------")));
        UserPrincipal self = Files.getOwner(out);
        Files.setOwner(
                out,
                out.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(user));
        Files.setPosixFilePermissions(in, permissions("rw-r--r--"));
        ProcessBuilder builder = new ProcessBuilder(command(program, in, out, limits));
        builder.environment().clear();
        builder.directory(Path.of("/").toFile());
        builder.redirectErrorStream(true);
        Process process = builder.start();
        try {
            process.getOutputStream().close();
            End end = watch(process, out, limits);
            Files.setOwner(out, self);
            return end;
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private static End watch(Process process, Path out, Limits limits)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + limits.wall().toNanos();
        // What it writes stays in the pipe: a program that fills it waits until its time is over.
        while (!process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
            if (System.nanoTime() - deadline > 0) {
                return new End.OverLimit("%d s of time".formatted(limits.wall().toSeconds()));
            }
            if (SparseFile.storedBytes(out) > limits.storedBytes()) {
                return stored(limits);
            }
        }
        if (SparseFile.storedBytes(out) > limits.storedBytes()) {
            return stored(limits);
        }
        return switch (process.exitValue()) {
            case STATUS_OF_SIGNAL + SIGXCPU ->
                    new End.OverLimit("%d s of CPU".formatted(limits.cpu().toSeconds()));
            case STATUS_OF_SIGNAL + SIGKILL -> new End.Killed();
            default ->
                    new End.Exited(
                            process.exitValue(),
                            new String(
                                    process.getInputStream().readNBytes(MAX_OUTPUT_BYTES),
                                    StandardCharsets.UTF_8));
        };
    }

    private static End stored(Limits limits) {
        return new End.OverLimit("%d bytes that are not zeros".formatted(limits.storedBytes()));
    }

    private static List<String> command(List<String> program, Path in, Path out, Limits limits)
            throws IOException {
        Object uid = Files.getAttribute(out, "unix:uid");
        List<String> command = new ArrayList<>();
        command.addAll(
                List.of(
                        BUBBLEWRAP,
                        "--unshare-net",
                        "--unshare-ipc",
                        "--unshare-pid",
                        "--unshare-uts",
                        "--die-with-parent",
                        "--new-session",
                        "--setenv",
                        "PATH",
                        "/usr/bin",
                        // Each thread would reserve 64 MiB of the address space that is limited.
                        "--setenv",
                        "MALLOC_ARENA_MAX",
                        "1"));
        command.addAll(List.of("--ro-bind", "/usr", "/usr"));
        command.addAll(List.of("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"));
        command.addAll(List.of("--dev", "/dev"));
        command.addAll(List.of("--ro-bind", in.toString(), IN, "--bind", out.toString(), OUT));
        command.addAll(List.of("--chdir", "/", "--"));
        command.addAll(List.of("nice", "-n", Integer.toString(NICE)));
        command.addAll(List.of("setpriv", "--reuid=" + uid, "--regid=" + NO_GROUP));
        command.addAll(
                List.of(
                        "--clear-groups",
                        "--no-new-privs",
                        "--inh-caps=-all",
                        "--bounding-set=-all",
                        "--"));
        command.addAll(
                List.of(
                        "prlimit",
                        "--as=" + limits.memoryBytes(),
                        // The kernel warns at the first figure and kills at the second.
                        "--cpu=%d:%d"
                                .formatted(limits.cpu().toSeconds(), limits.cpu().toSeconds() + 1),
                        "--fsize=" + limits.fileBytes(),
                        "--core=0",
                        "--nofile=" + OPEN_FILES,
                        "--nproc=" + PROCESSES,
                        "--"));
        command.addAll(program);
        return command;
    }

    private static Set<PosixFilePermission> permissions(String text) {
        return PosixFilePermissions.fromString(text);
    }
}
