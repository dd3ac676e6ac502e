package dev.iod.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * A server with a root disk of an image: its guest writes while the block engine is killed, reads
 * all of it after a hard reboot, after the region was down and after a rescue; a rebuild makes it
 * the image's again, and with the server the disk goes.
 */
@ExtendWith(Region.Shared.class)
final class RootDiskTest {
    private static final int SECONDS = 240;
    private static final int IMAGE_BYTES = 4 << 20;

    /** Writes 32 MiB, each with its sum told when it was synced; or, when it has, reads them. */
    private static final String SCRIPT =
            """
            #!/bin/sh
            say() { echo "disk: $*" >/dev/console; }
            sum() { sha256sum | cut -c1-64; }
            say size $(cat /sys/block/vda/size)
            if [ -e /dev/vdb ]; then
                say rescued $(dd if=/dev/vda bs=1M count=4 2>/dev/null | sum) \
                    $(dd if=/dev/vdb bs=512 skip=16384 count=1 2>/dev/null | head -c 7)
                exit
            fi
            i=16
            if [ "$(dd if=/dev/vda bs=512 skip=16384 count=1 2>/dev/null | head -c 7)" = written ]; then
                while [ $i -lt 48 ]; do
                    say has $i $(dd if=/dev/vda bs=1M skip=$i count=1 2>/dev/null | sum)
                    i=$((i + 1))
                done
                say verified
                exit
            fi
            say image $(dd if=/dev/vda bs=1M count=4 2>/dev/null | sum)
            while [ $i -lt 48 ]; do
                dd if=/dev/urandom of=/tmp/part bs=1M count=1 2>/dev/null
                if dd if=/tmp/part of=/dev/vda bs=1M seek=$i conv=fsync,notrunc 2>/dev/null; then
                    say wrote $i $(sum </tmp/part)
                else
                    say FAILED $i
                fi
                i=$((i + 1))
            done
            echo written | dd of=/dev/vda bs=512 seek=16384 conv=fsync,notrunc 2>/dev/null
            say done
            """;

    @TempDir Path directory;

    @Test
    void aDiskOutlivesItsEngineAndItsBootsAndGoesWithItsServer(Region region) throws IOException {
        Path image = directory.resolve("image.raw");
        byte[] content = new byte[IMAGE_BYTES];
        new Random(4).nextBytes(content);
        Files.write(image, content);
        Path script = Files.writeString(directory.resolve("script"), SCRIPT);
        String id;
        Path volume;
        try (Tenant tenant = new Tenant(region, "iod")) {
            tenant.network("disk-net", "10.84.9.0/24");
            tenant.make(imageCreate(tenant, image), "image delete disk-image");
            id =
                    tenant.server(
                                    "disk",
                                    "--image disk-image --flavor d1.micro --network disk-net"
                                            + " --user-data "
                                            + script)
                            .at("/id")
                            .stringValue();
            volume = volume(region, id).orElseThrow();
            String node = region.run.resolve("nodes").relativize(volume).getName(0).toString();
            said(tenant, "disk: size " + (1L << 30) / 512);
            said(tenant, "disk: image " + sum(image));
            for (String reached : List.of("disk: wrote 20 ", "disk: wrote 30 ")) {
                said(tenant, reached);
                kill(region, node + "-block");
            }
            said(tenant, "disk: done");
            tenant.client.text("server reboot --hard --wait disk");
            said(tenant, "disk: verified");
            assertThat(tenant.console("disk")).doesNotContain("disk: FAILED");
            Map<Integer, String> wrote = parts(tenant, "wrote");
            assertThat(wrote).hasSize(32);
            assertThat(parts(tenant, "has")).isEqualTo(wrote);

            imageOfRunning(region, tenant, node, script, wrote);

            // A region that goes down and comes up has its servers running again, with their disks.
            region.iod("down");
            region.iod("up");
            Wait.until(
                    "the guest has read its disk again",
                    SECONDS,
                    () -> tenant.console("disk").split("disk: verified", -1).length == 3);
            assertThat(parts(tenant, "has")).isEqualTo(wrote);
            assertThat(tenant.client.json("server show disk").at("/status").asString())
                    .isEqualTo("ACTIVE");

            tenant.client.text("server rescue disk");
            said(tenant, "disk: rescued " + sum(image) + " written");
            is(tenant, "RESCUE");
            tenant.client.text("server unrescue disk");
            Wait.until(
                    "the guest has its own disk again",
                    SECONDS,
                    () -> tenant.console("disk").split("disk: verified", -1).length == 4);
            is(tenant, "ACTIVE");
            kill(region, node + "-dpu");
            assertThat(tenant.client.text("server rebuild --wait disk")).contains("Complete");
            Wait.until(
                    "the guest has the image's disk again",
                    SECONDS,
                    () -> tenant.console("disk").split("disk: image", -1).length == 3);
            assertThat(volume(region, id)).as("the disk before").isEmpty();
            assertThat(volume(region, id + "-5")).isPresent();

            kill(region, node + "-dpu");
            kill(region, node + "-block");
        }
        Wait.until("the disk is deleted", SECONDS, () -> volume(region, id + "-5").isEmpty());
        // The image stays, as it was, for the next server.
        Path base = volume.resolveSibling(sum(image)).resolve("data");
        assertThat(Files.mismatch(base, image)).isEqualTo(-1);
        try (Stream<Path> all = Files.list(volume.resolveSibling(""))) {
            assertThat(all.map(path -> path.getFileName().toString()))
                    .as("nothing half made or half deleted")
                    .noneMatch(name -> name.startsWith("."));
        }
    }

    private static void is(Tenant tenant, String status) {
        Wait.until(
                "the server is in " + status,
                SECONDS,
                () ->
                        tenant.client
                                .json("server show disk")
                                .at("/status")
                                .asString()
                                .equals(status));
    }

    /**
     * An image of the server while it runs, whose agent is killed while it is sent: a server of it
     * has what the guest wrote, and the pool nothing of it any more.
     */
    private static void imageOfRunning(
            Region region, Tenant tenant, String node, Path script, Map<Integer, String> wrote) {
        Set<String> before = snapshots(region, node);
        long agent = region.pid(node + "-dpu");
        // It sends nothing before somebody looks.
        signal("STOP", agent);
        try {
            tenant.make(
                    "server image create --name disk-copy --property purpose=test disk",
                    "image delete disk-copy");
            assertThat(tenant.client.json("image show disk-copy").at("/status").asString())
                    .isEqualTo("saving");
        } finally {
            signal("CONT", agent);
        }
        Set<String> taken = new HashSet<>();
        Wait.until(
                "the node has a snapshot",
                SECONDS,
                () -> {
                    taken.addAll(snapshots(region, node));
                    taken.removeAll(before);
                    return !taken.isEmpty();
                });
        signal("KILL", agent);
        String capture = taken.iterator().next();
        assertThat(region.run.resolve("control/images").resolve(capture))
                .as("the content, which appears when it is whole")
                .doesNotExist();
        awaitAnother(region, node + "-dpu", agent);
        Wait.until(
                () -> "the image is active: " + tenant.client.text("image show disk-copy"),
                SECONDS,
                () ->
                        tenant.client
                                .json("image show disk-copy")
                                .at("/status")
                                .asString()
                                .equals("active"));
        JsonNode properties = tenant.client.json("image show disk-copy").at("/properties");
        assertThat(properties.at("/image_type").asString()).isEqualTo("snapshot");
        assertThat(properties.at("/purpose").asString()).isEqualTo("test");
        assertThat(tenant.client.json("server show disk").at("/OS-EXT-STS:task_state").isNull())
                .isTrue();
        tenant.server(
                "copy",
                "--image disk-copy --flavor d1.micro --network disk-net --user-data " + script);
        Wait.until(
                () -> "the copy has the data; console: " + tenant.console("copy"),
                SECONDS,
                () -> tenant.console("copy").contains("disk: verified"));
        assertThat(parts(tenant, "copy", "has")).isEqualTo(wrote);
        tenant.client.text("server delete --wait copy");
        Wait.until(
                "the node's snapshot is deleted",
                SECONDS,
                () -> !snapshots(region, node).contains(capture));
        assertThat(region.run.resolve("control/images").resolve(capture))
                .as("the file of the image")
                .exists();
    }

    /** What of a node's pool is named as captures are: by a UUID alone, as volumes are too. */
    private static Set<String> snapshots(Region region, String node) {
        return Stream.of("pool", "pool/mount")
                .map(pool -> region.run.resolve("nodes").resolve(node).resolve(pool))
                .filter(Files::isDirectory)
                .flatMap(pool -> Stream.of(Optional.ofNullable(pool.toFile().list()).orElseThrow()))
                .filter(name -> name.length() == 36)
                .collect(Collectors.toSet());
    }

    /** Boots as the region's own image does, on a disk. */
    static String imageCreate(Tenant tenant, Path file) {
        JsonNode micro = tenant.client.json("image show iod-micro").at("/properties");
        StringBuilder command =
                new StringBuilder("image create --disk-format raw --container-format bare");
        for (String name : List.of("kernel_id", "ramdisk_id")) {
            command.append(" --property %s=%s".formatted(name, micro.at("/" + name).asString()));
        }
        return command + " --file " + file + " disk-image";
    }

    private static void said(Tenant tenant, String words) {
        Wait.until(
                "the guest says " + words,
                SECONDS,
                () -> {
                    String console = tenant.console("disk");
                    assertThat(console).doesNotContain("disk: FAILED");
                    return console.contains(words);
                });
    }

    /** The sums the guest told, by place. */
    private static Map<Integer, String> parts(Tenant tenant, String verb) {
        return parts(tenant, "disk", verb);
    }

    private static Map<Integer, String> parts(Tenant tenant, String server, String verb) {
        Map<Integer, String> sums = new TreeMap<>();
        for (String line : tenant.console(server).lines().map(String::strip).toList()) {
            String[] words = line.split(" ");
            if (line.startsWith("disk: " + verb + " ") && words.length == 4) {
                sums.put(Integer.parseInt(words[2]), words[3]);
            }
        }
        return sums;
    }

    private static String sum(Path file) {
        return Command.run("sha256sum", file.toString()).substring(0, 64);
    }

    /** A server's volume in whichever pool it is: a directory with reflinks, or one in a file. */
    static Optional<Path> volume(Region region, String id) {
        return Stream.of("n1/pool", "n1/pool/mount", "n2/pool", "n2/pool/mount")
                .map(pool -> region.run.resolve("nodes").resolve(pool).resolve("root-" + id))
                .filter(Files::exists)
                .findFirst();
    }

    static void kill(Region region, String name) {
        long pid = region.pid(name);
        signal("KILL", pid);
        awaitAnother(region, name, pid);
    }

    private static void signal(String signal, long pid) {
        assertThat(pid).as("the process").isPositive();
        Command.run("kill", "-" + signal, "" + pid);
    }

    private static void awaitAnother(Region region, String name, long pid) {
        Wait.until(
                name + " runs again",
                SECONDS,
                () -> region.pid(name) != 0 && region.pid(name) != pid);
    }
}
