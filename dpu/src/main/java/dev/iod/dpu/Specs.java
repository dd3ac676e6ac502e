package dev.iod.dpu;

import dev.iod.dpu.DpuException.Category;
import dev.iod.host.Disk;
import dev.iod.host.MachineModel;
import dev.iod.host.MachineSpec;
import dev.iod.host.Nic;
import dev.iod.node.Server;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/** From the region's words to virtDaemon's. */
final class Specs {
    private Specs() {}

    /**
     * @throws dev.iod.host.HostException INVALID when the goal asks for what no machine can be
     */
    static MachineSpec machine(
            Server server,
            Path kernel,
            Path initrd,
            List<Disk> disks,
            Function<dev.iod.node.Nic, Path> socket) {
        List<Nic> nics =
                server.getNicsList().stream()
                        .map(
                                nic ->
                                        new Nic(
                                                nic.getPortId(),
                                                nic.getMac(),
                                                nic.getMtu(),
                                                socket.apply(nic)))
                        .toList();
        return new MachineSpec(
                server.getId(),
                server.getName(),
                model(server),
                server.getVcpus(),
                server.getMemoryMib(),
                kernel,
                initrd,
                server.getCommandLine(),
                disks,
                nics);
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
