package dev.iod.host;

import java.util.concurrent.CompletableFuture;

/** What a machine's agent can be asked for; each carries its answer. */
sealed interface Command {
    /** Completed by the agent when it has done, or refused, the command. */
    CompletableFuture<MachineStatus> answer();

    record Start(MachineSpec spec, CompletableFuture<MachineStatus> answer) implements Command {}

    record Stop(long graceMillis, CompletableFuture<MachineStatus> answer) implements Command {}

    /** The devices a running machine shall have. */
    record Change(Devices devices, CompletableFuture<MachineStatus> answer) implements Command {}

    /** Stops the guest's processors, or lets them go on. */
    record Pause(boolean paused, CompletableFuture<MachineStatus> answer) implements Command {}

    record Reset(CompletableFuture<MachineStatus> answer) implements Command {}

    record Remove(CompletableFuture<MachineStatus> answer) implements Command {}

    /** Takes the serial console into use, from whoever has it, unless nobody waits for it. */
    record UseSerial(CompletableFuture<Console> console, CompletableFuture<MachineStatus> answer)
            implements Command {}

    /** Reads the console output QEMU still holds. */
    record Drain(CompletableFuture<MachineStatus> answer) implements Command {}

    /** Something happened: look now. */
    record Wake(CompletableFuture<MachineStatus> answer) implements Command {}
}
