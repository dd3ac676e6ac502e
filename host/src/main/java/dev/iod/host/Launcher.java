package dev.iod.host;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Starts QEMU processes that outlive the daemon. Each has a session of its own, and a keeper that
 * is nobody's child: a shell that waits for it and writes down its exit status, whether there is a
 * daemon or not. All paths QEMU gets are relative to its working directory or open already, so its
 * user needs no right to the directories above the run directory.
 */
final class Launcher {
    /**
     * The keeper. Opens the kernel and the initial file system as root; QEMU finds them by number.
     * The shell would tell of a killed child on standard error, which is for QEMU.
     */
    private static final String KEEPER =
            """
            exec 3<"$1" 4<"$2" && shift 2 || exit
            (cd vmm && exec "$@") &
            echo $! >pid.new && mv pid.new pid
            exec 3<&- 4<&- 2>/dev/null
            wait $!
            echo $? >exit.new && mv exit.new exit
            """;

    /** Where systemd runs, a QEMU has to leave the daemon's unit, or it would end with it. */
    private static final List<String> OWN_SCOPE =
            List.of("systemd-run", "--scope", "--quiet", "--collect", "--slice=iod-guests");

    private static final long START_MILLIS = 5_000;
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final QemuCommand command;
    private final VmmUser user;

    Launcher(QemuCommand command, VmmUser user) {
        this.command = command;
        this.user = user;
    }

    QemuCommand command() {
        return command;
    }

    VmmUser user() {
        return user;
    }

    /**
     * Starts a machine's VMM.
     *
     * @throws HostException INVALID when a file of the specification cannot be used, FAILED
     */
    GuestProcess start(MachineSpec spec, GuestDirectory directory) {
        List<Path> files = files(spec.boot());
        try {
            directory.create(user);
            directory.forgetRun();
            if (spec.boot() instanceof Boot.FirstDisk(Firmware firmware)
                    && firmware.flash().isPresent()) {
                Firmware.Flash flash = firmware.flash().get();
                flash.check();
                directory.keepVariables(spec.devices().disks(), flash.variables(), user);
            }
            Map<Path, Path> sockets = new HashMap<>();
            for (Path socket : spec.devices().sockets()) {
                sockets.put(socket, socket(directory.vmm(), socket));
            }
            List<String> qemu = command.arguments(spec, sockets);
            List<String> keeper = new ArrayList<>(List.of("setsid", "--fork"));
            if (Files.isDirectory(Path.of("/run/systemd/system"))) {
                keeper.addAll(OWN_SCOPE);
            }
            keeper.addAll(List.of("sh", "-c", KEEPER, "iod-keeper"));
            files.forEach(file -> keeper.add(file.toString()));
            keeper.addAll(user.demoted(qemu, command.accelerator()));
            builder(keeper, directory.path(), directory.stderr()).start();
            return started(directory);
        } catch (IOException e) {
            throw new HostException(
                    HostException.Category.FAILED, "cannot start QEMU: " + e.getMessage(), e);
        }
    }

    /** What the keeper opens. */
    private static List<Path> files(Boot boot) {
        return switch (boot) {
            case Boot.Kernel kernel -> {
                checkReadable("kernel", kernel.kernel());
                checkReadable("initrd", kernel.initrd());
                yield List.of(kernel.kernel(), kernel.initrd());
            }
            case Boot.FirstDisk _ -> List.of(Path.of("/dev/null"), Path.of("/dev/null"));
        };
    }

    private static GuestProcess started(GuestDirectory directory) throws IOException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_MILLIS);
        OptionalLong pid = directory.startedPid();
        while (pid.isEmpty()) {
            if (System.nanoTime() - end > 0) {
                throw new HostException(
                        HostException.Category.FAILED,
                        "QEMU was not started within %d ms: %s"
                                .formatted(START_MILLIS, directory.stderrTail()));
            }
            LockSupport.parkNanos(LOOK_NANOS);
            pid = directory.startedPid();
        }
        Optional<GuestProcess> process = GuestProcess.of(pid.getAsLong());
        if (process.isEmpty()) {
            throw new HostException(HostException.Category.FAILED, Vmm.exitReason(directory));
        }
        return process.get();
    }

    /** A process with nothing inherited but a search path; its output is appended to a file. */
    static ProcessBuilder builder(List<String> command, Path directory, Path output) {
        ProcessBuilder builder = new ProcessBuilder(command);
        Map<String, String> environment = builder.environment();
        environment.clear();
        environment.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        return builder.directory(directory.toFile())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
    }

    /** Where QEMU listens, seen from its working directory; makes the socket's directory. */
    Path socket(Path vmm, Path socket) throws IOException {
        Path parent = socket.resolveSibling("");
        if (!Files.exists(parent)) {
            GuestDirectory.makeDirectory(parent);
            user.own(parent);
        }
        Path relative =
                vmm.toRealPath().relativize(parent.toRealPath()).resolve(socket.getFileName());
        SocketPath.checkFits(relative);
        return relative;
    }

    private static void checkReadable(String what, Path file) {
        MachineSpec.check(
                Files.isRegularFile(file) && Files.isReadable(file),
                "%s %s: no such file, or it cannot be read",
                what,
                file);
    }
}
