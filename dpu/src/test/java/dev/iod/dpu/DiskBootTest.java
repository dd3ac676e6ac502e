package dev.iod.dpu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.engine.EngineException;
import dev.iod.host.HostClient;
import dev.iod.host.HostException;
import dev.iod.node.Disk;
import dev.iod.node.Firmware;
import dev.iod.node.FirstDiskBoot;
import dev.iod.node.Goal;
import dev.iod.node.ImagePart;
import dev.iod.node.Server;
import dev.iod.runtime.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server's goal names its first disk, a clone of an image, and a firmware: the agent, virtDaemon,
 * QEMU and the block engine boot it.
 */
@Timeout(300)
final class DiskBootTest {
    private static final String ID = "11111111-2222-4333-8444-555555555555";
    private static final String SHA = "c".repeat(64);
    private static final String DISK = "root-" + ID;

    @TempDir Path directory;
    private Started started;

    /** What runs. */
    private record Started(
            BlockProcess block,
            HostProcess process,
            HostClient host,
            PoolDisks disks,
            Reconciler reconciler) {}

    @BeforeEach
    void start() throws IOException {
        Path image = directory.resolve("image");
        Files.write(image, BootDisk.bytes());
        Images images = new OneImage(image);
        BlockProcess block = new BlockProcess(directory);
        HostProcess process = new HostProcess(directory);
        HostClient host = new HostClient(process.socket(), status -> {});
        PoolDisks disks = new PoolDisks(block.socket(), "test", images, Captures.NONE, () -> {});
        Reconciler reconciler =
                new Reconciler(
                        new HostMachines(host, new AgentMetrics(new Metrics())),
                        new NoNetwork(),
                        images,
                        disks,
                        Ledger.open(directory.resolve("servers")),
                        new MachineSpecs(process.sockets()),
                        System::currentTimeMillis);
        disks.start();
        started = new Started(block, process, host, disks, reconciler);
    }

    @AfterEach
    void stop() throws IOException {
        settle("all is gone", Goals.of(), () -> started.host.list().isEmpty());
        started.disks.close();
        started.host.close();
        started.process.close();
        started.block.close();
    }

    private record OneImage(Path file) implements Images {
        @Override
        public Answer ask(String wish, ImagePart part) {
            return part.getSha256().equals(SHA)
                    ? new Answer.Here(file)
                    : new Answer.Missing("there is no such image");
        }

        @Override
        public void needed(Map<String, Set<String>> wishes) {}
    }

    private static final class NoNetwork implements Network {
        @Override
        public void plug(Interface wanted) {
            throw new AssertionError("the server has no interface");
        }

        @Override
        public void unplug(String port) {}

        @Override
        public void allPlugged() {}

        @Override
        public Set<String> plugged() {
            return Set.of();
        }

        @Override
        public boolean live(String port) {
            return false;
        }
    }

    private static Goal boots(Firmware firmware, int boot) {
        return Goals.of(
                Server.newBuilder(Goals.server(ID))
                        .setBootGeneration(boot)
                        .clearNics()
                        .setFirstDisk(FirstDiskBoot.newBuilder().setFirmware(firmware))
                        .addDisks(
                                Disk.newBuilder()
                                        .setId(DISK)
                                        .setSizeBytes(16 << 20)
                                        .setImage(
                                                ImagePart.newBuilder()
                                                        .setImageId("image")
                                                        .setSha256(SHA)
                                                        .setSizeBytes(4 << 20)))
                        .build());
    }

    /** Passes until a condition holds. */
    private void settle(String what, Goal goal, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        String trouble = "";
        while (true) {
            try {
                trouble = String.valueOf(started.reconciler.pass(goal).servers());
                if (condition.getAsBoolean()) {
                    return;
                }
            } catch (HostException | EngineException e) {
                trouble = String.valueOf(e.getMessage());
            }
            assertThat(System.nanoTime() - end)
                    .as("in time: %s; %s; console:\n%s", what, trouble, console())
                    .isNegative();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
    }

    private String console() {
        try {
            return new String(started.host.console(ID, HostClient.MAX_CONSOLE_BYTES), UTF_8);
        } catch (HostException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private int times(String text) {
        return console().split(text, -1).length - 1;
    }

    private byte[] sector(int number) throws IOException {
        byte[] all = Files.readAllBytes(started.block.volumes().resolve(DISK).resolve("data"));
        return Arrays.copyOfRange(all, number * BootDisk.SECTOR, (number + 1) * BootDisk.SECTOR);
    }

    @Test
    void aClonedDiskBootsByBiosAndWritesAnOddSector() throws IOException {
        Goal goal = boots(Firmware.BIOS, 1);
        settle("it boots", goal, () -> times(BootDisk.BY_BIOS) == 1);
        byte[] image = BootDisk.bytes();
        assertThat(sector(BootDisk.COPY)).isEqualTo(sector(BootDisk.SECOND_STAGE));
        for (int beside : new int[] {BootDisk.COPY - 1, BootDisk.COPY + 1}) {
            assertThat(new String(sector(beside), UTF_8)).startsWith("sector " + beside);
        }
        assertThat(Files.readAllBytes(directory.resolve("image"))).isEqualTo(image);
        settle("it boots again", boots(Firmware.BIOS, 2), () -> times(BootDisk.BY_BIOS) == 2);
    }

    @Test
    void aClonedDiskBootsByUefiWithAnNvramOfItsOwn() throws IOException {
        settle("it boots", boots(Firmware.UEFI, 1), () -> times(BootDisk.BY_UEFI) == 1);
        Path variables =
                directory.resolve("guests").resolve(ID).resolve("vmm/nvram-" + DISK + ".fd");
        byte[] kept = Files.readAllBytes(variables);
        assertThat(kept)
                .as("the firmware has written its boot entries")
                .hasSize((int) Files.size(Path.of("/usr/share/OVMF/OVMF_VARS_4M.fd")))
                .isNotEqualTo(Files.readAllBytes(Path.of("/usr/share/OVMF/OVMF_VARS_4M.fd")));
        // A file of another number would be another NVRAM.
        Object number = Files.getAttribute(variables, "unix:ino");
        settle("it boots again", boots(Firmware.UEFI, 2), () -> times(BootDisk.BY_UEFI) == 2);
        assertThat(Files.getAttribute(variables, "unix:ino")).isEqualTo(number);
    }

    @Test
    void secureBootRefusesWhatNobodySigned() {
        settle(
                "it is refused",
                boots(Firmware.UEFI_SECURE_BOOT, 1),
                () -> console().contains("Access Denied"));
        assertThat(times(BootDisk.BY_UEFI)).isZero();
    }
}
