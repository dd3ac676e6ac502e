package dev.iod.dpu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.block.BlockClient;
import dev.iod.block.VolumeStatus;
import dev.iod.engine.EngineException;
import dev.iod.host.HostClient;
import dev.iod.host.HostException;
import dev.iod.node.DeviceState;
import dev.iod.node.Goal;
import dev.iod.node.ImagePart;
import dev.iod.node.Nic;
import dev.iod.node.Server;
import dev.iod.node.ServerStatus;
import dev.iod.runtime.Metrics;
import dev.iod.vhost.DeviceType;
import dev.iod.vhost.VhostDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk and an interface are added to a running guest and removed, by the agent's reconciler and
 * its disks, with virtDaemon, QEMU and the block engine as processes, which are killed meanwhile.
 * The packet engine is a vhost-user device of this test.
 */
@Timeout(600)
final class HotPlugGuestTest {
    private static final String ID = "11111111-2222-4333-8444-555555555555";
    private static final String DISK = "data-1";
    private static final String NIC = "extra-port";
    private static final int MIB = 1 << 20;
    private static final int ROUNDS = 7;

    /**
     * Tells of disks and links that come and go, as NAME, how many times it came, and what it is;
     * writes to each disk and reads it back. Says all of it again, because a virtDaemon that is
     * killed while it writes the console down loses what it read last.
     */
    private static final String SCRIPT =
            """
            #!/bin/sh
            say() { echo "test: $*" >/dev/console; }
            note() { echo "$*" >/run/note/$1; say "$*"; }
            sum() { sha256sum | cut -c1-64; }
            came() { mkdir /run/here/$1 2>/dev/null && echo >>/run/times/$1; }
            number() { wc -l </run/times/$1; }
            mkdir -p /run/here /run/times /run/note
            note ready 1 yes
            turn=0
            while :; do
                for path in /sys/block/vd*; do
                    disk=${path##*/}
                    [ -b "/dev/$disk" ] && came $disk || continue
                    dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>/dev/null
                    if dd if=/tmp/data of=/dev/$disk bs=64k conv=fsync 2>/dev/null; then
                        echo 3 >/proc/sys/vm/drop_caches
                        note $disk $(number $disk) wrote $(sum </tmp/data) \
            $(dd if=/dev/$disk bs=64k count=16 2>/dev/null | sum)
                    else
                        note $disk $(number $disk) FAILED
                    fi
                done
                for path in /sys/class/net/eth*; do
                    link=${path##*/}
                    [ "$(cat "$path/carrier" 2>/dev/null)" = 1 ] && came $link || continue
                    note $link $(number $link) link $(cat "$path/address")
                done
                for path in /run/here/*; do
                    name=${path##*/}
                    [ -e "/sys/block/$name" ] || [ -e "/sys/class/net/$name" ] ||
                        { rmdir "$path" && note $name $(number $name) gone; }
                done
                turn=$((turn + 1))
                [ $((turn % 30)) != 0 ] || for path in /run/note/*; do say "$(cat "$path")"; done
                usleep 100000
            done
            """;

    @TempDir static Path shared;
    private static Map<String, Path> files = Map.of();

    @TempDir Path directory;
    private final Map<String, BackEnd> engine = new ConcurrentHashMap<>();
    private Optional<BlockProcess> blockProcess = Optional.empty();
    private Optional<HostProcess> hostProcess = Optional.empty();
    private Optional<Agent> runningAgent = Optional.empty();

    @BeforeAll
    static void image() throws IOException, InterruptedException {
        GuestImage.build();
        files =
                Map.of(
                        Goals.KERNEL,
                        GuestImage.kernel(),
                        Goals.INITRD,
                        GuestImage.initrd(shared.resolve("initrd"), SCRIPT));
    }

    @BeforeEach
    void start() throws IOException {
        blockProcess = Optional.of(new BlockProcess(directory));
        hostProcess = Optional.of(new HostProcess(directory));
        startAgent();
    }

    @AfterEach
    void stop() throws IOException {
        settle("all is gone", Goals.of(), () -> agent().host.list().isEmpty());
        agent().close();
        host().close();
        engine.values().forEach(BackEnd::close);
        blockProcess.orElseThrow().close();
    }

    private BlockProcess block() {
        return blockProcess.orElseThrow();
    }

    private HostProcess host() {
        return hostProcess.orElseThrow();
    }

    private Agent agent() {
        return runningAgent.orElseThrow();
    }

    private void startAgent() {
        runningAgent.ifPresent(Agent::close);
        runningAgent = Optional.of(new Agent());
    }

    /** What is gone when the agent is killed: all but its ledger. */
    private final class Agent implements AutoCloseable {
        final HostClient host = new HostClient(host().socket(), status -> {});
        final PoolDisks disks =
                new PoolDisks(block().socket(), "test", new FileImages(), Captures.NONE, () -> {});
        final Reconciler reconciler =
                new Reconciler(
                        new HostMachines(host, new AgentMetrics(new Metrics())),
                        new EngineNetwork(),
                        new FileImages(),
                        disks,
                        Ledger.open(directory.resolve("servers")),
                        new MachineSpecs(host().sockets()),
                        System::currentTimeMillis);

        Agent() {
            disks.start();
        }

        @Override
        public void close() {
            disks.close();
            host.close();
        }
    }

    /** Images that are files already. */
    private static final class FileImages implements Images {
        @Override
        public Answer ask(String wish, ImagePart part) {
            return Optional.ofNullable(files.get(part.getSha256()))
                    .<Answer>map(Answer.Here::new)
                    .orElseGet(() -> new Answer.Missing("there is no such image"));
        }

        @Override
        public void needed(Map<String, Set<String>> wishes) {}
    }

    /** One agent's view of the packet engine, which outlives it. */
    private final class EngineNetwork implements Network {
        private final Map<String, Interface> plugged = new HashMap<>();

        @Override
        public void plug(Interface wanted) {
            plugged.put(wanted.port(), wanted);
            engine.computeIfAbsent(wanted.port(), port -> new BackEnd(wanted));
        }

        @Override
        public void unplug(String port) {
            plugged.remove(port);
            Optional.ofNullable(engine.remove(port)).ifPresent(BackEnd::close);
        }

        @Override
        public void allPlugged() {
            for (String port : List.copyOf(engine.keySet())) {
                if (!plugged.containsKey(port)) {
                    unplug(port);
                }
            }
        }

        @Override
        public Set<String> plugged() {
            return Set.copyOf(plugged.keySet());
        }

        @Override
        public boolean live(String port) {
            return plugged.containsKey(port);
        }
    }

    /** A network device whose engine takes over its rings and leaves what is in them. */
    private static final class BackEnd implements AutoCloseable {
        private static final DeviceType TYPE = new DeviceType(1L << 3, 2, 1, 1024);
        private final VhostDevice device;
        private final Thread thread = Thread.ofPlatform().daemon().unstarted(this::run);
        private volatile boolean ringsLive;
        private volatile boolean closed;

        BackEnd(Network.Interface wanted) {
            device =
                    VhostDevice.start(
                            new VhostDevice.Options(
                                    wanted.port(),
                                    wanted.socket(),
                                    VhostDevice.Role.DIAL,
                                    TYPE,
                                    true));
            thread.start();
        }

        private void run() {
            while (!closed) {
                device.refresh();
                ringsLive = device.ring(0).live() && device.ring(1).live();
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
            }
        }

        @Override
        public void close() {
            closed = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            device.close();
        }
    }

    private static Server plain() {
        return Goals.server(ID);
    }

    private static Server more() {
        Nic nic = Goals.nic(NIC).toBuilder().setMac("fa:16:3e:00:00:02").build();
        return Goals.withDisk(plain(), DISK).toBuilder().addNics(nic).build();
    }

    /** Passes until a condition holds. */
    private void settle(String what, Goal goal, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(150);
        String trouble = "";
        while (true) {
            try {
                agent().reconciler.pass(goal);
                if (condition.getAsBoolean()) {
                    return;
                }
            } catch (HostException | EngineException e) {
                trouble = String.valueOf(e.getMessage()); // It was killed; the next one comes.
            }
            if (System.nanoTime() - end > 0) {
                throw new AssertionError(
                        "not in time: %s; %s; console:\n%s\nvirtDaemon:\n%s"
                                .formatted(
                                        what,
                                        trouble,
                                        text(directory.resolve("guests/" + ID + "/console.log")),
                                        text(host().log())));
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** What the guest has said; fails when virtDaemon does not answer. */
    private String console() {
        return new String(agent().host.console(ID, HostClient.MAX_CONSOLE_BYTES), UTF_8);
    }

    private ServerStatus status(Goal goal) {
        return agent().reconciler.pass(goal).servers().getFirst();
    }

    /** Whether the machine has exactly the devices of its goal, and QEMU nothing else. */
    private boolean asWanted(Goal goal) {
        Server server = goal.getServers(0);
        ServerStatus status = status(goal);
        return status.getDevicesCount() == server.getDisksCount() + server.getNicsCount()
                && status.getDevicesList().stream()
                        .allMatch(d -> d.getState() == DeviceState.ATTACHED);
    }

    /** Whether the guest's last word on a device is this. */
    private boolean says(String device, int times, String what) {
        return said(device).startsWith("test: %s %d %s".formatted(device, times, what));
    }

    private String said(String device) {
        return console()
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith("test: " + device + " "))
                .reduce("", (first, last) -> last);
    }

    private List<VolumeStatus> volumes() {
        try (BlockClient client = BlockClient.connect(block().socket(), "looks")) {
            return client.list();
        }
    }

    private String sumOfVolume() throws IOException {
        try (var in = Files.newInputStream(block().volumes().resolve(DISK).resolve("data"))) {
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(in.readNBytes(MIB));
            return HexFormat.of().formatHex(sum);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private void boot() {
        settle("it is ready", Goals.of(plain()), () -> says("ready", 1, "yes"));
        settle("its own link is up", Goals.of(plain()), () -> says("eth0", 1, "link"));
    }

    /**
     * @param times how many times the devices have come then
     */
    private void add(int times) throws IOException {
        Goal goal = Goals.of(more());
        settle("the devices are there", goal, () -> asWanted(goal));
        settle("the guest uses the disk", goal, () -> says("vda", times, "wrote"));
        settle("it has a link", goal, () -> says("eth1", times, "link fa:16:3e:00:00:02"));
        settle("the engine has its rings", goal, () -> ringsLive(NIC));
        String[] words = said("vda").split(" ");
        assertThat(words).as(Arrays.toString(words)).hasSize(6);
        assertThat(words[5]).as("read what was written").isEqualTo(words[4]);
        assertThat(sumOfVolume()).as("it is in the volume").isEqualTo(words[4]);
    }

    private void remove(int times) {
        Goal goal = Goals.of(plain());
        settle("the devices are gone", goal, () -> asWanted(goal));
        settle("the guest has no disk", goal, () -> says("vda", times, "gone"));
        settle("the guest has no link", goal, () -> says("eth1", times, "gone"));
        settle("the volume is deleted", goal, () -> volumes().isEmpty());
        assertThat(engine).containsOnlyKeys("port-of-" + ID);
        assertThat(ringsLive("port-of-" + ID)).as("what stays works on").isTrue();
    }

    private boolean ringsLive(String port) {
        return Optional.ofNullable(engine.get(port)).filter(b -> b.ringsLive).isPresent();
    }

    @Test
    void devicesComeAndGoWhileEverythingIsKilled() throws IOException {
        long seed = Long.getLong("seed", 1);
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        boot();
        long pid = status(Goals.of(plain())).getPid();
        add(1);
        remove(1);
        for (int times = 2; times <= ROUNDS; times++) {
            killDuring(Goals.of(more()), times % 3, random);
            add(times);
            killDuring(Goals.of(plain()), (times + 1) % 3, random);
            remove(times);
        }
        assertThat(console()).doesNotContain("FAILED");
        assertThat(status(Goals.of(plain())).getPid()).as("the same QEMU").isEqualTo(pid);
    }

    /** Begins to make a goal true, and kills one of three. */
    private void killDuring(Goal goal, int who, Random random) throws IOException {
        int passes = random.nextInt(5);
        for (int i = 0; i <= passes; i++) {
            try {
                agent().reconciler.pass(goal);
            } catch (HostException e) {
                System.out.println("virtDaemon is not back yet: " + e.getMessage());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(60)));
        }
        switch (who) {
            case 0 -> host().restart();
            case 1 -> block().restart();
            default -> {
                startAgent();
                agent().reconciler.plugAll(goal);
            }
        }
    }
}
