package dev.iod.cli;

import dev.iod.cli.Stage.Guest;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Volumes outlive servers: a server boots a volume that is made of the Debian image with it, takes
 * another volume while it runs, writes to both and is deleted; a second server boots the same
 * volume and reads the same data. All of it through the real client; the servers' own user-data
 * scripts write, read and report on their consoles.
 */
final class VolumeDemo {
    /** Without KVM a boot of Debian takes minutes. */
    private static final int GUEST_SECONDS = 1200;

    private static final int SECONDS = 120;
    private static final int ROOT_GIB = 2;
    private static final int DATA_GIB = 1;
    private static final int MEMORY_MIB = 512;

    private final Layout layout;
    private final RegionConfig config;
    private final boolean keep;

    VolumeDemo(Layout layout, RegionConfig config, boolean keep) {
        this.layout = layout;
        this.config = config;
        this.keep = keep;
    }

    /**
     * What was measured, in seconds.
     *
     * @param activeSeconds of the first server, from the client's "server create"
     * @param bootSeconds from there until its script ran
     * @param plugSeconds from the client's "server add volume" until the guest had the disk
     * @param againSeconds from the second server's creation until it had read the data
     */
    record Outcome(
            double activeSeconds, double bootSeconds, double plugSeconds, double againSeconds) {
        @Override
        public String toString() {
            return String.format(
                    "demo: ok; create to ACTIVE %.1f s, to user data %.1f s; volume plugged in"
                            + " %.1f s; second server had read the data after %.1f s",
                    activeSeconds, bootSeconds, plugSeconds, againSeconds);
        }
    }

    /** The image that {@code ./iod image build debian} makes. */
    static Path image(Layout layout) {
        return layout.home().resolve("target/debian-12.raw");
    }

    /** Plays the demo and deletes what it made. @throws CliException when anything went wrong */
    Outcome run() {
        Path image = image(layout);
        if (!Files.exists(image)) {
            throw new CliException("there is no " + image + "; run ./iod image build debian");
        }
        try (Stage stage = new Stage(layout, config, keep);
                OpenStack admin = new OpenStack(layout, Credentials.ADMIN_CLOUD)) {
            // Only the administrator makes flavors.
            admin.run(
                    "flavor create --ram %d --vcpus 1 --disk 0 %s"
                            .formatted(MEMORY_MIB, stage.name));
            try {
                return play(stage, image);
            } finally {
                if (!keep) {
                    admin.run("flavor delete " + stage.name);
                }
            }
        }
    }

    private Outcome play(Stage stage, Path image) {
        String name = stage.name;
        long start = System.nanoTime();
        stage.make("network create " + name, "network delete " + name);
        stage.make(
                "subnet create " + name + " --network " + name + " --subnet-range 10.77.3.0/24",
                "subnet delete " + name);
        stage.make(
                "keypair create --private-key "
                        + stage.directory.resolve(name + ".key")
                        + " "
                        + name,
                "keypair delete " + name);
        stage.make(
                "image create --disk-format raw --container-format bare --file "
                        + image
                        + " "
                        + name,
                "image delete " + name);
        stage.progress.done("network, key, Debian image", start);

        String common = " --flavor %s --network %s --key-name %s".formatted(name, name, name);
        Guest first =
                stage.server(
                        name + "-a",
                        "--image %s --boot-from-volume %d --user-data %s"
                                        .formatted(name, ROOT_GIB, stage.script("a", WRITING))
                                + common);
        String root = stage.show(first).at("/os-extended-volumes:volumes_attached/0/id").asString();
        stage.stays("volume delete " + root);
        double active = stage.untilActive(first, GUEST_SECONDS);
        stage.progress.done("a server and its volume", first.createdNanos());
        double boot = stage.until(first, "boots Debian", "demo: booted", GUEST_SECONDS);
        stage.progress.done("Debian boots from the volume", first.createdNanos());

        String data = name + "-data";
        stage.make(
                "volume create --size %d --hint same_host=%s %s".formatted(DATA_GIB, root, data),
                "volume delete " + data);
        Waiting.until(
                data + " is available", SECONDS, () -> status(stage, data).equals("available"));
        long plug = System.nanoTime();
        stage.client.run("server add volume " + first.name() + " " + data);
        stage.until(first, "finds the volume", "demo: plugged", GUEST_SECONDS);
        double plugged = Stage.since(plug);
        stage.progress.done("another volume while it runs", plug);
        long write = System.nanoTime();
        stage.until(first, "writes", "demo: written", GUEST_SECONDS);
        stage.progress.done("64 MiB written", write);
        String word = stage.value(first, "demo: word ");
        String sum = stage.value(first, "demo: sum ");

        long delete = System.nanoTime();
        stage.delete(Stage.deletion(first.name()));
        for (String volume : new String[] {root, data}) {
            Waiting.until(
                    volume + " is available",
                    SECONDS,
                    () -> status(stage, volume).equals("available"));
        }
        stage.progress.done("the server is deleted", delete);

        Guest second =
                stage.server(
                        name + "-b",
                        "--volume %s --block-device uuid=%s,source_type=volume,destination_type=volume,boot_index=-1 --user-data %s"
                                        .formatted(
                                                root, id(stage, data), stage.script("b", READING))
                                + common);
        stage.untilActive(second, GUEST_SECONDS);
        double again = stage.until(second, "reads", "demo: read", GUEST_SECONDS);
        stage.progress.done("a second server boots and reads", second.createdNanos());
        equal("the volume that was booted", word, stage.value(second, "demo: word "));
        equal("the other volume", sum, stage.value(second, "demo: sum "));
        stage.progress.say("64 MiB: sha256 " + sum.substring(0, 16) + "… equal");
        return new Outcome(active, boot, plugged, again);
    }

    private static String id(Stage stage, String volume) {
        return stage.client.json("volume show " + volume).at("/id").stringValue();
    }

    private static String status(Stage stage, String volume) {
        return stage.client.json("volume show " + volume).at("/status").asString();
    }

    private static void equal(String what, String written, String read) {
        if (written.isEmpty() || !written.equals(read)) {
            throw new CliException(
                    "of %s was read '%s', but '%s' was written".formatted(what, read, written));
        }
    }

    /** Waits for a second disk, makes a file system there and writes; for the shell of Debian. */
    private static final String WRITING =
            """
            #!/bin/sh
            say() { echo "demo: $*" >/dev/console; }
            say booted
            until [ -b /dev/vdb ]; do sleep 1; done
            say plugged
            head -c 16 /dev/urandom | sha256sum | cut -c1-64 >/var/lib/demo
            mkfs.ext4 -q -L demo /dev/vdb && mount /dev/vdb /mnt || exit 1
            dd if=/dev/urandom of=/mnt/data bs=1M count=64 2>/dev/null
            say word "$(cat /var/lib/demo)"
            say sum "$(sha256sum /mnt/data | cut -c1-64)"
            umount /mnt && sync && say written
            """;

    /** Reads what the other wrote. */
    private static final String READING =
            """
            #!/bin/sh
            say() { echo "demo: $*" >/dev/console; }
            mount -o ro /dev/disk/by-label/demo /mnt || exit 1
            say word "$(cat /var/lib/demo)"
            say sum "$(sha256sum /mnt/data | cut -c1-64)"
            umount /mnt && say read
            """;
}
