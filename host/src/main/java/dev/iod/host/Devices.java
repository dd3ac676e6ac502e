package dev.iod.host;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The devices of a machine; ids and sockets differ.
 *
 * @param disks in the order the guest finds them, at most {@link #MAX_DISKS}
 * @param nics network interfaces in the order the guest finds them, at most {@link #MAX_NICS}
 */
public record Devices(List<Disk> disks, List<Nic> nics) {
    /** The largest number of disks of one machine. */
    public static final int MAX_DISKS = 8;

    /** The largest number of interfaces of one machine. */
    public static final int MAX_NICS = 8;

    /** A machine without devices. */
    public static final Devices NONE = new Devices(List.of(), List.of());

    /**
     * Checks the bounds.
     *
     * @throws HostException INVALID, naming the value
     */
    public Devices {
        disks = List.copyOf(disks);
        nics = List.copyOf(nics);
        MachineSpec.check(disks.size() <= MAX_DISKS, "disks: expected at most %s", MAX_DISKS);
        MachineSpec.check(nics.size() <= MAX_NICS, "nics: expected at most %s", MAX_NICS);
        List<Device> all = Stream.<Device>concat(nics.stream(), disks.stream()).toList();
        MachineSpec.check(
                all.stream().map(Device::id).distinct().count() == all.size(),
                "disks, nics: expected different ids");
        MachineSpec.check(
                all.stream().map(Device::socket).distinct().count() == all.size(),
                "disks, nics: expected different sockets");
    }

    /** Interfaces, then disks. */
    public List<Device> all() {
        return Stream.<Device>concat(nics.stream(), disks.stream()).toList();
    }

    /** Where QEMU listens for the back ends. */
    List<Path> sockets() {
        return all().stream().map(Device::socket).toList();
    }

    boolean has(String id) {
        return all().stream().anyMatch(device -> device.id().equals(id));
    }

    /** These devices, but those that are among others already as they are there. */
    Devices asIn(Devices others) {
        return new Devices(asIn(disks, others.disks), asIn(nics, others.nics));
    }

    private static <D extends Device> List<D> asIn(List<D> devices, List<D> others) {
        return devices.stream()
                .map(
                        device ->
                                others.stream()
                                        .filter(other -> other.id().equals(device.id()))
                                        .findFirst()
                                        .orElse(device))
                .toList();
    }
}
