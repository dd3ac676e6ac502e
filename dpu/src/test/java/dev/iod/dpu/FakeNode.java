package dev.iod.dpu;

import dev.iod.host.MachineSpec;
import dev.iod.host.MachineState;
import dev.iod.host.MachineStatus;
import dev.iod.node.ImagePart;
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
    final List<String> effects = new ArrayList<>();
    final Set<String> here = new TreeSet<>();
    Optional<String> imageFailure = Optional.empty();
    Map<String, Disks.Wanted> disks = Map.of();
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
                        m.state() != MachineState.STARTING
                                ? m
                                : startFailure
                                        .map(reason -> status(id, MachineState.FAILED, reason))
                                        .orElseGet(() -> status(id, MachineState.RUNNING, "")));
    }

    void guestPowersOff(String id) {
        machines.put(id, status(id, MachineState.STOPPED, "the guest powered off"));
    }

    private static MachineStatus status(String id, MachineState state, String reason) {
        return new MachineStatus(id, state, reason, state == MachineState.RUNNING ? 77 : 0, 1000);
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
        };
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
            public void wanted(Map<String, Wanted> wanted) {
                if (!wanted.equals(disks)) {
                    step(() -> disks = Map.copyOf(wanted));
                }
            }

            @Override
            public OptionalLong poolMib() {
                return OptionalLong.empty();
            }

            @Override
            public State state(String server) {
                return diskFailure
                        .<State>map(State.Failed::new)
                        .orElseGet(
                                () ->
                                        disks.containsKey(server)
                                                ? new State.Ready()
                                                : new State.Coming());
            }
        };
    }

    Images images() {
        return new Images() {
            @Override
            public Answer ask(ImagePart part) {
                if (imageFailure.isPresent()) {
                    return new Answer.Missing(imageFailure.get());
                }
                return here.contains(part.getSha256())
                        ? new Answer.Here(Path.of("/images/" + part.getSha256()))
                        : new Answer.Coming("on its way");
            }

            @Override
            public void needed(Set<String> digests) {}
        };
    }
}
