package dev.iod.dpu;

import dev.iod.node.Disk;
import dev.iod.node.FixedAddress;
import dev.iod.node.Goal;
import dev.iod.node.ImagePart;
import dev.iod.node.KernelBoot;
import dev.iod.node.Metadata;
import dev.iod.node.Nic;
import dev.iod.node.PoolGoal;
import dev.iod.node.Power;
import dev.iod.node.PublicKey;
import dev.iod.node.Server;
import java.util.Base64;
import java.util.List;

/** Goals to test with. */
final class Goals {
    static final String KERNEL = "a".repeat(64);
    static final String INITRD = "b".repeat(64);

    private Goals() {}

    static Goal of(Server... servers) {
        return Goal.newBuilder()
                .setRevision(1)
                .addAllServers(List.of(servers))
                .setPool(PoolGoal.getDefaultInstance())
                .build();
    }

    static Server server(String id) {
        return Server.newBuilder()
                .setId(id)
                .setName("web " + id)
                .setPower(Power.ON)
                .setBootGeneration(1)
                .setVcpus(1)
                .setMemoryMib(128)
                .setHostName("web-" + id)
                .setKernel(
                        KernelBoot.newBuilder()
                                .setKernel(part("kernel", KERNEL))
                                .setInitrd(part("initrd", INITRD)))
                .addNics(nic("port-of-" + id))
                .setMetadata(
                        Metadata.newBuilder()
                                .setProjectId("project")
                                .setImageId("11223344-0000-4000-8000-000000000000")
                                .setFlavor("tiny")
                                .setAvailabilityZone("nova")
                                .addSecurityGroups("default")
                                .addKeys(
                                        PublicKey.newBuilder()
                                                .setName("mine")
                                                .setOpenssh("ssh-ed25519 key-of-" + id))
                                .setUserData(
                                        Base64.getEncoder()
                                                .encodeToString(new byte[] {'#', '!', 0, 1})))
                .build();
    }

    static Server withDisk(Server server) {
        return withDisk(server, "root-" + server.getId());
    }

    static Server withDisk(Server server, String disk) {
        return server.toBuilder()
                .addDisks(Disk.newBuilder().setId(disk).setSizeBytes(1 << 20))
                .build();
    }

    /** The goal with volumes that no server has. */
    static Goal withVolumes(Goal goal, String... ids) {
        Goal.Builder more = goal.toBuilder();
        for (String id : ids) {
            more.addVolumes(Disk.newBuilder().setId(id).setSizeBytes(1 << 20));
        }
        return more.build();
    }

    static Nic nic(String port) {
        return Nic.newBuilder()
                .setPortId(port)
                .setNetworkId("net-1")
                .setMac("fa:16:3e:00:00:01")
                .setMtu(1442)
                .addAddresses(
                        FixedAddress.newBuilder()
                                .setAddress("10.0.0.5")
                                .setPrefixLength(24)
                                .setDhcp(true)
                                .setGateway("10.0.0.1"))
                .build();
    }

    static ImagePart part(String id, String digest) {
        return ImagePart.newBuilder().setImageId(id).setSha256(digest).setSizeBytes(10).build();
    }
}
