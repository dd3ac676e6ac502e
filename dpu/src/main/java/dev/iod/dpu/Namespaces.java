package dev.iod.dpu;

import dev.iod.dpu.DpuException.Category;
import dev.iod.sys.Linux;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The network namespaces of the metadata service: each has a loopback, and a persistent TUN
 * interface that the packet engine attaches to. Their names begin with the node's instance, so that
 * they can be found and removed without asking anybody.
 */
final class Namespaces {
    /** Of the TUN interface: HTTP over TCP adapts to it, and it fits every network. */
    static final int MTU_BYTES = 1280;

    /** The metadata address of OpenStack and EC2. */
    static final String METADATA_ADDRESS = "169.254.169.254";

    /**
     * Where the engine puts clients, by port key (the benchmarking block of RFC 2544, RFC 6890).
     */
    static final String CLIENTS = "198.18.0.0/15";

    private static final Path NAMED = Path.of("/run/netns");
    private static final String INTERFACE = "meta0";
    private static final int COMMAND_LIMIT_SECONDS = 10;
    private static final int OUTPUT_LIMIT_BYTES = 4096;

    private final String prefix;

    /** A namespace and the TUN interface in it. */
    record Place(String namespace, String interfaceName) {}

    /**
     * @param instance for example {@code iod-ab12-n1}
     */
    Namespaces(String instance) {
        this.prefix = instance + "-m-";
    }

    /** The place of a network's metadata, made or not. */
    Place place(String networkId) {
        return new Place(
                prefix + networkId.substring(0, Math.min(8, networkId.length())), INTERFACE);
    }

    /** Makes what is missing. */
    void ensure(Place place) {
        String namespace = place.namespace;
        if (!Files.exists(NAMED.resolve(namespace))) {
            ip("netns", "add", namespace);
        }
        if (!has(namespace, "link", "show", "dev", INTERFACE)) {
            ip("-n", namespace, "tuntap", "add", "dev", INTERFACE, "mode", "tun");
        }
        ip("-n", namespace, "link", "set", "lo", "up");
        // No IPv6 link-local address: it would only make noise in the engine.
        ip("-n", namespace, "link", "set", INTERFACE, "addrgenmode", "none");
        String mtu = String.valueOf(MTU_BYTES);
        ip("-n", namespace, "link", "set", INTERFACE, "mtu", mtu, "up");
        String address = METADATA_ADDRESS + "/32";
        ip("-n", namespace, "addr", "replace", address, "dev", INTERFACE);
        ip("-n", namespace, "route", "replace", CLIENTS, "dev", INTERFACE);
    }

    void remove(Place place) {
        if (Files.exists(NAMED.resolve(place.namespace))) {
            ip("netns", "delete", place.namespace);
        }
    }

    /** Removes every namespace of this node but those of these networks. */
    void prune(Set<String> networkIds) {
        List<String> kept = networkIds.stream().map(id -> place(id).namespace).toList();
        for (String name : names()) {
            if (!kept.contains(name)) {
                remove(new Place(name, INTERFACE));
            }
        }
    }

    private List<String> names() {
        if (!Files.isDirectory(NAMED)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(NAMED)) {
            return all.map(p -> p.getFileName().toString())
                    .filter(name -> name.startsWith(prefix))
                    .toList();
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot list " + NAMED + ": " + e, e);
        }
    }

    /** Runs something in a namespace, on a thread of its own: sockets it makes belong there. */
    static <T> T inside(Place place, Callable<T> work) {
        FutureTask<T> task =
                new FutureTask<>(
                        () -> {
                            int fd =
                                    Linux.open(
                                            NAMED.resolve(place.namespace),
                                            Linux.O_RDONLY | Linux.O_CLOEXEC);
                            try {
                                Linux.enterNetworkNamespace(fd);
                            } finally {
                                Linux.close(fd);
                            }
                            return work.call();
                        });
        Thread.ofPlatform().daemon().name("in-" + place.namespace).start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw new DpuException(
                    Category.NODE, "in namespace " + place.namespace + ": " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DpuException(Category.NODE, "interrupted in " + place.namespace, e);
        }
    }

    private static boolean has(String namespace, String... arguments) {
        List<String> command = new ArrayList<>(List.of("ip", "-n", namespace));
        command.addAll(List.of(arguments));
        return run(command).status == 0;
    }

    private static void ip(String... arguments) {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        Result result = run(command);
        if (result.status != 0) {
            throw new DpuException(
                    Category.NODE, String.join(" ", command) + " failed: " + result.output.strip());
        }
    }

    private record Result(int status, String output) {}

    private static Result run(List<String> command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            byte[] output = process.getInputStream().readNBytes(OUTPUT_LIMIT_BYTES);
            if (!process.waitFor(COMMAND_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new DpuException(Category.NODE, String.join(" ", command) + " hangs");
            }
            return new Result(process.exitValue(), new String(output, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot run " + command + ": " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DpuException(Category.NODE, "interrupted: " + command, e);
        }
    }
}
