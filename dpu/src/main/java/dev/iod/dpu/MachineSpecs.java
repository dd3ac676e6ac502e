package dev.iod.dpu;

import dev.iod.dpu.DpuException.Category;
import dev.iod.host.Boot;
import dev.iod.host.Devices;
import dev.iod.host.Disk;
import dev.iod.host.Firmware;
import dev.iod.host.MachineModel;
import dev.iod.host.MachineSpec;
import dev.iod.host.Nic;
import dev.iod.node.FirstDiskBoot;
import dev.iod.node.ImagePart;
import dev.iod.node.Server;
import java.nio.file.Path;
import java.util.List;

/**
 * Maps the goal's Server to virtDaemon's MachineSpec.
 *
 * @param sockets directory for the sockets of network interfaces and disks; short, a socket's path
 *     is limited to 107 bytes (unix(7))
 */
record MachineSpecs(Path sockets) {
    private static final int SOCKET_NAME_CHARS = 11;
    private static final int DISK_NAME_CHARS = 12;

    /** The image parts that a boot needs on this node. */
    static List<ImagePart> bootParts(Server server) {
        return switch (server.getBootCase()) {
            case KERNEL -> List.of(server.getKernel().getKernel(), server.getKernel().getInitrd());
            case FIRST_DISK, BOOT_NOT_SET -> List.of();
        };
    }

    /**
     * @param files of {@link #bootParts}
     * @throws dev.iod.host.HostException INVALID when the goal asks for what no machine can be
     */
    MachineSpec machine(Server server, List<Path> files) {
        return new MachineSpec(
                server.getId(),
                model(server),
                server.getVcpus(),
                server.getMemoryMib(),
                boot(server, files),
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

    private static Boot boot(Server server, List<Path> files) {
        return switch (server.getBootCase()) {
            case KERNEL ->
                    new Boot.Kernel(
                            files.getFirst(), files.getLast(), server.getKernel().getCommandLine());
            case FIRST_DISK -> new Boot.FirstDisk(firmware(server.getFirstDisk()));
            case BOOT_NOT_SET -> throw newer("what the server boots");
        };
    }

    private static Firmware firmware(FirstDiskBoot boot) {
        return switch (boot.getFirmware()) {
            case BIOS -> Firmware.BIOS;
            case UEFI -> Firmware.UEFI;
            case UEFI_SECURE_BOOT -> Firmware.UEFI_SECURE_BOOT;
            case UNRECOGNIZED -> throw newer("firmware " + boot.getFirmwareValue());
        };
    }

    private static MachineModel model(Server server) {
        return switch (server.getMachineModel()) {
            case Q35 -> MachineModel.Q35;
            case MICROVM -> MachineModel.MICROVM;
            case UNRECOGNIZED -> throw newer("machine model " + server.getMachineModelValue());
        };
    }

    private static DpuException newer(String unknown) {
        return new DpuException(
                Category.GOAL, "this node does not know " + unknown + ": it needs a newer version");
    }
}
