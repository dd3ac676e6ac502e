package dev.iod.host;

/**
 * A device of a machine that runs.
 *
 * @param device as the machine has it, or will
 * @param state where it is
 * @param reason what an ATTACHING or DETACHING device waits for, at most {@value #MAX_REASON}
 *     characters; empty when it is ATTACHED or nothing is known yet
 */
public record DeviceStatus(Device device, DeviceState state, String reason) {
    /** The most characters of a reason. */
    static final int MAX_REASON = 120;

    /** Cuts the reason. */
    public DeviceStatus {
        reason = reason.length() > MAX_REASON ? reason.substring(0, MAX_REASON) : reason;
    }
}
