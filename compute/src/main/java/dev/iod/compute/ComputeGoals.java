package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.network.ServerPorts;
import dev.iod.network.ServerPorts.ServerPort;
import dev.iod.network.Subnet;
import dev.iod.node.Disk;
import dev.iod.node.Firmware;
import dev.iod.node.FirstDiskBoot;
import dev.iod.node.FixedAddress;
import dev.iod.node.Goal;
import dev.iod.node.HostRoute;
import dev.iod.node.ImagePart;
import dev.iod.node.KernelBoot;
import dev.iod.node.MachineModel;
import dev.iod.node.Metadata;
import dev.iod.node.Nic;
import dev.iod.node.Power;
import dev.iod.node.PublicKey;
import dev.iod.region.GoalPart;
import dev.iod.volume.ServerVolumes;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The servers of a node's goal: all that are placed on it and not being deleted. */
final class ComputeGoals implements GoalPart {
    private final ServerPorts ports;

    ComputeGoals(ServerPorts ports) {
        this.ports = ports;
    }

    @Override
    public void add(Handle handle, String node, Goal.Builder goal) {
        List<Server> servers =
                ServerStore.onNode(handle, node).stream()
                        .filter(server -> !server.deleting())
                        .toList();
        Map<UUID, List<ServerPort>> nics =
                ports.of(handle, servers.stream().map(Server::id).toList());
        Map<UUID, List<ServerVolumes.Attached>> volumes =
                ServerVolumes.of(handle, servers.stream().map(Server::id).toList());
        for (Server server : servers) {
            RootDisks.kept(server).ifPresent(goal::addVolumes);
            goal.addServers(
                    machine(
                            server,
                            nics.getOrDefault(server.id(), List.of()),
                            volumes.getOrDefault(server.id(), List.of())));
        }
    }

    private static dev.iod.node.Server machine(
            Server server, List<ServerPort> ports, List<ServerVolumes.Attached> volumes) {
        dev.iod.node.Server.Builder machine =
                dev.iod.node.Server.newBuilder()
                        .setId(server.id().toString())
                        .setName(server.name())
                        .setHostName(server.hostname())
                        .setPower(power(server.state().wish()))
                        .setPaused(server.state().wish() == Lifecycle.Wish.PAUSED)
                        .setBootGeneration(server.state().bootGeneration())
                        .setSoftRebootGeneration(server.state().softRebootGeneration())
                        .setAsksGuest(asksGuest(server.state().task()))
                        .setMachineModel(model(server.flavor()))
                        .setVcpus(server.flavor().vcpus())
                        .setMemoryMib(server.flavor().memoryMib())
                        .setMetadata(metadata(server, ports));
        switch (server.booted().what()) {
            case Images.Boot.Kernel kernel ->
                    machine.setKernel(
                            KernelBoot.newBuilder()
                                    .setKernel(part(kernel.kernel()))
                                    .setInitrd(part(kernel.initrd()))
                                    .setCommandLine(kernel.commandLine()));
            case Images.Boot.Disk(Images.Firmware firmware) ->
                    machine.setFirstDisk(FirstDiskBoot.newBuilder().setFirmware(of(firmware)));
        }
        RootDisks.ofRescue(server).ifPresent(machine::addDisks);
        RootDisks.of(server).ifPresent(machine::addDisks);
        for (ServerVolumes.Attached volume : volumes) {
            if (!volume.leaving()) {
                machine.addDisks(
                        Disk.newBuilder()
                                .setId(volume.volumeId().toString())
                                .setSizeBytes(volume.sizeBytes())
                                .setMade(true));
            }
        }
        for (ServerPort port : ports) {
            machine.addNics(nic(port));
        }
        return machine.build();
    }

    private static Nic nic(ServerPort port) {
        Nic.Builder nic =
                Nic.newBuilder()
                        .setPortId(port.id().toString())
                        .setNetworkId(port.networkId().toString())
                        .setMac(port.mac())
                        .setMtu(port.mtuBytes());
        for (ServerPorts.FixedAddress fixed : port.fixedAddresses()) {
            Subnet subnet = fixed.subnet();
            FixedAddress.Builder address =
                    FixedAddress.newBuilder()
                            .setAddress(fixed.address())
                            .setPrefixLength(subnet.cidr().length())
                            .setDhcp(subnet.dhcpEnabled());
            subnet.gateway().ifPresent(gateway -> address.setGateway(gateway.toString()));
            subnet.dnsServers().forEach(server -> address.addDnsServers(server.toString()));
            for (dev.iod.network.HostRoute route : subnet.hostRoutes()) {
                address.addRoutes(
                        HostRoute.newBuilder()
                                .setDestination(route.destination().toString())
                                .setNextHop(route.nextHop().toString()));
            }
            nic.addAddresses(address);
        }
        return nic.build();
    }

    private static Metadata metadata(Server server, List<ServerPort> ports) {
        Metadata.Builder metadata =
                Metadata.newBuilder()
                        .setProjectId(server.projectId())
                        .setPasswordHash(passwordHash(server).orElse(""))
                        .setUserData(server.guest().userData().orElse(""))
                        .putAllProperties(server.guest().metadata())
                        .setAvailabilityZone(ServerShown.ZONE)
                        .setFlavor(server.flavor().name())
                        .setImageId(server.origin().imageId())
                        .addAllSecurityGroups(ServerView.securityGroupNames(ports))
                        .setCreatedAt(server.times().created().getEpochSecond())
                        .setLaunchIndex(server.origin().launchIndex())
                        .setReservationId(server.origin().reservationId());
        server.guest()
                .keyName()
                .ifPresent(
                        name ->
                                metadata.addKeys(
                                        PublicKey.newBuilder()
                                                .setName(name)
                                                .setOpenssh(server.guest().keyOpenssh())));
        return metadata.build();
    }

    private static Optional<String> passwordHash(Server server) {
        return server.rescue()
                .map(Server.Rescue::passwordHash)
                .orElse(server.guest().passwordHash());
    }

    /** Whether what was written has to be there at the next boot. */
    private static boolean asksGuest(TaskState task) {
        return switch (task) {
            case RESCUING,
                    UNRESCUING,
                    RESIZE_PREP,
                    RESIZE_MIGRATING,
                    RESIZE_MIGRATED,
                    RESIZE_FINISH,
                    RESIZE_REVERTING ->
                    true;
            case NONE,
                    SCHEDULING,
                    SPAWNING,
                    POWERING_ON,
                    POWERING_OFF,
                    REBOOTING,
                    REBOOTING_HARD,
                    PAUSING,
                    UNPAUSING,
                    REBUILDING,
                    IMAGE_SNAPSHOT,
                    IMAGE_BACKUP,
                    IMAGE_PENDING_UPLOAD,
                    IMAGE_UPLOADING,
                    DELETING ->
                    false;
        };
    }

    private static Power power(Lifecycle.Wish wish) {
        return switch (wish) {
            case ON, PAUSED, RESCUE -> Power.ON;
            case OFF -> Power.OFF;
        };
    }

    private static MachineModel model(Flavor flavor) {
        return flavor.isMicrovm() ? MachineModel.MICROVM : MachineModel.Q35;
    }

    private static Firmware of(Images.Firmware firmware) {
        return switch (firmware) {
            case BIOS -> Firmware.BIOS;
            case UEFI -> Firmware.UEFI;
            case UEFI_SECURE_BOOT -> Firmware.UEFI_SECURE_BOOT;
        };
    }

    static ImagePart part(Images.Part part) {
        return ImagePart.newBuilder()
                .setImageId(part.imageId())
                .setSha256(part.sha256())
                .setSizeBytes(part.sizeBytes())
                .build();
    }
}
