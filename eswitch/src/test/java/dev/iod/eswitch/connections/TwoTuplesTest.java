package dev.iod.eswitch.connections;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.packet.Checksum;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.eswitch.packet.PacketParser;
import dev.iod.eswitch.replies.IcmpErrors;
import dev.iod.eswitch.rules.MarkChange;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.ConnectionStatus;
import dev.iod.pipeline.DropReason;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Connections whose reply tuple is not the mirror of the original one, as address translation will
 * make them: made by the table's own door, and found by packets of both directions.
 */
final class TwoTuplesTest {
    /** Who asks, the address it asks, and who answers in that one's place. */
    private static final int CLIENT = Frames.address(10, 0, 0, 1);

    private static final int VIRTUAL = Frames.address(203, 0, 113, 9);
    private static final int SERVER = Frames.address(10, 0, 0, 2);
    private static final int ZONE = 7;
    private static final int CAPACITY = 64;
    private static final int NEW = Conntrack.TRACKED | Conntrack.NEW;
    private static final int EST = Conntrack.TRACKED | Conntrack.ESTABLISHED;
    private static final int ANSWER = EST | Conntrack.REPLY;
    private static final int INVALID = Conntrack.TRACKED | Conntrack.INVALID;

    @TempDir Path directory;
    private final Counters counters = new Counters();
    private ConnectionTable table;
    private Conntrack conntrack;
    private long now = 5_000_000;

    @BeforeEach
    void open() throws Exception {
        table = ConnectionTable.open(directory, CAPACITY, now);
        conntrack = new Conntrack(table, new Conntrack.Limits(16, 64), counters);
    }

    @AfterEach
    void close() {
        table.close();
    }

    private static Packet packet(byte[] ip) {
        int type = ip[0] >>> 4 == 4 ? 0x0800 : 0x86dd;
        return TestPackets.parsed(Frames.ethernet(2, 4, type, ip));
    }

    private static Tuple tuple(byte[] ip) {
        Tuple tuple = new Tuple();
        assertThat(tuple.of(packet(ip), ZONE)).isTrue();
        return tuple;
    }

    /** A connection of which these are a packet and one that answers it. */
    private int translated(byte[] packet, byte[] answer, int sender) {
        int flags = packet(packet).transport == Transport.TCP ? 1 << ConnectionTable.TCP_SHIFT : 0;
        int row = table.add(tuple(packet), tuple(answer), flags, sender, now + 30_000);
        if (packet(packet).transport == Transport.TCP) {
            new TcpTracker(table).begin(row, packet(packet));
        }
        return row;
    }

    private int state(byte[] ip) {
        Packet p = packet(ip);
        assertThat(conntrack.track(p, ZONE, now, false)).isNull();
        return p.ctState;
    }

    private static byte[] udp(int source, int destination, int from, int to) {
        return Frames.udp4(source, destination, from, to, new byte[4]);
    }

    @Test
    void packetsOfBothDirectionsFindIt() {
        int row = translated(udp(CLIENT, VIRTUAL, 5, 53), udp(SERVER, CLIENT, 5353, 5), 1);
        assertThat(state(udp(CLIENT, VIRTUAL, 5, 53))).isEqualTo(NEW);
        assertThat(state(udp(SERVER, CLIENT, 5353, 5))).isEqualTo(ANSWER);
        assertThat(conntrack.lookup().row).isEqualTo(row);
        assertThat(conntrack.lookup().reply()).isTrue();
        assertThat(state(udp(CLIENT, VIRTUAL, 5, 53))).isEqualTo(EST);
        assertThat(conntrack.lookup().row).isEqualTo(row);
        assertThat(conntrack.lookup().reply()).isFalse();
        // The mirrors of either belong to nobody.
        assertThat(state(udp(VIRTUAL, CLIENT, 53, 5))).isEqualTo(NEW);
        assertThat(state(udp(CLIENT, SERVER, 5, 5353))).isEqualTo(NEW);
        assertThat(conntrack.lookup().found()).isFalse();
        Packet elsewhere = packet(udp(SERVER, CLIENT, 5353, 5));
        conntrack.track(elsewhere, ZONE + 1, now, false);
        assertThat(elsewhere.ctState).as("another zone").isEqualTo(NEW);
    }

    @Test
    void tcpIsFollowedFromBothSides() {
        translated(
                Frames.tcp4(CLIENT, VIRTUAL, 1000, 80, 100, 0, Packet.TCP_SYN, 0),
                Frames.tcp4(SERVER, CLIENT, 8080, 1000, 0, 0, Packet.TCP_ACK, 0),
                1);
        int synAck = Packet.TCP_SYN | Packet.TCP_ACK;
        assertThat(state(Frames.tcp4(SERVER, CLIENT, 8080, 1000, 500, 101, synAck, 0)))
                .isEqualTo(ANSWER);
        assertThat(state(Frames.tcp4(CLIENT, VIRTUAL, 1000, 80, 101, 501, Packet.TCP_ACK, 9)))
                .isEqualTo(EST);
        long use = conntrack.use(conntrack.lookup());
        Packet next = packet(Frames.tcp4(CLIENT, VIRTUAL, 1000, 80, 110, 501, Packet.TCP_ACK, 9));
        assertThat(conntrack.refresh(use, next, now)).isTrue();
        assertThat(state(Frames.tcp4(SERVER, CLIENT, 8080, 1000, 90_000, 101, 16, 1)))
                .as("outside the window")
                .isEqualTo(INVALID);
    }

    @Test
    void echoMayGetAnotherIdentifier() {
        translated(
                Frames.echo4(CLIENT, VIRTUAL, 8, 9, 1), Frames.echo4(SERVER, CLIENT, 0, 77, 1), 1);
        assertThat(state(Frames.echo4(SERVER, CLIENT, 0, 77, 1))).isEqualTo(ANSWER);
        assertThat(state(Frames.echo4(CLIENT, VIRTUAL, 8, 9, 2))).isEqualTo(EST);
        assertThat(state(Frames.echo4(SERVER, CLIENT, 0, 9, 1))).isEqualTo(INVALID);
        assertThat(state(Frames.echo4(SERVER, CLIENT, 8, 77, 1))).as("it asks").isEqualTo(NEW);
    }

    private static byte[] six(int last) {
        byte[] address = new byte[16];
        address[0] = 0x20;
        address[7] = (byte) last;
        address[15] = (byte) last;
        return address;
    }

    private static byte[] udp6(int source, int destination, int from, int to) {
        ByteBuffer udp = ByteBuffer.allocate(12);
        udp.putShort((short) from).putShort((short) to).putShort((short) 12).putShort((short) 1);
        return Frames.ip6(six(source), six(destination), 17, udp.array());
    }

    @Test
    void upperHalvesOfIpv6AddressesCount() {
        translated(udp6(1, 9, 5, 53), udp6(2, 1, 5353, 5), 1);
        assertThat(state(udp6(2, 1, 5353, 5))).isEqualTo(ANSWER);
        assertThat(state(udp6(1, 9, 5, 53))).isEqualTo(EST);
        byte[] other = udp6(2, 1, 5353, 5);
        other[8 + 7] = 3; // in the upper half of the source
        assertThat(state(other)).isEqualTo(NEW);
    }

    /** It quotes a packet as its receiver saw it, that is the mirror of those that answer. */
    @Test
    void anErrorBelongsToTheConnectionWhoseAnswersItTravelsWith() {
        translated(udp(CLIENT, VIRTUAL, 5, 53), udp(SERVER, CLIENT, 5353, 5), 1);
        assertThat(error(udp(CLIENT, SERVER, 5, 5353)))
                .isEqualTo(Conntrack.TRACKED | Conntrack.RELATED | Conntrack.REPLY);
        assertThat(error(udp(VIRTUAL, CLIENT, 53, 5)))
                .as("about an answer, to whom the client knows")
                .isEqualTo(Conntrack.TRACKED | Conntrack.RELATED);
        assertThat(error(udp(CLIENT, VIRTUAL, 5, 53))).as("not translated").isEqualTo(INVALID);
        now += 30_001;
        assertThat(error(udp(CLIENT, SERVER, 5, 5353))).as("timed out").isEqualTo(INVALID);
    }

    private int error(byte[] about) {
        Packet error = TestPackets.of(new byte[0]);
        Packet quoted = packet(about);
        assertThat(IcmpErrors.make4(quoted, error, 3)).isTrue();
        error.put32(error.l3 + 16, (int) quoted.u32(quoted.l3 + 12));
        error.put16(error.l3 + 10, 0);
        error.put16(error.l3 + 10, Checksum.of(error.address + error.l3, 20));
        assertThat(PacketParser.parse(error)).isNull();
        assertThat(conntrack.track(error, ZONE, now, false)).isNull();
        return error.ctState;
    }

    @Test
    void aNewConnectionMayNotLookLikeTheAnswersOfAnother() {
        translated(udp(CLIENT, VIRTUAL, 5, 53), udp(SERVER, CLIENT, 5353, 5), 1);
        Packet p = packet(udp(CLIENT, SERVER, 5, 5353));
        conntrack.track(p, ZONE, now, false);
        assertThat(p.ctState).isEqualTo(NEW);
        assertThat(conntrack.commit(p, ZONE, MarkChange.NONE, now))
                .isEqualTo(DropReason.CONNECTION_CLASH);
        assertThat(table.size()).isEqualTo(1);
        assertThat(state(udp(SERVER, CLIENT, 5353, 5))).isEqualTo(ANSWER);
    }

    @Test
    void bothTuplesAreListed() {
        translated(udp(CLIENT, VIRTUAL, 5, 53), udp(SERVER, CLIENT, 5353, 5), 1);
        assertThat(conntrack.report(0, 10, now).connections())
                .extracting(ConnectionStatus::text)
                .containsExactly(
                        "udp,orig=(src=10.0.0.1,dst=203.0.113.9,sport=5,dport=53),"
                                + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=5353,dport=5),zone=7");
    }

    @Test
    void itIsForgottenUnderBothTuples() {
        translated(udp(CLIENT, VIRTUAL, 5, 53), udp(SERVER, CLIENT, 5353, 5), 1);
        now += 31_000;
        conntrack.expire(now, 4096);
        assertThat(table.size()).isZero();
        assertThat(state(udp(CLIENT, VIRTUAL, 5, 53))).isEqualTo(NEW);
        assertThat(conntrack.lookup().found()).isFalse();
        assertThat(state(udp(SERVER, CLIENT, 5353, 5))).isEqualTo(NEW);
        assertThat(conntrack.lookup().found()).isFalse();
    }

    @Test
    void limitsCountItOnceAndTheOldestGoes() {
        for (int port = 0; port < 16; port++) {
            translated(udp(CLIENT, VIRTUAL, port, 53), udp(SERVER, CLIENT, 5353, port), 1);
        }
        assertThat(table.size(ZONE)).isEqualTo(16);
        assertThat(table.senders().size(1)).isEqualTo(16);
        assertThat(state(udp(SERVER, CLIENT, 5353, 0))).isEqualTo(ANSWER);
        Packet p = packet(udp(CLIENT, VIRTUAL, 99, 53));
        conntrack.track(p, ZONE, now, false);
        assertThat(conntrack.commit(p, ZONE, MarkChange.NONE, now)).isNull();
        assertThat(table.size(ZONE)).isEqualTo(16);
        assertThat(state(udp(SERVER, CLIENT, 5353, 0))).as("answered").isEqualTo(ANSWER);
        assertThat(state(udp(SERVER, CLIENT, 5353, 1))).as("the oldest").isEqualTo(NEW);
    }

    @Test
    void anotherEngineFindsIt() throws Exception {
        translated(udp(CLIENT, VIRTUAL, 5, 53), udp(SERVER, CLIENT, 5353, 5), 1);
        translated(udp6(1, 9, 5, 53), udp6(2, 1, 5353, 5), 1);
        table.close();
        open();
        assertThat(table.size()).isEqualTo(2);
        assertThat(state(udp(SERVER, CLIENT, 5353, 5))).isEqualTo(ANSWER);
        assertThat(state(udp6(2, 1, 5353, 5))).isEqualTo(ANSWER);
        assertThat(state(udp(CLIENT, VIRTUAL, 5, 53))).isEqualTo(EST);
    }

    /** A plain model beside the table: random connections come and go, some translated. */
    @Test
    void agreesWithAPlainMapOnRandomConnections() {
        long seed = Long.getLong("seed", 26);
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        List<byte[][]> held = new ArrayList<>();
        List<Integer> rows = new ArrayList<>();
        for (int step = 0; step < 20_000; step++) {
            if (held.size() < CAPACITY && random.nextInt(5) > 1) {
                byte[][] pair = random.nextBoolean() ? mirrored(random) : foreign(random);
                Set<String> taken = new HashSet<>();
                held.forEach(h -> taken.addAll(List.of(name(h[0]), name(h[1]))));
                boolean free = !taken.contains(name(pair[0])) && !taken.contains(name(pair[1]));
                Lookup found = new Lookup();
                assertThat(!table.find(tuple(pair[0]), found) && !table.find(tuple(pair[1]), found))
                        .isEqualTo(free);
                if (free) {
                    rows.add(table.add(tuple(pair[0]), tuple(pair[1]), 0, 1, now + 1000));
                    held.add(pair);
                }
            } else if (!held.isEmpty()) {
                int gone = random.nextInt(held.size());
                table.remove(rows.remove(gone));
                held.remove(gone);
            }
            for (int i = 0; i < held.size(); i += 1 + random.nextInt(20)) {
                Lookup found = new Lookup();
                assertThat(table.find(tuple(held.get(i)[0]), found)).isTrue();
                assertThat(found.row).isEqualTo(rows.get(i));
                assertThat(found.reply()).isFalse();
                assertThat(table.find(tuple(held.get(i)[1]), found)).isTrue();
                assertThat(found.row).isEqualTo(rows.get(i));
                assertThat(found.reply()).isTrue();
            }
            assertThat(table.size()).isEqualTo(held.size());
        }
    }

    private static String name(byte[] ip) {
        Tuple t = tuple(ip);
        return t.head()
                + " "
                + t.sourceHigh
                + " "
                + t.sourceLow
                + " "
                + t.destinationHigh
                + " "
                + t.destinationLow;
    }

    private static byte[][] mirrored(SplittableRandom random) {
        int a = random.nextInt(1, 8);
        int b = random.nextInt(8, 16);
        int from = random.nextInt(3);
        int to = random.nextInt(3);
        return random.nextBoolean()
                ? new byte[][] {udp(a, b, from, to), udp(b, a, to, from)}
                : new byte[][] {udp6(a, b, from, to), udp6(b, a, to, from)};
    }

    private static byte[][] foreign(SplittableRandom random) {
        byte[][] one = mirrored(random);
        byte[][] other = mirrored(random);
        return one[0].length == other[1].length && one[0][0] == other[1][0]
                ? new byte[][] {one[0], other[1]}
                : one;
    }
}
