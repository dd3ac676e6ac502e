package dev.iod.eswitch.testing;

import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.ports.Port;
import dev.iod.pipeline.DropReason;
import dev.iod.sys.Memory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A port in memory: what is queued is received, what is transmitted is kept. */
public final class FakePort implements Port {
    private final Deque<byte[]> incoming = new ArrayDeque<>();
    public final List<byte[]> sent = new ArrayList<>();
    boolean up = true;
    boolean room = true;

    /** Transmitted frames are counted only. */
    boolean discard;

    public long discarded;
    public boolean closed;

    /** How often the engine asked for frames. */
    public long polls;

    /** Receiving fails as long as this is set. */
    public volatile boolean broken;

    /** What the port says it has dropped as FRAME_LENGTH. */
    public volatile long drops;

    void queue(byte[] frame) {
        incoming.add(frame.clone());
    }

    @Override
    public int receive(PacketBatch batch) {
        polls++;
        if (broken) {
            throw new IllegalStateException("the port is broken, as the test asks");
        }
        int before = batch.count;
        while (!incoming.isEmpty() && batch.count < PacketBatch.CAPACITY) {
            byte[] frame = incoming.remove();
            Memory.copyFromArray(frame, 0, batch.address(batch.count), frame.length);
            batch.length[batch.count++] = frame.length;
        }
        return batch.count - before;
    }

    @Override
    public boolean transmit(long address, int lengthBytes) {
        if (!room) {
            return false;
        }
        if (discard) {
            discarded++;
            return true;
        }
        byte[] frame = new byte[lengthBytes];
        Memory.copyToArray(address, frame, 0, lengthBytes);
        sent.add(frame);
        return true;
    }

    @Override
    public void flush() {}

    @Override
    public boolean up() {
        return up;
    }

    @Override
    public int[] wakeDescriptors() {
        return new int[0];
    }

    @Override
    public boolean armWakeup() {
        return incoming.isEmpty();
    }

    @Override
    public void disarmWakeup() {}

    @Override
    public long drops(DropReason reason) {
        return reason == DropReason.FRAME_LENGTH ? drops : 0;
    }

    @Override
    public void close() {
        closed = true;
    }
}
