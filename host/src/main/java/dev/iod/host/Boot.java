package dev.iod.host;

import java.nio.file.Path;
import java.util.regex.Pattern;

/** What a machine boots. */
public sealed interface Boot {
    /**
     * A kernel with an initial file system.
     *
     * @param kernel absolute path of the kernel, readable by the VMM's user
     * @param initrd absolute path of the initial file system, readable by the VMM's user
     * @param commandLine what to add to the model's own kernel arguments, at most 1024 printable
     *     characters
     */
    record Kernel(Path kernel, Path initrd, String commandLine) implements Boot {
        private static final Pattern PRINTABLE = Pattern.compile("[\\x20-\\x7e]{0,1024}");

        /**
         * Checks every value.
         *
         * @throws HostException INVALID, naming the value
         */
        public Kernel {
            MachineSpec.checkPath("kernel", kernel);
            MachineSpec.checkPath("initrd", initrd);
            MachineSpec.check(
                    PRINTABLE.matcher(commandLine).matches(),
                    "commandLine: expected at most 1024 printable ASCII characters");
        }
    }

    /** The machine's first disk, started by a firmware. */
    record FirstDisk(Firmware firmware) implements Boot {}
}
