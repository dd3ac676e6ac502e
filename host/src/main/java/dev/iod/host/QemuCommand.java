package dev.iod.host;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * The machine models: what QEMU is told, and nothing else tells it anything. A pure function of the
 * specification and the host.
 *
 * @param qemu the VMM's program
 * @param accelerator how it runs guests
 * @param tscKhz frequency of the host's time stamp counter
 */
record QemuCommand(String qemu, Accelerator accelerator, OptionalLong tscKhz) {

    private static final Pattern UUID =
            Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    /** Console output that QEMU keeps until the daemon reads it; a power of two. */
    static final int CONSOLE_RING_BYTES = 256 * 1024;

    /** Name of the console's character device in QMP. */
    static final String CONSOLE = "console";

    /** The QMP socket, in the VMM's own directory, which is its working directory. */
    static final String QMP_SOCKET = "qmp.sock";

    /** Where QEMU listens for a user of the serial console, while there is one; likewise. */
    static final String SERIAL_SOCKET = "serial.sock";

    /** Where QEMU listens for users of the display; likewise. */
    static final String VNC_SOCKET = "vnc.sock";

    /** Where QEMU finds the kernel and the initial file system: open when it starts. */
    static final String KERNEL = "/dev/fd/3";

    static final String INITRD = "/dev/fd/4";

    /**
     * A machine's own copies of the firmware's variables, in the VMM's own directory: one for each
     * disk that it has booted. The first part of their names, and the last.
     */
    static final String NVRAM = "nvram-";

    static final String NVRAM_END = ".fd";

    /** Name of a root port in QEMU, without its number. */
    static final String PORT = "rp";

    /** Names of devices and of what is behind them in QEMU are these and the device's id. */
    static final String NIC = "nic-";

    static final String DISK = "disk-";
    private static final String NIC_CHARDEV = "link-";
    private static final String DISK_CHARDEV = "store-";
    private static final String NETDEV = "net-";

    /** Root ports of a q35 machine: one per device, and some for devices that come later. */
    private static final int SPARE_PORTS = 4;

    private static final int LEAST_PORTS = 8;
    private static final int PORTS_PER_SLOT = 8;

    /** The first PCI slot of root ports; 0 is the host bridge. */
    private static final int FIRST_PORT_SLOT = 2;

    /** Size of TCG's translation cache, which otherwise grows with the host's memory. */
    private static final int TRANSLATION_CACHE_MIB = 32;

    /**
     * The command for a machine.
     *
     * @param sockets where QEMU finds the sockets of the specification
     */
    List<String> arguments(MachineSpec spec, Map<Path, Path> sockets) {
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
        addIdentity(arguments, spec);
        add(arguments, "-smp", Integer.toString(spec.vcpus()));
        add(arguments, "-m", spec.memoryMib() + "M");
        // The back ends map guest memory; the seal keeps it from shrinking under them.
        add(
                arguments,
                "-object",
                "memory-backend-memfd,id=memory,share=on,seal=on,size=" + spec.memoryMib() + "M");
        switch (spec.boot()) {
            case Boot.Kernel kernel -> {
                add(arguments, "-kernel", KERNEL, "-initrd", INITRD);
                add(arguments, "-append", kernelArguments(kernel));
            }
            case Boot.FirstDisk _ -> {} // By its boot index.
        }
        add(arguments, "-rtc", "base=utc");
        addConsole(arguments);
        addDisplay(arguments, spec.model());
        add(arguments, "-chardev", "socket,id=qmp,path=" + QMP_SOCKET + ",server=on,wait=off");
        add(arguments, "-mon", "chardev=qmp,mode=control");
        // A guest that powers off leaves QEMU there until the last console output was read.
        add(arguments, "-action", "shutdown=pause");
        addDevices(arguments, spec, sockets);
        return arguments;
    }

    private void addBoard(List<String> arguments, MachineSpec spec) {
        String common = ",memory-backend=memory,dump-guest-core=off";
        switch (spec.model()) {
            case Q35 -> {
                add(
                        arguments,
                        "-machine",
                        "q35,usb=off,smbus=off,sata=off,vmport=off,hpet=off"
                                + common
                                + firmware(spec.boot()));
                addFlash(arguments, spec);
                int devices = spec.devices().all().size();
                for (int port = 0; port < Math.max(LEAST_PORTS, devices + SPARE_PORTS); port++) {
                    int function = port % PORTS_PER_SLOT;
                    add(
                            arguments,
                            "-device",
                            "pcie-root-port,id=%s%d,chassis=%d,slot=%d,addr=%d.%d%s"
                                    .formatted(
                                            PORT,
                                            port,
                                            port + 1,
                                            port + 1,
                                            FIRST_PORT_SLOT + port / PORTS_PER_SLOT,
                                            function,
                                            function == 0 ? ",multifunction=on" : ""));
                }
            }
            case MICROVM -> {
                add(arguments, "-machine", "microvm,acpi=on" + common);
                add(arguments, "-global", "virtio-mmio.force-legacy=false");
            }
        }
        arguments.addAll(processor(accelerator));
    }

    private static String firmware(Boot boot) {
        return switch (boot) {
            case Boot.Kernel _ -> "";
            case Boot.FirstDisk(Firmware firmware) ->
                    switch (firmware) {
                        case BIOS -> "";
                        case UEFI -> ",pflash0=code,pflash1=variables";
                        case UEFI_SECURE_BOOT -> ",pflash0=code,pflash1=variables,smm=on";
                    };
        };
    }

    /** The NVRAM of a machine that boots a disk. */
    static String nvram(Disk booted) {
        return NVRAM + booted.id() + NVRAM_END;
    }

    private static void addFlash(List<String> arguments, MachineSpec spec) {
        Boot boot = spec.boot();
        Optional<Firmware.Flash> flash =
                boot instanceof Boot.FirstDisk(Firmware firmware)
                        ? firmware.flash()
                        : Optional.empty();
        if (flash.isEmpty()) {
            return;
        }
        String file = "driver=file,node-name=%s,filename=%s,read-only=%s";
        add(arguments, "-blockdev", file.formatted("code", flash.get().code(), "on"));
        add(
                arguments,
                "-blockdev",
                file.formatted("variables", nvram(spec.devices().disks().getFirst()), "off"));
        if (boot.equals(new Boot.FirstDisk(Firmware.UEFI_SECURE_BOOT))) {
            // Keys and boot entries are changed by the firmware only, in system management mode,
            // which a sleeping guest would come back from without.
            add(arguments, "-global", "driver=cfi.pflash01,property=secure,value=on");
            add(arguments, "-global", "ICH9-LPC.disable_s3=1");
        }
    }

    /**
     * What the guest finds in its SMBIOS tables, as with Nova: by the product cloud-init knows that
     * it is on OpenStack, by serial number and UUID its owner knows which server it is. A microvm
     * has no such tables.
     */
    private static void addIdentity(List<String> arguments, MachineSpec spec) {
        String system =
                "type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,"
                        + "family=Virtual Machine";
        if (spec.model() == MachineModel.Q35) {
            String id = spec.id().toLowerCase(Locale.ROOT);
            add(arguments, "-smbios", system + ",serial=" + id);
            if (UUID.matcher(id).matches()) {
                add(arguments, "-uuid", id);
            }
        }
    }

    /** How guests are run; the probe of an accelerator uses the same. */
    static List<String> processor(Accelerator accelerator) {
        return switch (accelerator) {
            case KVM -> List.of("-accel", "kvm", "-cpu", "host");
            case TCG -> List.of("-accel", "tcg,tb-size=" + TRANSLATION_CACHE_MIB);
        };
    }

    private String kernelArguments(Boot.Kernel kernel) {
        // A translated guest's timer interrupts come too irregularly for the kernel's check.
        String own = "console=ttyS0 no_timer_check";
        if (tscKhz.isPresent()) {
            // Otherwise Linux calibrates against a timer: on a loaded host its clock then runs at a
            // wrong rate, and on microvm it hangs there in some starts.
            own += " tsc_early_khz=" + tscKhz.getAsLong();
        }
        return kernel.commandLine().isBlank() ? own : own + " " + kernel.commandLine();
    }

    private static void addConsole(List<String> arguments) {
        // A ring in QEMU: a daemon that is away neither stops the guest nor lets a file grow.
        add(arguments, "-chardev", "ringbuf,id=" + CONSOLE + ",size=" + CONSOLE_RING_BYTES);
        add(arguments, "-serial", "chardev:" + CONSOLE);
    }

    /**
     * A standard VGA, which firmware and every kernel can write to, beside the keyboard and mouse
     * that the board has; on a slot before the root ports. A microvm has none of them.
     */
    private static void addDisplay(List<String> arguments, MachineModel model) {
        if (model.hasDisplay()) {
            add(arguments, "-device", "VGA,vgamem_mb=16,addr=1.0");
            // Users share it: one who wants it alone does not shut the others out.
            add(arguments, "-vnc", "unix:" + VNC_SOCKET + ",share=force-shared");
        }
    }

    /** What takes the console's output when nobody uses it, for {@code chardev-change}. */
    static Map<String, Object> ring() {
        return Map.of("type", "ringbuf", "data", Map.of("size", CONSOLE_RING_BYTES));
    }

    /** What carries the console while somebody uses it; a server, which one client may enter. */
    static Map<String, Object> serialSocket() {
        Map<String, Object> address = Map.of("type", "unix", "data", Map.of("path", SERIAL_SOCKET));
        return Map.of(
                "type", "socket", "data", Map.of("addr", address, "server", true, "wait", false));
    }

    private void addDevices(List<String> arguments, MachineSpec spec, Map<Path, Path> sockets) {
        int port = 0;
        for (Device device : spec.devices().all()) {
            Path socket = sockets.getOrDefault(device.socket(), device.socket());
            add(
                    arguments,
                    "-chardev",
                    "socket,id=%s,path=%s,server=on,wait=off"
                            .formatted(chardev(device), escaped(socket.toString())));
            if (device instanceof Nic nic) {
                add(arguments, "-netdev", option("type", netdev(nic)));
            }
            Map<String, Object> properties =
                    new LinkedHashMap<>(device(spec.model(), device, PORT + port++));
            if (spec.boot() instanceof Boot.FirstDisk
                    && device.equals(spec.devices().disks().getFirst())) {
                properties.put("bootindex", 0);
            }
            add(arguments, "-device", option("driver", properties));
        }
    }

    /** What QEMU calls a device. */
    static String name(Device device) {
        return switch (device) {
            case Nic nic -> NIC + nic.id();
            case Disk disk -> DISK + disk.id();
        };
    }

    /** What QEMU calls the character device where a device's back end dials. */
    static String chardev(Device device) {
        return switch (device) {
            case Nic nic -> NIC_CHARDEV + nic.id();
            case Disk disk -> DISK_CHARDEV + disk.id();
        };
    }

    /** What QEMU calls the network back end of an interface. */
    static String netdevName(Nic nic) {
        return NETDEV + nic.id();
    }

    /** The properties of an interface's network back end, {@code type} first. */
    static Map<String, Object> netdev(Nic nic) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("type", "vhost-user");
        properties.put("id", netdevName(nic));
        properties.put("chardev", chardev(nic));
        return properties;
    }

    /**
     * The properties of a device, {@code driver} first.
     *
     * @param port the root port it is plugged into, of no meaning to a model without PCI
     */
    Map<String, Object> device(MachineModel model, Device device, String port) {
        Map<String, Object> properties = new LinkedHashMap<>();
        switch (device) {
            case Nic nic -> {
                properties.put("driver", driver("virtio-net", model));
                properties.put("netdev", netdevName(nic));
                properties.put("mac", nic.mac().toLowerCase(Locale.ROOT));
                properties.put("host_mtu", nic.mtu());
                // The guest's carrier does not flap when the back end is restarted.
                properties.put("status", false);
                if (model == MachineModel.Q35) {
                    properties.put("romfile", "");
                    if (accelerator == Accelerator.TCG) {
                        // MSI-X over vhost-user crashes QEMU 7.2 as soon as the driver probes.
                        properties.put("vectors", 0);
                    }
                }
            }
            case Disk disk -> {
                properties.put("driver", driver("vhost-user-blk", model));
                properties.put("chardev", chardev(disk));
                properties.put("num-queues", 1);
            }
        }
        properties.put("id", name(device));
        switch (model) {
            case Q35 -> {
                properties.put("disable-legacy", "on");
                properties.put("bus", port);
                // The one slot of a port. Without it QEMU puts a second device where no guest
                // looks.
                properties.put("addr", "0");
            }
            case MICROVM -> {}
        }
        return properties;
    }

    private static String driver(String name, MachineModel model) {
        return switch (model) {
            case Q35 -> name + "-pci";
            case MICROVM -> name + "-device";
        };
    }

    /** Properties as one option of the command line; the value of the first has no name. */
    private static String option(String first, Map<String, Object> properties) {
        StringBuilder option = new StringBuilder(String.valueOf(properties.get(first)));
        properties.forEach(
                (name, value) -> {
                    if (!name.equals(first)) {
                        String text = value instanceof Boolean on ? on ? "on" : "off" : "" + value;
                        option.append(',').append(name).append('=').append(escaped(text));
                    }
                });
        return option.toString();
    }

    private static void add(List<String> arguments, String... more) {
        arguments.addAll(List.of(more));
    }

    /** QEMU separates options by commas; a doubled comma is a comma. */
    private static String escaped(String value) {
        return value.replace(",", ",,");
    }
}
