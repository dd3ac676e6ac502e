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
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.UUID;
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
            first[ConnectionTable.ORIGINAL + 4] ^= 1; // would count as a connection of its own
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
                    conntrack.expire(NOW + 2 * 86_400_000L, 4096);
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
                            raw.seek(ConnectionFile.HEADER);
                            raw.readFully(row);
                            raw.seek(ConnectionFile.HEADER + 50L * ConnectionTable.ROW);
                            raw.write(row);
                        });
        assertThat(connections).isEqualTo(99);
    }

    /** A reply tuple that another connection has would take that one's packets. */
    @Test
    void aRowWithAnothersReplyTupleIsNotTaken() throws IOException {
        int connections =
                connectionsAfter(
                        raw -> {
                            byte[] reply = new byte[ConnectionTable.SENDER - ConnectionTable.REPLY];
                            raw.seek(ConnectionFile.HEADER + ConnectionTable.REPLY);
                            raw.readFully(reply);
                            long other = ConnectionFile.HEADER + 50L * ConnectionTable.ROW;
                            raw.seek(other + ConnectionTable.REPLY);
                            raw.write(reply);
                        });
        assertThat(connections).isEqualTo(99);
    }

    /** What the engine wrote before connections had two tuples, with one connection of a kind. */
    private Path fileOfVersion3() throws IOException {
        try (InputStream file =
                Objects.requireNonNull(getClass().getResourceAsStream("version3.bin"))) {
            Files.write(file(), file.readAllBytes());
        }
        try (RandomAccessFile raw = new RandomAccessFile(file().toFile(), "rw")) {
            String boot = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
            raw.seek(ConnectionFile.BOOT);
            long id = UUID.fromString(boot).getMostSignificantBits();
            raw.writeLong(Long.reverseBytes(id));
        }
        return file();
    }

    private static List<String> listed(ConnectionTable table) {
        return table.report(0, 1000, NOW).connections().stream()
                .map(c -> c.text() + " " + c.replied() + " " + c.leftMillis())
                .toList();
    }

    @Test
    void anUpgradedEngineKeepsTheConnectionsOfTheOneBefore() throws IOException {
        String labels = "mark=3,labels=0x112233445566778899aabbccddeeff00,";
        String[] before = {
            "tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=80),"
                    + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=80,dport=1000),zone=7,"
                    + labels
                    + "protoinfo=(state=ESTABLISHED) true 86400000",
            "tcp,orig=(src=10.0.0.2,dst=10.0.0.1,sport=2000,dport=22),"
                    + "reply=(src=10.0.0.1,dst=10.0.0.2,sport=22,dport=2000),zone=7,"
                    + labels
                    + "protoinfo=(state=SYN_SENT) false 30000",
            "udp,orig=(src=10.0.0.2,dst=10.0.0.1,sport=5,dport=53),"
                    + "reply=(src=10.0.0.1,dst=10.0.0.2,sport=53,dport=5),zone=7 true 30000",
            "udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=6,dport=53),"
                    + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=6),zone=7 false 60000",
            "icmp,orig=(src=10.0.0.2,dst=10.0.0.1,id=9,type=8,code=0),"
                    + "reply=(src=10.0.0.1,dst=10.0.0.2,id=9,type=0,code=0),zone=7 true 30000",
            "icmpv6,orig=(src=2001:db8::2,dst=2001:db8::1,id=9,type=128,code=0),"
                    + "reply=(src=2001:db8::1,dst=2001:db8::2,id=9,type=129,code=0),zone=7"
                    + " true 30000"
        };
        fileOfVersion3();
        try (ConnectionTable table = ConnectionTable.open(directory, CAPACITY, NOW)) {
            assertThat(listed(table)).containsExactly(before);
            assertThat(table.senders().size(5)).isEqualTo(2);
            assertThat(table.senders().size(6)).isEqualTo(4);
            // Its windows too: the initiator sent up to 301, the responder offered 1000 from 101.
            Conntrack conntrack = new Conntrack(table, new Conntrack.Limits(200, 200), counters);
            byte[] outside = Frames.tcp4(A, B, 1000, 80, 101 + 1001, 501, 0x10, 10);
            byte[] inside = Frames.tcp4(B, A, 80, 1000, 501, 301, 0x10, 10);
            assertThat(state(conntrack, outside)).isEqualTo(Conntrack.TRACKED | Conntrack.INVALID);
            assertThat(state(conntrack, inside))
                    .isEqualTo(Conntrack.TRACKED | Conntrack.ESTABLISHED | Conntrack.REPLY);
        }
        assertThat(directory).isDirectoryContaining(file -> file.equals(file()));
        assertThat(Files.list(directory)).as("nothing is left of the old file").hasSize(1);
        try (ConnectionTable table = ConnectionTable.open(directory, CAPACITY, NOW)) {
            assertThat(listed(table)).hasSize(6);
        }
    }

    private static int state(Conntrack conntrack, byte[] ip) {
        Packet p = TestPackets.parsed(Frames.ethernet(2, 4, 0x0800, ip));
        assertThat(conntrack.track(p, 7, NOW, false)).isNull();
        return p.ctState;
    }

    @Test
    void anUpgradeThatWasCutOffGoesOn() throws IOException {
        Files.copy(fileOfVersion3(), directory.resolve("spare"));
        try (ConnectionTable table = ConnectionTable.open(directory, CAPACITY, NOW)) {
            table.remove(0);
            table.remove(1);
        }
        Files.move(directory.resolve("spare"), directory.resolve(ConnectionFile.NAME + ".3"));
        try (ConnectionTable table = ConnectionTable.open(directory, CAPACITY, NOW)) {
            assertThat(listed(table)).hasSize(6).doesNotHaveDuplicates();
        }
        fileOfVersion3();
        try (ConnectionTable table = ConnectionTable.open(directory, 4, NOW)) {
            assertThat(table.size()).as("as many as there is room for").isEqualTo(4);
        }
    }

    @Test
    void damagedFilesOfTheVersionBeforeAreTakenAsFarAsTheyMakeSense() throws IOException {
        SplittableRandom random = new SplittableRandom(12);
        int kept = 0;
        for (int round = 0; round < 100; round++) {
            Files.deleteIfExists(file());
            fileOfVersion3();
            try (RandomAccessFile raw = new RandomAccessFile(file().toFile(), "rw")) {
                for (int i = random.nextInt(20); i >= 0; i--) {
                    raw.seek(ConnectionFile.HEADER + random.nextInt(7 * ConnectionTable.ROW));
                    raw.writeByte(random.nextInt());
                }
            }
            try (ConnectionTable table = ConnectionTable.open(directory, CAPACITY, NOW)) {
                kept += table.size();
                Conntrack conntrack =
                        new Conntrack(table, new Conntrack.Limits(200, 200), counters);
                for (int i = 0; i < 2000; i++) {
                    conntrack.expire(NOW + 2 * 86_400_000L, 4096);
                }
                assertThat(table.size()).isZero();
            }
        }
        assertThat(kept).isPositive();
    }

    /** Needs to mount, as root can; the file system goes with the test. */
    @Test
    void aFullFileSystemIsSaidSoAndNotFoundOutByAFault() throws Exception {
        Path small = Files.createDirectory(directory.resolve("small"));
        run("mount", "-t", "tmpfs", "-o", "size=64k", "iod-test", small.toString());
        try {
            assertThatThrownBy(() -> ConnectionTable.open(small, 1024, NOW))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("1024 connections need 167936 bytes")
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
