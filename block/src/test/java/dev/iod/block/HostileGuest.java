package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.sys.SysException;
import dev.iod.vhost.testing.BlockDriver;
import dev.iod.vhost.testing.FrontEnd;
import java.util.concurrent.locks.LockSupport;

/** A guest that may break every rule, beside one that keeps them and is served all the time. */
final class HostileGuest implements AutoCloseable {
    private static final String EVIL = "evil";
    private static final String GOOD = "good";
    private static final long VOLUME_BYTES = 4 << 20;

    final Guest guest;
    final FrontEnd front;
    private final TestEngine engine;
    private final Guest good;
    private final Command attach;
    private int goodWrites;

    HostileGuest(TestEngine engine, int queues, byte[] key) {
        this.engine = engine;
        engine.engine.run(new Command.Create(EVIL, VOLUME_BYTES, true));
        engine.engine.run(new Command.Create(GOOD, VOLUME_BYTES, true));
        good = engine.attach(GOOD);
        attach =
                new Command.Attach(
                        EVIL,
                        new Location.Pool(),
                        engine.socket(EVIL),
                        false,
                        queues,
                        false,
                        Limits.NONE,
                        key);
        guest = engine.attach(EVIL, queues, Limits.NONE, key);
        front = guest.frontEnd;
    }

    /**
     * Ends the connection and makes the device anew, because a guest that broke the rules is let in
     * again only after a pause. The device dials.
     */
    void startOver() {
        engine.engine.run(new Command.Detach(EVIL));
        front.disconnect();
        front.forgetInflight();
        for (int i = 0; i < front.ringCount(); i++) {
            front.ring(i).reset();
        }
        engine.engine.run(attach);
    }

    /** Behaves. What dialled before a detachment may be in front of the line, dead. */
    void connect() {
        for (int left = 10; ; left--) {
            try {
                front.connect();
                return;
            } catch (FrontEnd.ClosedByBackEnd | SysException e) {
                if (left == 0) {
                    throw e;
                }
                front.disconnect();
                front.forgetInflight();
            }
        }
    }

    /**
     * The connection was ended with this reason, the good guest did not notice, a new one works.
     */
    void expectRefusal(String reason) {
        front.awaitClosed();
        long until = System.nanoTime() + 60_000_000_000L;
        while (!engine.device(EVIL).lastError().contains(reason)) {
            assertThat(System.nanoTime() - until)
                    .as("\"%s\" in \"%s\"", reason, engine.device(EVIL).lastError())
                    .isNegative();
            LockSupport.parkNanos(1_000_000);
        }
        goodGoesOn();
        startOver();
        connect();
        assertThat(guest.write(0, 4096, 1)).as("after %s", reason).isEqualTo(BlockDriver.OK);
    }

    void goodGoesOn() {
        goodWrites++;
        assertThat(good.write(goodWrites * 512L % (VOLUME_BYTES / 2), 4096, goodWrites))
                .isEqualTo(BlockDriver.OK);
    }

    /** At the end: the good guest's volume has seen no error. */
    void expectGoodUnharmed() {
        assertThat(good.flush()).isEqualTo(BlockDriver.OK);
        assertThat(engine.device(GOOD).lastError()).isEmpty();
    }

    int requestsUnderWay() {
        return engine.device(EVIL).inFlight();
    }

    void inject(java.util.function.Consumer<InjectingBackend> change) {
        engine.inject(EVIL, change);
    }

    @Override
    public void close() {
        guest.close();
        good.close();
    }
}
