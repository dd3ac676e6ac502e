package dev.iod.pipeline;

import java.util.List;
import java.util.Map;

/** Answers to the questions one can ask a running engine. */
public sealed interface EngineReport {
    /** Totals since the engine started; constants that are zero are left out. */
    record Counters(Map<Counter, Long> counters, Map<DropReason, Long> drops)
            implements EngineReport {}

    /**
     * One device; the uplink is listed with id {@link #UPLINK}.
     *
     * @param counters how its packets were handled that had no entry in the flow table; constants
     *     that are zero are left out
     */
    record DeviceStatus(
            int id,
            String name,
            boolean up,
            long receivedPackets,
            long receivedBytes,
            long sentPackets,
            long sentBytes,
            Map<Counter, Long> counters,
            Map<DropReason, Long> drops) {}

    int UPLINK = -1;

    record Devices(List<DeviceStatus> devices) implements EngineReport {}

    /** One entry of the flow table, as text, with what it carried. */
    record FlowStatus(String key, String actions, long packets, long bytes, long idleMillis) {}

    /**
     * @param total number of entries in the table, of which some are listed
     */
    record Flows(int total, List<FlowStatus> flows) implements EngineReport {}

    /**
     * A part of the connection table.
     *
     * @param next cursor of the rest, 0 when this was the last part
     * @param total number of connections, of which some are listed
     */
    record Connections(int next, int total, List<ConnectionStatus> connections)
            implements EngineReport {}

    /** One step of a traced packet. */
    record TraceStep(int datapath, Action.Stage stage, int table, String cookie, String what) {}

    /**
     * Where a traced packet would have left.
     *
     * @param device id of a local device, or {@link #UPLINK} for a tunnel
     * @param tunnelAddress IPv4 address of the tunnel's other end, 0 for a device
     * @param outPort logical port or multicast group
     * @param frame the packet as it would have left, without encapsulation
     */
    record TraceOutput(int device, int tunnelAddress, long outPort, byte[] frame) {}

    record Trace(List<TraceStep> steps, List<TraceOutput> outputs) implements EngineReport {}

    /**
     * What a trace takes for conntrack's answer. Bits as in {@link Field#CT_STATE}; "tracked" is
     * added.
     */
    record AssumedConnection(int state, int mark) {}
}
