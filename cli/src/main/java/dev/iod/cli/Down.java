package dev.iod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Stops a region: services in reverse order, machines, namespaces, mounts, shared memory. */
final class Down {
    private final Layout layout;

    Down(Layout layout) {
        this.layout = layout;
    }

    /** Leaves no process, namespace, mount or device; the data stays unless purged. */
    void run(boolean purge) {
        if (RegionConfig.exists(layout)) {
            RegionConfig config = RegionConfig.load(layout);
            Supervisor supervisor = Supervisor.ofMachine(layout);
            List<Supervisor.Service> services = new Services(layout, config).all();
            for (Supervisor.Service service : services.reversed()) {
                supervisor.stop(service.name());
            }
            supervisor.remove();
        }
        Proc.endStrays(layout.run(), Proc.GRACE_SECONDS);
        endMachines();
        new Underlay(layout).remove();
        unmount();
        removeTables();
        if (purge) {
            Trees.delete(layout.run());
        }
    }

    /** The guests: each VMM works in its own directory of this run directory. */
    private void endMachines() {
        Path guests = layout.run().resolve("nodes");
        List<ProcessHandle> machines =
                ProcessHandle.allProcesses()
                        .filter(
                                p ->
                                        Proc.isRunning(p.pid(), "qemu-system")
                                                && Proc.worksIn(p.pid(), guests))
                        .toList();
        machines.forEach(ProcessHandle::destroy);
        if (!Waiting.within(10, () -> machines.stream().noneMatch(ProcessHandle::isAlive))) {
            machines.forEach(ProcessHandle::destroyForcibly);
            Waiting.until(
                    "end the machines",
                    10,
                    () -> machines.stream().noneMatch(ProcessHandle::isAlive));
        }
    }

    /** The pools of volumes; a loop device goes with its mount. */
    private void unmount() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/mounts"))) {
                Path mount = Path.of(line.split(" ", 3)[1]);
                if (mount.startsWith(layout.run())) {
                    Shell.run("umount", mount.toString());
                }
            }
        } catch (IOException e) {
            throw new CliException("cannot read the mounts: " + CliException.reason(e), e);
        }
    }

    private void removeTables() {
        try (Stream<Path> entries = Files.list(Path.of("/dev/shm"))) {
            entries.filter(
                            path ->
                                    path.getFileName()
                                            .toString()
                                            .startsWith(layout.namespacePrefix()))
                    .toList()
                    .forEach(Trees::delete);
        } catch (IOException e) {
            throw new CliException("cannot list /dev/shm: " + CliException.reason(e), e);
        }
    }
}
