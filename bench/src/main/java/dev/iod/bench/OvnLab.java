package dev.iod.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The place of the chassis' bench: a directory with databases, sockets and logs, and a namespace
 * for our engine's uplink. All of it goes with the run.
 *
 * @param home where the product was built
 */
record OvnLab(Path home, Path directory, String namespace, Cleanup cleanup) {
    static final String UPLINK = "up0";

    static OvnLab open(Path home, Cleanup cleanup) {
        Lab.alone(cleanup);
        Path directory = temporaryDirectory();
        cleanup.add("directory " + directory, () -> Lab.delete(directory));
        String namespace = "iod-ovn-" + ProcessHandle.current().pid();
        Shell.run("ip", "netns", "add", namespace);
        cleanup.add("namespace " + namespace, () -> Shell.run("ip", "netns", "del", namespace));
        Shell.run("ip", "-n", namespace, "link", "add", UPLINK, "type", "veth", "peer", "up1");
        Shell.run("ip", "-n", namespace, "addr", "add", OurChassis.ADDRESS + "/24", "dev", UPLINK);
        Shell.run("ip", "-n", namespace, "link", "set", UPLINK, "up");
        Shell.run("ip", "-n", namespace, "link", "set", "up1", "up");
        return new OvnLab(home, directory, namespace, cleanup);
    }

    private static Path temporaryDirectory() {
        try {
            return Files.createTempDirectory(Path.of("/dev/shm"), "iod-ovn");
        } catch (IOException e) {
            throw new BenchException("cannot make a directory in /dev/shm: " + e.getMessage(), e);
        }
    }

    /** A directory of its own for one life of a side. */
    Path directory(String name) {
        Path own = directory.resolve(name);
        own.toFile().mkdirs();
        return own;
    }

    Process start(Path own, String name, List<String> command) {
        return start(own, name, command, Map.of());
    }

    /** Starts a program; its output goes to {@code NAME.log} in its directory. */
    Process start(Path own, String name, List<String> command, Map<String, String> environment) {
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(
                                ProcessBuilder.Redirect.appendTo(
                                        own.resolve(name + ".log").toFile()));
        builder.environment().putAll(environment);
        try {
            Process process = builder.start();
            cleanup.add(name, () -> end(process));
            return process;
        } catch (IOException e) {
            throw new BenchException("cannot start " + name + ": " + e.getMessage(), e);
        }
    }

    /** Ends a process, also one that stands still. */
    static void end(Process process) {
        if (process.isAlive()) {
            Shell.run("kill", "-CONT", "" + process.pid());
        }
        Lab.stop(process);
    }
}
