package dev.iod.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;

/**
 * One run of one case of the packet engine's bench on one side.
 *
 * @param packets received by the generator while it was measured
 * @param lossPercent of what the generator sent meanwhile
 * @param cpuNanosPerPacket CPU time of the switch process over those packets
 * @param connections entries of conntrack in all zones when measuring began (when it ended, for new
 *     ones)
 */
record Measurement(
        @JsonProperty("case") String what,
        String side,
        int round,
        double seconds,
        long packets,
        double lossPercent,
        double cpuNanosPerPacket,
        long connections) {
    double packetsPerSecond() {
        return packets / seconds;
    }

    /** What of it becomes rows. */
    Run figures(String peer) {
        boolean begins = what.equals(Case.OVN_NEW_CONNECTIONS.label);
        return new Run(
                what,
                side.equals(Ours.NAME) ? Run.OURS : peer,
                round,
                Map.of(
                        begins ? Metric.CONNECTIONS : Metric.THROUGHPUT,
                        packetsPerSecond() / (begins ? 1e3 : 1e6),
                        Metric.PACKET_CPU,
                        cpuNanosPerPacket));
    }
}
