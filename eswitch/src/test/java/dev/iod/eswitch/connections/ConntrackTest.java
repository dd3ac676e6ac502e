package dev.iod.eswitch.connections;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.packet.Checksum;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.PacketParser;
import dev.iod.eswitch.replies.IcmpErrors;
import dev.iod.eswitch.rules.MarkChange;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.ConnectionStatus;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineReport;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConntrackTest {
    private static final int A = Frames.address(10, 0, 0, 1);
    private static final int B = Frames.address(10, 0, 0, 2);
    private static final int NEW = 32 | 1;
    private static final int EST = 32 | 2;
    private static final int REPLY = 32 | 2 | 8;
    private static final int INVALID = 32 | 16;
    private static final int SYN = 2;
    private static final int SYN_ACK = 0x12;
    private static final int ACK = 0x10;
    private static final int FIN = 0x11;
    private static final int RST = 4;

    @TempDir Path directory;
    private final Counters counters = new Counters();
    private ConnectionTable table;
    private Conntrack conntrack;
    private long now = 5_000_000;

    @BeforeEach
    void open() throws Exception {
        table = ConnectionTable.open(directory, 64, now);
        conntrack = new Conntrack(table, new Conntrack.Limits(16, 64), counters);
    }

    @AfterEach
    void close() {
        table.close();
    }

    private static Packet packet(byte[] ip) {
        return TestPackets.parsed(Frames.ethernet(2, 4, 0x0800, ip));
    }

    private static byte[] tcp(boolean reply, int seq, int ack, int flags, int data) {
        return reply
                ? Frames.tcp4(B, A, 80, 1000, seq, ack, flags, data)
                : Frames.tcp4(A, B, 1000, 80, seq, ack, flags, data);
    }

    /** Tracks, and commits what is new, as a rule that allows it would. */
    private int state(byte[] ip) {
        Packet p = packet(ip);
        assertThat(conntrack.track(p, 7, now, false)).isNull();
        if ((p.ctState & 1) != 0) {
            assertThat(conntrack.commit(p, 7, MarkChange.NONE, now)).isNull();
        }
        return p.ctState;
    }

    private void handshake() {
        assertThat(state(tcp(false, 100, 0, SYN, 0))).isEqualTo(NEW);
        assertThat(state(tcp(true, 500, 101, SYN_ACK, 0))).isEqualTo(REPLY);
        assertThat(state(tcp(false, 101, 501, ACK, 0))).isEqualTo(EST);
    }

    @Test
    void tcpFromHandshakeToEnd() {
        handshake();
        assertThat(state(tcp(false, 101, 501, ACK, 200))).isEqualTo(EST);
        assertThat(state(tcp(true, 501, 301, ACK, 300))).isEqualTo(REPLY);
        assertThat(state(tcp(false, 301, 801, FIN, 0))).isEqualTo(EST);
        assertThat(state(tcp(true, 801, 302, FIN, 0))).isEqualTo(REPLY);
        assertThat(state(tcp(false, 302, 802, ACK, 0))).isEqualTo(EST);
        // TIME_WAIT: a new SYN starts anew.
        assertThat(state(tcp(false, 9000, 0, SYN, 0))).isEqualTo(NEW);
        assertThat(table.size()).isEqualTo(1);
    }

    @Test
    void segmentsOutsideTheWindowAreInvalid() {
        handshake();
        assertThat(state(tcp(false, 101 + 5000, 501, ACK, 10))).isEqualTo(INVALID);
        assertThat(state(tcp(false, 101, 501 + 90_000, ACK, 10))).isEqualTo(INVALID);
        assertThat(state(tcp(true, 501 - 5000, 101, RST, 0))).isEqualTo(INVALID);
        assertThat(state(tcp(false, 101, 501, ACK, 10))).isEqualTo(EST);
        assertThat(state(tcp(false, 101, 501, ACK, 10))).as("retransmission").isEqualTo(EST);
    }

    @Test
    void nonsenseFlagsNeverBeginAConnection() {
        for (int flags : new int[] {0, 1, 3, 6, 7, SYN_ACK, 8, 0x20, 9}) {
            assertThat(state(tcp(false, 1, 1, flags, 0))).as("flags %x", flags).isEqualTo(INVALID);
        }
        assertThat(state(tcp(false, 1, 1, ACK, 5))).as("met midway").isEqualTo(NEW);
    }

    @Test
    void resetClosesAndCannotBeForgedBehindTheWindow() {
        handshake();
        assertThat(state(tcp(false, 101, 501, ACK, 100))).isEqualTo(EST);
        assertThat(state(tcp(true, 501, 201, ACK, 100))).isEqualTo(REPLY);
        assertThat(state(tcp(false, 201, 601, ACK, 0))).isEqualTo(EST);
        assertThat(state(tcp(true, 550, 0, RST, 0))).as("acknowledged long ago").isEqualTo(INVALID);
        assertThat(state(tcp(true, 601, 0, RST, 0))).isEqualTo(REPLY);
        now += 31_000;
        conntrack.expire(now, 4096);
        assertThat(table.size()).isZero();
    }

    @Test
    void aSynAfterTheEndBeginsAnewWithWindowsOfItsOwn() {
        handshake();
        assertThat(state(tcp(true, 501, 101, RST, 0))).isEqualTo(REPLY);
        assertThat(state(tcp(false, 70_000_000, 0, SYN, 0))).isEqualTo(NEW);
        assertThat(state(tcp(true, 90_000_000, 70_000_001, SYN_ACK, 0))).isEqualTo(REPLY);
        assertThat(state(tcp(false, 70_000_001, 90_000_001, ACK, 9))).isEqualTo(EST);
        assertThat(table.size()).isEqualTo(1);
    }

    @Test
    void windowScaleCountsOnlyWhenBothOfferIt() {
        byte[] none = {};
        byte[] eight = {1, 3, 3, 3};
        byte[] four = {1, 3, 3, 2};
        assertThat(windows(1000, none, none)).containsExactly(1000, 1000);
        assertThat(windows(1001, eight, none)).containsExactly(1000, 1000);
        assertThat(windows(1002, none, four)).containsExactly(1000, 1000);
        assertThat(windows(1003, eight, four)).containsExactly(4000, 8000);
    }

    /**
     * How far the client and the server may send, after a handshake with these options and a
     * segment of each, all of which advertise a window of 1000.
     */
    private List<Integer> windows(int port, byte[] client, byte[] server) {
        assertThat(state(Frames.tcp4(A, B, port, 80, 100, 0, SYN, client, 0))).isEqualTo(NEW);
        assertThat(state(Frames.tcp4(B, A, 80, port, 500, 101, SYN_ACK, server, 0)))
                .isEqualTo(REPLY);
        assertThat(state(Frames.tcp4(A, B, port, 80, 101, 501, ACK, 0))).isEqualTo(EST);
        assertThat(state(Frames.tcp4(B, A, 80, port, 501, 101, ACK, 0))).isEqualTo(REPLY);
        return List.of(
                furthest(end -> Frames.tcp4(A, B, port, 80, 101 + end - 1, 501, ACK, 1)),
                furthest(end -> Frames.tcp4(B, A, 80, port, 501 + end - 1, 101, ACK, 1)));
    }

    /** The last byte that may be sent, of those at the ends of windows. */
    private int furthest(IntFunction<byte[]> segmentUpTo) {
        int furthest = 0;
        for (int end : new int[] {1000, 1001, 4000, 4001, 8000, 8001}) {
            if (state(segmentUpTo.apply(end)) != INVALID) {
                furthest = end;
            }
        }
        return furthest;
    }

    @Test
    void udpIsEstablishedByAReply() {
        byte[] request = Frames.udp4(A, B, 5, 53, new byte[4]);
        byte[] answer = Frames.udp4(B, A, 53, 5, new byte[4]);
        assertThat(state(request)).isEqualTo(NEW);
        assertThat(state(request)).as("one way is not established").isEqualTo(NEW);
        assertThat(state(answer)).isEqualTo(REPLY);
        assertThat(state(request)).isEqualTo(EST);
        now += 121_000;
        assertThat(state(answer)).as("timed out, now the other way").isEqualTo(NEW);
    }

    @Test
    void echoBeginsWithARequestOnly() {
        assertThat(state(Frames.echo4(B, A, 0, 9, 1))).isEqualTo(INVALID);
        assertThat(state(Frames.echo4(A, B, 8, 9, 1))).isEqualTo(NEW);
        assertThat(state(Frames.echo4(B, A, 0, 9, 1))).isEqualTo(REPLY);
        assertThat(state(Frames.echo4(A, B, 8, 10, 1))).as("another id").isEqualTo(NEW);
    }

    @Test
    void errorsBelongToTheConnectionTheyQuote() {
        byte[] request = Frames.udp4(A, B, 5, 53, new byte[40]);
        Packet unknown = TestPackets.parsed(Frames.ethernet(2, 4, 0x0800, request));
        Packet error = error(unknown, A);
        conntrack.track(error, 7, now, false);
        assertThat(error.ctState).isEqualTo(INVALID);
        Packet p = packet(request);
        conntrack.track(p, 7, now, false);
        conntrack.commit(p, 7, new MarkChange(3, -1, 1, -1, 2, -1), now);
        conntrack.track(error, 7, now, false);
        assertThat(error.ctState).isEqualTo(32 | 4 | 8);
        assertThat(error.ctMark).isEqualTo(3);
        conntrack.track(error, 8, now, false);
        assertThat(error.ctState).as("another zone").isEqualTo(INVALID);
        Packet forged = error(unknown, B);
        conntrack.track(forged, 7, now, false);
        assertThat(forged.ctState).as("to who did not send it").isEqualTo(INVALID);
    }

    private static Packet error(Packet about, int to) {
        Packet error = TestPackets.of(new byte[0]);
        assertThat(IcmpErrors.make4(about, error, 3)).isTrue();
        error.put32(error.l3 + 16, to);
        error.put16(error.l3 + 10, 0);
        error.put16(error.l3 + 10, Checksum.of(error.address + error.l3, 20));
        assertThat(PacketParser.parse(error)).isNull();
        return error;
    }

    @Test
    void aRequestOfTheAnsweringSideIsNoReply() {
        assertThat(state(Frames.echo4(A, B, 8, 9, 1))).isEqualTo(NEW);
        assertThat(state(Frames.echo4(B, A, 8, 9, 1))).as("a connection of its own").isEqualTo(NEW);
        assertThat(state(Frames.echo4(B, A, 0, 9, 1))).isEqualTo(REPLY);
        assertThat(state(Frames.echo4(B, A, 14, 9, 1))).as("of another kind").isEqualTo(INVALID);
        assertThat(table.size()).isEqualTo(2);
    }

    @Test
    void theTableIsReportedInParts() {
        handshake();
        state(Frames.echo4(B, A, 8, 9, 1));
        EngineReport.Connections first = conntrack.report(0, 1, now);
        assertThat(first.total()).isEqualTo(2);
        assertThat(first.connections()).hasSize(1);
        EngineReport.Connections rest = conntrack.report(first.next(), 1000, now);
        assertThat(rest.next()).isZero();
        List<String> all =
                Stream.of(first, rest)
                        .flatMap(part -> part.connections().stream())
                        .map(ConnectionStatus::text)
                        .toList();
        assertThat(all)
                .containsExactlyInAnyOrder(
                        "tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=80),"
                                + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=80,dport=1000),"
                                + "zone=7,protoinfo=(state=ESTABLISHED)",
                        "icmp,orig=(src=10.0.0.2,dst=10.0.0.1,id=9,type=8,code=0),"
                                + "reply=(src=10.0.0.1,dst=10.0.0.2,id=9,type=0,code=0),zone=7");
    }

    @Test
    void fragmentsAndMissingZonesAreRefused() {
        byte[] fragment = Frames.ethernet(2, 4, 0x0800, Frames.udp4(A, B, 1, 2, new byte[8]));
        fragment[20] = 0x20;
        fragment[24] = 0;
        fragment[25] = 0;
        int sum = Frames.checksum(fragment, 14, 20, 0);
        fragment[24] = (byte) (sum >>> 8);
        fragment[25] = (byte) sum;
        Packet p = TestPackets.parsed(fragment);
        assertThat(conntrack.track(p, 7, now, false)).isEqualTo(DropReason.FRAGMENT);
        Packet whole = packet(Frames.udp4(A, B, 1, 2, new byte[8]));
        assertThat(conntrack.track(whole, 0, now, false)).isEqualTo(DropReason.NO_ZONE);
    }

    @Test
    void fullZoneGivesUpUnansweredConnectionsFirst() {
        for (int port = 1; port <= 8; port++) {
            state(Frames.udp4(A, B, port, 53, new byte[4]));
            state(Frames.udp4(B, A, 53, port, new byte[4]));
        }
        for (int port = 100; port < 200; port++) {
            assertThat(state(Frames.udp4(A, B, port, 53, new byte[4]))).isEqualTo(NEW);
        }
        assertThat(table.size(7)).isEqualTo(16);
        for (int port = 1; port <= 8; port++) {
            assertThat(state(Frames.udp4(A, B, port, 53, new byte[4]))).isEqualTo(EST);
        }
        for (int port = 9; port <= 16; port++) {
            state(Frames.udp4(A, B, port, 53, new byte[4]));
            state(Frames.udp4(B, A, 53, port, new byte[4]));
        }
        Packet p = packet(Frames.udp4(A, B, 300, 53, new byte[4]));
        conntrack.track(p, 7, now, false);
        assertThat(conntrack.commit(p, 7, MarkChange.NONE, now))
                .isEqualTo(DropReason.CONNECTION_LIMIT_ZONE);
    }

    @Test
    void connectionsSurviveAReopenedTable() throws Exception {
        handshake();
        table.close();
        open();
        assertThat(state(tcp(true, 501, 101, ACK, 50))).isEqualTo(REPLY);
        assertThat(state(tcp(false, 101 + 5000, 501, ACK, 10))).isEqualTo(INVALID);
        now += 86_401_000;
        // Rows move along the wheel until their time has come.
        for (int i = 0; i < 200; i++) {
            conntrack.expire(now, 4096);
        }
        assertThat(table.size()).isZero();
    }

    @Test
    void foreignAndTornFilesAreDiscarded() throws Exception {
        handshake();
        table.close();
        Path file = directory.resolve("connections");
        try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.seek(16);
            raw.writeLong(0x1234);
        }
        open();
        assertThat(table.size()).as("another boot").isZero();
        handshake();
        table.close();
        Files.write(file, new byte[100]);
        open();
        assertThat(table.size()).as("torn").isZero();
        handshake();
    }

    @Test
    void refreshedOnlyInTheStateItAssumed() {
        handshake();
        Packet p = packet(tcp(false, 101, 501, ACK, 20));
        conntrack.track(p, 7, now, false);
        long use = conntrack.use(conntrack.lookup());
        Packet next = packet(tcp(false, 121, 501, ACK, 20));
        assertThat(conntrack.refresh(use, next, now)).isTrue();
        Packet outside = packet(tcp(false, 90_000, 501, ACK, 20));
        assertThat(conntrack.refresh(use, outside, now)).isFalse();
        Packet fin = packet(tcp(false, 141, 501, FIN, 0));
        assertThat(conntrack.refresh(use, fin, now)).isFalse();
        conntrack.track(fin, 7, now, false);
        assertThat(conntrack.refresh(use, next, now)).isFalse();
    }
}
