package dev.iod.bench;

import dev.iod.sys.Linux;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The bench's place on this machine: a directory, a network namespace, huge pages, and which
 * processor does what. Everything in it goes with {@link Cleanup}.
 *
 * @param home where the product was built
 * @param directory files, sockets and logs of this run
 * @param namespace network namespace of both switches
 * @param switchCpu processor of the switch's packet thread
 * @param generatorCpu processor of the generator, and of all that is neither
 */
record Lab(
        Path home,
        Path directory,
        String namespace,
        int switchCpu,
        int generatorCpu,
        Cleanup cleanup) {
    static final String UPLINK = "up0";
    static final String ENCAPSULATION = "192.168.61.1";
    private static final String SLEEPS = "voluntary_ctxt_switches:";
    private static final Path COMPACT = Path.of("/proc/sys/vm/compact_memory");
    private static final Path HUGE_PAGES = Path.of("/proc/sys/vm/nr_hugepages");

    /** Of 2 MiB: 512 MiB for the peer and 512 MiB for the generator. */
    private static final int HUGE_PAGES_NEEDED = 512;

    private static final String LOCK = "/run/lock/iod-bench";
    private static final int STOP_SECONDS = 10;

    static Lab open(Path home, Cleanup cleanup) {
        int cpus = Runtime.getRuntime().availableProcessors();
        if (cpus < 2) {
            throw new BenchException(
                    "needs two processors, one for the switch and one for the generator");
        }
        alone(cleanup);
        String namespace = "iod-bench-" + ProcessHandle.current().pid();
        Path directory = temporaryDirectory();
        cleanup.add("directory " + directory, () -> delete(directory));
        Lab lab = new Lab(home, directory, namespace, cpus - 1, cpus - 2, cleanup);
        lab.makeNamespace();
        lab.reserveHugePages();
        return lab;
    }

    /** Two at a time would disturb each other and restore each other's huge pages. */
    static void alone(Cleanup cleanup) {
        try {
            RandomAccessFile file = new RandomAccessFile(LOCK, "rw");
            cleanup.add("lock " + LOCK, () -> close(file));
            if (file.getChannel().tryLock() == null) {
                throw new BenchException("another bench is at work on this machine");
            }
        } catch (IOException e) {
            throw new BenchException("cannot lock " + LOCK + ": " + e.getMessage(), e);
        }
    }

    private static void close(RandomAccessFile file) {
        try {
            file.close();
        } catch (IOException e) {
            throw new BenchException(String.valueOf(e.getMessage()), e);
        }
    }

    private static Path temporaryDirectory() {
        try {
            return Files.createTempDirectory(Path.of("/dev/shm"), "iod-bench");
        } catch (IOException e) {
            throw new BenchException("cannot make a directory in /dev/shm: " + e.getMessage(), e);
        }
    }

    private void makeNamespace() {
        Shell.run("ip", "netns", "add", namespace);
        cleanup.add("namespace " + namespace, () -> Shell.run("ip", "netns", "del", namespace));
        Shell.run("ip", "-n", namespace, "link", "set", "lo", "up");
        Shell.run("ip", "-n", namespace, "link", "add", UPLINK, "type", "veth", "peer", "up1");
        Shell.run("ip", "-n", namespace, "addr", "add", ENCAPSULATION + "/24", "dev", UPLINK);
        Shell.run("ip", "-n", namespace, "link", "set", UPLINK, "up");
        Shell.run("ip", "-n", namespace, "link", "set", "up1", "up");
    }

    private void reserveHugePages() {
        int before = Integer.parseInt(Shell.read(HUGE_PAGES).strip());
        int wanted = before + HUGE_PAGES_NEEDED;
        cleanup.add("huge pages", () -> Shell.write(HUGE_PAGES, before + "\n"));
        int got = before;
        for (int attempt = 0; attempt < 3 && got < wanted; attempt++) {
            // What is free may be scattered: the kernel gathers it when asked.
            Shell.write(COMPACT, "1\n");
            Shell.write(HUGE_PAGES, wanted + "\n");
            got = Integer.parseInt(Shell.read(HUGE_PAGES).strip());
        }
        if (got < wanted) {
            throw new BenchException(
                    "needs "
                            + HUGE_PAGES_NEEDED
                            + " free huge pages, the kernel gave "
                            + (got - before)
                            + "; free some memory");
        }
    }

    /** Starts a program of this run; its output goes to {@code NAME.log}. */
    Process start(String name, List<String> command, Map<String, String> environment) {
        return start(name, command, environment, false);
    }

    /** As {@link #start(String, List, Map)}; with {@code piped} the output is the caller's. */
    Process start(
            String name, List<String> command, Map<String, String> environment, boolean piped) {
        List<String> whole = new ArrayList<>(List.of("taskset", "-c", "" + generatorCpu));
        whole.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(whole).redirectErrorStream(true);
        builder.environment().putAll(environment);
        if (!piped) {
            builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log(name).toFile()));
        }
        try {
            Process process = builder.start();
            cleanup.add(name, () -> stop(process));
            return process;
        } catch (IOException e) {
            throw new BenchException("cannot start " + name + ": " + e.getMessage(), e);
        }
    }

    /** The same command inside the namespace. */
    List<String> inside(List<String> command) {
        List<String> whole = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        whole.addAll(command);
        return whole;
    }

    Path log(String name) {
        return directory.resolve(name + ".log");
    }

    /** Ends a process, by force when it does not end by itself; may be called again. */
    static void stop(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** CPU time of a process so far. */
    static double cpuSeconds(Process process) {
        return Linux.processCpuNanos(process.pid()) / 1e9;
    }

    /** How often the threads of a process that are there now have gone to sleep. */
    static long sleeps(Process process) {
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
            return threads.mapToLong(thread -> sleeps(thread.resolve("status"))).sum();
        } catch (IOException e) {
            throw new BenchException("cannot list threads: " + e.getMessage(), e);
        }
    }

    private static long sleeps(Path status) {
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith(SLEEPS))
                    .mapToLong(line -> Long.parseLong(line.substring(SLEEPS.length()).strip()))
                    .sum();
        } catch (IOException | UncheckedIOException e) {
            return 0; // the thread has ended meanwhile
        }
    }

    static void delete(Path root) {
        try (Stream<Path> walk = Files.walk(root)) {
            for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new BenchException("cannot delete " + root + ": " + e.getMessage(), e);
        }
    }
}
