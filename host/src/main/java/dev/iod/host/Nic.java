package dev.iod.host;

import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * A network interface whose packets go to a vhost-user back end.
 *
 * @param id the port's name, 1 to 64 letters, digits or dashes, unique in the machine
 * @param mac six bytes in hexadecimal with colons, unicast
 * @param mtu bytes the guest may send in one packet, 68 to 65535
 * @param socket absolute path where QEMU listens and the back end dials; its directory is made for
 *     the VMM's user when it does not exist
 */
public record Nic(String id, String mac, int mtu, Path socket) implements Device {
    private static final Pattern MAC = Pattern.compile("[0-9a-f][02468ace](:[0-9a-f]{2}){5}");

    /**
     * Checks every value.
     *
     * @throws HostException INVALID, naming the value
     */
    public Nic {
        MachineSpec.checkId("NIC id", id);
        MachineSpec.check(
                MAC.matcher(mac).matches(), "mac %s: expected a unicast aa:bb:cc:dd:ee:ff", mac);
        MachineSpec.check(mtu >= 68 && mtu <= 65535, "mtu %s: expected 68 to 65535", mtu);
        MachineSpec.checkPath("socket", socket);
    }
}
