package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the daemon takes from the tenants' host, with the product's JVM options. */
final class FootprintTest {
    private static final long LIMIT_BYTES = 64L << 20;
    private static final int REQUESTS = 5_000;
    private static final int MACHINES = 30;

    @TempDir Path directory;

    @Test
    void staysSmallAndOffTheNetwork() throws Exception {
        TestDaemon daemon = new TestDaemon(directory);
        try {
            long before = residentBytes(daemon.pid());
            for (int i = 0; i < MACHINES; i++) {
                daemon.client().start(unstartable("vm-" + i));
            }
            for (int i = 0; i < REQUESTS; i++) {
                daemon.client().list();
            }
            long after = residentBytes(daemon.pid());
            System.getLogger("footprint")
                    .log(
                            System.Logger.Level.INFO,
                            "virtDaemon resident: {0} MiB at start, {1} MiB after {2} requests",
                            before >> 20,
                            after >> 20,
                            REQUESTS);
            assertThat(after).isLessThan(LIMIT_BYTES);
            assertThat(networkSockets(daemon.pid())).isEmpty();
        } finally {
            daemon.close();
        }
    }

    private static MachineSpec unstartable(String id) {
        Path none = Path.of("/nonexistent");
        return new MachineSpec(
                id, MachineModel.Q35, 1, 64, new Boot.Kernel(none, none, ""), Devices.NONE);
    }

    private static long residentBytes(long pid) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        throw new AssertionError("no VmRSS in /proc/" + pid + "/status");
    }

    /** The process's sockets that are in a table of TCP or UDP, by inode. */
    private static Set<String> networkSockets(long pid) throws IOException {
        Set<String> own = new HashSet<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                String target = Files.readSymbolicLink(descriptor).toString();
                if (target.startsWith("socket:[")) {
                    own.add(target.substring(8, target.length() - 1));
                }
            }
        }
        Set<String> network = new HashSet<>();
        for (String table : List.of("tcp", "tcp6", "udp", "udp6")) {
            Path file = Path.of("/proc/" + pid + "/net/" + table);
            if (Files.exists(file)) {
                for (String line : Files.readAllLines(file)) {
                    String[] columns = line.strip().split("\\s+");
                    network.add(columns.length > 9 ? columns[9] : "");
                }
            }
        }
        own.retainAll(network);
        return own;
    }
}
