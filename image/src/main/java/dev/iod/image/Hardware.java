package dev.iod.image;

import dev.iod.image.Images.Firmware;
import dev.iod.rest.ApiException;
import java.util.Set;

/**
 * The properties by which an image says on what hardware it runs, as Glance's metadata definitions
 * name them ({@code OS::Compute::LibvirtImage}, {@code OS::Compute::Hypervisor}). What no server
 * here has is refused: an image that asked for another bus or machine would not find its disk.
 */
final class Hardware {
    private static final String FIRMWARE = "hw_firmware_type";
    private static final String SECURE_BOOT = "os_secure_boot";
    private static final String MACHINE = "hw_machine_type";
    private static final String DISK_BUS = "hw_disk_bus";

    private Hardware() {}

    /**
     * @throws ApiException 400 for values that are none of Glance's, and for secure boot by BIOS
     */
    static Firmware firmware(Image image) {
        String type = value(image, FIRMWARE, Set.of("bios", "uefi"), "bios");
        String secure =
                value(image, SECURE_BOOT, Set.of("required", "optional", "disabled"), "disabled");
        if (type.equals("bios")) {
            if (secure.equals("required")) {
                throw ApiException.badRequest(
                        "Image %s cannot be booted: %s=required needs %s=uefi."
                                .formatted(image.id(), SECURE_BOOT, FIRMWARE));
            }
            return Firmware.BIOS;
        }
        // As with Nova, optional is wherever there is secure boot, which is here everywhere.
        return secure.equals("disabled") ? Firmware.UEFI : Firmware.UEFI_SECURE_BOOT;
    }

    /** A kernel is started without any firmware's boot order, keys or variables. */
    static void checkKernelBoot(Image image, Firmware firmware) {
        if (firmware != Firmware.BIOS) {
            throw ApiException.badRequest(
                    "Image %s cannot be booted: it has kernel_id and ramdisk_id, which are started without a firmware, and %s=uefi."
                            .formatted(image.id(), FIRMWARE));
        }
    }

    static void checkDiskBus(Image image) {
        value(image, DISK_BUS, Set.of("virtio"), "virtio");
    }

    /** {@code q35}, or empty when the image does not say. */
    static String machineType(Image image) {
        return value(image, MACHINE, Set.of("q35"), "");
    }

    private static String value(Image image, String property, Set<String> known, String absent) {
        String value = image.attributes().properties().get(property);
        if (value == null) {
            return absent;
        }
        if (!known.contains(value)) {
            throw ApiException.badRequest(
                    "Image %s cannot be booted: servers of this region have %s %s, not %s."
                            .formatted(
                                    image.id(),
                                    property,
                                    String.join(" or ", known.stream().sorted().toList()),
                                    value));
        }
        return value;
    }
}
