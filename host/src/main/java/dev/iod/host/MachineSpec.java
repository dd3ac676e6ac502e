package dev.iod.host;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a machine is made of. Two equal specifications are the same machine.
 *
 * @param id 1 to 64 letters, digits or dashes, unique on the node
 * @param name for people, at most 255 characters without control characters
 * @param model the virtual hardware
 * @param vcpus virtual processors, 1 to 64
 * @param memoryMib guest memory in MiB, 64 to 1048576
 * @param kernel absolute path of the kernel, readable by the VMM's user
 * @param initrd absolute path of the initial file system, readable by the VMM's user
 * @param commandLine what to add to the model's own kernel arguments, at most 1024 printable
 *     characters
 * @param disks in the order the guest finds them, at most 8
 * @param nics network interfaces, at most 8
 */
public record MachineSpec(
        String id,
        String name,
        MachineModel model,
        int vcpus,
        long memoryMib,
        Path kernel,
        Path initrd,
        String commandLine,
        List<Disk> disks,
        List<Nic> nics) {

    /** The largest number of interfaces of one machine. */
    public static final int MAX_NICS = 8;

    /** The largest number of disks of one machine. */
    public static final int MAX_DISKS = 8;

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9-]{0,63}");
    private static final Pattern PRINTABLE = Pattern.compile("[\\x20-\\x7e]{0,1024}");

    /**
     * Checks every value.
     *
     * @throws HostException INVALID, naming the value
     */
    public MachineSpec {
        disks = List.copyOf(disks);
        nics = List.copyOf(nics);
        checkId("machine id", id);
        check(
                name.length() <= 255 && name.codePoints().noneMatch(Character::isISOControl),
                "name: expected at most 255 characters without control characters");
        check(vcpus >= 1 && vcpus <= 64, "vcpus %s: expected 1 to 64", vcpus);
        check(
                memoryMib >= 64 && memoryMib <= 1048576,
                "memoryMib %s: expected 64 to 1048576",
                memoryMib);
        checkPath("kernel", kernel);
        checkPath("initrd", initrd);
        check(
                PRINTABLE.matcher(commandLine).matches(),
                "commandLine: expected at most 1024 printable ASCII characters");
        check(disks.size() <= MAX_DISKS, "disks: expected at most %s", MAX_DISKS);
        check(nics.size() <= MAX_NICS, "nics: expected at most %s", MAX_NICS);
        check(
                disks.stream().map(Disk::id).distinct().count() == disks.size()
                        && nics.stream().map(Nic::id).distinct().count() == nics.size(),
                "disks, nics: expected different ids");
        List<Path> sockets = sockets(disks, nics);
        check(
                sockets.stream().distinct().count() == sockets.size(),
                "disks, nics: expected different sockets");
    }

    /** Where QEMU listens for its back ends. */
    List<Path> sockets() {
        return sockets(disks, nics);
    }

    private static List<Path> sockets(List<Disk> disks, List<Nic> nics) {
        return Stream.concat(disks.stream().map(Disk::socket), nics.stream().map(Nic::socket))
                .toList();
    }

    static void checkId(String what, String id) {
        check(
                ID.matcher(id).matches(),
                "%s %s: expected 1 to 64 letters, digits or dashes",
                what,
                id);
    }

    static void checkPath(String what, Path path) {
        check(
                path.isAbsolute()
                        && path.getNameCount() > 0
                        && path.toString().codePoints().noneMatch(c -> c < ' '),
                "%s %s: expected an absolute path without control characters",
                what,
                path);
    }

    static void check(boolean holds, String message, Object... values) {
        if (!holds) {
            throw new HostException(HostException.Category.INVALID, String.format(message, values));
        }
    }
}
