package dev.iod.dpu;

import dev.iod.dpu.DpuException.Category;
import dev.iod.host.Boot;
import dev.iod.host.Devices;
import dev.iod.host.Disk;
import dev.iod.host.MachineModel;
import dev.iod.host.MachineSpec;
import dev.iod.host.Nic;
import dev.iod.node.Server;
import java.nio.file.Path;

/**
 * Maps the goal's Server to virtDaemon's MachineSpec.
 *
 * @param sockets directory for the sockets of network interfaces and disks; short, a socket's path
 *     is limited to 107 bytes (unix(7))
 */
record MachineSpecs(Path sockets) {
    private static final int SOCKET_NAME_CHARS = 11;
    private static final int DISK_NAME_CHARS = 12;

    /**
     * @throws dev.iod.host.HostException INVALID when the goal asks for what no machine can be
     */
    MachineSpec machine(Server server, Boot boot) {
        return new MachineSpec(
                server.getId(),
                model(server),
                server.getVcpus(),
                server.getMemoryMib(),
                boot,
                devices(server));
    }

    /**
     * @throws dev.iod.host.HostException INVALID when no machine can have these
     */
    Devices devices(Server server) {
        return new Devices(
                server.getDisksList().stream()
                        .map(disk -> new Disk(disk.getId(), socket(disk)))
                        .toList(),
                server.getNicsList().stream()
                        .map(
                                nic ->
                                        new Nic(
                                                nic.getPortId(),
                                                nic.getMac(),
                                                nic.getMtu(),
                                                socket(nic)))
                        .toList());
    }

    Path socket(dev.iod.node.Nic nic) {
        String id = nic.getPortId();
        String name = id.substring(0, Math.min(SOCKET_NAME_CHARS, id.length()));
        return sockets.resolve(name + ".sock");
    }

    /** The ids of root disks differ in their ends. */
    Path socket(dev.iod.node.Disk disk) {
        String id = disk.getId();
        String name = id.substring(Math.max(0, id.length() - DISK_NAME_CHARS));
        return sockets.resolve("disk-" + name + ".sock");
    }

    private static MachineModel model(Server server) {
        return switch (server.getMachineModel()) {
            case Q35 -> MachineModel.Q35;
            case MICROVM -> MachineModel.MICROVM;
            case UNRECOGNIZED ->
                    throw new DpuException(
                            Category.GOAL,
                            "this node does not know machine model "
                                    + server.getMachineModelValue()
                                    + ": it needs a newer version");
        };
    }
}
