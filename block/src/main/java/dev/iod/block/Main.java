package dev.iod.block;

import dev.iod.engine.ControlServer;
import dev.iod.engine.EngineException;
import dev.iod.sys.SysException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;

/** The engine process: {@code java -m dev.iod.block/dev.iod.block.Main CONFIG}. */
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
        // A shard that dies of a defect would leave guests waiting for ever: the supervisor's
        // restart takes their requests up again.
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, e) -> {
                    LOG.log(System.Logger.Level.ERROR, "thread " + thread.getName() + " died", e);
                    Runtime.getRuntime().halt(DEFECT);
                });
        try {
            run(BlockConfig.read(Path.of(args[0])));
        } catch (EngineException | SysException | IOException e) {
            LOG.log(System.Logger.Level.ERROR, e.getMessage());
            System.exit(1);
        }
    }

    private static void run(BlockConfig config) throws IOException, InterruptedException {
        Path volumes = PoolDirectory.prepare(config);
        if (!volumes.equals(config.pool())) {
            LOG.log(
                    System.Logger.Level.INFO,
                    config.pool() + " has no reflinks: the pool is a file system in a file there");
        }
        LocalPool pool = LocalPool.open(volumes);
        List<Shard> shards = new ArrayList<>();
        for (int i = 0; i < config.shards(); i++) {
            Shard shard = new Shard("shard-" + i, OptionalInt.empty(), config.spinMicros() * 1000L);
            shard.start();
            shards.add(shard);
        }
        BlockEngine engine =
                new BlockEngine(
                        pool,
                        shards,
                        new AttachmentStore(config.state()),
                        config.discardData()
                                ? BackendFactory.discarding(pool)
                                : BackendFactory.of(pool),
                        config.requireSealed());
        engine.restore();
        ControlServer server = ControlServer.start(new BlockProtocol(engine), config.socket());

        CountDownLatch stopped = new CountDownLatch(1);
        Thread stop =
                new Thread(
                        () -> {
                            server.close();
                            engine.close();
                            stopped.countDown();
                        },
                        "stop");
        Runtime.getRuntime().addShutdownHook(stop);
        LOG.log(System.Logger.Level.INFO, "ready");
        stopped.await();
    }
}
