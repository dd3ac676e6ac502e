package dev.iod.host;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Starts QEMU processes that outlive the daemon: a session of their own, the VMM's user, its
 * directory as working directory. All paths QEMU gets are relative to that or open already, so the
 * user needs no right to the directories above the run directory.
 */
final class Launcher {
    /** Opens the kernel and the initial file system as root; QEMU finds them by number. */
    private static final String OPEN = "exec 3<\"$1\" 4<\"$2\" && shift 2 && exec \"$@\"";

    private final QemuCommand command;
    private final VmmUser user;

    Launcher(QemuCommand command, VmmUser user) {
        this.command = command;
        this.user = user;
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
        checkReadable("kernel", spec.kernel());
        checkReadable("initrd", spec.initrd());
        try {
            directory.create(user);
            Files.deleteIfExists(directory.qmpSocket());
            Files.deleteIfExists(directory.stderr());
            List<Path> sockets = new ArrayList<>();
            for (Nic nic : spec.nics()) {
                sockets.add(socket(directory.vmm(), nic.socket()));
            }
            List<String> qemu =
                    command.arguments(spec, Path.of("/dev/fd/3"), Path.of("/dev/fd/4"), sockets);
            List<String> opened = new ArrayList<>(List.of("setsid", "sh", "-c", OPEN, "sh"));
            opened.add(spec.kernel().toString());
            opened.add(spec.initrd().toString());
            opened.addAll(user.demoted(qemu));
            return GuestProcess.of(builder(opened, directory.vmm(), directory.stderr()).start());
        } catch (IOException e) {
            throw new HostException(
                    HostException.Category.FAILED, "cannot start QEMU: " + e.getMessage(), e);
        }
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
    private Path socket(Path vmm, Path socket) throws IOException {
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
