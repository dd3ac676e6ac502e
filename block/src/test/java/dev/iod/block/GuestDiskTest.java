package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Linux guest (QEMU, TCG) on disks of the engine: makes a file system, and fio writes at random
 * and verifies while the engine is killed and a snapshot is taken; the guest trims, sees its disk
 * grow while it is mounted, and verifies a disk without file system.
 */
@Timeout(900)
class GuestDiskTest {
    private static final Path IMAGE = Path.of("..", "target", "iod-micro");
    private static final long MIB = 1 << 20;

    @TempDir Path directory;

    @Test
    void aGuestUsesItsDisksThroughKillSnapshotAndGrowth() throws Exception {
        assertThat(IMAGE.resolve("initrd")).as("made by guest/build target/iod-micro").exists();
        try (TestPool pool = TestPool.small("guest")) {
            EngineProcess engine = EngineProcess.start(directory, pool.path());
            try {
                try (BlockClient client = EngineProcess.connect(directory)) {
                    prepare(client, pool);
                }
                Process qemu = qemu();
                try {
                    await(qemu, "formatted");
                    awaitWrites(qemu, 200);
                    engine.kill();
                    engine = EngineProcess.start(directory, pool.path());
                    awaitWrites(qemu, 200);
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
        client.run(new Command.Create("tools", 256 * MIB, true));
        Path tools = directory.resolve("tools");
        // Programs with all their libraries, whatever those are on this distribution.
        Tool.run(
                "sh",
                "-ec",
                """
                mkdir -p $0/lib
                cp /etc/mke2fs.conf "$(command -v fio)" /sbin/mke2fs /sbin/resize2fs $0
                cd $0
                ldd fio mke2fs resize2fs | grep -o '[[:space:]]/[^ ]*' | sort -u | xargs cp -Lt lib
                mke2fs -q -F -t ext4 -O ^has_journal -d $0 $1
                """,
                tools.toString(),
                pool.open().data("tools").toString());
        for (String name : List.of("a", "b", "tools")) {
            client.run(
                    new Command.Attach(
                            name,
                            new Location.Pool(),
                            directory.resolve(name + ".sock"),
                            false,
                            2,
                            name.equals("tools"),
                            Limits.NONE,
                            new byte[0]));
        }
    }

    /** The guest is in the middle of writing: so much was written since the engine's start. */
    private void awaitWrites(Process qemu, int more) throws Exception {
        try (BlockClient client = EngineProcess.connect(directory)) {
            long first = writes(client);
            await(qemu, "writes of fio", () -> writes(client) >= first + more);
        }
    }

    private static long writes(BlockClient client) {
        return client.status("a").device().orElseThrow().count(VolumeCounter.WRITES);
    }

    private void follow(BlockClient client, Process qemu, TestPool pool) throws Exception {
        client.run(new Command.Snapshot("a", "s"));
        client.run(new Command.Clone("s", "c", 0));
        // Of one moment, as after a power cut: the journal makes it whole.
        Path clone = pool.open().data("c");
        Tool.run("sh", "-c", "e2fsck -fy " + clone + "; test $? -le 1");
        Tool.run("e2fsck", "-fn", clone.toString());
        assertThat(Tool.run("debugfs", "-R", "cat /kept", clone.toString())).contains("kept");
        qemu.getOutputStream().write("go on\n".getBytes(StandardCharsets.US_ASCII));
        qemu.getOutputStream().flush();
        await(qemu, "trimmed");
        assertThat(client.status("a").allocatedBytes()).isLessThan(10 * MIB);
        await(qemu, "size");
        client.run(new Command.Resize("a", 96 * MIB));
        await(qemu, "grown " + 96 * MIB / 512);
        await(qemu, "done");
        for (String name : List.of("a", "b", "tools")) {
            VolumeStatus.Device device = client.status(name).device().orElseThrow();
            assertThat(device.failed()).isEmpty();
            assertThat(device.lastError()).isEmpty();
        }
        VolumeStatus.Device raw = client.status("b").device().orElseThrow();
        assertThat(raw.count(VolumeCounter.DISCARDS)).isPositive();
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
        List<String> command = new ArrayList<>();
        command.addAll(
                List.of("qemu-system-x86_64", "-M", "q35,memory-backend=m", "-accel", "tcg"));
        command.addAll(List.of("-m", "256", "-smp", "2", "-nodefaults", "-no-user-config"));
        command.addAll(List.of("-object", "memory-backend-memfd,id=m,share=on,seal=on,size=256M"));
        command.addAll(List.of("-display", "none", "-chardev", "stdio,id=console,signal=off"));
        command.addAll(List.of("-serial", "chardev:console"));
        int slot = 4;
        for (String name : List.of("a", "b", "tools")) {
            Path socket = directory.resolve(name + ".sock");
            command.addAll(
                    List.of(
                            "-chardev",
                            "socket,server=on,wait=off,id=" + name + ",path=" + socket));
            String device = "vhost-user-blk-pci,num-queues=2,chardev=" + name + ",addr=" + slot++;
            command.addAll(List.of("-device", device));
        }
        command.addAll(List.of("-kernel", IMAGE.resolve("vmlinuz").toString()));
        command.addAll(List.of("-initrd", initrd.toString(), "-append"));
        command.add("console=ttyS0 no_timer_check quiet cryptomgr.notests rdinit=/disk-test");
        return new ProcessBuilder(command)
                .redirectOutput(directory.resolve("console").toFile())
                .redirectError(directory.resolve("qemu.log").toFile())
                .start();
    }

    private String console() throws IOException {
        Path file = directory.resolve("console");
        return Files.exists(file) ? Files.readString(file) : "";
    }

    /** Waits until the guest has said something. */
    private void await(Process qemu, String words) throws Exception {
        await(qemu, words, () -> console().contains("DISK " + words));
    }

    private void await(Process qemu, String what, Callable<Boolean> holds) throws Exception {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(240);
        while (!holds.call()) {
            if (console().contains("FAILED")
                    || !qemu.isAlive() && !holds.call()
                    || System.nanoTime() - until > 0) {
                throw new AssertionError(
                        "the guest did not get to \""
                                + what
                                + "\" but\n"
                                + console()
                                + Files.readString(directory.resolve("qemu.log")));
            }
            qemu.waitFor(20, TimeUnit.MILLISECONDS);
        }
    }
}
