package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class QemuCommandTest {
    private static final Nic NIC =
            new Nic("port", "02:00:00:00:00:01", 1442, Path.of("/run/n1/vhost/p.sock"));

    private static final Disk DISK = new Disk("root", Path.of("/run/n1/vhost/d.sock"));

    @ParameterizedTest
    @EnumSource
    void everyModelIsConfinedAndSharesSealedMemory(MachineModel model) {
        String command = command(model, Accelerator.TCG, OptionalLong.of(2_000_000));
        assertThat(command)
                .contains("-nodefaults -no-user-config")
                .contains(
                        "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                                + "resourcecontrol=deny")
                .contains("memory-backend-memfd,id=memory,share=on,seal=on,size=256M")
                .contains("path=qmp.sock,server=on,wait=off")
                .contains("path=../../vhost/a,,b.sock,server=on,wait=off")
                .contains("socket,id=store0,path=/run/n1/vhost/d.sock,server=on,wait=off")
                .contains("mac=02:00:00:00:00:01,host_mtu=1442,status=off")
                .contains("no_timer_check tsc_early_khz=2000000 quiet")
                .doesNotContain("tcp:", "-daemonize", "-monitor");
    }

    @Test
    void q35HasRootPortsAndNoInterruptVectorsUnderTranslation() {
        String command = command(MachineModel.Q35, Accelerator.TCG, OptionalLong.empty());
        assertThat(command.split("pcie-root-port,", -1)).hasSize(9);
        assertThat(command)
                .contains("virtio-net-pci,disable-legacy=on,romfile=,addr=4,vectors=0,")
                .contains("vhost-user-blk-pci,disable-legacy=on,addr=c,id=disk0,")
                .doesNotContain("tsc_early_khz");
    }

    @Test
    void kvmRunsTheHostsProcessorWithInterruptVectors() {
        assertThat(command(MachineModel.Q35, Accelerator.KVM, OptionalLong.empty()))
                .contains("-accel kvm -cpu host")
                .doesNotContain("vectors=0");
    }

    @Test
    void microvmHasModernVirtioAndNoPci() {
        assertThat(command(MachineModel.MICROVM, Accelerator.TCG, OptionalLong.empty()))
                .contains("-machine microvm,acpi=on,", "virtio-mmio.force-legacy=false")
                .contains("virtio-net-device,", "vhost-user-blk-device,")
                .doesNotContain("pci");
    }

    private static String command(
            MachineModel model, Accelerator accelerator, OptionalLong tscKhz) {
        MachineSpec spec =
                new MachineSpec(
                        "vm",
                        "vm",
                        model,
                        1,
                        256,
                        Path.of("/k"),
                        Path.of("/i"),
                        "quiet",
                        List.of(DISK),
                        List.of(NIC));
        return String.join(
                " ",
                new QemuCommand("qemu", accelerator, tscKhz)
                        .arguments(
                                spec,
                                Path.of("/dev/fd/3"),
                                Path.of("/dev/fd/4"),
                                Map.of(NIC.socket(), Path.of("../../vhost/a,b.sock"))));
    }
}
