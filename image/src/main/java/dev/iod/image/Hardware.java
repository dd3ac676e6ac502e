package dev.iod.image;

import dev.iod.image.Images.Firmware;
import dev.iod.rest.ApiException;
import java.util.Map;
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
    private static final String KERNEL = "kernel_id";

    private Hardware() {}

    /**
     * @throws ApiException 400 for values that are none of Glance's, and for secure boot by BIOS
     */
    static Firmware firmware(Image image) {
        return firmware(image.id(), image.attributes().properties());
    }

    /** The same for a volume that started as an image; it keeps the image's properties. */
    static Firmware firmwareOfVolume(Map<String, String> properties) {
        String image = properties.getOrDefault("image_id", "");
        if (!properties.getOrDefault(KERNEL, "").isEmpty()) {
            throw ApiException.badRequest(
                    "A volume of image %s cannot be booted: the image has %s, and volumes are booted by a firmware only."
                            .formatted(image, KERNEL));
        }
        value(image, properties, DISK_BUS, Set.of("virtio"), "virtio");
        value(image, properties, MACHINE, Set.of("q35"), "");
        return firmware(image, properties);
    }

    private static Firmware firmware(String image, Map<String, String> properties) {
        String type = value(image, properties, FIRMWARE, Set.of("bios", "uefi"), "bios");
        String secure =
                value(
                        image,
                        properties,
                        SECURE_BOOT,
                        Set.of("required", "optional", "disabled"),
                        "disabled");
        if (type.equals("bios")) {
            if (secure.equals("required")) {
                throw ApiException.badRequest(
                        "Image %s cannot be booted: %s=required needs %s=uefi."
                                .formatted(image, SECURE_BOOT, FIRMWARE));
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
        value(image.id(), image.attributes().properties(), DISK_BUS, Set.of("virtio"), "virtio");
    }

    /** {@code q35}, or empty when the image does not say. */
    static String machineType(Image image) {
        return value(image.id(), image.attributes().properties(), MACHINE, Set.of("q35"), "");
    }

    private static String value(
            String image,
            Map<String, String> properties,
            String property,
            Set<String> known,
            String absent) {
        String value = properties.get(property);
        if (value == null) {
            return absent;
        }
        if (!known.contains(value)) {
            throw ApiException.badRequest(
                    "Image %s cannot be booted: servers of this region have %s %s, not %s."
                            .formatted(
                                    image,
                                    property,
                                    String.join(" or ", known.stream().sorted().toList()),
                                    value));
        }
        return value;
    }
}
