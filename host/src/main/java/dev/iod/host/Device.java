package dev.iod.host;

import java.nio.file.Path;

/** A device of a machine whose back end is another process. */
public sealed interface Device permits Disk, Nic {
    /** The device's name, 1 to 64 letters, digits or dashes, unique in the machine. */
    String id();

    /** Where QEMU listens and the back end dials. */
    Path socket();
}
