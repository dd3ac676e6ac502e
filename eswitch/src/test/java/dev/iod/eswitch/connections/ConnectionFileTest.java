package dev.iod.eswitch.connections;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.rules.MarkChange;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table's file when it is not what the engine left, or when there is no room for it. */
final class ConnectionFileTest {
    private static final int CAPACITY = 256;
    private static final int A = Frames.address(10, 0, 0, 1);
    private static final int B = Frames.address(10, 0, 0, 2);
    private static final long NOW = 5_000_000;

    @TempDir Path directory;
    private final Counters counters = new Counters();

    private ConnectionTable open() throws IOException {
        return ConnectionTable.open(directory, CAPACITY, NOW);
    }

    private void fill(ConnectionTable table, int connections) {
        Conntrack conntrack = new Conntrack(table, new Conntrack.Limits(200, 200), counters);
        for (int port = 1; port <= connections; port++) {
            commit(conntrack, packet(port), NOW);
        }
    }

    private static Packet packet(int port) {
        byte[] udp = Frames.udp4(A, B, port, 53, new byte[4]);
        return TestPackets.parsed(Frames.ethernet(2, 4, 0x0800, udp));
    }

    private static void commit(Conntrack conntrack, Packet p, long now) {
        assertThat(conntrack.track(p, 7, now, false)).isNull();
        conntrack.commit(p, 7, MarkChange.NONE, now);
    }

    private Path file() {
        return directory.resolve(ConnectionFile.NAME);
    }

    private interface Damage {
        void to(RandomAccessFile file) throws IOException;
    }

    private int connectionsAfter(Damage damage) throws IOException {
        Files.deleteIfExists(file());
        try (ConnectionTable table = open()) {
            fill(table, 100);
        }
        try (RandomAccessFile raw = new RandomAccessFile(file().toFile(), "rw")) {
            damage.to(raw);
        }
        try (ConnectionTable table = open()) {
            return table.size();
        }
    }

    @Test
    void aFileThatIsNotOursIsDiscarded() throws IOException {
        assertThat(connectionsAfter(raw -> {})).isEqualTo(100);
        assertThat(connectionsAfter(raw -> raw.write(0x7f))).as("another version").isZero();
        assertThat(connectionsAfter(raw -> raw.setLength(raw.length() - 1))).as("short").isZero();
        assertThat(connectionsAfter(raw -> raw.setLength(raw.length() + 1))).as("long").isZero();
        assertThat(connectionsAfter(raw -> raw.setLength(0))).as("empty").isZero();
        assertThat(connectionsAfter(raw -> raw.setLength(100))).as("in the header").isZero();
        try (ConnectionTable larger = ConnectionTable.open(directory, 2 * CAPACITY, NOW)) {
            assertThat(larger.size()).as("another capacity").isZero();
        }
    }

    /** A restart looks only at rows that were used: an empty table of a million costs nothing. */
    @Test
    void rowsThatWereNeverUsedAreNotLookedAtAndCanBeUsed() throws IOException {
        try (ConnectionTable table = open()) {
            fill(table, 100);
            table.remove(0);
            assertThat(table.free()).isEqualTo(CAPACITY - 99);
        }
        try (RandomAccessFile raw = new RandomAccessFile(file().toFile(), "rw")) {
            byte[] first = new byte[ConnectionTable.ROW];
            raw.seek(ConnectionFile.HEADER + ConnectionTable.ROW);
            raw.readFully(first);
            first[ConnectionTable.PORTS] ^= 1; // would count as a connection of its own
            raw.seek(ConnectionFile.HEADER + 200L * ConnectionTable.ROW);
            raw.write(first);
        }
        try (ConnectionTable table = open()) {
            assertThat(table.size()).isEqualTo(99);
            assertThat(table.report(0, 1000, NOW).connections()).hasSize(99);
            fill(table, 120);
            assertThat(table.size()).isEqualTo(120);
            assertThat(table.free()).isEqualTo(CAPACITY - 120);
        }
    }

    @Test
    void rowsOfRandomBytesNeitherBreakTheTableNorStayForEver() throws IOException {
        long seed = Long.getLong("seed", 11);
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        int rounds = Boolean.getBoolean("iod.full") ? 2000 : 100;
        int kept = 0;
        for (int round = 0; round < rounds; round++) {
            Files.deleteIfExists(file());
            try (ConnectionTable table = open()) {
                fill(table, 100);
            }
            try (RandomAccessFile raw = new RandomAccessFile(file().toFile(), "rw")) {
                for (int i = random.nextInt(400); i >= 0; i--) {
                    long rows = raw.length() - ConnectionFile.HEADER;
                    raw.seek(ConnectionFile.HEADER + random.nextLong(rows - 8));
                    raw.writeLong(random.nextInt(4) == 0 ? 1L << 56 : random.nextLong());
                }
            }
            try (ConnectionTable table = open()) {
                kept += table.size();
                fill(table, 200);
                Conntrack conntrack =
                        new Conntrack(table, new Conntrack.Limits(200, 200), counters);
                for (int i = 0; i < 2000; i++) {
                    conntrack.expire(NOW + 2 * 86_400_000L);
                }
                assertThat(table.size()).isZero();
                assertThat(table.free()).isEqualTo(CAPACITY);
            }
        }
        System.out.println(rounds + " damaged files, " + kept + " rows kept");
        assertThat(kept).isPositive();
    }

    @Test
    void aRowThatIsThereTwiceIsTakenOnce() throws IOException {
        int connections =
                connectionsAfter(
                        raw -> {
                            byte[] row = new byte[ConnectionTable.ROW];
                            long last = raw.length() - ConnectionTable.ROW;
                            raw.seek(last);
                            raw.readFully(row);
                            raw.seek(ConnectionFile.HEADER);
                            byte[] first = new byte[ConnectionTable.ROW];
                            raw.readFully(first);
                            raw.seek(last);
                            raw.write(first[0] == 1 ? first : row);
                            raw.seek(ConnectionFile.HEADER);
                            raw.write(first[0] == 1 ? first : row);
                        });
        assertThat(connections).isEqualTo(100);
    }

    /** Needs to mount, as root can; the file system goes with the test. */
    @Test
    void aFullFileSystemIsSaidSoAndNotFoundOutByAFault() throws Exception {
        Path small = Files.createDirectory(directory.resolve("small"));
        run("mount", "-t", "tmpfs", "-o", "size=64k", "iod-test", small.toString());
        try {
            assertThatThrownBy(() -> ConnectionTable.open(small, 1024, NOW))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("1024 connections need 135168 bytes")
                    .hasMessageContaining("lower the setting connections");
            assertThat(small.resolve(ConnectionFile.NAME)).doesNotExist();
            try (ConnectionTable table = ConnectionTable.open(small, CAPACITY, NOW)) {
                Path filler = small.resolve("filler");
                assertThatThrownBy(() -> Files.write(filler, new byte[64 << 10]))
                        .isInstanceOf(IOException.class);
                fill(table, 100);
                assertThat(table.size()).isEqualTo(100);
            }
        } finally {
            run("umount", small.toString());
        }
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(String.join(" ", command)).isZero();
    }
}
