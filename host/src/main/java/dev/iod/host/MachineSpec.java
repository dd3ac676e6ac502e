package dev.iod.host;

import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * What a machine is made of. Two equal specifications are the same machine.
 *
 * @param id 1 to 64 letters, digits or dashes, unique on the node
 * @param model the virtual hardware
 * @param vcpus virtual processors, 1 to 64
 * @param memoryMib guest memory in MiB, 64 to 1048576
 * @param boot what it boots
 * @param devices disks and network interfaces
 */
public record MachineSpec(
        String id, MachineModel model, int vcpus, long memoryMib, Boot boot, Devices devices) {

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9-]{0,63}");

    /**
     * Checks every value.
     *
     * @throws HostException INVALID, naming the value
     */
    public MachineSpec {
        checkId("machine id", id);
        check(vcpus >= 1 && vcpus <= 64, "vcpus %s: expected 1 to 64", vcpus);
        check(
                memoryMib >= 64 && memoryMib <= 1048576,
                "memoryMib %s: expected 64 to 1048576",
                memoryMib);
        switch (boot) {
            case Boot.Kernel _ -> {}
            case Boot.FirstDisk _ -> {
                check(
                        model == MachineModel.Q35,
                        "boot: a microvm has no BIOS for disks, it boots a kernel only");
                check(!devices.disks().isEmpty(), "boot: there is no disk to boot from");
            }
        }
    }

    MachineSpec with(Devices others) {
        return new MachineSpec(id, model, vcpus, memoryMib, boot, others);
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
