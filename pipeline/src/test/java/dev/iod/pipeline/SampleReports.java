package dev.iod.pipeline;

import java.util.List;
import java.util.Map;

/** Answers and events for tests of what carries them: every kind at least once. */
final class SampleReports {
    private SampleReports() {}

    static List<EngineReport> reports() {
        return List.of(
                new EngineReport.Counters(Map.of(Counter.SENT, 5L), Map.of(DropReason.POLICY, 6L)),
                new EngineReport.Devices(
                        List.of(
                                new EngineReport.DeviceStatus(
                                        1,
                                        "d",
                                        true,
                                        2,
                                        3,
                                        4,
                                        5,
                                        Map.of(Counter.FLOW_LIMIT, 6L),
                                        Map.of(DropReason.HAIRPIN, 1L)))),
                new EngineReport.Flows(7, List.of(new EngineReport.FlowStatus("k", "a", 1, 2, 3))),
                new EngineReport.Connections(
                        1,
                        2,
                        List.of(
                                new ConnectionStatus(
                                        7,
                                        6,
                                        false,
                                        new ConnectionStatus.Tuple(
                                                Bits.of(0x0a000001L),
                                                Bits.of(0xcb007109L),
                                                1000,
                                                80,
                                                -1),
                                        new ConnectionStatus.Tuple(
                                                Bits.of(0x0a000002L),
                                                Bits.of(0x0a000001L),
                                                8080,
                                                1000,
                                                -1),
                                        "ESTABLISHED",
                                        true,
                                        30_000,
                                        3,
                                        new Bits(4, 5)))),
                new EngineReport.Trace(
                        List.of(new EngineReport.TraceStep(1, Action.Stage.EGRESS, 2, "c", "w")),
                        List.of(
                                new EngineReport.TraceOutput(
                                        -1, 0xc0000201, 1L << 40, new byte[] {1, 2}))));
    }

    static List<ReportCodec.Query> queries() {
        return List.of(
                new ReportCodec.Query.Counters(),
                new ReportCodec.Query.Devices(),
                new ReportCodec.Query.Flows(7),
                new ReportCodec.Query.Connections(8, 9),
                new ReportCodec.Query.Trace(
                        1L << 16 | 2,
                        new byte[] {1, 2, 3},
                        List.of(
                                new EngineReport.AssumedConnection(4, 5),
                                new EngineReport.AssumedConnection(6, 7))));
    }

    static List<EngineEvent> events() {
        return List.of(
                new EngineEvent.NeighborLearned(1, Bits.of(2), 3),
                new EngineEvent.DeviceState(-1, true),
                new EngineEvent.UnsupportedHit("c", "w"));
    }
}
