package dev.iod.host;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The machine models: what QEMU is told, and nothing else tells it anything. A pure function of the
 * specification and the host.
 *
 * @param qemu the VMM's program
 * @param accelerator how it runs guests
 * @param tscKhz frequency of the host's time stamp counter
 */
record QemuCommand(String qemu, Accelerator accelerator, OptionalLong tscKhz) {

    /** Console output that QEMU keeps until the daemon reads it; a power of two. */
    static final int CONSOLE_RING_BYTES = 256 * 1024;

    /** Name of the console's character device in QMP. */
    static final String CONSOLE = "console";

    /** The QMP socket, in the VMM's own directory, which is its working directory. */
    static final String QMP_SOCKET = "qmp.sock";

    /** Empty PCI Express root ports of a q35 machine, for devices added later. */
    private static final int ROOT_PORTS = 8;

    /** First PCI slot for interfaces: 0 is the host bridge, 2 holds the root ports. */
    private static final int FIRST_NIC_SLOT = 4;

    /** First PCI slot for disks, behind those of the interfaces. */
    private static final int FIRST_DISK_SLOT = FIRST_NIC_SLOT + MachineSpec.MAX_NICS;

    /** Size of TCG's translation cache, which otherwise grows with the host's memory. */
    private static final int TRANSLATION_CACHE_MIB = 32;

    /**
     * The command for a machine.
     *
     * @param kernel where QEMU finds the kernel
     * @param initrd where QEMU finds the initial file system
     * @param sockets where QEMU finds the sockets of the specification
     */
    List<String> arguments(MachineSpec spec, Path kernel, Path initrd, Map<Path, Path> sockets) {
        List<String> arguments = new ArrayList<>();
        arguments.add(qemu);
        add(arguments, "-name", "guest=" + escaped(spec.id()) + ",debug-threads=on");
        // Nothing but what is named here, and no way to more rights than the user has.
        add(arguments, "-nodefaults", "-no-user-config", "-display", "none");
        add(
                arguments,
                "-sandbox",
                "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        addBoard(arguments, spec);
        add(arguments, "-smp", Integer.toString(spec.vcpus()));
        add(arguments, "-m", spec.memoryMib() + "M");
        // The back ends map guest memory; the seal keeps it from shrinking under them.
        add(
                arguments,
                "-object",
                "memory-backend-memfd,id=memory,share=on,seal=on,size=" + spec.memoryMib() + "M");
        add(arguments, "-kernel", kernel.toString());
        add(arguments, "-initrd", initrd.toString());
        add(arguments, "-append", kernelArguments(spec));
        add(arguments, "-rtc", "base=utc");
        addConsole(arguments);
        add(arguments, "-chardev", "socket,id=qmp,path=" + QMP_SOCKET + ",server=on,wait=off");
        add(arguments, "-mon", "chardev=qmp,mode=control");
        // A guest that powers off leaves QEMU there until the last console output was read.
        add(arguments, "-action", "shutdown=pause");
        for (int i = 0; i < spec.nics().size(); i++) {
            Nic nic = spec.nics().get(i);
            addNic(arguments, spec.model(), i, nic, seen(nic.socket(), sockets));
        }
        for (int i = 0; i < spec.disks().size(); i++) {
            addDisk(arguments, spec.model(), i, seen(spec.disks().get(i).socket(), sockets));
        }
        return arguments;
    }

    private void addBoard(List<String> arguments, MachineSpec spec) {
        String common = ",memory-backend=memory,dump-guest-core=off";
        switch (spec.model()) {
            case Q35 -> {
                add(
                        arguments,
                        "-machine",
                        "q35,usb=off,smbus=off,sata=off,vmport=off,hpet=off" + common);
                for (int port = 0; port < ROOT_PORTS; port++) {
                    add(
                            arguments,
                            "-device",
                            "pcie-root-port,id=rp%d,chassis=%d,slot=%d,addr=2.%d%s"
                                    .formatted(
                                            port,
                                            port + 1,
                                            port + 1,
                                            port,
                                            port == 0 ? ",multifunction=on" : ""));
                }
            }
            case MICROVM -> {
                add(arguments, "-machine", "microvm,acpi=on" + common);
                add(arguments, "-global", "virtio-mmio.force-legacy=false");
            }
        }
        arguments.addAll(processor(accelerator));
    }

    /** How guests are run; the probe of an accelerator uses the same. */
    static List<String> processor(Accelerator accelerator) {
        return switch (accelerator) {
            case KVM -> List.of("-accel", "kvm", "-cpu", "host");
            case TCG -> List.of("-accel", "tcg,tb-size=" + TRANSLATION_CACHE_MIB);
        };
    }

    private String kernelArguments(MachineSpec spec) {
        // A translated guest's timer interrupts come too irregularly for the kernel's check.
        String own = "console=ttyS0 no_timer_check";
        if (tscKhz.isPresent()) {
            // Otherwise Linux calibrates against a timer: on a loaded host its clock then runs at a
            // wrong rate, and on microvm it hangs there in some starts.
            own += " tsc_early_khz=" + tscKhz.getAsLong();
        }
        return spec.commandLine().isBlank() ? own : own + " " + spec.commandLine();
    }

    private static void addConsole(List<String> arguments) {
        // A ring in QEMU: a daemon that is away neither stops the guest nor lets a file grow.
        add(arguments, "-chardev", "ringbuf,id=" + CONSOLE + ",size=" + CONSOLE_RING_BYTES);
        add(arguments, "-serial", "chardev:" + CONSOLE);
    }

    private void addNic(
            List<String> arguments, MachineModel model, int index, Nic nic, String socket) {
        add(
                arguments,
                "-chardev",
                "socket,id=link%d,path=%s,server=on,wait=off".formatted(index, socket));
        add(arguments, "-netdev", "vhost-user,id=net%d,chardev=link%d".formatted(index, index));
        // status=off: the guest's carrier does not flap when the back end is restarted.
        String common =
                ",id=nic%d,netdev=net%d,mac=%s,host_mtu=%d,status=off"
                        .formatted(index, index, nic.mac().toLowerCase(Locale.ROOT), nic.mtu());
        switch (model) {
            case Q35 -> {
                // MSI-X over vhost-user crashes QEMU 7.2 under TCG as soon as the driver probes.
                String vectors = accelerator == Accelerator.TCG ? ",vectors=0" : "";
                add(
                        arguments,
                        "-device",
                        "virtio-net-pci,disable-legacy=on,romfile=,addr=%x"
                                        .formatted(FIRST_NIC_SLOT + index)
                                + vectors
                                + common);
            }
            case MICROVM -> add(arguments, "-device", "virtio-net-device" + common);
        }
    }

    private static void addDisk(
            List<String> arguments, MachineModel model, int index, String socket) {
        add(
                arguments,
                "-chardev",
                "socket,id=store%d,path=%s,server=on,wait=off".formatted(index, socket));
        String common = ",id=disk%d,chardev=store%d,num-queues=1".formatted(index, index);
        switch (model) {
            case Q35 ->
                    add(
                            arguments,
                            "-device",
                            "vhost-user-blk-pci,disable-legacy=on,addr=%x"
                                            .formatted(FIRST_DISK_SLOT + index)
                                    + common);
            case MICROVM -> add(arguments, "-device", "vhost-user-blk-device" + common);
        }
    }

    private static String seen(Path socket, Map<Path, Path> sockets) {
        return escaped(sockets.getOrDefault(socket, socket).toString());
    }

    private static void add(List<String> arguments, String... more) {
        arguments.addAll(List.of(more));
    }

    /** QEMU separates options by commas; a doubled comma is a comma. */
    private static String escaped(String value) {
        return value.replace(",", ",,");
    }
}
