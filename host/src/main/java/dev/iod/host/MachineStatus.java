package dev.iod.host;

/**
 * What is known of a machine.
 *
 * @param id the machine
 * @param state where it is in its life
 * @param reason why it is STOPPED or FAILED, empty otherwise
 * @param pid the VMM's process, 0 when there is none
 * @param startedAtMillis when the VMM was started, in milliseconds since 1970; 0 when never
 */
public record MachineStatus(
        String id, MachineState state, String reason, long pid, long startedAtMillis) {}
