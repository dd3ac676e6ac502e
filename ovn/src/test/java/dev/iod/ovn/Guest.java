package dev.iod.ovn;

import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.Tun;
import dev.iod.vhost.testing.FrontEnd;
import dev.iod.vhost.testing.NetDriver;
import java.util.ArrayList;
import java.util.List;

/** One end of a virtual cable to a switch under test. */
interface Guest extends AutoCloseable {
    void send(byte[] frame);

    /** What has arrived since last asked. */
    List<byte[]> receive();

    @Override
    void close();

    /** A TAP interface that a stock switch has as a port. */
    final class Tap implements Guest {
        private static final int CAPACITY = 4096;

        private final Tun tap;
        private final Mapping buffer = Mapping.anonymous(CAPACITY);

        Tap(Tun tap) {
            this.tap = tap;
        }

        @Override
        public void send(byte[] frame) {
            long at = Memory.base(buffer.address());
            Memory.copyFromArray(frame, 0, at, frame.length);
            if (!tap.write(at, frame.length)) {
                throw new IllegalStateException(tap + " takes no frame");
            }
        }

        @Override
        public List<byte[]> receive() {
            var frames = new ArrayList<byte[]>();
            long at = Memory.base(buffer.address());
            for (int n = tap.read(at, CAPACITY); n > 0; n = tap.read(at, CAPACITY)) {
                byte[] frame = new byte[n];
                Memory.copyToArray(at, frame, 0, n);
                frames.add(frame);
            }
            return frames;
        }

        @Override
        public void close() {
            tap.close();
            buffer.close();
        }
    }

    /** A virtio driver on a port of our engine. */
    final class Virtio implements Guest {
        private final FrontEnd frontEnd;
        private final NetDriver driver;

        /** Waits for the engine to connect. */
        Virtio(FrontEnd frontEnd) {
            this.frontEnd = frontEnd;
            driver = new NetDriver(frontEnd);
            frontEnd.connect();
            driver.fillReceiveRing();
        }

        @Override
        public void send(byte[] frame) {
            driver.reapTransmitted();
            driver.send(List.of(frame));
        }

        @Override
        public List<byte[]> receive() {
            return driver.receive();
        }

        @Override
        public void close() {
            frontEnd.close();
        }
    }
}
