package dev.iod.eswitch;

import dev.iod.sys.RtNetlink;
import dev.iod.sys.SysException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** The engine process: {@code java -m dev.iod.eswitch/dev.iod.eswitch.Main CONFIG}. */
public final class Main {
    private static final System.Logger LOG = System.getLogger(Main.class.getName());

    /** Exit status: EX_SOFTWARE of sysexits(3). */
    private static final int DEFECT = 70;

    private Main() {}

    public static void main(String[] args) throws InterruptedException {
        if (args.length != 1) {
            System.err.println("usage: Main CONFIG (a properties file)");
            System.exit(2);
        }
        // A thread that dies of a defect would leave a process that looks alive and moves nothing:
        // the supervisor's restart keeps connections and is quicker.
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, e) -> {
                    LOG.log(System.Logger.Level.ERROR, "thread " + thread.getName() + " died", e);
                    Runtime.getRuntime().halt(DEFECT);
                });
        try {
            run(EngineConfig.read(Path.of(args[0])));
        } catch (EngineException | SysException | IOException e) {
            LOG.log(System.Logger.Level.ERROR, e.getMessage());
            System.exit(1);
        }
    }

    private static void run(EngineConfig config) throws IOException, InterruptedException {
        Counters counters = new Counters();
        EventQueue events = new EventQueue(counters);
        ConnectionTable connections =
                ConnectionTable.open(
                        config.tables(), config.connections(), EngineThread.nowMillis());
        EngineConfig.Limits limits = config.limits();
        Conntrack conntrack =
                new Conntrack(
                        connections,
                        new Conntrack.Limits(
                                limits.connectionsPerZone(), limits.connectionsPerPort()),
                        counters);
        FlowTable flows = new FlowTable(config.flows(), limits.flowsPerPort(), counters);
        PathCache paths = new PathCache(counters);
        NetlinkUnderlay underlay = new NetlinkUnderlay(config.uplink(), config.encapsulation());
        PacketEngine packets =
                new PacketEngine(
                        counters,
                        conntrack,
                        flows,
                        paths,
                        underlay,
                        events,
                        new Senders(limits.missesPerRemotePort()),
                        config.encapsulation());
        EngineThread engine =
                new EngineThread(packets, conntrack, flows, counters, events, config.cpu());
        EngineControl control =
                new EngineControl(
                        engine,
                        packets,
                        flows,
                        counters,
                        underlay,
                        new StateFile(config.tables()),
                        device -> openDevice(device, config.requireSealed()));
        engine.attach(uplink(config));
        underlay.start();
        engine.start();
        control.start();
        control.restore();
        ControlServer server = ControlServer.start(control, events, config.socket());

        CountDownLatch stopped = new CountDownLatch(1);
        Thread stop =
                new Thread(
                        () -> {
                            server.close();
                            control.close();
                            engine.close();
                            underlay.close();
                            connections.close();
                            stopped.countDown();
                        },
                        "stop");
        Runtime.getRuntime().addShutdownHook(stop);
        LOG.log(System.Logger.Level.INFO, "ready");
        stopped.await();
    }

    private static Attachment uplink(EngineConfig config) {
        int mtuBytes;
        try (RtNetlink netlink = RtNetlink.open()) {
            mtuBytes = netlink.link(config.uplink()).map(RtNetlink.Link::mtuBytes).orElse(0);
        }
        Port port = XdpUplink.open(config.uplink(), config.encapsulation());
        return new Attachment(EngineReport.UPLINK, config.uplink(), port, false, mtuBytes);
    }

    private static Port openDevice(Entity.Device device, boolean requireSealed) {
        return switch (device.kind()) {
            case Entity.Kind.VhostUser k ->
                    new VhostUserPort(
                            device.name(),
                            Path.of(k.socketPath()),
                            device.mtuBytes(),
                            requireSealed);
            case Entity.Kind.Service k -> ServicePort.open(k);
        };
    }
}
