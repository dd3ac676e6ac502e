package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.vhost.DeviceType;
import dev.iod.vhost.VhostDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Machines of the real QEMU, booting the real image, under a real daemon that gets killed. */
final class MachineTest {
    private static final String BOOTED = "iod-micro: booting";

    @TempDir Path directory;
    private TestDaemon daemon;

    @BeforeAll
    static void buildImage() throws IOException, InterruptedException {
        Image.build();
    }

    @BeforeEach
    void start() throws IOException {
        daemon = new TestDaemon(directory, "start-millis=8000");
    }

    @AfterEach
    void stop() throws IOException, InterruptedException {
        daemon.close();
    }

    @ParameterizedTest
    @EnumSource
    void bootsAndStopsByItsPowerButton(MachineModel model) {
        daemon.client().start(Image.machine("vm", model));
        daemon.awaitConsole("vm", BOOTED);
        assertThat(daemon.status("vm").state()).isEqualTo(MachineState.RUNNING);

        daemon.client().stop("vm", 60_000);
        MachineStatus stopped = daemon.awaitState("vm", MachineState.STOPPED);

        assertThat(stopped.reason()).isEqualTo("stopped by its power button");
        assertThat(daemon.console("vm")).contains("iod-micro: stopping").contains("Power down");
        daemon.until("its end is told", () -> daemon.changes.contains(stopped));
        assertThat(daemon.changes)
                .extracting(MachineStatus::state)
                .containsSubsequence(
                        MachineState.STARTING, MachineState.RUNNING, MachineState.STOPPED);
    }

    /** What cloud-init's ds-identify looks for. */
    @Test
    void theGuestFindsOpenStackInItsHardware() {
        String id = "6a1c2f9e-3b4d-4e5f-8a9b-0c1d2e3f4a5b";
        daemon.client()
                .start(
                        new MachineSpec(
                                id, MachineModel.Q35, 1, 128, Image.boot("panic=1"), Devices.NONE));
        daemon.awaitConsole(id, "DMI: OpenStack Foundation OpenStack Nova");
    }

    @Test
    void survivesADaemonThatIsKilled() throws Exception {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        MachineStatus before = daemon.awaitState("vm", MachineState.RUNNING);

        daemon.kill(); // The guest boots on while nobody listens.
        daemon.restart();

        MachineStatus after = daemon.awaitState("vm", MachineState.RUNNING);
        assertThat(after).isEqualTo(before);
        daemon.awaitConsole("vm", BOOTED);

        daemon.client().reset("vm");
        daemon.until("it boots again", () -> daemon.console("vm").split(BOOTED, -1).length == 3);
        assertThat(daemon.status("vm")).isEqualTo(before);
    }

    @Test
    void aPausedGuestStandsStillUntilItIsResumedWhateverDaemonThereIs() throws Exception {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        MachineStatus running = daemon.awaitState("vm", MachineState.RUNNING);
        assertThat(daemon.client().pause("vm").state()).isEqualTo(MachineState.PAUSED);
        assertThat(daemon.client().pause("vm").state()).isEqualTo(MachineState.PAUSED);
        String before = daemon.console("vm");
        assertThat(before).doesNotContain(BOOTED);

        daemon.kill();
        daemon.restart();

        assertThat(daemon.awaitState("vm", MachineState.PAUSED).pid()).isEqualTo(running.pid());
        assertThat(daemon.console("vm")).isEqualTo(before);
        assertThat(daemon.client().resume("vm")).isEqualTo(running);
        daemon.awaitConsole("vm", BOOTED);
        daemon.client().pause("vm");
        daemon.client().stop("vm", 0);
        daemon.awaitState("vm", MachineState.STOPPED);
        assertThatThrownBy(() -> daemon.client().pause("vm")).hasMessageContaining("does not run");
    }

    @Test
    void aVmmThatIsKilledIsReported() {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        long pid = daemon.awaitState("vm", MachineState.RUNNING).pid();

        ProcessHandle.of(pid).orElseThrow().destroyForcibly();

        assertThat(daemon.awaitState("vm", MachineState.FAILED).reason())
                .isEqualTo("QEMU ended unexpectedly, killed by signal 9");
        assertThat(daemon.client().start(Image.machine("vm", MachineModel.Q35)).state())
                .isEqualTo(MachineState.STARTING);
        assertThat(daemon.awaitState("vm", MachineState.RUNNING).pid()).isNotEqualTo(pid);
    }

    @Test
    void aVmmThatGoesWhileTheDaemonIsAwayIsLostAndCanBeStartedAgain() throws Exception {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        long pid = daemon.awaitState("vm", MachineState.RUNNING).pid();

        daemon.kill();
        ProcessHandle vmm = ProcessHandle.of(pid).orElseThrow();
        vmm.destroyForcibly();
        vmm.onExit().join();
        daemon.restart();

        String lost = "while virtDaemon did not run, QEMU ended unexpectedly, killed by signal 9";
        assertThat(daemon.awaitState("vm", MachineState.LOST).reason()).isEqualTo(lost);
        daemon.kill();
        daemon.restart();
        assertThat(daemon.awaitState("vm", MachineState.LOST).reason()).isEqualTo(lost);
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        daemon.awaitState("vm", MachineState.RUNNING);
    }

    @Test
    void aVmmThatDoesNotStartSaysWhy() throws Exception {
        daemon.close();
        daemon = new TestDaemon(directory, "qemu=/nonexistent/qemu");
        daemon.client().start(Image.machine("vm", MachineModel.Q35));

        assertThat(daemon.awaitState("vm", MachineState.FAILED).reason())
                .contains("exit status 127", "/nonexistent/qemu");
    }

    @Test
    void aVmmNobodyWroteDownIsEnded() throws Exception {
        daemon.client().start(Image.machine("vm", MachineModel.Q35));
        long pid = daemon.awaitState("vm", MachineState.RUNNING).pid();

        daemon.kill();
        Files.writeString(daemon.guests().resolve("vm/machine.json"), "{\"spec\":");
        daemon.restart();

        assertThat(daemon.client().list()).isEmpty();
        daemon.until("QEMU is gone", () -> ProcessHandle.of(pid).isEmpty());
        assertThat(daemon.guests().resolve("vm")).doesNotExist();
    }

    @Test
    void startIsIdempotentAndKeepsToItsSpecification() {
        MachineSpec spec = Image.machine("vm", MachineModel.Q35);
        daemon.client().start(spec);
        long pid = daemon.awaitState("vm", MachineState.RUNNING).pid();

        assertThat(daemon.client().start(spec).pid()).isEqualTo(pid);
        assertThatThrownBy(() -> daemon.client().start(Image.machine("vm", MachineModel.MICROVM)))
                .isInstanceOfSatisfying(
                        HostException.class,
                        e -> {
                            assertThat(e.category()).isEqualTo(HostException.Category.CONFLICT);
                            assertThat(e).hasMessageContaining("another specification");
                        });

        daemon.client().stop("vm", 0);
        assertThat(daemon.awaitState("vm", MachineState.STOPPED).reason()).isEqualTo("powered off");
        daemon.client().remove("vm");
        daemon.client().remove("vm");
        assertThat(daemon.client().list()).isEmpty();
        assertThat(daemon.guests()).isEmptyDirectory();
    }

    @Test
    void waitsForABackEndAndSaysWhichOneIsMissing() {
        Path socket = daemon.vhostSocket("port.sock");
        Nic nic = new Nic("port", "02:00:00:00:00:01", 1442, socket);
        daemon.client().start(Image.machine("vm", MachineModel.Q35, nic));

        assertThat(daemon.awaitState("vm", MachineState.FAILED).reason())
                .isEqualTo("no back end answered on socket " + socket + " within 8000 ms");
        assertThat(socket).doesNotExist();
    }

    @ParameterizedTest
    @EnumSource
    void runsWithABackEndThatComesAndGoes(MachineModel model) throws Exception {
        Path socket = daemon.vhostSocket("port.sock");
        Nic nic = new Nic("port", "02:00:00:00:00:01", 1442, socket);
        daemon.client().start(Image.machine("vm", model, nic));
        DeviceType network = new DeviceType(1L << 3, 2, 1, 1024);
        VhostDevice.Options options =
                new VhostDevice.Options("port", socket, VhostDevice.Role.DIAL, network, true);

        try (VhostDevice device = VhostDevice.start(options)) {
            daemon.awaitState("vm", MachineState.RUNNING);
            // Nobody answers DHCP: the guest has a driver for the device, and says so.
            daemon.until("rings go live", () -> ringsLive(device));
        }
        assertThat(daemon.status("vm").state()).isEqualTo(MachineState.RUNNING);
        try (VhostDevice device = VhostDevice.start(options)) {
            daemon.until("rings go live again", () -> ringsLive(device));
        }
    }

    private static boolean ringsLive(VhostDevice device) {
        device.refresh();
        return device.ring(0).live() && device.ring(1).live();
    }
}
