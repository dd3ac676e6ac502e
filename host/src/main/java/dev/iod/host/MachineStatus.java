package dev.iod.host;

import java.util.List;

/**
 * What is known of a machine.
 *
 * @param id the machine
 * @param state where it is in its life
 * @param reason why it is STOPPED or FAILED, empty otherwise
 * @param pid the VMM's process, 0 when there is none
 * @param startedAtMillis when the VMM was started, in milliseconds since 1970; 0 when never
 * @param devices what it has, shall have or gives back while it starts or runs; at most {@value
 *     #MAX_DEVICES}
 */
public record MachineStatus(
        String id,
        MachineState state,
        String reason,
        long pid,
        long startedAtMillis,
        List<DeviceStatus> devices) {
    /** The most devices of a machine, those it gives back included. */
    public static final int MAX_DEVICES = Devices.MAX_DISKS + Devices.MAX_NICS;

    /** Copies the list. */
    public MachineStatus {
        devices = List.copyOf(devices);
    }

    /** A machine that has no VMM, and so no devices. */
    public static MachineStatus without(
            String id, MachineState state, String reason, long startedAtMillis) {
        return new MachineStatus(id, state, reason, 0, startedAtMillis, List.of());
    }

    MachineStatus with(MachineState other) {
        return new MachineStatus(id, other, reason, pid, startedAtMillis, devices);
    }

    MachineStatus with(List<DeviceStatus> others) {
        return new MachineStatus(id, state, reason, pid, startedAtMillis, others);
    }
}
