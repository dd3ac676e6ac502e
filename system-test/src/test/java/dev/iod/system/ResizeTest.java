package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server with a root disk gets a larger flavor, is reverted, gets it again and keeps it, by the
 * real client: its guest tells its processors, memory and disk, and what it wrote before.
 */
@ExtendWith(Region.Shared.class)
final class ResizeTest {
    private static final int SECONDS = 240;

    /** Tells what the machine has and the word on its disk, and writes the next word there. */
    private static final String SCRIPT =
            """
            #!/bin/sh
            say() { echo "resize: $*" >/dev/console; }
            set -- /sys/devices/system/cpu/cpu[0-9]*
            read -r _ kib _ </proc/meminfo
            word=$(dd if=/dev/vda bs=512 skip=16384 count=1 2>/dev/null | head -c 5)
            case $word in
                first) next=other ;;
                other) next=third ;;
                third) next=done ;;
                *) word=none next=first ;;
            esac
            say has $# $((kib / 256 / 1024)) $(cat /sys/block/vda/size) $word
            echo $next | dd of=/dev/vda bs=512 seek=16384 conv=fsync,notrunc 2>/dev/null
            say wrote $next
            """;

    @TempDir Path directory;

    @Test
    void aServerGetsAnotherFlavorAndBack(Region region) throws IOException {
        Path image = Files.write(directory.resolve("image.raw"), new byte[4 << 20]);
        Path script = Files.writeString(directory.resolve("script"), SCRIPT);
        try (Tenant admin = new Tenant(region, "iod-admin");
                Tenant tenant = new Tenant(region, "iod")) {
            admin.make(
                    "flavor create --ram 640 --vcpus 2 --disk 2 resize-large",
                    "flavor delete resize-large");
            tenant.network("resize-net", "10.84.10.0/24");
            tenant.make(RootDiskTest.imageCreate(tenant, image), "image delete disk-image");
            String id =
                    tenant.server(
                                    "resize",
                                    "--image disk-image --flavor d1.micro --network resize-net"
                                            + " --user-data "
                                            + script)
                            .at("/id")
                            .stringValue();
            said(tenant, 1, "has 1 0 2097152 none", "wrote first");

            assertThat(tenant.client.text("server resize --flavor resize-large --wait resize"))
                    .contains("Complete");
            said(tenant, 2, "has 2 2 4194304 first", "wrote other");
            is(tenant, "VERIFY_RESIZE");
            assertThat(disks(region, id)).as("both disks").hasSize(2);

            tenant.client.text("server resize revert resize");
            // What the larger machine wrote is gone.
            said(tenant, 3, "has 1 0 2097152 first", "wrote other");
            is(tenant, "ACTIVE");
            assertThat(tenant.client.json("server show resize").at("/flavor").toString())
                    .contains("d1.micro");
            Wait.until(
                    "the copy is deleted",
                    SECONDS,
                    () -> disks(region, id).equals(List.of("root-" + id)));

            tenant.client.text("server resize --flavor resize-large resize");
            String node =
                    region.run
                            .resolve("nodes")
                            .relativize(RootDiskTest.volume(region, id).orElseThrow())
                            .getName(0)
                            .toString();
            RootDiskTest.kill(region, node + "-dpu");
            RootDiskTest.kill(region, node + "-block");
            said(tenant, 4, "has 2 2 4194304 other", "wrote third");
            is(tenant, "VERIFY_RESIZE");
            tenant.client.text("server resize confirm resize");
            is(tenant, "ACTIVE");
            Wait.until(
                    "the disk before is deleted",
                    SECONDS,
                    () -> disks(region, id).equals(List.of("root-" + id + "-4")));
            tenant.client.text("server reboot --hard --wait resize");
            said(tenant, 5, "has 2 2 4194304 third", "wrote done");
        }
    }

    /** The guest's words at its boots so far, one time after the other. */
    private static void said(Tenant tenant, int boot, String has, String wrote) {
        Wait.until(
                () -> "boot " + boot + " says " + wrote + "; console: " + tenant.console("resize"),
                SECONDS,
                () -> words(tenant, "wrote").size() == boot);
        assertThat("wrote " + words(tenant, "wrote").getLast()).isEqualTo(wrote);
        assertThat("has " + words(tenant, "has").getLast()).isEqualTo(has);
    }

    private static List<String> words(Tenant tenant, String verb) {
        String prefix = "resize: " + verb + " ";
        return tenant.console("resize")
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith(prefix))
                .map(line -> line.substring(prefix.length()))
                .toList();
    }

    private static void is(Tenant tenant, String status) {
        Wait.until(
                "the server is in " + status,
                SECONDS,
                () ->
                        tenant.client
                                .json("server show resize")
                                .at("/status")
                                .asString()
                                .equals(status));
    }

    /** The server's root disks, in whichever pools they are. */
    private static List<String> disks(Region region, String id) {
        return Stream.of("n1/pool", "n1/pool/mount", "n2/pool", "n2/pool/mount")
                .map(pool -> region.run.resolve("nodes").resolve(pool))
                .filter(Files::isDirectory)
                .flatMap(pool -> Stream.of(Optional.ofNullable(pool.toFile().list()).orElseThrow()))
                .filter(name -> name.startsWith("root-" + id))
                .toList();
    }
}
