package dev.iod.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The files of one machine. The VMM's user may write only in {@code vmm}, which is the VMM's
 * working directory: nothing the daemon trusts or writes is in there.
 */
final class GuestDirectory {
    private static final long MAX_STDERR_BYTES = 64 * 1024;
    private static final int REASON_BYTES = 600;

    /** What a release before had in place of one for each disk. */
    private static final String NVRAM_OF_ALL = "nvram.fd";

    private static final int DELETE_LOOKS = 50;
    private static final long DELETE_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Path directory;

    GuestDirectory(Path directory) {
        this.directory = directory;
    }

    /** What is written down of a machine, so that the next daemon can adopt it. */
    record Saved(MachineSpec spec, MachineStatus status, long startTicks, boolean stopping) {}

    Path path() {
        return directory;
    }

    Path vmm() {
        return directory.resolve("vmm");
    }

    Path qmpSocket() {
        return vmm().resolve(QemuCommand.QMP_SOCKET);
    }

    /** Where QEMU listens for users of a console. */
    Path consoleSocket(ConsoleKind kind) {
        return vmm().resolve(
                        switch (kind) {
                            case SERIAL -> QemuCommand.SERIAL_SOCKET;
                            case VNC -> QemuCommand.VNC_SOCKET;
                        });
    }

    Path console() {
        return directory.resolve("console.log");
    }

    Path stderr() {
        return directory.resolve("stderr.log");
    }

    /** Where the keeper of QEMU ({@link Launcher}) writes QEMU's process number. */
    private Path pid() {
        return directory.resolve("pid");
    }

    /** Where the keeper writes QEMU's exit status. */
    private Path exit() {
        return directory.resolve("exit");
    }

    private Path state() {
        return directory.resolve("machine.json");
    }

    /** Makes the directories, the VMM's owned by its user. */
    void create(VmmUser user) throws IOException {
        makeDirectory(directory);
        makeDirectory(vmm());
        user.own(vmm());
    }

    /** A directory that everybody may pass through and only its owner may list. */
    static void makeDirectory(Path path) throws IOException {
        Files.createDirectories(path);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx--x--x"));
    }

    /** Replaces the state as a whole: a reader sees the old one or the new one. */
    void save(Saved saved) throws IOException {
        Path temporary = directory.resolve("machine.json.new");
        Files.write(temporary, Json.line(Wire.of(saved)));
        Files.move(temporary, state(), StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * What was saved; empty when nothing was.
     *
     * @throws HostException INVALID when it cannot be understood
     */
    Optional<Saved> load() throws IOException {
        try {
            return Optional.of(Wire.read(Saved.class, Fields.parse(Files.readAllBytes(state()))));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Forgets the last run, before the next one. */
    void forgetRun() throws IOException {
        for (Path file :
                List.of(
                        pid(),
                        exit(),
                        stderr(),
                        qmpSocket(),
                        consoleSocket(ConsoleKind.SERIAL),
                        consoleSocket(ConsoleKind.VNC))) {
            Files.deleteIfExists(file);
        }
    }

    /**
     * Makes the NVRAM of the first disk when it has none; it stays as long as the machine has the
     * disk. In the VMM's directory a file is only ever put in its place, never written: the VMM's
     * user could have placed a link there.
     */
    void keepVariables(List<Disk> disks, Path template, VmmUser user) throws IOException {
        Path kept = vmm().resolve(QemuCommand.nvram(disks.getFirst()));
        Path ofAll = vmm().resolve(NVRAM_OF_ALL);
        if (Files.exists(ofAll, LinkOption.NOFOLLOW_LINKS)) {
            Files.move(ofAll, kept, StandardCopyOption.ATOMIC_MOVE);
        }
        forgetVariables(disks);
        if (Files.exists(kept, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Path made = directory.resolve("nvram.new");
        Files.copy(template, made, StandardCopyOption.REPLACE_EXISTING);
        Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rw-------"));
        user.own(made);
        Files.move(made, kept, StandardCopyOption.ATOMIC_MOVE);
    }

    private void forgetVariables(List<Disk> disks) throws IOException {
        Set<String> known = disks.stream().map(QemuCommand::nvram).collect(Collectors.toSet());
        try (DirectoryStream<Path> all =
                Files.newDirectoryStream(vmm(), QemuCommand.NVRAM + "*" + QemuCommand.NVRAM_END)) {
            for (Path one : all) {
                if (!known.contains(one.getFileName().toString())) {
                    Files.delete(one);
                }
            }
        }
    }

    /** The number of QEMU's process, once it is started. */
    OptionalLong startedPid() throws IOException {
        OptionalInt pid = number(pid());
        return pid.isPresent() ? OptionalLong.of(pid.getAsInt()) : OptionalLong.empty();
    }

    /** QEMU's exit status, 128 and the signal's number when a signal ended it. */
    OptionalInt exitStatus() throws IOException {
        return number(exit());
    }

    /** Both files are moved to their names when they are whole. */
    private static OptionalInt number(Path file) throws IOException {
        return Files.exists(file)
                ? OptionalInt.of(Integer.parseInt(Files.readString(file).strip()))
                : OptionalInt.empty();
    }

    /** The end of what QEMU wrote to its standard error, as one line. */
    String stderrTail() {
        try {
            String text =
                    new String(ConsoleLog.tail(stderr(), REASON_BYTES), StandardCharsets.UTF_8);
            return text.strip().replaceAll("\\s*\\R\\s*", "; ").replaceAll("\\p{Cntrl}", "?");
        } catch (IOException e) {
            return "its messages cannot be read: " + e.getMessage();
        }
    }

    /** Keeps QEMU's messages bounded: it appends, so an emptied file just goes on. */
    void boundStderr() throws IOException {
        if (Files.exists(stderr()) && Files.size(stderr()) > MAX_STDERR_BYTES) {
            Files.write(stderr(), new byte[0]);
        }
    }

    /**
     * Deletes everything, following no link. The keeper of a QEMU that just ended may still write.
     */
    void delete() throws IOException {
        for (int look = 1; Files.exists(directory); look++) {
            try {
                deleteOnce();
            } catch (DirectoryNotEmptyException e) {
                if (look == DELETE_LOOKS) {
                    throw e;
                }
                LockSupport.parkNanos(DELETE_LOOK_NANOS);
            }
        }
    }

    private void deleteOnce() throws IOException {
        Files.walkFileTree(
                directory,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.deleteIfExists(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path visited, @Nullable IOException failure) throws IOException {
                        Files.deleteIfExists(visited);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
