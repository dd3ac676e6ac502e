package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The image of {@code ./iod image build debian}, uploaded with the real client, boots by BIOS and
 * by UEFI with secure boot, and cloud-init, which nobody here wrote, finds all of its server's
 * metadata. Only with {@code --full}: the image and the boots take minutes without KVM.
 */
@ExtendWith(Region.Shared.class)
final class DebianTest {
    private static final int SECONDS = 900;
    private static final long DISK_BYTES = 3L << 30;

    /**
     * User data are run by cloud-init, so its verdict is asked for beside: it is there when they
     * have ended.
     */
    private static final String SCRIPT =
            """
            #!/bin/sh
            cat >/run/verdict <<'END'
            {
                cloud-init status --wait --long
                secure=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
                firmware=bios
                [ ! -d /sys/firmware/efi ] || firmware=uefi-secure-$(od -An -j4 -tu1 $secure | tr -d ' ')
                echo "verdict: firmware $firmware"
                echo "verdict: name $(hostname)"
                echo "verdict: key $(cut -d' ' -f2 /home/debian/.ssh/authorized_keys)"
                echo "verdict: password $(getent shadow debian | cut -d: -f2)"
                echo "verdict: root $(($(cat /sys/class/block/vda1/size) * 512)) $(df --output=size -B1 / | tail -1)"
                echo "verdict: failed $(systemctl list-units --state=failed --no-legend --plain | cut -d' ' -f1 | xargs)"
                echo "verdict: end"
            } >/dev/console 2>&1
            END
            systemd-run --no-block sh /run/verdict
            """;

    /** A server's image by the properties of its firmware, and what the guest says of that. */
    private record Case(String name, String properties, String firmware) {}

    private static final List<Case> CASES =
            List.of(
                    new Case("deb-bios", "", "bios"),
                    new Case(
                            "deb-secure",
                            "--property hw_firmware_type=uefi --property os_secure_boot=required",
                            "uefi-secure-1"));

    @TestFactory
    Stream<DynamicTest> bootsAndKnowsItsServer(Region region) {
        return Boolean.getBoolean("iod.full")
                ? CASES.stream().map(each -> dynamicTest(each.name, () -> boots(region, each)))
                : Stream.empty();
    }

    private static void boots(Region region, Case wanted) {
        String name = wanted.name;
        Path image = Region.HOME.resolve("target/debian-12.raw");
        region.iod("image", "build", "debian", "--output", image.toString());
        try (Tenant admin = new Tenant(region, "iod-admin");
                Tenant tenant = new Tenant(region, "iod")) {
            admin.make(
                    "flavor create --ram 512 --vcpus 1 --disk %d %s"
                            .formatted(DISK_BYTES >> 30, name),
                    "flavor delete " + name);
            tenant.network(name, "10.84.12.0/24");
            tenant.keypair(name);
            tenant.make(
                    "image create --disk-format raw --container-format bare --min-disk 1 %s"
                                    .formatted(wanted.properties)
                            + " --file %s %s".formatted(image, name),
                    "image delete " + name);
            long begin = System.nanoTime();
            tenant.make(
                    "server create --image %s --flavor %s --network %s --key-name %s --user-data %s %s"
                            .formatted(
                                    name, name, name, name, tenant.file("user-data", SCRIPT), name),
                    "server delete --wait " + name);
            Wait.until(
                    () -> name + " is ACTIVE: " + tenant.client.json("server show " + name),
                    SECONDS,
                    () ->
                            tenant.client
                                    .json("server show " + name)
                                    .at("/status")
                                    .asString()
                                    .equals("ACTIVE"));
            double active = seconds(begin);
            said(tenant, name, name + " login:");
            double login = seconds(begin);
            said(tenant, name, "verdict: end");
            System.out.printf(
                    "%s: ACTIVE after %.1f s, login prompt after %.1f s, cloud-init done after"
                            + " %.1f s%n",
                    name, active, login, seconds(begin));

            String console = tenant.console(name);
            assertThat(console).contains("status: done").contains("DataSourceOpenStack");
            assertThat(verdict(console, "firmware")).isEqualTo(wanted.firmware);
            assertThat(verdict(console, "name")).isEqualTo(name);
            String key = tenant.client.text("keypair show --public-key " + name).strip();
            assertThat(verdict(console, "key")).isEqualTo(key.split(" ")[1]);
            assertThat(verdict(console, "password")).startsWith("$6$");
            assertThat(verdict(console, "failed")).isEmpty();
            // The disk's but for what is before the partition; the file system's own use aside.
            String[] root = verdict(console, "root").split(" ");
            assertThat(Long.parseLong(root[0])).isBetween(DISK_BYTES - (70 << 20), DISK_BYTES);
            assertThat(Long.parseLong(root[1])).isGreaterThan(DISK_BYTES / 10 * 9);
        }
    }

    private static double seconds(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    private static void said(Tenant tenant, String server, String words) {
        Wait.until(
                () -> server + " says " + words + "; console: " + tenant.console(server),
                SECONDS,
                () -> tenant.console(server).contains(words));
    }

    private static String verdict(String console, String word) {
        String begin = "verdict: " + word + " ";
        return console.lines()
                .filter(line -> line.contains(begin))
                .map(line -> line.substring(line.indexOf(begin) + begin.length()).strip())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + begin + "in " + console));
    }
}
