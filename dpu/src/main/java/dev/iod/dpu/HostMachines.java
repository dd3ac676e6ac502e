package dev.iod.dpu;

import dev.iod.host.ConsoleKind;
import dev.iod.host.Devices;
import dev.iod.host.HostClient;
import dev.iod.host.MachineSpec;
import dev.iod.host.MachineStatus;
import java.nio.channels.ByteChannel;
import java.util.List;

/** The machines behind virtDaemon's socket. */
record HostMachines(HostClient client, AgentMetrics metrics) implements Machines {
    @Override
    public MachineStatus start(MachineSpec spec) {
        metrics.add(AgentMetrics.Count.STARTS);
        return client.start(spec);
    }

    @Override
    public MachineStatus change(String id, Devices devices) {
        metrics.add(AgentMetrics.Count.DEVICE_CHANGES);
        return client.change(id, devices);
    }

    @Override
    public MachineStatus pause(String id, boolean paused) {
        return paused ? client.pause(id) : client.resume(id);
    }

    @Override
    public MachineStatus stop(String id, long graceMillis) {
        return client.stop(id, graceMillis);
    }

    @Override
    public void remove(String id) {
        metrics.add(AgentMetrics.Count.REMOVALS);
        client.remove(id);
    }

    @Override
    public List<MachineStatus> list() {
        return client.list();
    }

    @Override
    public byte[] console(String id, int maxBytes) {
        return client.console(id, maxBytes);
    }

    @Override
    public ByteChannel use(String id, ConsoleKind kind) {
        metrics.add(AgentMetrics.Count.CONSOLES);
        return client.use(id, kind);
    }
}
