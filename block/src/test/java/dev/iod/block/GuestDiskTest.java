package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Linux guest (QEMU, TCG) on two disks of the engine: writes and verifies files while the engine
 * is killed and a snapshot is taken, trims, sees its disk grow, makes a file system.
 */
@Timeout(400)
class GuestDiskTest {
    private static final Path IMAGE = Path.of("..", "target", "iod-micro");
    private static final long MIB = 1 << 20;

    @TempDir Path directory;

    @Test
    void aGuestUsesItsDisksThroughKillSnapshotAndGrowth() throws Exception {
        assertThat(IMAGE.resolve("initrd")).as("made by image/build target/iod-micro").exists();
        try (TestPool pool = TestPool.small("guest")) {
            EngineProcess engine = EngineProcess.start(directory, pool.path());
            try {
                try (BlockClient client = EngineProcess.connect(directory)) {
                    prepare(client, pool);
                }
                Process qemu = qemu();
                try {
                    await(qemu, "wrote 3");
                    engine.kill();
                    engine = EngineProcess.start(directory, pool.path());
                    await(qemu, "wrote 6");
                    try (BlockClient client = EngineProcess.connect(directory)) {
                        follow(client, qemu, pool);
                    }
                } finally {
                    qemu.destroyForcibly().onExit().orTimeout(60, TimeUnit.SECONDS).join();
                }
            } finally {
                engine.close();
            }
        }
    }

    private void prepare(BlockClient client, TestPool pool) {
        client.run(new Command.Create("a", 64 * MIB, true));
        client.run(new Command.Create("b", 16 * MIB, false));
        Tool.run("mkfs.ext4", "-q", "-F", pool.open().data("a").toString());
        for (String name : List.of("a", "b")) {
            client.run(
                    new Command.Attach(
                            name,
                            directory.resolve(name + ".sock"),
                            false,
                            2,
                            false,
                            Limits.NONE,
                            new byte[0]));
        }
    }

    private void follow(BlockClient client, Process qemu, TestPool pool) throws Exception {
        client.run(new Command.Snapshot("a", "s"));
        client.run(new Command.Clone("s", "c", 0));
        // Of one moment, as after a power cut: the journal makes it whole.
        Path clone = pool.open().data("c");
        Tool.run("sh", "-c", "e2fsck -fy " + clone + "; test $? -le 1");
        Tool.run("e2fsck", "-fn", clone.toString());
        assertThat(Tool.run("debugfs", "-R", "ls -p /", clone.toString())).contains("/f5/");
        await(qemu, "trimmed");
        assertThat(client.status("a").allocatedBytes()).isLessThan(10 * MIB);
        await(qemu, "size");
        client.run(new Command.Resize("a", 96 * MIB));
        await(qemu, "grown " + 96 * MIB / 512);
        await(qemu, "done");
        VolumeStatus.Device device = client.status("a").device().orElseThrow();
        assertThat(device.failed()).isEmpty();
        assertThat(device.lastError()).isEmpty();
        assertThat(device.count(VolumeCounter.FLUSHES)).isPositive();
        assertThat(console()).contains("cache write back queues 2").doesNotContain("FAILED");
    }

    private Process qemu() throws IOException {
        Path overlay = Files.createDirectory(directory.resolve("overlay"));
        try (var script = GuestDiskTest.class.getResourceAsStream("/disk-test")) {
            if (script == null) {
                throw new IOException("no resource disk-test");
            }
            Files.copy(script, overlay.resolve("disk-test"), StandardCopyOption.REPLACE_EXISTING);
        }
        Tool.run("chmod", "755", overlay.resolve("disk-test").toString());
        Path initrd = directory.resolve("initrd");
        // A second archive behind the image's own: the kernel unpacks both.
        Tool.run(
                "sh",
                "-c",
                "cd %s && find . | cpio -o -H newc --quiet | gzip >../more && cat %s ../more >%s"
                        .formatted(overlay, IMAGE.resolve("initrd").toAbsolutePath(), initrd));
        List<String> command =
                List.of(
                        "qemu-system-x86_64",
                        "-M",
                        "q35,memory-backend=m",
                        "-accel",
                        "tcg",
                        "-m",
                        "128",
                        "-smp",
                        "2",
                        "-object",
                        "memory-backend-memfd,id=m,share=on,seal=on,size=128M",
                        "-nodefaults",
                        "-no-user-config",
                        "-display",
                        "none",
                        "-serial",
                        "file:" + directory.resolve("console"),
                        "-chardev",
                        "socket,id=a,server=on,wait=off,path=" + directory.resolve("a.sock"),
                        "-device",
                        "vhost-user-blk-pci,chardev=a,num-queues=2,addr=4",
                        "-chardev",
                        "socket,id=b,server=on,wait=off,path=" + directory.resolve("b.sock"),
                        "-device",
                        "vhost-user-blk-pci,chardev=b,num-queues=2,addr=5",
                        "-kernel",
                        IMAGE.resolve("vmlinuz").toString(),
                        "-initrd",
                        initrd.toString(),
                        "-append",
                        "console=ttyS0 no_timer_check quiet cryptomgr.notests rdinit=/disk-test");
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("qemu.log").toFile())
                .start();
    }

    private String console() throws IOException {
        Path file = directory.resolve("console");
        return Files.exists(file) ? Files.readString(file) : "";
    }

    /** Waits until the guest has said something. */
    private void await(Process qemu, String words) throws Exception {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(180);
        while (!console().contains("DISK " + words)) {
            if (console().contains("FAILED")
                    || !qemu.isAlive() && !console().contains("DISK " + words)
                    || System.nanoTime() - until > 0) {
                throw new AssertionError(
                        "the guest did not say \""
                                + words
                                + "\" but\n"
                                + console()
                                + Files.readString(directory.resolve("qemu.log")));
            }
            qemu.waitFor(50, TimeUnit.MILLISECONDS);
        }
    }
}
