package dev.iod.pipeline;

import dev.iod.engine.Coded;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.pipeline.EngineReport.AssumedConnection;
import dev.iod.pipeline.EngineReport.DeviceStatus;
import dev.iod.pipeline.EngineReport.FlowStatus;
import dev.iod.pipeline.EngineReport.TraceOutput;
import dev.iod.pipeline.EngineReport.TraceStep;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Questions, {@link EngineReport} and {@link EngineEvent} on the wire. Number 4 of both was for
 * connections of one tuple.
 */
public final class ReportCodec {
    private static final DropReason[] REASONS = DropReason.values();
    private static final Counter[] COUNTERS = Counter.values();

    private ReportCodec() {}

    /** A question of the agent. */
    public sealed interface Query {
        record Counters() implements Query {}

        record Devices() implements Query {}

        record Flows(int max) implements Query {}

        record Connections(int cursor, int max) implements Query {}

        record Trace(long inPort, byte[] frame, List<AssumedConnection> assumed) implements Query {}
    }

    static byte[] writeQuery(Query query) {
        WireWriter out = new WireWriter();
        switch (query) {
            case Query.Counters q -> out.u8(0);
            case Query.Devices q -> out.u8(1);
            case Query.Flows q -> out.u8(2).i32(q.max());
            case Query.Connections q -> out.u8(5).i32(q.cursor()).i32(q.max());
            case Query.Trace q -> {
                out.u8(3).i64(q.inPort()).blob(q.frame()).i32(q.assumed().size());
                for (AssumedConnection a : q.assumed()) {
                    out.i32(a.state()).i32(a.mark());
                }
            }
        }
        return out.toArray();
    }

    public static Query readQuery(WireReader in) {
        int tag = in.u8();
        return switch (tag) {
            case 0 -> new Query.Counters();
            case 1 -> new Query.Devices();
            case 2 -> new Query.Flows(in.i32());
            case 3 -> {
                long inPort = in.i64();
                byte[] frame = in.blob();
                int count = in.count(8);
                List<AssumedConnection> assumed = new ArrayList<>(count);
                for (int i = 0; i < count; i++) {
                    int state = in.i32();
                    assumed.add(new AssumedConnection(state, in.i32()));
                }
                yield new Query.Trace(inPort, frame, List.copyOf(assumed));
            }
            case 5 -> {
                int cursor = in.i32();
                yield new Query.Connections(cursor, in.i32());
            }
            default -> throw WireReader.malformed("unknown query " + tag);
        };
    }

    public static byte[] writeReport(EngineReport report) {
        WireWriter out = new WireWriter();
        switch (report) {
            case EngineReport.Counters r -> {
                writeCounts(out.u8(0), r.counters());
                writeCounts(out, r.drops());
            }
            case EngineReport.Devices r -> {
                out.u8(1).i32(r.devices().size());
                for (DeviceStatus d : r.devices()) {
                    out.i32(d.id()).text(d.name()).bool(d.up());
                    out.i64(d.receivedPackets()).i64(d.receivedBytes());
                    out.i64(d.sentPackets()).i64(d.sentBytes());
                    writeCounts(out, d.counters());
                    writeCounts(out, d.drops());
                }
            }
            case EngineReport.Flows r -> {
                out.u8(2).i32(r.total()).i32(r.flows().size());
                for (FlowStatus f : r.flows()) {
                    out.text(f.key()).text(f.actions());
                    out.i64(f.packets()).i64(f.bytes()).i64(f.idleMillis());
                }
            }
            case EngineReport.Connections r -> {
                out.u8(5).i32(r.next()).i32(r.total()).i32(r.connections().size());
                for (ConnectionStatus c : r.connections()) {
                    writeConnection(out, c);
                }
            }
            case EngineReport.Trace r -> {
                out.u8(3).i32(r.steps().size());
                for (TraceStep s : r.steps()) {
                    out.i32(s.datapath()).code(s.stage()).i32(s.table());
                    out.text(s.cookie()).text(s.what());
                }
                out.i32(r.outputs().size());
                for (TraceOutput o : r.outputs()) {
                    out.i32(o.device()).i32(o.tunnelAddress()).i64(o.outPort()).blob(o.frame());
                }
            }
        }
        return out.toArray();
    }

    static EngineReport readReport(WireReader in) {
        int tag = in.u8();
        return switch (tag) {
            case 0 -> {
                Map<Counter, Long> counters = readCounts(in, Counter.class, COUNTERS);
                yield new EngineReport.Counters(
                        counters, readCounts(in, DropReason.class, REASONS));
            }
            case 1 -> readDevices(in);
            case 2 -> readFlows(in);
            case 3 -> readTrace(in);
            case 5 -> readConnections(in);
            default -> throw WireReader.malformed("unknown report " + tag);
        };
    }

    public static byte[] writeEvent(EngineEvent event) {
        WireWriter out = new WireWriter();
        switch (event) {
            case EngineEvent.NeighborLearned e ->
                    out.u8(0).i64(e.port()).i128(e.ip().high(), e.ip().low()).i64(e.mac());
            case EngineEvent.DeviceState e -> out.u8(1).i32(e.device()).bool(e.up());
            case EngineEvent.UnsupportedHit e -> out.u8(2).text(e.cookie()).text(e.what());
        }
        return out.toArray();
    }

    static EngineEvent readEvent(WireReader in) {
        int tag = in.u8();
        return switch (tag) {
            case 0 -> {
                long port = in.i64();
                Bits ip = Bits.read(in);
                yield new EngineEvent.NeighborLearned(port, ip, in.i64());
            }
            case 1 -> {
                int device = in.i32();
                yield new EngineEvent.DeviceState(device, in.bool());
            }
            case 2 -> {
                String cookie = in.text();
                yield new EngineEvent.UnsupportedHit(cookie, in.text());
            }
            default -> throw WireReader.malformed("unknown event " + tag);
        };
    }

    private static EngineReport readDevices(WireReader in) {
        int count = in.count(16);
        List<DeviceStatus> devices = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int id = in.i32();
            String name = in.text();
            boolean up = in.bool();
            long receivedPackets = in.i64();
            long receivedBytes = in.i64();
            long sentPackets = in.i64();
            long sentBytes = in.i64();
            devices.add(
                    new DeviceStatus(
                            id,
                            name,
                            up,
                            receivedPackets,
                            receivedBytes,
                            sentPackets,
                            sentBytes,
                            readCounts(in, Counter.class, COUNTERS),
                            readCounts(in, DropReason.class, REASONS)));
        }
        return new EngineReport.Devices(List.copyOf(devices));
    }

    private static EngineReport readFlows(WireReader in) {
        int total = in.i32();
        int count = in.count(32);
        List<FlowStatus> flows = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            String key = in.text();
            String actions = in.text();
            long packets = in.i64();
            long bytes = in.i64();
            flows.add(new FlowStatus(key, actions, packets, bytes, in.i64()));
        }
        return new EngineReport.Flows(total, List.copyOf(flows));
    }

    private static void writeConnection(WireWriter out, ConnectionStatus c) {
        out.i32(c.zone()).u8(c.protocol()).bool(c.ip6());
        writeTuple(out, c.original());
        writeTuple(out, c.reply());
        out.text(c.state())
                .bool(c.replied())
                .i64(c.leftMillis())
                .i32(c.mark())
                .i128(c.label().high(), c.label().low());
    }

    private static void writeTuple(WireWriter out, ConnectionStatus.Tuple t) {
        out.i128(t.source().high(), t.source().low());
        out.i128(t.destination().high(), t.destination().low());
        out.i32(t.sourcePort()).i32(t.destinationPort()).i32(t.icmpType());
    }

    private static ConnectionStatus.Tuple readTuple(WireReader in) {
        Bits source = Bits.read(in);
        Bits destination = Bits.read(in);
        int sourcePort = in.i32();
        int destinationPort = in.i32();
        return new ConnectionStatus.Tuple(
                source, destination, sourcePort, destinationPort, in.i32());
    }

    private static EngineReport readConnections(WireReader in) {
        int next = in.i32();
        int total = in.i32();
        int count = in.count(127);
        List<ConnectionStatus> connections = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int zone = in.i32();
            int protocol = in.u8();
            boolean ip6 = in.bool();
            ConnectionStatus.Tuple original = readTuple(in);
            ConnectionStatus.Tuple reply = readTuple(in);
            String state = in.text();
            boolean replied = in.bool();
            long leftMillis = in.i64();
            int mark = in.i32();
            connections.add(
                    new ConnectionStatus(
                            zone,
                            protocol,
                            ip6,
                            original,
                            reply,
                            state,
                            replied,
                            leftMillis,
                            mark,
                            Bits.read(in)));
        }
        return new EngineReport.Connections(next, total, List.copyOf(connections));
    }

    private static EngineReport readTrace(WireReader in) {
        int count = in.count(17);
        List<TraceStep> steps = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int datapath = in.i32();
            Action.Stage stage = in.constant(Action.Stage.values());
            int table = in.i32();
            String cookie = in.text();
            steps.add(new TraceStep(datapath, stage, table, cookie, in.text()));
        }
        int outputCount = in.count(20);
        List<TraceOutput> outputs = new ArrayList<>(outputCount);
        for (int i = 0; i < outputCount; i++) {
            int device = in.i32();
            int address = in.i32();
            long port = in.i64();
            outputs.add(new TraceOutput(device, address, port, in.blob()));
        }
        return new EngineReport.Trace(List.copyOf(steps), List.copyOf(outputs));
    }

    private static <E extends Enum<E> & Coded> void writeCounts(
            WireWriter out, Map<E, Long> counts) {
        out.i32(counts.size());
        counts.forEach((key, count) -> out.code(key).i64(count));
    }

    private static <E extends Enum<E> & Coded> Map<E, Long> readCounts(
            WireReader in, Class<E> type, E[] values) {
        Map<E, Long> counts = new EnumMap<>(type);
        int size = in.count(9);
        for (int i = 0; i < size; i++) {
            E key = in.constant(values);
            counts.put(key, in.i64());
        }
        return counts;
    }
}
