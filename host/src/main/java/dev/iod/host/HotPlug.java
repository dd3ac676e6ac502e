package dev.iod.host;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Makes the devices of a running QEMU equal to the wanted ones. Each look asks QEMU what there is,
 * takes for each device the step that is due, and says where it stands: nothing needs to be
 * remembered over the end of the daemon, and a step that was taken twice has the effect of once.
 *
 * <p>In: a character device that listens, the back end dials it, an interface's network back end,
 * the device on a free root port. Out: the guest is asked, and what is behind the device is taken
 * away when the guest has let go. Used by the machine's agent only.
 */
final class HotPlug {
    /** How often the guest is asked again for a device, and what QEMU refused is tried again. */
    private static final long AGAIN_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** QEMU 7.2 waits four times for a back end that was lost before the device was made. */
    private static final int HANG_UPS = 8;

    private static final long HANG_UP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Launcher launcher;
    private final Path directory;
    private final Vmm vmm;

    /** By device: when it was last asked for or refused, and what was said then. */
    private final Map<String, Tried> tried = new HashMap<>();

    private record Tried(long nanos, String reason) {}

    /**
     * @param directory QEMU's working directory
     */
    HotPlug(Launcher launcher, Path directory, Vmm vmm) {
        this.launcher = launcher;
        this.directory = directory;
        this.vmm = vmm;
    }

    /**
     * What QEMU has: devices, with those that this look has added, and character devices with
     * whether they are connected and used.
     */
    private record Found(Set<String> devices, Map<String, Chardev> chardevs) {}

    private record Chardev(boolean connected, boolean used) {}

    /**
     * Takes the steps that are due.
     *
     * @param leaving devices that the machine gives back
     * @return every wanted device, and those of the leaving ones that are not gone
     * @throws HostException TIMEOUT, UNAVAILABLE when QEMU does not answer: nothing is known then
     */
    List<DeviceStatus> look(MachineSpec spec, List<Device> leaving) throws IOException {
        Found found = found();
        List<DeviceStatus> statuses = new ArrayList<>();
        for (Device device : leaving) {
            leave(device, found).ifPresent(statuses::add);
        }
        for (Device device : spec.devices().all()) {
            statuses.add(enter(spec.model(), device, found));
        }
        Set<String> known = new HashSet<>();
        statuses.forEach(status -> known.add(status.device().id()));
        tried.keySet().retainAll(known);
        return statuses;
    }

    private Found found() {
        Set<String> devices = new HashSet<>();
        Map<String, Object> peripheral = Map.of("path", "/machine/peripheral");
        for (Fields member : vmm.command("qom-list", peripheral).list("return")) {
            devices.add(member.text("name"));
        }
        Map<String, Chardev> chardevs = new HashMap<>();
        for (Fields chardev : vmm.command("query-chardev", Map.of()).list("return")) {
            chardevs.put(
                    chardev.text("label"),
                    new Chardev(
                            !chardev.text("filename").startsWith("disconnected:"),
                            chardev.truth("frontend-open")));
        }
        return new Found(devices, chardevs);
    }

    private DeviceStatus enter(MachineModel model, Device device, Found found) throws IOException {
        if (found.devices.contains(QemuCommand.name(device))) {
            return new DeviceStatus(device, DeviceState.ATTACHED, "");
        }
        Optional<String> refused = recently(device);
        if (refused.isPresent()) {
            return attaching(device, refused.get());
        }
        try {
            return attaching(device, plug(model, device, found));
        } catch (HostException e) {
            return switch (e.category()) {
                case UNAVAILABLE -> throw e;
                case TIMEOUT -> {
                    hangUp(device);
                    yield attaching(device, tell(device, "its back end was lost while it came"));
                }
                case INVALID, NOT_FOUND, CONFLICT, EXHAUSTED, FAILED ->
                        attaching(device, tell(device, e.getMessage()));
            };
        }
    }

    /**
     * @return what it waits for; empty when it is in the machine now
     */
    private String plug(MachineModel model, Device device, Found found) throws IOException {
        String name = QemuCommand.chardev(device);
        Chardev chardev = found.chardevs.get(name);
        if (chardev == null) {
            listen(name, launcher.socket(directory, device.socket()));
            return "no back end has dialed socket " + device.socket().getFileName() + " yet";
        }
        // QEMU would stop the guest and wait for the back end, however long.
        if (!chardev.connected) {
            return "no back end has dialed socket " + device.socket().getFileName() + " yet";
        }
        Optional<String> port = freePort(found);
        if (port.isEmpty()) {
            return "no slot is free: it comes with the machine's next start";
        }
        if (device instanceof Nic nic && !chardev.used) {
            vmm.command("netdev_add", QemuCommand.netdev(nic));
        }
        vmm.command("device_add", launcher.command().device(model, device, port.get()));
        // The next device of this look needs another port.
        found.devices.add(QemuCommand.name(device));
        return "";
    }

    private void listen(String name, Path socket) {
        Map<String, Object> address =
                Map.of("type", "unix", "data", Map.of("path", socket.toString()));
        Map<String, Object> data = Map.of("addr", address, "server", true, "wait", false);
        vmm.command(
                "chardev-add",
                Map.of("id", name, "backend", Map.of("type", "socket", "data", data)));
    }

    private Optional<String> freePort(Found found) {
        Set<String> used = new HashSet<>();
        for (String device : found.devices) {
            if (device.startsWith(QemuCommand.NIC) || device.startsWith(QemuCommand.DISK)) {
                used.add(bus(device));
            }
        }
        return found.devices.stream()
                .filter(name -> name.startsWith(QemuCommand.PORT) && !used.contains(name))
                .min((a, b) -> Integer.compare(number(a), number(b)));
    }

    private String bus(String device) {
        Map<String, Object> property =
                Map.of("path", "/machine/peripheral/" + device, "property", "parent_bus");
        String path = vmm.command("qom-get", property).text("return");
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static int number(String port) {
        return Integer.parseInt(port.substring(QemuCommand.PORT.length()));
    }

    /** Where a device that shall go stands; empty when nothing is left of it. */
    private Optional<DeviceStatus> leave(Device device, Found found) throws IOException {
        if (found.devices.contains(QemuCommand.name(device))) {
            return Optional.of(detaching(device, recently(device).orElseGet(() -> ask(device))));
        }
        if (found.chardevs.containsKey(QemuCommand.chardev(device))) {
            return Optional.of(detaching(device, takeAway(device)));
        }
        Files.deleteIfExists(device.socket());
        return Optional.empty();
    }

    private String ask(Device device) {
        // QEMU may say that the guest has been asked already.
        String refused =
                refusal("device_del", QemuCommand.name(device)).map(why -> ": " + why).orElse("");
        return tell(device, "the guest has not let go of it" + refused);
    }

    /** QEMU holds what is behind a device a moment longer than the device. */
    private String takeAway(Device device) {
        // An interface's character device goes with its network back end, if it has one already.
        if (device instanceof Nic nic
                && refusal("netdev_del", QemuCommand.netdevName(nic)).isEmpty()) {
            return "";
        }
        return refusal("chardev-remove", QemuCommand.chardev(device)).orElse("");
    }

    private Optional<String> refusal(String command, String id) {
        try {
            vmm.command(command, Map.of("id", id));
            return Optional.empty();
        } catch (HostException e) {
            if (e.category() != HostException.Category.FAILED) {
                throw e;
            }
            return Optional.of(e.getMessage());
        }
    }

    /**
     * Ends QEMU's waiting for the back end of a disk that was lost in the moment before the device
     * was made: whoever dials and hangs up is a back end that fails, and QEMU gives up.
     */
    private static void hangUp(Device device) {
        if (device instanceof Disk) {
            for (int i = 0; i < HANG_UPS; i++) {
                try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                    channel.connect(SocketPath.address(device.socket()));
                } catch (IOException e) {
                    return; // Nobody listens: QEMU has its back end again, or is gone.
                }
                LockSupport.parkNanos(HANG_UP_NANOS);
            }
        }
    }

    private Optional<String> recently(Device device) {
        return Optional.ofNullable(tried.get(device.id()))
                .filter(last -> System.nanoTime() - last.nanos < AGAIN_NANOS)
                .map(Tried::reason);
    }

    private String tell(Device device, String reason) {
        tried.put(device.id(), new Tried(System.nanoTime(), reason));
        return reason;
    }

    private static DeviceStatus attaching(Device device, String reason) {
        return new DeviceStatus(
                device, reason.isEmpty() ? DeviceState.ATTACHED : DeviceState.ATTACHING, reason);
    }

    private static DeviceStatus detaching(Device device, String reason) {
        return new DeviceStatus(device, DeviceState.DETACHING, reason);
    }
}
