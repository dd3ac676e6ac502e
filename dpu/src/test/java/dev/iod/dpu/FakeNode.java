package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.host.ConsoleKind;
import dev.iod.host.Device;
import dev.iod.host.DeviceState;
import dev.iod.host.DeviceStatus;
import dev.iod.host.Devices;
import dev.iod.host.Disk;
import dev.iod.host.HostException;
import dev.iod.host.MachineSpec;
import dev.iod.host.MachineState;
import dev.iod.host.MachineStatus;
import dev.iod.host.Nic;
import dev.iod.node.ImagePart;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A node outside the agent: virtDaemon, chassis, pool and image cache, which all outlive it. Every
 * call is a step at which the agent can be killed, before or after the call had its effect.
 */
final class FakeNode {
    /** The agent was killed here. */
    static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    final Map<String, MachineStatus> machines = new TreeMap<>();
    final Map<String, MachineSpec> specs = new TreeMap<>();

    /** By the machine and the kind. */
    final Map<String, ByteChannel> consoles = new TreeMap<>();

    final List<String> effects = new ArrayList<>();
    final Set<String> here = new TreeSet<>();
    Optional<String> imageFailure = Optional.empty();
    Map<String, Disks.Wanted> disks = Map.of();
    Set<String> held = Set.of();
    boolean complete;

    /** What the pool says that it could not delete. */
    Optional<Map<String, String>> unwanted = Optional.of(Map.of());

    /** Guests take and give back devices, but these not. */
    final Set<String> stuck = new TreeSet<>();

    Optional<HostException> changeRefused = Optional.empty();
    Optional<String> diskFailure = Optional.empty();
    Optional<String> startFailure = Optional.empty();
    private Map<String, Network.Interface> plugged = new TreeMap<>();
    private int stepsLeft = Integer.MAX_VALUE;
    private boolean killedAfterEffect;

    MachineSpec spec(String id) {
        return Optional.ofNullable(specs.get(id)).orElseThrow();
    }

    MachineStatus machine(String id) {
        return Optional.ofNullable(machines.get(id)).orElseThrow();
    }

    /** Kills the agent at a step. */
    void killAt(int step, boolean afterEffect) {
        stepsLeft = step;
        killedAfterEffect = afterEffect;
    }

    void liveOn() {
        stepsLeft = Integer.MAX_VALUE;
    }

    /** What an agent knows of ports is gone when it is. */
    void agentRestarts() {
        plugged = new TreeMap<>();
    }

    private void step(Runnable effect) {
        boolean killed = stepsLeft-- == 0;
        if (killed && !killedAfterEffect) {
            throw new Killed();
        }
        effect.run();
        if (killed) {
            throw new Killed();
        }
    }

    /** VMMs that start run, VMMs that stop are gone. */
    void settle() {
        machines.replaceAll(
                (id, m) ->
                        switch (m.state()) {
                            case STARTING ->
                                    startFailure
                                            .map(reason -> status(id, MachineState.FAILED, reason))
                                            .orElseGet(() -> status(id, MachineState.RUNNING, ""));
                            case RUNNING -> status(id, MachineState.RUNNING, "", moved(m));
                            case PAUSED, STOPPED, FAILED, LOST -> m;
                        });
    }

    /** Devices whose back ends are open come, and those that shall go go. */
    private List<DeviceStatus> moved(MachineStatus machine) {
        List<DeviceStatus> devices = new ArrayList<>();
        for (DeviceStatus status : machine.devices()) {
            Device device = status.device();
            boolean moves = !stuck.contains(device.id());
            if (status.state() != DeviceState.ATTACHING) {
                assertThat(open(device)).as("the back end of " + device + " is open").isTrue();
            }
            switch (status.state()) {
                case ATTACHING ->
                        devices.add(
                                open(device) && moves
                                        ? new DeviceStatus(device, DeviceState.ATTACHED, "")
                                        : status);
                case ATTACHED -> devices.add(status);
                case DETACHING -> {
                    if (!moves) {
                        devices.add(new DeviceStatus(device, DeviceState.DETACHING, "no answer"));
                    }
                }
            }
        }
        return devices;
    }

    private boolean open(Device device) {
        return switch (device) {
            case Nic nic -> plugged.containsKey(nic.id());
            case Disk disk ->
                    held.contains(disk.id())
                            || Optional.ofNullable(disks.get(disk.id()))
                                    .filter(Disks.Wanted::attached)
                                    .isPresent();
        };
    }

    List<String> devices(String id) {
        return machine(id).devices().stream()
                .map(d -> d.device().id() + " " + d.state())
                .sorted()
                .toList();
    }

    void guestPowersOff(String id) {
        machines.put(id, status(id, MachineState.STOPPED, "the guest powered off"));
    }

    void isLost(String id) {
        machines.put(id, status(id, MachineState.LOST, "while virtDaemon did not run"));
    }

    private MachineStatus status(String id, MachineState state, String reason) {
        DeviceState devices =
                state == MachineState.RUNNING ? DeviceState.ATTACHED : DeviceState.ATTACHING;
        return state == MachineState.RUNNING || state == MachineState.STARTING
                ? status(id, state, reason, all(spec(id).devices(), devices))
                : MachineStatus.without(id, state, reason, 1000);
    }

    private static MachineStatus status(
            String id, MachineState state, String reason, List<DeviceStatus> devices) {
        long pid = state == MachineState.RUNNING ? 77 : 0;
        return new MachineStatus(id, state, reason, pid, 1000, devices);
    }

    private static List<DeviceStatus> all(Devices devices, DeviceState state) {
        return devices.all().stream().map(device -> new DeviceStatus(device, state, "")).toList();
    }

    Machines machines() {
        return new Machines() {
            @Override
            public MachineStatus start(MachineSpec spec) {
                step(
                        () -> {
                            effects.add("start " + spec.id());
                            specs.put(spec.id(), spec);
                            machines.put(spec.id(), status(spec.id(), MachineState.STARTING, ""));
                        });
                return status(spec.id(), MachineState.STARTING, "");
            }

            @Override
            public MachineStatus change(String id, Devices wanted) {
                changeRefused.ifPresent(
                        refusal -> {
                            throw refusal;
                        });
                step(
                        () -> {
                            effects.add("change " + id);
                            machines.put(
                                    id,
                                    status(
                                            id,
                                            MachineState.RUNNING,
                                            "",
                                            changed(machine(id).devices(), wanted)));
                        });
                return machine(id);
            }

            @Override
            public MachineStatus pause(String id, boolean paused) {
                step(
                        () -> {
                            effects.add((paused ? "pause " : "resume ") + id);
                            MachineStatus now = machine(id);
                            machines.put(
                                    id,
                                    new MachineStatus(
                                            id,
                                            paused ? MachineState.PAUSED : MachineState.RUNNING,
                                            "",
                                            now.pid(),
                                            now.startedAtMillis(),
                                            now.devices()));
                        });
                return machine(id);
            }

            @Override
            public MachineStatus stop(String id, long graceMillis) {
                step(
                        () -> {
                            effects.add((graceMillis == 0 ? "kill " : "stop ") + id);
                            machines.put(id, status(id, MachineState.STOPPED, ""));
                        });
                return status(id, MachineState.STOPPED, "");
            }

            @Override
            public void remove(String id) {
                step(
                        () -> {
                            effects.add("remove " + id);
                            machines.remove(id);
                        });
            }

            @Override
            public List<MachineStatus> list() {
                return List.copyOf(machines.values());
            }

            @Override
            public byte[] console(String id, int maxBytes) {
                return ("console of " + id).getBytes(StandardCharsets.UTF_8);
            }

            @Override
            public ByteChannel use(String id, ConsoleKind kind) {
                return Optional.ofNullable(consoles.get(id + " " + kind))
                        .orElseThrow(
                                () ->
                                        new DpuException(
                                                DpuException.Category.NODE,
                                                "machine " + id + " does not run"));
            }
        };
    }

    private static List<DeviceStatus> changed(List<DeviceStatus> before, Devices wanted) {
        Set<String> ids = new TreeSet<>();
        wanted.all().forEach(device -> ids.add(device.id()));
        List<DeviceStatus> after = new ArrayList<>();
        for (DeviceStatus status : before) {
            boolean stays = ids.remove(status.device().id());
            after.add(
                    stays ? status : new DeviceStatus(status.device(), DeviceState.DETACHING, ""));
        }
        wanted.all().stream()
                .filter(device -> ids.contains(device.id()))
                .forEach(device -> after.add(new DeviceStatus(device, DeviceState.ATTACHING, "")));
        return after;
    }

    Network network() {
        return new Network() {
            @Override
            public void plug(Interface wanted) {
                if (!wanted.equals(plugged.get(wanted.port()))) {
                    step(() -> plugged.put(wanted.port(), wanted));
                }
            }

            @Override
            public void unplug(String port) {
                step(() -> plugged.remove(port));
            }

            @Override
            public void allPlugged() {}

            @Override
            public Set<String> plugged() {
                return Set.copyOf(plugged.keySet());
            }

            @Override
            public boolean live(String port) {
                return plugged.containsKey(port);
            }
        };
    }

    /** The pool: whatever is wanted is there at once. */
    Disks disks() {
        return new Disks() {
            @Override
            public void wanted(Wish wish) {
                if (!wish.disks().equals(disks) || !wish.held().equals(held)) {
                    step(
                            () -> {
                                disks = wish.disks();
                                held = wish.held();
                            });
                }
                complete = wish.complete();
            }

            @Override
            public OptionalLong poolMib() {
                return OptionalLong.empty();
            }

            @Override
            public Optional<Map<String, String>> unwanted() {
                return complete ? unwanted : Optional.empty();
            }

            @Override
            public State snapshot(String snapshot) {
                return new State.Ready();
            }

            @Override
            public State state(String disk) {
                return diskFailure
                        .<State>map(State.Failed::new)
                        .orElseGet(
                                () ->
                                        disks.containsKey(disk)
                                                ? new State.Ready()
                                                : new State.Coming());
            }
        };
    }

    Images images() {
        return new Images() {
            @Override
            public Answer ask(String wish, ImagePart part) {
                if (imageFailure.isPresent()) {
                    return new Answer.Missing(imageFailure.get());
                }
                return here.contains(part.getSha256())
                        ? new Answer.Here(Path.of("/images/" + part.getSha256()))
                        : new Answer.Coming("on its way");
            }

            @Override
            public void needed(Map<String, Set<String>> wishes) {}
        };
    }
}
