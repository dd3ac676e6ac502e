package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.eswitch.ports.Port;
import dev.iod.eswitch.ports.XdpPort;
import dev.iod.eswitch.tunnel.GeneveXdp;
import dev.iod.eswitch.tunnel.NetlinkUnderlay;
import dev.iod.pipeline.EngineReport;
import dev.iod.sys.RtNetlink;
import dev.iod.sys.SysException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
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
        NetlinkUnderlay underlay = new NetlinkUnderlay(config.uplink(), config.encapsulation());
        underlay.start();
        RunningEngine engine =
                RunningEngine.start(config, underlay, () -> Optional.of(uplink(config)));
        CountDownLatch stopped = new CountDownLatch(1);
        Thread stop =
                new Thread(
                        () -> {
                            engine.close();
                            underlay.close();
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
        Port port = XdpPort.open(config.uplink(), new GeneveXdp(config.encapsulation()));
        return new Attachment(EngineReport.UPLINK, config.uplink(), port, false, mtuBytes);
    }
}
