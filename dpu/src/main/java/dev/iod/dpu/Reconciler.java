package dev.iod.dpu;

import static dev.iod.dpu.Ledger.Phase.OFF;
import static dev.iod.dpu.Ledger.Phase.RAN;
import static dev.iod.dpu.Ledger.Phase.STARTING;

import dev.iod.dpu.Ledger.Entry;
import dev.iod.host.Device;
import dev.iod.host.DeviceState;
import dev.iod.host.DeviceStatus;
import dev.iod.host.Devices;
import dev.iod.host.HostException;
import dev.iod.host.MachineSpec;
import dev.iod.host.MachineState;
import dev.iod.host.MachineStatus;
import dev.iod.node.Disk;
import dev.iod.node.FailureKind;
import dev.iod.node.Goal;
import dev.iod.node.ImagePart;
import dev.iod.node.Nic;
import dev.iod.node.PoolReport;
import dev.iod.node.Power;
import dev.iod.node.Server;
import dev.iod.node.ServerState;
import dev.iod.node.ServerStatus;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * Makes what runs on this node equal to the goal. A pass looks at what is (virtDaemon's list, the
 * ledger), takes for each server the one step that is due and can be taken now, and reports; it can
 * be cut off anywhere, and taking it again has the effect of once.
 *
 * <p>A server that was seen running in its present generation and is not any more was stopped by
 * its guest or died: it is reported, not started again. One that does not start is tried {@value
 * #ATTEMPTS} times.
 */
final class Reconciler {
    /** How often a generation is started before it counts as failed. */
    static final int ATTEMPTS = 3;

    /** How long a guest has to power off by itself. */
    static final long GRACE_MILLIS = 15_000;

    private static final Logger LOG = System.getLogger(Reconciler.class.getName());
    private static final long RETRY_MILLIS = 2_000;
    private static final long POLL_MILLIS = 500;
    private static final long QUIET_MILLIS = 5_000;

    private final Machines machines;
    private final Network network;
    private final Images images;
    private final Disks disks;
    private final Ledger ledger;
    private final MachineSpecs specs;
    private final LongSupplier nowMillis;
    private final Map<String, Attempts> attempts = new HashMap<>();
    private final Map<String, Long> stoppedByMillis = new HashMap<>();

    /** Why virtDaemon would not change a machine's devices, by server. */
    private final Map<String, String> refused = new HashMap<>();

    /**
     * What a pass saw, and when to look again if nothing happens before.
     *
     * @param diskMib size of the pool of root disks, once known
     * @param pool what became of the goal's volumes, once the pool was looked at for it
     */
    record Outcome(
            List<ServerStatus> servers,
            OptionalLong diskMib,
            Optional<PoolReport> pool,
            long againMillis) {}

    /** The starts of one generation. */
    private static final class Attempts {
        final long boot;
        final long softReboot;
        int failed;
        boolean started;
        long notBeforeMillis;
        String reason = "";

        Attempts(Server server) {
            boot = server.getBootGeneration();
            softReboot = server.getSoftRebootGeneration();
        }

        boolean isOf(Server server) {
            return boot == server.getBootGeneration()
                    && softReboot == server.getSoftRebootGeneration();
        }

        void fail(String why, long now) {
            failed++;
            started = false;
            reason = why;
            notBeforeMillis = now + RETRY_MILLIS * failed;
        }

        boolean exhausted() {
            return failed >= ATTEMPTS;
        }
    }

    /** What is said of one server, and when to look at it again. */
    private record Seen(ServerState state, FailureKind failure, String reason, long againMillis) {
        Seen(ServerState state, String reason, long againMillis) {
            this(state, FailureKind.FAILURE_NOT_TOLD, reason, againMillis);
        }

        static Seen failed(FailureKind failure, String reason, long againMillis) {
            return new Seen(ServerState.FAILED, failure, reason, againMillis);
        }
    }

    /**
     * @param specs where sockets are
     */
    Reconciler(
            Machines machines,
            Network network,
            Images images,
            Disks disks,
            Ledger ledger,
            MachineSpecs specs,
            LongSupplier nowMillis) {
        this.machines = machines;
        this.network = network;
        this.images = images;
        this.disks = disks;
        this.ledger = ledger;
        this.specs = specs;
        this.nowMillis = nowMillis;
    }

    /**
     * @throws HostException when virtDaemon cannot be asked: nothing is known then
     */
    Outcome pass(Goal goal) {
        Map<String, MachineStatus> here =
                machines.list().stream().collect(Collectors.toMap(MachineStatus::id, m -> m));
        Set<String> wanted =
                goal.getServersList().stream().map(Server::getId).collect(Collectors.toSet());
        removeOthers(here.keySet(), wanted);
        Set<String> held = held(goal, here);
        disks.wanted(
                new Disks.Wish(
                        disks(goal, here, held),
                        PoolReports.snapshots(goal),
                        PoolReports.captures(goal),
                        held,
                        goal.hasPool()));
        images.needed(images(goal));
        List<ServerStatus> statuses = new ArrayList<>();
        Set<String> ports = new HashSet<>();
        long again = QUIET_MILLIS;
        for (Server server : goal.getServersList()) {
            Optional<MachineStatus> machine = Optional.ofNullable(here.get(server.getId()));
            Seen seen = step(server, machine);
            again = Math.min(again, seen.againMillis);
            statuses.add(status(server, seen, machine));
            if (keepsPorts(server, machine)) {
                server.getNicsList().forEach(nic -> ports.add(nic.getPortId()));
            }
            for (dev.iod.host.Nic nic : leavingNics(server, machine)) {
                network.plug(interfaceOf(nic)); // Only an agent that was restarted has to.
                ports.add(nic.id());
            }
        }
        unplugOthers(ports);
        network.allPlugged();
        return new Outcome(
                List.copyOf(statuses), disks.poolMib(), PoolReports.of(goal, disks), again);
    }

    /** Plugs what the goal says should run, before anybody was asked whether it does. */
    void plugAll(Goal goal) {
        for (Server server : goal.getServersList()) {
            if (server.getPower() == Power.ON && ledger.entry(server.getId()).isPresent()) {
                plug(server);
            }
        }
        network.allPlugged();
    }

    private void removeOthers(Set<String> here, Set<String> wanted) {
        for (String id : here) {
            if (!wanted.contains(id)) {
                LOG.log(Level.INFO, "removing server={0}", id);
                machines.remove(id);
                ledger.remove(id);
            }
        }
        attempts.keySet().retainAll(wanted);
        stoppedByMillis.keySet().retainAll(wanted);
        refused.keySet().retainAll(wanted);
    }

    private void unplugOthers(Set<String> wanted) {
        for (String port : network.plugged()) {
            if (!wanted.contains(port)) {
                network.unplug(port);
            }
        }
    }

    /** A machine that is being stopped keeps its ports: its guest may be saying good-bye. */
    private static boolean keepsPorts(Server server, Optional<MachineStatus> machine) {
        return server.getPower() == Power.ON || machine.filter(Reconciler::alive).isPresent();
    }

    private Seen step(Server server, Optional<MachineStatus> machine) {
        try {
            boolean alive = machine.filter(Reconciler::alive).isPresent();
            if (server.getPower() != Power.ON) {
                return off(server, alive);
            }
            if (alive) {
                plug(server);
                return running(server, machine.orElseThrow());
            }
            return stopped(server, machine);
        } catch (HostException e) {
            return hostFailed(server, e);
        } catch (DpuException e) {
            if (e.category() != DpuException.Category.GOAL) {
                throw e;
            }
            return Seen.failed(FailureKind.FAILURE_UNSUPPORTED, e.getMessage(), QUIET_MILLIS);
        }
    }

    private Seen off(Server server, boolean alive) {
        attempts.remove(server.getId());
        boolean told = ledger.entry(server.getId()).filter(e -> isOf(e, server)).isPresent();
        if (!alive && !told) {
            // Rebuilt while it is off: that is done when its next start has all its disks.
            Optional<Seen> waits = waitsForDisks(server);
            if (waits.isPresent()) {
                return waits.get();
            }
        }
        ledger.put(server.getId(), entryOf(server, OFF));
        if (alive) {
            return stop(server, GRACE_MILLIS);
        }
        stoppedByMillis.remove(server.getId());
        return new Seen(ServerState.STOPPED, "", QUIET_MILLIS);
    }

    private Seen running(Server server, MachineStatus machine) {
        // Running and not in the ledger: the ledger was lost, so take it for what is wanted.
        Entry entry = ledger.entry(server.getId()).orElse(entryOf(server, STARTING));
        boolean current = isOf(entry, server);
        if (!current || entry.phase() == OFF) {
            // A reboot, or on again before it was off: what runs must stop first.
            boolean asks = server.getAsksGuest() || entry.boot() == server.getBootGeneration();
            return stop(server, asks ? GRACE_MILLIS : 0);
        }
        boolean runs = machine.state() != MachineState.STARTING;
        boolean paused = machine.state() == MachineState.PAUSED;
        ledger.put(server.getId(), entryOf(server, runs ? RAN : STARTING));
        boolean settled = true;
        if (runs) {
            attempts.remove(server.getId());
            settled = changeDevices(server, machine);
            if (paused != server.getPaused()) {
                paused =
                        machines.pause(server.getId(), server.getPaused()).state()
                                == MachineState.PAUSED;
            }
        }
        long again =
                runs && settled && live(server, Optional.of(machine)) ? QUIET_MILLIS : POLL_MILLIS;
        ServerState seen = runs ? ServerState.RUNNING : ServerState.STARTING;
        return new Seen(paused ? ServerState.PAUSED : seen, "", again);
    }

    /**
     * Tells virtDaemon when the machine shall have other devices than it was told. Back ends are
     * open by then: its ports are plugged, and a disk that is not ready yet is left out.
     *
     * @return whether there is nothing more to say
     */
    private boolean changeDevices(Server server, MachineStatus machine) {
        Set<String> told =
                machine.devices().stream()
                        .filter(d -> d.state() != DeviceState.DETACHING)
                        .map(d -> d.device().id())
                        .collect(Collectors.toSet());
        Devices goal = specs.devices(server);
        Devices wanted =
                new Devices(
                        goal.disks().stream()
                                .filter(d -> told.contains(d.id()) || ready(d.id()))
                                .toList(),
                        goal.nics());
        refused.remove(server.getId());
        if (ids(wanted).equals(told)) {
            return true;
        }
        try {
            machines.change(server.getId(), wanted);
            LOG.log(Level.INFO, "changed devices server={0} {1}", server.getId(), ids(wanted));
            return true;
        } catch (HostException e) {
            return switch (e.category()) {
                case UNAVAILABLE, TIMEOUT -> throw e;
                case INVALID, NOT_FOUND, CONFLICT, EXHAUSTED, FAILED -> {
                    refused.put(server.getId(), e.getMessage());
                    yield e.category() == HostException.Category.INVALID;
                }
            };
        }
    }

    private boolean ready(String disk) {
        return disks.state(disk) instanceof Disks.State.Ready;
    }

    private static Set<String> ids(Devices devices) {
        return devices.all().stream().map(Device::id).collect(Collectors.toSet());
    }

    private Seen stop(Server server, long graceMillis) {
        // Said in every pass: virtDaemon may have been restarted since. Repeating only shortens.
        long now = nowMillis.getAsLong();
        long by = stoppedByMillis.merge(server.getId(), now + graceMillis, Math::min);
        machines.stop(server.getId(), Math.max(0, by - now));
        return new Seen(ServerState.RUNNING, "", POLL_MILLIS);
    }

    private Seen stopped(Server server, Optional<MachineStatus> machine) {
        stoppedByMillis.remove(server.getId());
        Optional<Entry> entry = ledger.entry(server.getId()).filter(e -> isOf(e, server));
        // One that went with its host is started again; one that its guest or a crash ended is not.
        boolean lost = machine.filter(m -> m.state() == MachineState.LOST).isPresent();
        if (!lost && entry.filter(e -> e.phase() == RAN).isPresent()) {
            return gone(machine);
        }
        Attempts tries = attempts.get(server.getId());
        if (tries == null || !tries.isOf(server)) {
            tries = new Attempts(server);
            attempts.put(server.getId(), tries);
        }
        long now = nowMillis.getAsLong();
        if (tries.started) {
            tries.fail(machine.map(MachineStatus::reason).orElse("it vanished"), now);
            LOG.log(
                    Level.WARNING,
                    "start failed server={0} attempt={1} reason={2}",
                    server.getId(),
                    tries.failed,
                    tries.reason);
        }
        if (tries.exhausted()) {
            return Seen.failed(FailureKind.FAILURE_START, tries.reason, QUIET_MILLIS);
        }
        if (now < tries.notBeforeMillis) {
            return new Seen(ServerState.STARTING, tries.reason, tries.notBeforeMillis - now);
        }
        return start(server, tries);
    }

    private static Seen gone(Optional<MachineStatus> machine) {
        boolean failed = machine.filter(m -> m.state() == MachineState.FAILED).isPresent();
        String reason = machine.map(MachineStatus::reason).orElse("");
        if (failed) {
            return Seen.failed(FailureKind.FAILURE_END, reason, QUIET_MILLIS);
        }
        return new Seen(
                ServerState.STOPPED,
                reason.isEmpty() ? "the guest powered off" : reason,
                QUIET_MILLIS);
    }

    /** What is to be said of a server one of whose disks is not ready. */
    private Optional<Seen> waitsForDisks(Server server) {
        for (Disk disk : server.getDisksList()) {
            switch (disks.state(disk.getId())) {
                case Disks.State.Ready _ -> {}
                case Disks.State.Coming _ -> {
                    return Optional.of(new Seen(ServerState.STARTING, "", RETRY_MILLIS));
                }
                case Disks.State.Failed(String reason) -> {
                    return Optional.of(Seen.failed(FailureKind.FAILURE_DISK, reason, RETRY_MILLIS));
                }
            }
        }
        return Optional.empty();
    }

    private Seen start(Server server, Attempts tries) {
        Optional<Seen> waits = waitsForDisks(server);
        if (waits.isPresent()) {
            return waits.get();
        }
        List<Path> files = new ArrayList<>();
        for (ImagePart part : MachineSpecs.bootParts(server)) {
            switch (images.ask(server.getId(), part)) {
                case Images.Answer.Here(Path file) -> files.add(file);
                case Images.Answer.Coming _ -> {}
                case Images.Answer.Missing(String reason) -> {
                    return Seen.failed(FailureKind.FAILURE_IMAGE, reason, RETRY_MILLIS);
                }
            }
        }
        if (files.size() < MachineSpecs.bootParts(server).size()) {
            return new Seen(ServerState.STARTING, "", RETRY_MILLIS);
        }
        MachineSpec spec = specs.machine(server, files);
        plug(server);
        ledger.put(server.getId(), entryOf(server, STARTING));
        machines.start(spec);
        tries.started = true;
        LOG.log(
                Level.INFO,
                "started server={0} boot={1} soft={2}",
                server.getId(),
                server.getBootGeneration(),
                server.getSoftRebootGeneration());
        return new Seen(ServerState.STARTING, "", POLL_MILLIS);
    }

    private Seen hostFailed(Server server, HostException e) {
        return switch (e.category()) {
            // The daemon's trouble, not the server's: the whole pass is tried again.
            case UNAVAILABLE, TIMEOUT -> throw e;
            // What is true will be seen by the next look.
            case NOT_FOUND, CONFLICT -> new Seen(ServerState.STARTING, "", POLL_MILLIS);
            case INVALID, EXHAUSTED, FAILED -> {
                Attempts tries =
                        attempts.computeIfAbsent(server.getId(), id -> new Attempts(server));
                tries.fail(e.getMessage(), nowMillis.getAsLong());
                yield tries.exhausted()
                        ? Seen.failed(FailureKind.FAILURE_START, e.getMessage(), RETRY_MILLIS)
                        : new Seen(ServerState.STARTING, e.getMessage(), RETRY_MILLIS);
            }
        };
    }

    private void plug(Server server) {
        specs.devices(server).nics().forEach(nic -> network.plug(interfaceOf(nic)));
    }

    private static Network.Interface interfaceOf(dev.iod.host.Nic nic) {
        return new Network.Interface(nic.id(), nic.socket(), nic.mac(), nic.mtu());
    }

    /**
     * A disk is attached as long as its machine has its ports; a volume also until a machine that
     * had it has given it back. What only the server's next boot has is not wanted before the
     * machine of the present one has stopped: a root disk takes the room of the one before.
     */
    private Map<String, Disks.Wanted> disks(
            Goal goal, Map<String, MachineStatus> here, Set<String> held) {
        Map<String, Disks.Wanted> wanted = new HashMap<>();
        for (Disk volume : goal.getVolumesList()) {
            String id = volume.getId();
            wanted.put(id, new Disks.Wanted(volume, specs.socket(volume), held.contains(id)));
        }
        for (Server server : goal.getServersList()) {
            Optional<MachineStatus> machine = Optional.ofNullable(here.get(server.getId()));
            boolean attached = keepsPorts(server, machine);
            Set<String> now = disksUntilStopped(server, machine);
            for (Disk disk : server.getDisksList()) {
                if (!now.isEmpty() && !now.contains(disk.getId())) {
                    continue;
                }
                // What the goal says of a volume is said there, not by its server.
                Disk told =
                        Optional.ofNullable(wanted.get(disk.getId()))
                                .map(Disks.Wanted::disk)
                                .orElse(disk);
                wanted.put(disk.getId(), new Disks.Wanted(told, specs.socket(disk), attached));
            }
        }
        return wanted;
    }

    /** The disks of a machine of an earlier boot; empty when there is none. */
    private Set<String> disksUntilStopped(Server server, Optional<MachineStatus> machine) {
        boolean earlier =
                ledger.entry(server.getId())
                        .filter(e -> e.boot() != server.getBootGeneration())
                        .isPresent();
        return machine.filter(Reconciler::alive).filter(_ -> earlier).stream()
                .flatMap(m -> m.devices().stream())
                .map(DeviceStatus::device)
                .filter(device -> device instanceof dev.iod.host.Disk)
                .map(Device::id)
                .collect(Collectors.toSet());
    }

    /**
     * Disks that stay as they are: those that are not wanted any more, and that their guests have
     * not let go of; and those of a server's next boot while the machine of the present one runs.
     */
    private Set<String> held(Goal goal, Map<String, MachineStatus> here) {
        Set<String> volumes =
                goal.getVolumesList().stream().map(Disk::getId).collect(Collectors.toSet());
        Set<String> held = new HashSet<>();
        for (Server server : goal.getServersList()) {
            leaving(server, Optional.ofNullable(here.get(server.getId()))).stream()
                    .filter(device -> device instanceof dev.iod.host.Disk)
                    .forEach(device -> held.add(device.id()));
            Set<String> now =
                    disksUntilStopped(server, Optional.ofNullable(here.get(server.getId())));
            server.getDisksList().stream()
                    .map(Disk::getId)
                    .filter(id -> !now.isEmpty() && !now.contains(id) && !volumes.contains(id))
                    .forEach(held::add);
        }
        return held;
    }

    private static List<dev.iod.host.Nic> leavingNics(
            Server server, Optional<MachineStatus> machine) {
        return leaving(server, machine).stream()
                .filter(device -> device instanceof dev.iod.host.Nic)
                .map(device -> (dev.iod.host.Nic) device)
                .toList();
    }

    /** Devices that a machine has and its goal does not name: their back ends must stay. */
    private static List<Device> leaving(Server server, Optional<MachineStatus> machine) {
        Set<String> wanted = new HashSet<>();
        server.getDisksList().forEach(disk -> wanted.add(disk.getId()));
        server.getNicsList().forEach(nic -> wanted.add(nic.getPortId()));
        return machine.stream()
                .filter(Reconciler::alive)
                .flatMap(m -> m.devices().stream())
                .map(DeviceStatus::device)
                .filter(device -> !wanted.contains(device.id()))
                .toList();
    }

    /** Whether the ports of all interfaces that the machine has are live. */
    private boolean live(Server server, Optional<MachineStatus> machine) {
        Set<String> attached =
                machine.stream()
                        .flatMap(m -> m.devices().stream())
                        .filter(d -> d.state() == DeviceState.ATTACHED)
                        .map(d -> d.device().id())
                        .collect(Collectors.toSet());
        return server.getNicsList().stream()
                .map(Nic::getPortId)
                .filter(attached::contains)
                .allMatch(network::live);
    }

    private List<dev.iod.node.DeviceStatus> devices(Server server, MachineStatus machine) {
        List<dev.iod.node.DeviceStatus> statuses = new ArrayList<>();
        Set<String> known = new HashSet<>();
        String reason = refused.getOrDefault(server.getId(), "");
        Set<String> leaving =
                leaving(server, Optional.of(machine)).stream()
                        .map(Device::id)
                        .collect(Collectors.toSet());
        for (DeviceStatus status : machine.devices()) {
            String id = status.device().id();
            known.add(id);
            // One that virtDaemon was not told to give back, or would not, is on its way out too.
            boolean kept = leaving.contains(id) && status.state() != DeviceState.DETACHING;
            statuses.add(
                    kept
                            ? deviceStatus(id, dev.iod.node.DeviceState.DETACHING, reason)
                            : deviceStatus(
                                    id,
                                    switch (status.state()) {
                                        case ATTACHING -> dev.iod.node.DeviceState.ATTACHING;
                                        case ATTACHED -> dev.iod.node.DeviceState.ATTACHED;
                                        case DETACHING -> dev.iod.node.DeviceState.DETACHING;
                                    },
                                    status.reason()));
        }
        for (Disk disk : server.getDisksList()) {
            if (known.add(disk.getId())) {
                String failed =
                        disks.state(disk.getId()) instanceof Disks.State.Failed(String why)
                                ? why
                                : reason;
                statuses.add(
                        deviceStatus(disk.getId(), dev.iod.node.DeviceState.ATTACHING, failed));
            }
        }
        for (Nic nic : server.getNicsList()) {
            if (known.add(nic.getPortId())) {
                statuses.add(
                        deviceStatus(nic.getPortId(), dev.iod.node.DeviceState.ATTACHING, reason));
            }
        }
        return statuses;
    }

    private static dev.iod.node.DeviceStatus deviceStatus(
            String id, dev.iod.node.DeviceState state, String reason) {
        return dev.iod.node.DeviceStatus.newBuilder()
                .setId(id)
                .setState(state)
                .setReason(reason)
                .build();
    }

    private ServerStatus status(Server server, Seen seen, Optional<MachineStatus> machine) {
        // What runs is of the generation it was started in; what does not, failed or waits to be
        // started in the one that is wanted.
        Entry entry =
                machine.filter(Reconciler::alive)
                        .flatMap(m -> ledger.entry(server.getId()))
                        .orElse(entryOf(server, STARTING));
        ServerStatus.Builder status =
                ServerStatus.newBuilder()
                        .setId(server.getId())
                        .setState(seen.state)
                        .setFailure(seen.failure)
                        .setReason(seen.reason)
                        .setBootGeneration(entry.boot())
                        .setSoftRebootGeneration(entry.softReboot())
                        .setNetworkReady(
                                seen.state != ServerState.STARTING
                                        && machine.filter(Reconciler::alive).isPresent()
                                        && live(server, machine));
        machine.filter(Reconciler::alive).ifPresent(m -> status.addAllDevices(devices(server, m)));
        machine.ifPresent(m -> status.setPid(m.pid()).setLaunchedAt(m.startedAtMillis() / 1000));
        return status.build();
    }

    private static boolean isOf(Entry entry, Server server) {
        return entry.isOf(server.getBootGeneration(), server.getSoftRebootGeneration());
    }

    private static Entry entryOf(Server server, Ledger.Phase phase) {
        return new Entry(server.getBootGeneration(), server.getSoftRebootGeneration(), phase);
    }

    private static boolean alive(MachineStatus machine) {
        return machine.state().alive();
    }

    /**
     * What servers and disks need images, by the images' SHA-256. The image of a disk is needed
     * until the disk is made.
     */
    private Map<String, Set<String>> images(Goal goal) {
        Map<String, Set<String>> wishes = new HashMap<>();
        for (Server server : goal.getServersList()) {
            for (ImagePart part : MachineSpecs.bootParts(server)) {
                wishes.computeIfAbsent(part.getSha256(), _ -> new HashSet<>()).add(server.getId());
            }
            addImages(wishes, server.getDisksList());
        }
        addImages(wishes, goal.getVolumesList());
        return wishes;
    }

    private void addImages(Map<String, Set<String>> wishes, List<Disk> wanted) {
        for (Disk disk : wanted) {
            if (disk.hasImage() && !ready(disk.getId())) {
                wishes.computeIfAbsent(disk.getImage().getSha256(), _ -> new HashSet<>())
                        .add(disk.getId());
            }
        }
    }
}
