package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.ports.XdpPort;
import dev.iod.eswitch.tunnel.GeneveXdp;
import dev.iod.eswitch.tunnel.NetlinkUnderlay;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.EngineClient;
import dev.iod.pipeline.EngineEvent;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Field;
import dev.iod.pipeline.Match;
import dev.iod.pipeline.PortKey;
import dev.iod.pipeline.ReportCodec;
import dev.iod.sys.AfXdp;
import dev.iod.sys.Bpf;
import dev.iod.sys.SysException;
import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.NetDriver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
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
 * use ({@code -XX:AOTCacheOutput}, JEP 483 and 515): two ports with a security group, an agent, and
 * traffic until the packet path is hot, for the cache keeps what the compilers learned of it. Needs
 * no rights.
 */
public final class Training {
    /** Each way; a life takes about two seconds. */
    private static final int BATCHES = 6_000;

    private static final int BATCH = 32;

    /** Connections that are used again; each batch begins one more, in turn. */
    private static final int CONNECTIONS = 256;

    private static final int NEW_CONNECTIONS = 4_096;
    private static final int TABLE_ENTRIES = 32_768;
    private static final long[] MACS = {0x0a_0000_0000_01L, 0x0a_0000_0000_02L};
    private static final int SERVER_PORT = 53;
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
            XdpPort.open("iod-no-such", new GeneveXdp(0));
        } catch (SysException | EngineException e) {
            LOG.log(System.Logger.Level.INFO, "as expected: {0}", e.getMessage());
        }
        List<FrontEnd> guests = new ArrayList<>();
        for (int i = 0; i < MACS.length; i++) {
            Path socket = directory.resolve("v" + i);
            Files.deleteIfExists(socket);
            guests.add(new FrontEnd(new FrontEnd.Options(socket, 2, 128, 1 << 20, true)));
        }
        EngineConfig config =
                new EngineConfig(
                        directory.resolve("s"),
                        "none",
                        0,
                        directory.resolve("tables"),
                        OptionalInt.empty(),
                        TABLE_ENTRIES,
                        TABLE_ENTRIES,
                        new EngineConfig.Limits(TABLE_ENTRIES, TABLE_ENTRIES, TABLE_ENTRIES, 0),
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
        List<List<byte[]>> frames = List.of(batch(0), batch(1));
        for (int round = 0; round < BATCHES; round++) {
            for (int from = 0; from < MACS.length; from++) {
                List<byte[]> batch = frames.get(from);
                for (int i = 0; i < BATCH; i++) {
                    int port =
                            i == 0
                                    ? 1024 + CONNECTIONS + round % NEW_CONNECTIONS
                                    : 1024 + (round * BATCH + i) % CONNECTIONS;
                    setClientPort(batch.get(i), from, port);
                }
                carry(drivers.get(from), drivers.get(1 - from), batch, "batch " + round);
            }
        }
    }

    private static void carry(NetDriver from, NetDriver to, List<byte[]> batch, String what) {
        from.send(batch);
        int[] left = {batch.size()};
        await(
                what,
                () -> {
                    from.reapTransmitted();
                    left[0] -= to.receive().size();
                    return left[0] == 0;
                });
    }

    private static List<byte[]> batch(int from) {
        List<byte[]> batch = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) {
            batch.add(datagram(from));
        }
        return batch;
    }

    /** UDP (RFC 768) without a checksum, of 100 bytes, from one port to the other. */
    private static byte[] datagram(int from) {
        byte[] frame = new byte[100];
        ByteBuffer at = ByteBuffer.wrap(frame);
        at.putShort((short) (MACS[1 - from] >>> 32)).putInt((int) MACS[1 - from]);
        at.putShort((short) (MACS[from] >>> 32)).putInt((int) MACS[from]);
        at.putShort((short) 0x0800);
        // Version and length, no fragment, 64 hops, UDP (RFC 791).
        at.putInt(0x4500_0000 | frame.length - 14).putInt(0).putInt(0x4011_0000);
        at.putInt(0x0a00_0001 + from).putInt(0x0a00_0002 - from);
        int sum = 0;
        for (int i = 14; i < 34; i += 2) {
            sum += at.getShort(i) & 0xffff;
        }
        at.putShort(24, (short) ~((sum & 0xffff) + (sum >>> 16)));
        at.putShort((short) SERVER_PORT).putShort((short) SERVER_PORT);
        at.putShort((short) (frame.length - 34));
        return frame;
    }

    /** The first port is the client's. */
    private static void setClientPort(byte[] frame, int from, int port) {
        ByteBuffer.wrap(frame).putShort(from == 0 ? 34 : 36, (short) port);
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
                                PortKey.of(1, i + 1),
                                "p" + i,
                                new Entity.Target.Local(i + 1),
                                10 + i,
                                Optional.empty()));
                all.put(
                        rule(
                                i + 1,
                                Action.Stage.INGRESS,
                                2,
                                1,
                                Match.equal(Field.ETH_DST, MACS[i]),
                                new Action.Set(
                                        Field.OUT_PORT.whole(), Bits.of(PortKey.of(1, i + 1))),
                                new Action.Output()));
            }
            filter(all, 10, Action.Stage.INGRESS);
            filter(all, 20, Action.Stage.EGRESS);
            all.put(rule(9, Action.Stage.EGRESS, 2, 1, new Match.Always(), new Action.Output()));
            all.commit().orTimeout(20, TimeUnit.SECONDS).join();
            told.countDown();
        }

        /** What OVN makes of a security group: connections are tracked, new ones committed. */
        private static void filter(EngineClient.Transaction to, long id, Action.Stage stage) {
            Match ip = Match.equal(Field.ETH_TYPE, 0x0800);
            Match isNew = new Match.Masked(Field.CT_STATE, Bits.of(1), Bits.of(1));
            Action further = new Action.Next(stage, 2);
            to.put(
                    rule(
                            id,
                            stage,
                            0,
                            1,
                            ip,
                            new Action.ConntrackNext(Action.Zone.PORT),
                            new Action.Next(stage, 1)));
            to.put(
                    rule(
                            id + 1,
                            stage,
                            1,
                            2,
                            isNew,
                            new Action.ConntrackCommit(Action.Zone.PORT, List.of()),
                            further));
            to.put(rule(id + 2, stage, 1, 1, new Match.Always(), further));
        }

        private static Entity.Rule rule(
                long id, Action.Stage stage, int table, int priority, Match match, Action... does) {
            return new Entity.Rule(id, "training", 1, stage, table, priority, match, List.of(does));
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
