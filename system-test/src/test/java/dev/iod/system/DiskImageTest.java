package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * An image that names no kernel, uploaded with the real client, boots by the firmware its
 * properties ask for: iod-micro's kernel on a disk that GRUB makes bootable for each. By BIOS; by
 * UEFI too with {@code --full}. It is uploaded as qcow2, which the region converts.
 */
@ExtendWith(Region.Shared.class)
final class DiskImageTest {
    private static final Path MICRO = Region.HOME.resolve("target/iod-micro");

    /** What GRUB calls the platform that each value of {@code hw_firmware_type} leads to. */
    private static final Map<String, String> PLATFORMS =
            Boolean.getBoolean("iod.full")
                    ? new TreeMap<>(Map.of("bios", "pc", "uefi", "efi"))
                    : Map.of("bios", "pc");

    @TempDir Path directory;

    @Test
    void aDiskBootsByTheFirmwareOfItsProperties(Region region) throws IOException {
        Path disk = bootable();
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("boot-net", "10.84.11.0/24");
            PLATFORMS.forEach(
                    (firmware, platform) -> {
                        String name = "boot-" + firmware;
                        tenant.make(
                                "image create --disk-format qcow2 --container-format bare --property"
                                        + " hw_firmware_type=%s --file %s %s"
                                                .formatted(firmware, disk, name),
                                "image delete " + name);
                        tenant.server(
                                name,
                                "--flavor d1.micro --network boot-net --image %s".formatted(name));
                        Wait.until(
                                () -> name + " has its name; console: " + tenant.console(name),
                                120,
                                () -> tenant.console(name).contains("hostname " + name));
                        assertThat(tenant.console(name))
                                .containsOnlyOnce("disk image: started by " + platform);
                    });
        }
    }

    /**
     * A disk with GRUB for both firmwares and iod-micro in a file system that GRUB reads, as
     * compressed qcow2.
     */
    private Path bootable() throws IOException {
        Path tree = directory.resolve("tree");
        Path grub = Files.createDirectories(tree.resolve("boot/grub"));
        for (String part : new String[] {"vmlinuz", "initrd"}) {
            Files.copy(MICRO.resolve(part), tree.resolve(part));
        }
        Files.writeString(
                grub.resolve("grub.cfg"),
                """
                serial --unit=0 --speed=115200
                terminal_output serial
                echo "disk image: started by $grub_platform"
                linux /vmlinuz %s
                initrd /initrd
                boot
                """
                        .formatted(Files.readString(MICRO.resolve("cmdline")).strip()));
        Path disk = directory.resolve("disk.raw");
        Command.run("grub-mkrescue", "-o", disk.toString(), tree.toString());
        Path image = directory.resolve("disk.qcow2");
        Command.run("qemu-img", "convert", "-c", "-O", "qcow2", disk.toString(), image.toString());
        return image;
    }
}
