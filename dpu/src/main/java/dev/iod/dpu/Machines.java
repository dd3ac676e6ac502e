package dev.iod.dpu;

import dev.iod.host.ConsoleKind;
import dev.iod.host.Devices;
import dev.iod.host.MachineSpec;
import dev.iod.host.MachineStatus;
import java.nio.channels.ByteChannel;
import java.util.List;

/**
 * The machines of this node as virtDaemon keeps them; failures are {@code HostException}s. All
 * operations can be repeated.
 */
interface Machines {
    MachineStatus start(MachineSpec spec);

    /** Says which devices a running machine shall have. */
    MachineStatus change(String id, Devices devices);

    /** Stops the guest's processors, or lets them go on. */
    MachineStatus pause(String id, boolean paused);

    MachineStatus stop(String id, long graceMillis);

    void remove(String id);

    List<MachineStatus> list();

    byte[] console(String id, int maxBytes);

    /** Takes a console into use until the channel is closed. */
    ByteChannel use(String id, ConsoleKind kind);
}
