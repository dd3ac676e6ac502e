package dev.iod.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

final class ReportTest {
    private static final String SG = Case.OVN_SG_10K.label;

    private static Run run(String side, int round, long packets, double cpuNanos) {
        return new Measurement(SG, side, round, 2.0, packets, 0, cpuNanos, 20_000)
                .figures("a peer");
    }

    @Test
    void rowsHoldMedianMinimumMaximumAndARatioAboveOneWhenOursIsBetter() {
        List<Report.Row> rows =
                Report.rows(
                        List.of(
                                run(Ours.NAME, 1, 6_000_000, 200),
                                run(Peer.NAME, 1, 2_000_000, 600),
                                run(Ours.NAME, 2, 8_000_000, 100),
                                run(Peer.NAME, 2, 2_400_000, 500),
                                run(Ours.NAME, 3, 7_000_000, 150),
                                run(Peer.NAME, 3, 1_600_000, 900)));
        assertThat(rows)
                .containsExactly(
                        new Report.Row(
                                SG,
                                "throughput",
                                "Mpps",
                                Optional.of(new Report.Figure(3.5, 3.0, 4.0)),
                                Optional.of(new Report.PeerFigure("a peer", 1.0, 0.8, 1.2)),
                                Optional.of(3.5),
                                Optional.of(new Report.Figure(4.0 / 1.2, 3.0, 3.5 / 0.8))),
                        new Report.Row(
                                SG,
                                "CPU time",
                                "ns/packet",
                                Optional.of(new Report.Figure(150, 100, 200)),
                                Optional.of(new Report.PeerFigure("a peer", 600, 500, 900)),
                                Optional.of(4.0),
                                Optional.of(new Report.Figure(5, 3, 6))));
    }

    @Test
    void aSideThatWasNotRunIsLeftOut() {
        List<Report.Row> rows = Report.rows(List.of(run(Ours.NAME, 1, 6_000_000, 200)));
        assertThat(rows)
                .allSatisfy(
                        row -> {
                            assertThat(row.ours()).isPresent();
                            assertThat(row.peer()).isEmpty();
                            assertThat(row.ratio()).isEmpty();
                        });
        String json = JsonMapper.builder().build().writeValueAsString(rows.getFirst());
        assertThat(json).contains("\"case\":\"ovn-sg-10k\"").contains("\"peer\":null");
    }

    @Test
    void testpmdsStatisticsAreRead() {
        String text =
                """
                  ######################## NIC statistics for port 0  ########################
                  RX-packets: 101        RX-missed: 0          RX-bytes:  6464
                  RX-errors: 0
                  TX-packets: 102        TX-errors: 0          TX-bytes:  6528
                  ######################## NIC statistics for port 1  ########################
                  RX-packets: 103        RX-missed: 0          RX-bytes:  0
                  TX-packets: 104        TX-errors: 0          TX-bytes:  0
                  ######################## NIC statistics for port 2  ########################
                  RX-packets: 9          RX-missed: 0          RX-bytes:  0
                  TX-packets: 9          TX-errors: 0          TX-bytes:  0
                """;
        assertThat(Generator.parse(text, 7)).isEqualTo(new Generator.Counts(7, 102, 101, 104, 103));
        assertThatThrownBy(() -> Generator.parse("testpmd> ", 7))
                .isInstanceOf(BenchException.class);
    }

    @Test
    void flowsAreWholeFramesAndAllDifferent(@TempDir Path directory) throws IOException {
        for (int flow : List.of(0, 1, 65_535, 65_536, Case.NEW - 1)) {
            ByteBuffer frame = ByteBuffer.wrap(Traffic.frame(flow, false));
            int sum = 0;
            for (int i = 14; i < 34; i += 2) {
                sum += frame.getShort(i) & 0xffff;
            }
            assertThat((sum & 0xffff) + (sum >>> 16)).as("RFC 1071 sum").isEqualTo(0xffff);
        }
        long different =
                java.util.stream.IntStream.range(0, 200_000)
                        .mapToObj(flow -> ByteBuffer.wrap(Traffic.frame(flow, false)))
                        .distinct()
                        .count();
        assertThat(different).isEqualTo(200_000);
        Path file = directory.resolve("flows.pcap");
        Traffic.write(file, 3, true);
        assertThat(Files.size(file)).isEqualTo(24 + 3 * (16 + Traffic.FRAME_BYTES));
    }
}
