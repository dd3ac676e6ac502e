package dev.iod.host;

import java.nio.file.Path;

/**
 * A disk whose blocks a vhost-user back end keeps.
 *
 * @param id the volume's name, 1 to 64 letters, digits or dashes, unique in the machine
 * @param socket absolute path where QEMU listens and the back end dials; its directory is made for
 *     the VMM's user when it does not exist
 */
public record Disk(String id, Path socket) implements Device {
    /**
     * Checks every value.
     *
     * @throws HostException INVALID, naming the value
     */
    public Disk {
        MachineSpec.checkId("disk id", id);
        MachineSpec.checkPath("socket", socket);
    }
}
