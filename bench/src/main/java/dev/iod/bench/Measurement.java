package dev.iod.bench;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * One run of one case on one side.
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
}
