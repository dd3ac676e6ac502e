package dev.iod.vhost.testing;

import dev.iod.sys.Memory;
import java.util.ArrayList;
import java.util.List;

/**
 * A virtio-net driver over a {@link FrontEnd}: ring 0 receives, ring 1 transmits, one buffer of
 * {@link #BUFFER_BYTES} per descriptor. One thread.
 */
public final class NetDriver {
    public static final int HEADER_BYTES = 12;
    public static final int BUFFER_BYTES = 2048;

    private final FrontEnd frontEnd;
    private final DriverRing receive;
    private final DriverRing transmit;

    public NetDriver(FrontEnd frontEnd) {
        this.frontEnd = frontEnd;
        receive = frontEnd.ring(0);
        transmit = frontEnd.ring(1);
        long needed = frontEnd.buffers() + 2L * receive.size() * BUFFER_BYTES;
        if (needed > frontEnd.memoryBytes()) {
            throw new IllegalArgumentException("the guest needs " + needed + " bytes of memory");
        }
    }

    private long receiveBuffer(int index) {
        return frontEnd.buffers() + (long) index * BUFFER_BYTES;
    }

    private long transmitBuffer(int index) {
        return receiveBuffer(receive.size() + index);
    }

    /** Gives all receive buffers to the device, unless it has them already (after a reconnect). */
    public void fillReceiveRing() {
        if (receive.outstanding() > 0) {
            return;
        }
        for (int i = 0; i < receive.size(); i++) {
            receive.describe(
                    i, FrontEnd.GUEST_BASE + receiveBuffer(i), BUFFER_BYTES, DriverRing.WRITE, 0);
            receive.offer(i);
        }
        receive.publish();
    }

    /** Transmits frames, using one descriptor each, numbered from the ring's position on. */
    public void send(List<byte[]> frames) {
        for (byte[] frame : frames) {
            int index = transmit.availIndex() & (transmit.size() - 1);
            long at = frontEnd.host(transmitBuffer(index));
            Memory.fill(at, HEADER_BYTES, 0);
            Memory.copyFromArray(frame, 0, at + HEADER_BYTES, frame.length);
            transmit.describe(
                    index,
                    FrontEnd.GUEST_BASE + transmitBuffer(index),
                    HEADER_BYTES + frame.length,
                    0,
                    0);
            transmit.offer(index);
        }
        transmit.publish();
        transmit.kick();
    }

    /** Takes what has been received and gives the buffers back. */
    public List<byte[]> receive() {
        List<byte[]> frames = new ArrayList<>();
        for (int left = receive.completed(); left > 0; left--) {
            long entry = receive.take();
            int head = (int) entry & 0xffff;
            int length = (int) (entry >>> 32) - HEADER_BYTES;
            byte[] frame = new byte[length];
            Memory.copyToArray(frontEnd.host(receiveBuffer(head)) + HEADER_BYTES, frame, 0, length);
            frames.add(frame);
            receive.offer(head);
        }
        receive.publish();
        receive.kick();
        return frames;
    }

    /** Frames transmitted that the device has completed since last asked. */
    public int reapTransmitted() {
        int count = transmit.completed();
        for (int i = 0; i < count; i++) {
            transmit.take();
        }
        return count;
    }
}
