package dev.iod.image;

import java.util.Arrays;
import java.util.Optional;

/** The formats of disks that can be told by their bytes. */
enum DiskFormat {
    /** Whatever is none of the others. */
    RAW("raw", ""),
    /** QEMU's, versions 2 and 3. */
    QCOW2("qcow2", "qcow2"),
    /** VMware's. */
    VMDK("vmdk", "vmdk"),
    /** Microsoft's Virtual Hard Disk, fixed or dynamic; vpc to QEMU. */
    VHD("vhd", "vpc"),
    /** Microsoft's successor of it (MS-VHDX). */
    VHDX("vhdx", "vhdx"),
    /** VirtualBox's. */
    VDI("vdi", "vdi"),
    /** A file system of an optical disc, ISO 9660 or UDF. */
    ISO("iso", "");

    private final String text;
    private final String driver;

    DiskFormat(String text, String driver) {
        this.text = text;
        this.driver = driver;
    }

    /** The value of the attribute {@code disk_format}. */
    String text() {
        return text;
    }

    /** The name of QEMU's driver, of formats that are converted to raw. */
    Optional<String> driver() {
        return driver.isEmpty() ? Optional.empty() : Optional.of(driver);
    }

    /** Empty: a value of {@code disk_format} that no bytes tell, such as {@code aki}. */
    static Optional<DiskFormat> of(String text) {
        return Arrays.stream(values()).filter(format -> format.text.equals(text)).findFirst();
    }
}
