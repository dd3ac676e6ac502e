package dev.iod.host;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** virtDaemon, put together from its configuration. */
final class Daemon implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Daemon.class.getName());

    /** Where QEMU listens for vhost-user back ends, beside the guests' directory. */
    private static final String SOCKETS = "vhost";

    private final FileChannel lockFile;
    private final Server server;

    private Daemon(FileChannel lockFile, Server server) {
        this.lockFile = lockFile;
        this.server = server;
    }

    /**
     * Adopts what runs and listens.
     *
     * @throws HostException INVALID when the configuration cannot work, CONFLICT when another
     *     daemon uses the directory
     */
    static Daemon open(Config config) throws IOException {
        Path directory = config.directory();
        VmmUser user = VmmUser.of(config.user());
        makeDirectories(directory, user);
        FileChannel lockFile = locked(directory.resolveSibling(directory.getFileName() + ".lock"));
        try {
            Accelerator accelerator =
                    config.accelerator().orElseGet(() -> probed(config, user, directory));
            OptionalLong tscKhz = TimestampCounter.khz();
            LOG.log(
                    Level.INFO,
                    "accelerator {0}, time stamp counter {1} kHz, VMMs run as {2}",
                    accelerator,
                    tscKhz.isPresent() ? Long.toString(tscKhz.getAsLong()) : "unknown",
                    user.name());
            Launcher launcher =
                    new Launcher(new QemuCommand(config.qemu(), accelerator, tscKhz), user);
            Announcer announcer = new Announcer();
            Machines machines =
                    new Machines(
                            directory,
                            new MachineAgent.Dependencies(
                                    launcher,
                                    new StartSlots(Runtime.getRuntime().availableProcessors()),
                                    config.startMillis(),
                                    announcer::changed));
            machines.adopt();
            Server server = Server.listen(config.socket(), machines);
            announcer.server = Optional.of(server);
            return new Daemon(lockFile, server);
        } catch (IOException | RuntimeException e) {
            lockFile.close();
            throw e;
        }
    }

    /** Serves until {@link #close}. */
    void serve() throws IOException {
        server.serve();
    }

    /** Stops listening. Guests run on, for the next daemon. */
    @Override
    public void close() throws IOException {
        server.close();
        lockFile.close();
    }

    /**
     * The guests' directory, and beside it the one where VMMs listen for their back ends. The VMMs'
     * user must be able to pass from one to the other through the directory that holds both.
     */
    private static void makeDirectories(Path directory, VmmUser user) throws IOException {
        GuestDirectory.makeDirectory(directory);
        Path sockets = directory.resolveSibling(SOCKETS);
        GuestDirectory.makeDirectory(sockets);
        user.own(sockets);
        Path both = directory.toRealPath().resolveSibling("");
        Set<PosixFilePermission> permissions = new HashSet<>(Files.getPosixFilePermissions(both));
        if (permissions.add(PosixFilePermission.OTHERS_EXECUTE)) {
            Files.setPosixFilePermissions(both, permissions);
        }
    }

    private static FileChannel locked(Path file) throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock();
        if (lock == null) {
            channel.close();
            throw new HostException(
                    HostException.Category.CONFLICT, "another virtDaemon holds " + file);
        }
        return channel;
    }

    private static Accelerator probed(Config config, VmmUser user, Path directory) {
        Optional<String> failure =
                AcceleratorProbe.failure(config.qemu(), Accelerator.KVM, user, directory);
        failure.ifPresent(
                reason -> LOG.log(Level.INFO, "guests are translated (TCG), not run: {0}", reason));
        return failure.isPresent() ? Accelerator.TCG : Accelerator.KVM;
    }

    /** Machines are adopted before there is a server to tell their changes to clients. */
    private static final class Announcer {
        private volatile Optional<Server> server = Optional.empty();

        void changed(MachineStatus status) {
            LOG.log(
                    Level.INFO,
                    "machine {0} {1} {2}{3}",
                    status.id(),
                    status.state(),
                    status.reason(),
                    status.devices().stream()
                            .map(d -> d.device().id() + " " + d.state() + " " + d.reason())
                            .toList());
            server.ifPresent(listening -> listening.changed(status));
        }
    }
}
