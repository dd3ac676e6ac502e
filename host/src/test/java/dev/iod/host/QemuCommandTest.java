package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class QemuCommandTest {
    private static final Nic NIC =
            new Nic("port", "02:00:00:00:00:01", 1442, Path.of("/run/n1/vhost/p.sock"));

    private static final Boot KERNEL = new Boot.Kernel(Path.of("/k"), Path.of("/i"), "quiet");

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
                .contains("socket,id=store-root,path=/run/n1/vhost/d.sock,server=on,wait=off")
                .contains("mac=02:00:00:00:00:01,host_mtu=1442,status=off")
                .contains("-kernel /dev/fd/3 -initrd /dev/fd/4 -append ")
                .contains("no_timer_check tsc_early_khz=2000000 quiet")
                .doesNotContain("tcp:", "-daemonize", "-monitor");
    }

    @Test
    void q35HasRootPortsAndNoInterruptVectorsUnderTranslation() {
        String command = command(MachineModel.Q35, Accelerator.TCG, OptionalLong.empty());
        assertThat(command.split("pcie-root-port,", -1)).hasSize(9);
        assertThat(command)
                .contains("-netdev vhost-user,id=net-port,chardev=link-port")
                .contains(
                        "virtio-net-pci,netdev=net-port,mac=02:00:00:00:00:01,host_mtu=1442,"
                                + "status=off,romfile=,vectors=0,id=nic-port,disable-legacy=on,"
                                + "bus=rp0,addr=0")
                .contains(
                        "vhost-user-blk-pci,chardev=store-root,num-queues=1,id=disk-root,"
                                + "disable-legacy=on,bus=rp1,addr=0")
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

    @Test
    void aMachineWithManyDevicesHasRootPortsForMore() {
        List<Nic> nics =
                IntStream.range(0, 8)
                        .mapToObj(i -> new Nic("p" + i, NIC.mac(), 1442, Path.of("/run/p" + i)))
                        .toList();
        MachineSpec spec = spec(MachineModel.Q35, KERNEL, new Devices(List.of(DISK), nics));
        String command = command(spec, Accelerator.TCG, OptionalLong.empty());
        assertThat(command.split("pcie-root-port,", -1)).hasSize(9 + 4 + 1);
        assertThat(command)
                .contains("pcie-root-port,id=rp8,chassis=9,slot=9,addr=3.0,multifunction=on")
                .contains("id=disk-root,disable-legacy=on,bus=rp8,addr=0");
    }

    @Test
    void aDiskIsBootedByItsIndexAndNothingElseIs() {
        Disk second = new Disk("second", Path.of("/run/s.sock"));
        Devices devices = new Devices(List.of(DISK, second), List.of(NIC));
        String command =
                command(
                        spec(MachineModel.Q35, new Boot.FirstDisk(Firmware.BIOS), devices),
                        Accelerator.TCG,
                        OptionalLong.of(2_000_000));
        assertThat(command)
                .contains("id=disk-root,disable-legacy=on,bus=rp1,addr=0,bootindex=0")
                .doesNotContain("-kernel", "-initrd", "-append", "bus=rp2,addr=0,bootindex");
    }

    @Test
    void aServerSaysThatItIsOnOpenStackAndWhichOneItIs() {
        String id = "6a1c2f9e-3b4d-4e5f-8a9b-0c1d2e3f4a5b";
        MachineSpec spec = new MachineSpec(id, MachineModel.Q35, 1, 256, KERNEL, Devices.NONE);
        assertThat(command(spec, Accelerator.KVM, OptionalLong.empty()))
                .contains(
                        "-smbios type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,"
                                + "family=Virtual Machine,serial="
                                + id
                                + " -uuid "
                                + id);
        assertThat(command(MachineModel.Q35, Accelerator.KVM, OptionalLong.empty()))
                .contains("serial=vm ")
                .doesNotContain("-uuid");
        assertThat(command(MachineModel.MICROVM, Accelerator.KVM, OptionalLong.empty()))
                .doesNotContain("-smbios");
    }

    @Test
    void uefiHasItsProgramAndAnNvramOfTheMachinesOwn() {
        Devices devices = new Devices(List.of(DISK), List.of());
        String uefi = uefi(Firmware.UEFI, devices);
        assertThat(uefi)
                .contains(",pflash0=code,pflash1=variables ")
                .contains(
                        "driver=file,node-name=code,filename=/usr/share/OVMF/OVMF_CODE_4M.fd,"
                                + "read-only=on")
                .contains("node-name=variables,filename=nvram-root.fd,read-only=off")
                .contains("bus=rp0,addr=0,bootindex=0")
                .doesNotContain("smm=on", "cfi.pflash01");
        assertThat(uefi(Firmware.UEFI_SECURE_BOOT, devices))
                .contains(",pflash1=variables,smm=on ", "OVMF_CODE_4M.secboot.fd")
                .contains("driver=cfi.pflash01,property=secure,value=on");
    }

    private static String uefi(Firmware firmware, Devices devices) {
        return command(
                spec(MachineModel.Q35, new Boot.FirstDisk(firmware), devices),
                Accelerator.TCG,
                OptionalLong.empty());
    }

    private static MachineSpec spec(MachineModel model, Boot boot, Devices devices) {
        return new MachineSpec("vm", model, 1, 256, boot, devices);
    }

    private static String command(
            MachineModel model, Accelerator accelerator, OptionalLong tscKhz) {
        return command(
                spec(model, KERNEL, new Devices(List.of(DISK), List.of(NIC))), accelerator, tscKhz);
    }

    private static String command(MachineSpec spec, Accelerator accelerator, OptionalLong tscKhz) {
        return String.join(
                " ",
                new QemuCommand("qemu", accelerator, tscKhz)
                        .arguments(spec, Map.of(NIC.socket(), Path.of("../../vhost/a,b.sock"))));
    }
}
