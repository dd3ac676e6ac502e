package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.host.Boot;
import dev.iod.host.Devices;
import dev.iod.host.Disk;
import dev.iod.host.HostException;
import dev.iod.host.MachineSpec;
import dev.iod.host.MachineState;
import dev.iod.node.DeviceState;
import dev.iod.node.DeviceStatus;
import dev.iod.node.FailureKind;
import dev.iod.node.FirstDiskBoot;
import dev.iod.node.Goal;
import dev.iod.node.MachineModel;
import dev.iod.node.Power;
import dev.iod.node.Server;
import dev.iod.node.ServerState;
import dev.iod.node.ServerStatus;
import dev.iod.node.Snapshot;
import dev.iod.node.VolumeState;
import dev.iod.node.VolumeStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReconcilerTest {
    private static final String ID = "11111111-2222-4333-8444-555555555555";

    @TempDir Path directory;
    private final FakeNode node = new FakeNode();
    private long now = 1_000_000;
    private Reconciler reconciler;

    @BeforeEach
    void images() {
        node.here.add(Goals.KERNEL);
        node.here.add(Goals.INITRD);
        restart();
    }

    private void restart() {
        node.agentRestarts();
        reconciler =
                new Reconciler(
                        node.machines(),
                        node.network(),
                        node.images(),
                        node.disks(),
                        Ledger.open(directory.resolve("servers")),
                        new MachineSpecs(Path.of("/run/vhost")),
                        () -> now);
    }

    /** Passes until nothing changes any more. @return what the last one saw of the only server */
    private ServerStatus settle(Goal goal) {
        for (int i = 0; i < 12; i++) {
            reconciler.pass(goal);
            node.settle();
            now += 10_000;
        }
        List<ServerStatus> seen = reconciler.pass(goal).servers();
        return seen.isEmpty() ? ServerStatus.getDefaultInstance() : seen.getFirst();
    }

    private static Server on() {
        return Goals.server(ID);
    }

    private static Server off() {
        return on().toBuilder().setPower(Power.OFF).build();
    }

    @Test
    void startsOnceAndReports() {
        ServerStatus status = settle(Goals.of(on()));
        assertThat(node.effects).containsExactly("start " + ID);
        assertThat(status.getState()).isEqualTo(ServerState.RUNNING);
        assertThat(status.getNetworkReady()).isTrue();
        assertThat(status.getBootGeneration()).isEqualTo(1);
        assertThat(status.getPid()).isEqualTo(77);
        assertThat(node.spec(ID).devices().nics().getFirst().socket())
                .isEqualTo(Path.of("/run/vhost/port-of-111.sock"));
    }

    @Test
    void waitsForImages() {
        node.here.clear();
        assertThat(settle(Goals.of(on())).getState()).isEqualTo(ServerState.STARTING);
        assertThat(node.effects).isEmpty();
        node.imageFailure = Optional.of("the region has no image kernel");
        ServerStatus status = settle(Goals.of(on()));
        assertThat(status.getState()).isEqualTo(ServerState.FAILED);
        assertThat(status.getReason()).isEqualTo("the region has no image kernel");
        assertThat(status.getFailure()).isEqualTo(FailureKind.FAILURE_IMAGE);
        assertThat(status.getBootGeneration()).as("of the boot that failed").isEqualTo(1);
    }

    @Test
    void aRootDiskComesBeforeItsMachineAndGoesAfterIt() {
        Goal goal = Goals.of(Goals.withDisk(on()));
        node.diskFailure = Optional.of("its root disk: the pool is full");
        ServerStatus status = settle(goal);
        assertThat(status.getState()).isEqualTo(ServerState.FAILED);
        assertThat(status.getReason()).isEqualTo("its root disk: the pool is full");
        assertThat(status.getFailure()).isEqualTo(FailureKind.FAILURE_DISK);
        assertThat(node.effects).isEmpty();
        node.diskFailure = Optional.empty();
        assertThat(settle(goal).getState()).isEqualTo(ServerState.RUNNING);
        assertThat(node.spec(ID).devices().disks())
                .containsExactly(
                        new Disk("root-" + ID, Path.of("/run/vhost/disk-555555555555.sock")));
        settle(Goals.of(Goals.withDisk(off())));
        assertThat(node.disks.get("root-" + ID)).returns(false, Disks.Wanted::attached);
        settle(Goals.of());
        assertThat(node.disks).isEmpty();
    }

    private static VolumeStatus volume(String id, VolumeState state, String reason) {
        return VolumeStatus.newBuilder().setId(id).setState(state).setReason(reason).build();
    }

    private List<VolumeStatus> volumes(Goal goal) {
        settle(goal);
        return reconciler.pass(goal).pool().orElseThrow().getVolumesList();
    }

    @Test
    void aVolumeNeedsNoServerAndOutlivesIt() {
        Goal without = Goals.withVolumes(Goals.of(), "vol");
        assertThat(volumes(without)).containsExactly(volume("vol", VolumeState.VOLUME_READY, ""));
        assertThat(node.disks.get("vol")).returns(false, Disks.Wanted::attached);
        Goal with = Goals.withVolumes(Goals.of(Goals.withDisk(on(), "vol")), "vol");
        assertThat(volumes(with)).containsExactly(volume("vol", VolumeState.VOLUME_READY, ""));
        assertThat(node.disks.get("vol")).returns(true, Disks.Wanted::attached);
        settle(without);
        assertThat(node.machines).isEmpty();
        assertThat(node.disks.get("vol")).returns(false, Disks.Wanted::attached);
        settle(Goals.of());
        assertThat(node.disks).isEmpty();
    }

    @Test
    void aVolumeStaysOpenUntilTheGuestHasLetGo() {
        Goal with = Goals.withVolumes(Goals.of(Goals.withDisk(on(), "vol")), "vol");
        Goal without = Goals.withVolumes(Goals.of(on()), "vol");
        settle(with);
        node.stuck.add("vol");
        ServerStatus status = settle(without);
        assertThat(status.getDevicesList())
                .contains(
                        DeviceStatus.newBuilder()
                                .setId("vol")
                                .setState(DeviceState.DETACHING)
                                .setReason("no answer")
                                .build());
        assertThat(node.disks.get("vol")).returns(true, Disks.Wanted::attached);
        restart();
        settle(without);
        assertThat(node.disks.get("vol")).returns(true, Disks.Wanted::attached);
        node.stuck.clear();
        settle(without);
        assertThat(node.disks.get("vol")).returns(false, Disks.Wanted::attached);
    }

    @Test
    void volumesThatFailOrStayAreTold() {
        node.unwanted = Optional.empty();
        assertThat(reconciler.pass(Goals.of()).pool()).as("not looked at yet").isEmpty();
        node.unwanted = Optional.of(Map.of("old", "it is stuck"));
        node.diskFailure = Optional.of("the pool is full");
        assertThat(volumes(Goals.withVolumes(Goals.of(), "vol")))
                .containsExactly(
                        volume("vol", VolumeState.VOLUME_FAILED, "the pool is full"),
                        volume("old", VolumeState.VOLUME_LEAVING, "it is stuck"));
    }

    @Test
    void snapshotsAreToldAndVolumesAreAsTheGoalSaysOfThem() {
        Goal.Builder goal = Goals.of(Goals.withDisk(on(), "vol")).toBuilder();
        goal.addVolumesBuilder().setId("vol").setSizeBytes(2 << 20).setSourceId("snap");
        goal.getPoolBuilder()
                .addSnapshots(Snapshot.newBuilder().setId("snap").setVolumeId("other"));
        assertThat(volumes(goal.build()))
                .containsExactly(
                        volume("vol", VolumeState.VOLUME_READY, ""),
                        volume("snap", VolumeState.VOLUME_READY, ""));
        assertThat(node.disks.get("vol"))
                .returns(goal.getVolumes(0), Disks.Wanted::disk)
                .returns(true, Disks.Wanted::attached);
        settle(goal.build());
        assertThat(reconciler.pass(goal.clearPool().build()).pool())
                .as("of a region that does not say all")
                .isEmpty();
    }

    @Test
    void stopsStartsAgainAndRemoves() {
        settle(Goals.of(on()));
        assertThat(settle(Goals.of(off())).getState()).isEqualTo(ServerState.STOPPED);
        assertThat(node.network().plugged()).isEmpty();
        assertThat(settle(Goals.of(on())).getState()).isEqualTo(ServerState.RUNNING);
        settle(Goals.of());
        assertThat(node.effects)
                .containsExactly("start " + ID, "stop " + ID, "start " + ID, "remove " + ID);
        assertThat(node.machines).isEmpty();
        assertThat(node.network().plugged()).isEmpty();
    }

    @Test
    void rebootsHardAndSoft() {
        settle(Goals.of(on()));
        Server hard = on().toBuilder().setBootGeneration(2).build();
        assertThat(settle(Goals.of(hard)).getBootGeneration()).isEqualTo(2);
        Server soft = hard.toBuilder().setSoftRebootGeneration(1).build();
        ServerStatus status = settle(Goals.of(soft));
        assertThat(status.getSoftRebootGeneration()).isEqualTo(1);
        assertThat(status.getState()).isEqualTo(ServerState.RUNNING);
        assertThat(node.effects)
                .containsExactly(
                        "start " + ID, "kill " + ID, "start " + ID, "stop " + ID, "start " + ID);
    }

    @Test
    void pausesAndGoesOnAsTheGoalSays() {
        settle(Goals.of(on()));
        Server paused = on().toBuilder().setPaused(true).build();
        ServerStatus status = settle(Goals.of(paused));
        assertThat(status.getState()).isEqualTo(ServerState.PAUSED);
        assertThat(status.getNetworkReady()).isTrue();
        restart();
        assertThat(settle(Goals.of(paused)).getState()).isEqualTo(ServerState.PAUSED);
        assertThat(node.network().plugged()).isNotEmpty();
        node.isLost(ID);
        assertThat(settle(Goals.of(paused)).getState()).isEqualTo(ServerState.PAUSED);
        assertThat(settle(Goals.of(on())).getState()).isEqualTo(ServerState.RUNNING);
        assertThat(node.effects)
                .containsExactly(
                        "start " + ID, "pause " + ID, "start " + ID, "pause " + ID, "resume " + ID);
        settle(Goals.of(paused));
        settle(Goals.of(paused.toBuilder().setPower(Power.OFF).build()));
        assertThat(node.network().plugged()).isEmpty();
    }

    @Test
    void aGuestThatPoweredOffStaysOff() {
        settle(Goals.of(on()));
        node.guestPowersOff(ID);
        ServerStatus status = settle(Goals.of(on()));
        assertThat(status.getState()).isEqualTo(ServerState.STOPPED);
        assertThat(status.getReason()).isEqualTo("the guest powered off");
        restart();
        assertThat(settle(Goals.of(on())).getState()).isEqualTo(ServerState.STOPPED);
        assertThat(node.effects).containsExactly("start " + ID);
    }

    @Test
    void whatWentWithItsHostRunsAgain() {
        settle(Goals.of(on()));
        for (boolean agentToo : List.of(false, true)) {
            node.isLost(ID);
            if (agentToo) {
                restart();
            }
            assertThat(settle(Goals.of(on())).getState()).isEqualTo(ServerState.RUNNING);
        }
        node.isLost(ID);
        assertThat(settle(Goals.of(off())).getState()).isEqualTo(ServerState.STOPPED);
        assertThat(node.effects).containsExactly("start " + ID, "start " + ID, "start " + ID);
    }

    @Test
    void onAgainBeforeItWasOff() {
        settle(Goals.of(on()));
        reconciler.pass(Goals.of(off()));
        assertThat(settle(Goals.of(on())).getState()).isEqualTo(ServerState.RUNNING);
        assertThat(node.effects).containsExactly("start " + ID, "stop " + ID, "start " + ID);
    }

    @Test
    void triesAFewTimesAndSaysWhy() {
        node.startFailure = Optional.of("no memory");
        ServerStatus status = settle(Goals.of(on()));
        assertThat(status.getState()).isEqualTo(ServerState.FAILED);
        assertThat(status.getReason()).isEqualTo("no memory");
        assertThat(status.getFailure()).isEqualTo(FailureKind.FAILURE_START);
        assertThat(node.effects).hasSize(Reconciler.ATTEMPTS);
        node.startFailure = Optional.empty();
        Server again = on().toBuilder().setBootGeneration(2).build();
        assertThat(settle(Goals.of(again)).getState()).isEqualTo(ServerState.RUNNING);
    }

    @Test
    void saysWhatItDoesNotKnow() {
        Server strange = on().toBuilder().setMachineModelValue(9).build();
        assertThat(strange.getMachineModel()).isEqualTo(MachineModel.UNRECOGNIZED);
        ServerStatus status = settle(Goals.of(strange));
        assertThat(status.getState()).isEqualTo(ServerState.FAILED);
        assertThat(status.getReason()).contains("machine model 9");
        assertThat(status.getFailure()).isEqualTo(FailureKind.FAILURE_UNSUPPORTED);
    }

    @Test
    void saysThatItCannotBootWhatItDoesNotKnow() {
        ServerStatus status = settle(Goals.of(on().toBuilder().clearBoot().build()));
        assertThat(status.getState()).isEqualTo(ServerState.FAILED);
        assertThat(status.getReason()).contains("does not know what the server boots");
        assertThat(status.getFailure()).isEqualTo(FailureKind.FAILURE_UNSUPPORTED);
    }

    @Test
    void bootsFromItsFirstDiskWithoutImages() {
        node.here.clear();
        Server server =
                Goals.withDisk(on()).toBuilder()
                        .setFirstDisk(FirstDiskBoot.getDefaultInstance())
                        .build();
        assertThat(settle(Goals.of(server)).getState()).isEqualTo(ServerState.RUNNING);
        assertThat(node.spec(ID).boot()).isEqualTo(new Boot.FirstDisk(dev.iod.host.Firmware.BIOS));
        Server microvm = server.toBuilder().setMachineModel(MachineModel.MICROVM).build();
        Server again = microvm.toBuilder().setBootGeneration(2).build();
        assertThat(settle(Goals.of(again)).getReason()).contains("boots a kernel only");
    }

    @Test
    void devicesComeAndGoWhileTheMachineRuns() {
        settle(Goals.of(on()));
        Server more =
                Goals.withDisk(on(), "data-1").toBuilder().addNics(Goals.nic("extra")).build();
        ServerStatus status = settle(Goals.of(more));
        assertThat(node.devices(ID))
                .containsExactly(
                        "data-1 ATTACHED", "extra ATTACHED", "port-of-" + ID + " ATTACHED");
        assertThat(status.getDevicesList())
                .extracting(DeviceStatus::getState)
                .containsOnly(DeviceState.ATTACHED)
                .hasSize(3);
        assertThat(node.effects).containsExactly("start " + ID, "change " + ID);
        node.stuck.add("data-1");
        node.stuck.add("extra");
        status = settle(Goals.of(on()));
        assertThat(status.getDevicesList())
                .filteredOn(d -> d.getState() == DeviceState.DETACHING)
                .extracting(DeviceStatus::getReason)
                .containsExactly("no answer", "no answer");
        assertThat(node.held).containsExactly("data-1");
        restart();
        reconciler.plugAll(Goals.of(on()));
        reconciler.pass(Goals.of(on()));
        assertThat(node.network().plugged()).contains("extra");
        node.stuck.clear();
        assertThat(settle(Goals.of(on())).getDevicesCount()).isEqualTo(1);
        assertThat(node.held).isEmpty();
        assertThat(node.disks).isEmpty();
        assertThat(node.network().plugged()).containsExactly("port-of-" + ID);
    }

    @Test
    void aDiskThatIsNotReadyIsLeftOutAndOneThatIsThereStays() {
        settle(Goals.of(Goals.withDisk(on())));
        node.diskFailure = Optional.of("the pool is full");
        Goal more = Goals.of(Goals.withDisk(Goals.withDisk(on()), "data-1"));
        ServerStatus status = settle(more);
        assertThat(status.getState()).isEqualTo(ServerState.RUNNING);
        assertThat(status.getDevicesList())
                .filteredOn(d -> d.getState() == DeviceState.ATTACHING)
                .singleElement()
                .returns("data-1", DeviceStatus::getId)
                .returns("the pool is full", DeviceStatus::getReason);
        assertThat(node.devices(ID)).contains("root-" + ID + " ATTACHED").hasSize(2);
        node.diskFailure = Optional.empty();
        settle(more);
        assertThat(node.devices(ID)).contains("data-1 ATTACHED").hasSize(3);
    }

    @Test
    void whatVirtDaemonRefusesIsToldAndTheServerRunsOn() {
        settle(Goals.of(on()));
        node.changeRefused = Optional.of(refusal());
        ServerStatus status = settle(Goals.of(Goals.withDisk(on())));
        assertThat(status.getState()).isEqualTo(ServerState.RUNNING);
        assertThat(status.getDevicesList())
                .filteredOn(d -> d.getState() == DeviceState.ATTACHING)
                .singleElement()
                .returns("vcpus 0: expected 1 to 64", DeviceStatus::getReason);
    }

    @Test
    void aDeviceThatVirtDaemonDoesNotTakeAwayIsLeavingAndTheReasonIsTold() {
        settle(Goals.of(Goals.withDisk(on(), "vol")));
        node.changeRefused = Optional.of(refusal());
        assertThat(settle(Goals.of(on())).getDevicesList())
                .filteredOn(d -> d.getState() == DeviceState.DETACHING)
                .singleElement()
                .returns("vol", DeviceStatus::getId)
                .returns("vcpus 0: expected 1 to 64", DeviceStatus::getReason);
    }

    private static HostException refusal() {
        try {
            new MachineSpec(
                    "m",
                    dev.iod.host.MachineModel.Q35,
                    0,
                    64,
                    new Boot.FirstDisk(dev.iod.host.Firmware.BIOS),
                    Devices.NONE);
        } catch (HostException e) {
            return e;
        }
        throw new AssertionError("expected a refusal");
    }

    @Test
    void anAgentThatRestartsTouchesNothing() {
        settle(Goals.of(on()));
        restart();
        reconciler.plugAll(Goals.of(on()));
        assertThat(node.network().plugged()).hasSize(1);
        assertThat(settle(Goals.of(on())).getState()).isEqualTo(ServerState.RUNNING);
        assertThat(node.effects).containsExactly("start " + ID);
    }

    @Test
    void aLostLedgerDoesNotReboot() throws IOException {
        settle(Goals.of(on()));
        Files.delete(directory.resolve("servers"));
        restart();
        assertThat(settle(Goals.of(on())).getState()).isEqualTo(ServerState.RUNNING);
        assertThat(node.effects).containsExactly("start " + ID);
    }

    /** Killed at every step, before and after its effect, a second agent ends where one would. */
    @Test
    void killedAnywhereTheNextAgentFinishes() {
        Server on = Goals.withDisk(on());
        Server rebooted = on.toBuilder().setBootGeneration(2).build();
        Server off = on.toBuilder().setPower(Power.OFF).build();
        Server more =
                Goals.withDisk(rebooted, "data-1").toBuilder().addNics(Goals.nic("extra")).build();
        List<Goal> story =
                List.of(
                        Goals.of(on),
                        Goals.of(rebooted),
                        Goals.of(more),
                        Goals.of(rebooted),
                        Goals.of(off),
                        Goals.of());
        for (int step = 0; step < 32; step++) {
            for (boolean afterEffect : new boolean[] {false, true}) {
                live(story, step, afterEffect, 2);
            }
        }
    }

    @Test
    void aRebuildKilledAnywhereIsFinished() {
        Server on = Goals.withDisk(on());
        Server rebuilt = rebuilt(2);
        Server off = rebuilt.toBuilder().setPower(Power.OFF).build();
        Server again = rebuilt(3).toBuilder().setPower(Power.OFF).build();
        List<Goal> story =
                List.of(
                        Goals.of(on),
                        Goals.of(rebuilt),
                        Goals.of(off),
                        Goals.of(again),
                        Goals.of(rebuilt(4)),
                        Goals.of());
        for (int step = 0; step < 32; step++) {
            for (boolean afterEffect : new boolean[] {false, true}) {
                live(story, step, afterEffect, 3);
            }
        }
    }

    @Test
    void aRescueKilledAnywhereIsFinished() {
        Server on = Goals.withDisk(on());
        Server rescued =
                Goals.withDisk(Goals.withDisk(on(), "rescue-" + ID + "-r2"), "root-" + ID)
                        .toBuilder()
                        .setBootGeneration(2)
                        .setAsksGuest(true)
                        .build();
        Server unrescued = on.toBuilder().setBootGeneration(3).setAsksGuest(true).build();
        List<Goal> story =
                List.of(Goals.of(on), Goals.of(rescued), Goals.of(unrescued), Goals.of());
        for (int step = 0; step < 24; step++) {
            for (boolean afterEffect : new boolean[] {false, true}) {
                live(story, step, afterEffect, 3);
                assertThat(node.effects).as("the guest is asked").contains("stop " + ID);
            }
        }
    }

    private static Server rebuilt(long boot) {
        return Goals.withDisk(on(), "root-" + ID + "-" + boot).toBuilder()
                .setBootGeneration(boot)
                .build();
    }

    @Test
    void theRootDiskOfARebuildTakesTheRoomOfTheOneBefore() {
        settle(Goals.of(Goals.withDisk(on())));
        reconciler.pass(Goals.of(rebuilt(2)));
        assertThat(node.disks).as("its machine was not stopped yet").isEmpty();
        assertThat(node.held).containsExactlyInAnyOrder("root-" + ID, "root-" + ID + "-2");
        reconciler.pass(Goals.of(rebuilt(2)));
        assertThat(node.disks).containsOnlyKeys("root-" + ID + "-2");
        assertThat(node.held).isEmpty();
        ServerStatus status = settle(Goals.of(rebuilt(2)));
        assertThat(status.getState()).isEqualTo(ServerState.RUNNING);
        assertThat(status.getBootGeneration()).isEqualTo(2);
        assertThat(node.effects).containsExactly("start " + ID, "kill " + ID, "start " + ID);
    }

    @Test
    void aRebuildWhileItIsOffIsDoneWhenItsDiskIs() {
        settle(Goals.of(Goals.withDisk(off())));
        Goal goal = Goals.of(rebuilt(2).toBuilder().setPower(Power.OFF).build());
        node.diskFailure = Optional.of("its disk: the pool is full");
        ServerStatus status = settle(goal);
        assertThat(status.getState()).isEqualTo(ServerState.FAILED);
        assertThat(status.getFailure()).isEqualTo(FailureKind.FAILURE_DISK);
        assertThat(status.getReason()).isEqualTo("its disk: the pool is full");
        node.diskFailure = Optional.empty();
        assertThat(settle(goal).getState()).isEqualTo(ServerState.STOPPED);
        // Whatever becomes of it then is for its next start to say.
        node.diskFailure = Optional.of("its disk has failed");
        assertThat(settle(goal).getState()).isEqualTo(ServerState.STOPPED);
    }

    /** The goal of a server with another flavor: its disk starts as the one before, which stays. */
    private static Goal resized(Server server, long boot, String before) {
        String disk = "root-" + ID + "-" + boot;
        Server resized =
                server.toBuilder()
                        .setBootGeneration(boot)
                        .setAsksGuest(true)
                        .setVcpus(2)
                        .setMemoryMib(256)
                        .addDisks(
                                dev.iod.node.Disk.newBuilder()
                                        .setId(disk)
                                        .setSizeBytes(2 << 20)
                                        .setSourceId(before))
                        .build();
        return Goals.of(resized).toBuilder()
                .addVolumes(
                        dev.iod.node.Disk.newBuilder()
                                .setId(before)
                                .setSizeBytes(1 << 20)
                                .setMade(true))
                .build();
    }

    @Test
    void theDiskOfAResizeIsACopyOfTheOneThatItsMachineHadWhenItHasStopped() {
        String old = "root-" + ID;
        settle(Goals.of(Goals.withDisk(on())));
        Goal goal = resized(on(), 2, old);
        reconciler.pass(goal);
        assertThat(node.disks).as("its machine was not stopped yet").containsOnlyKeys(old);
        assertThat(node.disks.get(old)).returns(true, Disks.Wanted::attached);
        assertThat(settle(goal).getState()).isEqualTo(ServerState.RUNNING);
        assertThat(node.effects).containsExactly("start " + ID, "stop " + ID, "start " + ID);
        assertThat(node.spec(ID).vcpus()).isEqualTo(2);
        assertThat(node.spec(ID).memoryMib()).isEqualTo(256);
        assertThat(node.disks).containsOnlyKeys(old, old + "-2");
        assertThat(node.disks.get(old)).returns(false, Disks.Wanted::attached);
        assertThat(node.disks.get(old + "-2")).returns(true, Disks.Wanted::attached);
        // Reverted, the machine has the one before again, and the copy goes when it has stopped.
        Goal reverted =
                Goals.withVolumes(
                        Goals.of(Goals.withDisk(on()).toBuilder().setBootGeneration(3).build()),
                        old);
        reconciler.pass(reverted);
        assertThat(node.disks).as("while the other machine stops").containsOnlyKeys(old);
        assertThat(node.held).containsExactly(old + "-2");
        assertThat(settle(reverted).getBootGeneration()).isEqualTo(3);
        assertThat(node.disks).containsOnlyKeys(old);
        assertThat(node.held).isEmpty();
    }

    /** It is there already after a resize that was reverted, and has what the guest wrote. */
    @Test
    void theDiskOfTheNextBootIsNotDeletedWhileTheMachineBeforeStops() {
        String old = "root-" + ID;
        settle(Goals.of(Goals.withDisk(on())));
        settle(resized(on(), 2, old));
        reconciler.pass(Goals.of(Goals.withDisk(on()).toBuilder().setBootGeneration(3).build()));
        assertThat(node.disks).isEmpty();
        assertThat(node.held).containsExactlyInAnyOrder(old, old + "-2");
    }

    @Test
    void aResizeKilledAnywhereIsFinished() {
        Server on = Goals.withDisk(on());
        Server confirmed =
                Goals.withDisk(on(), "root-" + ID + "-2").toBuilder().setBootGeneration(2).build();
        Server off = confirmed.toBuilder().setPower(Power.OFF).build();
        List<Goal> story =
                List.of(
                        Goals.of(on),
                        resized(on(), 2, "root-" + ID),
                        Goals.of(confirmed),
                        Goals.of(off),
                        resized(off(), 3, "root-" + ID + "-2"),
                        Goals.withVolumes(
                                Goals.of(confirmed.toBuilder().setBootGeneration(4).build()),
                                "root-" + ID + "-2"),
                        Goals.of(confirmed.toBuilder().setBootGeneration(4).build()),
                        Goals.of());
        for (int step = 0; step < 32; step++) {
            for (boolean afterEffect : new boolean[] {false, true}) {
                live(story, step, afterEffect, 3);
            }
        }
    }

    private void live(List<Goal> story, int step, boolean afterEffect, int wanted) {
        node.effects.clear();
        node.machines.clear();
        restart();
        settle(Goals.of());
        node.killAt(step, afterEffect);
        for (Goal goal : story) {
            for (boolean done = false; !done; ) {
                try {
                    settle(goal);
                    done = true;
                } catch (FakeNode.Killed e) {
                    node.liveOn();
                    restart();
                    reconciler.plugAll(goal);
                }
            }
            check(goal, step, afterEffect);
        }
        long starts = node.effects.stream().filter(e -> e.startsWith("start")).count();
        assertThat(starts).as("step %d after %s", step, afterEffect).isEqualTo(wanted);
    }

    private void check(Goal goal, int step, boolean afterEffect) {
        String as = "step " + step + " after effect " + afterEffect + " goal " + goal;
        if (goal.getServersCount() == 0) {
            assertThat(node.machines).as(as).isEmpty();
            assertThat(node.disks).as(as).isEmpty();
            assertThat(node.network().plugged()).as(as).isEmpty();
        } else {
            boolean runs = goal.getServers(0).getPower() == Power.ON;
            assertThat(node.machine(ID).state())
                    .as(as)
                    .isEqualTo(runs ? MachineState.RUNNING : MachineState.STOPPED);
            Server server = goal.getServers(0);
            assertThat(node.network().plugged()).as(as).hasSize(runs ? server.getNicsCount() : 0);
            assertThat(node.disks.values())
                    .as(as)
                    .hasSize(disks(goal).size())
                    .allMatch(disk -> disk.attached() == (runs && has(server, disk)));
            assertThat(node.held).as(as).isEmpty();
            assertThat(node.machine(ID).devices())
                    .as(as)
                    .hasSize(runs ? server.getDisksCount() + server.getNicsCount() : 0)
                    .allMatch(d -> d.state() == dev.iod.host.DeviceState.ATTACHED);
        }
    }

    /** The ids of all that the pool shall have. */
    private static Set<String> disks(Goal goal) {
        Set<String> ids = new HashSet<>();
        goal.getServersList()
                .forEach(server -> server.getDisksList().forEach(disk -> ids.add(disk.getId())));
        goal.getVolumesList().forEach(volume -> ids.add(volume.getId()));
        return ids;
    }

    private static boolean has(Server server, Disks.Wanted disk) {
        return server.getDisksList().stream()
                .anyMatch(one -> one.getId().equals(disk.disk().getId()));
    }
}
