package dev.iod.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.vhost.DeviceType;
import dev.iod.vhost.VhostDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices of a running guest change, and the daemon is killed meanwhile. */
final class HotPlugTest {
    private static final String UP = "iod-micro: booting";
    private static final DeviceType NETWORK = new DeviceType(1L << 3, 2, 1, 1024);

    @TempDir Path directory;
    private TestDaemon daemon;

    @BeforeAll
    static void buildImage() throws IOException, InterruptedException {
        Image.build();
    }

    @BeforeEach
    void start() throws IOException {
        daemon = new TestDaemon(directory);
    }

    @AfterEach
    void stop() throws IOException, InterruptedException {
        daemon.close();
    }

    private Nic nic(int number) {
        return new Nic(
                "port-" + number,
                "02:00:00:00:00:0" + number,
                1442,
                daemon.vhostSocket("p" + number + ".sock"));
    }

    private static Devices nics(Nic... nics) {
        return new Devices(List.of(), List.of(nics));
    }

    /** A back end with an engine that uses its rings for nothing, and gives them back. */
    private static final class BackEnd implements AutoCloseable {
        private final VhostDevice device;
        private final Thread engine = Thread.ofPlatform().unstarted(this::run);
        private volatile boolean ringsLive;
        private volatile boolean closed;

        BackEnd(Nic nic) {
            device =
                    VhostDevice.start(
                            new VhostDevice.Options(
                                    nic.id(), nic.socket(), VhostDevice.Role.DIAL, NETWORK, true));
            engine.start();
        }

        private void run() {
            while (!closed) {
                device.refresh();
                ringsLive = device.ring(0).live() && device.ring(1).live();
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
            }
        }

        boolean driven() {
            return ringsLive;
        }

        boolean connected() {
            return device.status().connected();
        }

        @Override
        public void close() {
            closed = true;
            try {
                engine.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            device.close();
        }
    }

    private void boot(String commandLine) {
        daemon.client()
                .start(
                        new MachineSpec(
                                "vm",
                                MachineModel.Q35,
                                1,
                                128,
                                Image.boot(commandLine),
                                Devices.NONE));
        daemon.awaitConsole("vm", UP);
    }

    private void change(Devices devices) {
        daemon.client().change("vm", devices);
    }

    private void awaitDevices(String what, DeviceState... states) {
        daemon.until(
                what + ", but: " + daemon.status("vm"),
                () ->
                        daemon.status("vm").devices().stream()
                                .map(DeviceStatus::state)
                                .toList()
                                .equals(List.of(states)));
    }

    @Test
    void aGuestTakesAndGivesBackInterfacesWhileTheDaemonIsKilled() throws Exception {
        boot("panic=1 quiet");
        MachineStatus before = daemon.status("vm");
        change(nics(nic(1)));
        daemon.kill(); // Perhaps before QEMU listens, perhaps after.
        daemon.restart();
        daemon.until(
                "it says what it waits for",
                () -> reasons().equals(List.of("no back end has dialed socket p1.sock yet")));
        daemon.kill(); // QEMU listens, and there is no device yet.
        try (BackEnd first = new BackEnd(nic(1))) {
            daemon.restart();
            awaitDevices("the interface is there", DeviceState.ATTACHED);
            daemon.until("the guest drives it", first::driven);

            try (BackEnd second = new BackEnd(nic(2))) {
                change(nics(nic(1), nic(2)));
                awaitDevices("a second one", DeviceState.ATTACHED, DeviceState.ATTACHED);
                daemon.until("the guest drives it", second::driven);
                change(nics(nic(2)));
                daemon.kill(); // The guest may have been asked or not.
                daemon.restart();
                awaitDevices("the first one is gone", DeviceState.ATTACHED);
                assertThat(daemon.status("vm").devices().getFirst().device()).isEqualTo(nic(2));
                assertThat(nic(1).socket()).doesNotExist();
                daemon.until("its back end is alone", () -> !first.connected());
                assertThat(second.connected()).isTrue();
            }
        }
        assertThat(daemon.status("vm").pid()).isEqualTo(before.pid());
        // What comes back comes as new.
        try (BackEnd again = new BackEnd(nic(1));
                BackEnd still = new BackEnd(nic(2))) {
            change(nics(nic(1), nic(2)));
            awaitDevices("again", DeviceState.ATTACHED, DeviceState.ATTACHED);
            daemon.until("the guest drives it", () -> again.driven() && still.driven());
            daemon.client().stop("vm", 60_000);
            daemon.awaitState("vm", MachineState.STOPPED);
        }
        assertThat(daemon.status("vm").devices()).isEmpty();
        assertThat(nic(1).socket()).doesNotExist();
        assertThat(nic(2).socket()).doesNotExist();
    }

    @Test
    void twoThatAreReadyInOneLookHaveAPortEach() throws Exception {
        boot("panic=1 quiet");
        String waits = "no back end has dialed socket p%d.sock yet";
        change(nics(nic(1), nic(2)));
        daemon.until(
                "QEMU listens for both",
                () -> reasons().equals(List.of(waits.formatted(1), waits.formatted(2))));
        daemon.kill();
        try (BackEnd first = new BackEnd(nic(1));
                BackEnd second = new BackEnd(nic(2))) {
            daemon.until("both are there", () -> first.connected() && second.connected());
            daemon.restart();
            awaitDevices("both are in", DeviceState.ATTACHED, DeviceState.ATTACHED);
            daemon.until("the guest drives both", () -> first.driven() && second.driven());
        }
    }

    @Test
    void aGuestThatNeverAnswersKeepsTheDeviceWithTheReason() throws Exception {
        boot("panic=1 quiet acpiphp.disable=1");
        try (BackEnd backEnd = new BackEnd(nic(1))) {
            change(nics(nic(1)));
            awaitDevices("QEMU has it", DeviceState.ATTACHED);
            assertThat(backEnd.connected()).isTrue();
            change(Devices.NONE);
            daemon.until(
                    "the reason is told",
                    () -> reasons().equals(List.of("the guest has not let go of it")));
            assertThatThrownBy(() -> change(nics(nic(1))))
                    .isInstanceOfSatisfying(
                            HostException.class,
                            e ->
                                    assertThat(e.category())
                                            .isEqualTo(HostException.Category.CONFLICT))
                    .hasMessageContaining("port-1 is just being given back");
            daemon.kill();
            daemon.restart();
            daemon.awaitState("vm", MachineState.RUNNING);
            awaitDevices("it is there still", DeviceState.DETACHING);
            assertThat(backEnd.connected()).as("with its back end").isTrue();
            // A reset is an answer as well.
            daemon.client().reset("vm");
            awaitDevices("it is gone");
        }
    }

    @Test
    void moreThanAMachineHoldsIsRefused() {
        boot("panic=1 quiet");
        List<Nic> nics = IntStream.rangeClosed(1, Devices.MAX_NICS).mapToObj(this::nic).toList();
        List<Disk> disks =
                IntStream.rangeClosed(1, Devices.MAX_DISKS)
                        .mapToObj(i -> new Disk("d" + i, daemon.vhostSocket("d" + i)))
                        .toList();
        change(new Devices(disks, nics));
        daemon.until(
                "all wait for their back ends",
                () ->
                        reasons().size() == MachineStatus.MAX_DEVICES
                                && reasons().stream().allMatch(r -> r.startsWith("no back end")));
        Disk other = new Disk("other", daemon.vhostSocket("other"));
        assertThatThrownBy(() -> change(new Devices(List.of(other), List.of())))
                .isInstanceOfSatisfying(
                        HostException.class,
                        e -> assertThat(e.category()).isEqualTo(HostException.Category.EXHAUSTED))
                .hasMessageContaining("17 devices");
        change(Devices.NONE);
        awaitDevices("none is left");
    }

    @Test
    void aMicrovmSaysThatItCannot() {
        daemon.client().start(Image.machine("vm", MachineModel.MICROVM));
        daemon.awaitState("vm", MachineState.RUNNING);
        assertThatThrownBy(() -> change(nics(nic(1))))
                .isInstanceOfSatisfying(
                        HostException.class,
                        e -> assertThat(e.category()).isEqualTo(HostException.Category.INVALID))
                .hasMessageContaining("vm is a microvm: its devices change when it is stopped");
        change(Devices.NONE); // Nothing to do.
        daemon.client().stop("vm", 0);
        daemon.awaitState("vm", MachineState.STOPPED);
        assertThatThrownBy(() -> change(Devices.NONE))
                .isInstanceOfSatisfying(
                        HostException.class,
                        e -> assertThat(e.category()).isEqualTo(HostException.Category.CONFLICT));
    }

    private List<String> reasons() {
        return daemon.status("vm").devices().stream().map(DeviceStatus::reason).toList();
    }
}
