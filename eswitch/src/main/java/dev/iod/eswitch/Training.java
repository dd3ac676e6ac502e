package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.ports.GeneveXdp;
import dev.iod.eswitch.ports.XdpUplink;
import dev.iod.eswitch.tunnel.NetlinkUnderlay;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import dev.iod.pipeline.ReportCodec;
import dev.iod.sys.AfXdp;
import dev.iod.sys.Bpf;
import dev.iod.sys.SysException;
import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.NetDriver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A short life of an engine without uplink, from which the build makes the cache that later starts
 * use ({@code -XX:AOTCacheOutput}, JEP 483 and 515): two ports, an agent, some traffic. Needs no
 * rights.
 */
public final class Training {
    private static final int ROUNDS = 300;
    private static final long[] MACS = {0x0a_0000_0000_01L, 0x0a_0000_0000_02L};
    private static final long LIMIT_NANOS = 20_000_000_000L;

    private static final System.Logger LOG = System.getLogger(Training.class.getName());

    /** Classes of a start that are used only with rights; naming them loads them. */
    private static final List<Class<?>> UNREACHED =
            List.of(Main.class, GeneveXdp.class, AfXdp.class, AfXdp.Options.class, Bpf.class);

    private Training() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        LOG.log(System.Logger.Level.DEBUG, () -> "also needed by a start: " + UNREACHED);
        Path directory = Files.createTempDirectory("iod-training");
        try {
            live(directory);
            // What a second engine reads is there only now.
            live(directory);
        } finally {
            delete(directory);
        }
    }

    private static void live(Path directory) throws IOException, InterruptedException {
        try {
            XdpUplink.open("iod-no-such", 0);
        } catch (SysException | EngineException e) {
            LOG.log(System.Logger.Level.INFO, "as expected: {0}", e.getMessage());
        }
        List<FrontEnd> guests = new ArrayList<>();
        for (int i = 0; i < MACS.length; i++) {
            Path socket = directory.resolve("v" + i);
            Files.deleteIfExists(socket);
            guests.add(new FrontEnd(new FrontEnd.Options(socket, 2, 64, 1 << 20, true)));
        }
        EngineConfig config =
                new EngineConfig(
                        directory.resolve("s"),
                        "none",
                        0,
                        directory.resolve("tables"),
                        OptionalInt.empty(),
                        1024,
                        1024,
                        new EngineConfig.Limits(1024, 1024, 1024, 0),
                        true);
        CountDownLatch told = new CountDownLatch(1);
        try (NetlinkUnderlay underlay = new NetlinkUnderlay("lo", 0);
                RunningEngine engine = RunningEngine.start(config, underlay, Optional::empty);
                EngineClient agent =
                        EngineClient.open(
                                config.socket(), "training", new Agent(directory, told))) {
            underlay.start();
            await("the agent is served", () -> told.getCount() == 0);
            List<NetDriver> drivers = connect(guests);
            await("the ports are up", () -> up(engine));
            traffic(drivers);
            agent.counters().join();
        }
        guests.forEach(FrontEnd::close);
    }

    private static boolean up(RunningEngine engine) {
        return engine.control().answer(new ReportCodec.Query.Devices())
                        instanceof EngineReport.Devices devices
                && devices.devices().stream().allMatch(EngineReport.DeviceStatus::up);
    }

    private static List<NetDriver> connect(List<FrontEnd> guests) {
        List<NetDriver> drivers = new ArrayList<>();
        for (FrontEnd guest : guests) {
            guest.connect();
            NetDriver driver = new NetDriver(guest);
            driver.fillReceiveRing();
            drivers.add(driver);
        }
        return drivers;
    }

    private static void traffic(List<NetDriver> drivers) {
        byte[] frame = new byte[100];
        for (int i = 0; i < 6; i++) {
            frame[i] = (byte) (MACS[1] >>> 40 - 8 * i);
            frame[6 + i] = (byte) (MACS[0] >>> 40 - 8 * i);
        }
        frame[12] = (byte) 0x88; // local experimental EtherType 1 (IEEE 802)
        frame[13] = (byte) 0xb5;
        for (int round = 0; round < ROUNDS; round++) {
            int before = round;
            drivers.get(0).send(List.of(frame));
            await(
                    "frame " + before,
                    () -> {
                        drivers.get(0).reapTransmitted();
                        return !drivers.get(1).receive().isEmpty();
                    });
        }
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(String what, Condition condition) {
        long until = System.nanoTime() + LIMIT_NANOS;
        while (!condition.holds()) {
            if (System.nanoTime() - until > 0) {
                throw new EngineException(
                        EngineException.Category.UNAVAILABLE, "training stopped at: " + what);
            }
            LockSupport.parkNanos(20_000);
        }
    }

    /** Tells the engine to carry what comes from port 1 to the port with the MAC address. */
    private record Agent(Path directory, CountDownLatch told) implements EngineClient.Listener {
        @Override
        public void connected(EngineClient client) {
            EngineClient.Transaction all = client.replacement();
            all.put(new Entity.Datapath(1, "net", 0, 0));
            for (int i = 0; i < MACS.length; i++) {
                String socket = directory.resolve("v" + i).toString();
                all.put(
                        new Entity.Device(
                                i + 1, "v" + i, new Entity.Kind.VhostUser(socket, MACS[i]), 1442));
                all.put(
                        new Entity.LogicalPort(
                                1 << 16 | i + 1,
                                "p" + i,
                                new Entity.Target.Local(i + 1),
                                10 + i,
                                Optional.empty()));
                all.put(
                        rule(
                                i + 1,
                                Action.Stage.INGRESS,
                                Match.equal(Field.ETH_DST, MACS[i]),
                                List.of(
                                        new Action.Set(
                                                Field.OUT_PORT.whole(), Bits.of(1 << 16 | i + 1)),
                                        new Action.Output())));
            }
            all.put(rule(9, Action.Stage.EGRESS, new Match.Always(), List.of(new Action.Output())));
            all.commit().orTimeout(20, TimeUnit.SECONDS).join();
            told.countDown();
        }

        private static Entity.Rule rule(
                long id, Action.Stage stage, Match match, List<Action> actions) {
            return new Entity.Rule(id, "training", 1, stage, 0, 1, match, actions);
        }

        @Override
        public void disconnected(String reason) {}

        @Override
        public void event(EngineEvent event) {}
    }

    private static void delete(Path directory) {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
