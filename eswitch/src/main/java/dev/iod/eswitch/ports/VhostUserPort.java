package dev.iod.eswitch.ports;

import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.pipeline.DropReason;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.vhost.DeviceType;
import dev.iod.vhost.VhostDevice;
import dev.iod.vhost.VhostException;
import dev.iod.vhost.Vring;
import java.nio.file.Path;

/**
 * A guest's network interface: a virtio-net device (virtio 1.2 §5.1) with one queue pair behind a
 * vhost-user socket on which the VMM listens. Offers VIRTIO_NET_F_MTU and no checksum or
 * segmentation feature, so every frame is complete and at most one MTU long; the MAC address is the
 * VMM's to tell the guest.
 *
 * <p>A guest that breaks the rules of its rings, or whose memory goes away, loses its connection
 * with a logged reason; the engine goes on. Allocates nothing per packet.
 */
public final class VhostUserPort implements Port {
    /** struct virtio_net_hdr with num_buffers, as VERSION_1 has it (virtio 1.2 §5.1.6). */
    static final int HEADER_BYTES = 12;

    static final int MIN_FRAME_BYTES = 14;

    /** Ethernet header and one VLAN tag. */
    private static final int FRAME_OVERHEAD_BYTES = 18;

    /** Descriptors looked at in one turn, about: a frame needs two or three. */
    private static final int MAX_DESCRIPTORS = 512;

    private static final long NET_F_MTU = 1L << 3;

    /** The guest's receive and transmit queue (virtio 1.2 §5.1.2). */
    private static final int RECEIVE_RING = 0;

    private static final int TRANSMIT_RING = 1;

    private static final DeviceType TYPE = new DeviceType(NET_F_MTU, 2, 1, 1024);

    private final VhostDevice device;
    private final int maxFrameBytes;
    private final int[] wakeDescriptors;
    private final Mapping header = Mapping.anonymous(HEADER_BYTES);
    private final PortDrops drops = new PortDrops();

    /** The frame of a {@link #transmit(long, int)}. */
    private final Outgoing single = new Outgoing();

    /** What {@link #askForKicks} found. */
    private boolean quiet;

    /** Keeps the compiler from leaving out loads whose value nobody needs. */
    long sink;

    /**
     * @param mtuBytes largest IP packet, at most what a {@link PacketBatch} slot holds
     * @param requireSealed refuse guest memory that the VMM could truncate; off only for front ends
     *     that are trusted not to and cannot seal (test traffic generators)
     */
    public VhostUserPort(String name, Path socket, int mtuBytes, boolean requireSealed) {
        if (mtuBytes < 68 || mtuBytes + FRAME_OVERHEAD_BYTES > PacketBatch.MAX_PACKET) {
            throw new IllegalArgumentException("an MTU of " + mtuBytes + " bytes");
        }
        maxFrameBytes = mtuBytes + FRAME_OVERHEAD_BYTES;
        // All zero but num_buffers = 1: "no offload, whole packet in this buffer" (§5.1.6.4.1).
        Memory.writeShort(header.address() + 10, 1);
        device =
                VhostDevice.start(
                        new VhostDevice.Options(
                                name, socket, VhostDevice.Role.DIAL, TYPE, requireSealed));
        wakeDescriptors = new int[] {device.wakeDescriptor()};
    }

    @Override
    public int receive(PacketBatch batch) {
        int before = batch.count;
        try {
            take(batch);
            device.settle();
        } catch (VhostException | InternalError e) {
            device.broken(e);
        }
        return batch.count - before;
    }

    private void take(PacketBatch batch) {
        device.refresh();
        Vring ring = device.ring(TRANSMIT_RING);
        // Frames of a wrong length take no slot, so what is taken is bounded beside the slots.
        int left = Math.min(ring.available(), PacketBatch.CAPACITY - batch.count);
        if (left == 0) {
            return;
        }
        sink = ring.touchContents(left, HEADER_BYTES);
        for (int walked = 0; left > 0 && walked < MAX_DESCRIPTORS; left--) {
            int head = ring.peek();
            long address = batch.address(batch.count);
            // The header says nothing as long as no offload is offered (virtio 1.2 §5.1.6.2).
            int frame = ring.read(head, HEADER_BYTES, address, maxFrameBytes);
            ring.complete(head, 0);
            walked += ring.walked();
            if (frame < MIN_FRAME_BYTES || frame > maxFrameBytes) {
                drops.add(DropReason.FRAME_LENGTH);
                continue;
            }
            batch.length[batch.count++] = frame;
        }
        ring.publish();
        ring.interrupt();
    }

    @Override
    public boolean transmit(long address, int lengthBytes) {
        single.clear();
        single.add(address, lengthBytes, 0);
        transmit(single);
        return single.accepted == 1;
    }

    /** The ring is asked for room, and faults are settled, once for all frames. */
    @Override
    public void transmit(Outgoing frames) {
        try {
            give(frames);
            device.settle();
        } catch (VhostException | InternalError e) {
            device.broken(e);
        }
    }

    private void give(Outgoing frames) {
        Vring ring = device.ring(RECEIVE_RING);
        int room = ring.available(frames.count);
        sink = ring.touch(Math.min(room, frames.count));
        for (int i = 0; i < frames.count && frames.accepted < room; i++) {
            if (put(ring, frames.address[i], frames.lengthBytes[i])) {
                frames.accept(i);
            }
        }
    }

    private boolean put(Vring ring, long address, int lengthBytes) {
        if (lengthBytes > maxFrameBytes) {
            return false;
        }
        int head = ring.peek();
        int written = ring.write(head, header.address(), HEADER_BYTES, address, lengthBytes);
        if (written == Vring.TOO_SMALL) {
            return false;
        }
        ring.complete(head, written);
        return true;
    }

    @Override
    public void flush() {
        try {
            Vring ring = device.ring(RECEIVE_RING);
            if (ring.publish()) {
                ring.interrupt();
            }
            device.settle();
        } catch (VhostException | InternalError e) {
            device.broken(e);
        }
    }

    @Override
    public boolean up() {
        return device.ring(RECEIVE_RING).live() && device.ring(TRANSMIT_RING).live();
    }

    @Override
    public int[] wakeDescriptors() {
        return wakeDescriptors;
    }

    @Override
    public boolean armWakeup() {
        quiet = true;
        device.guarded(VhostUserPort::askForKicks, this, device);
        return quiet;
    }

    private void askForKicks(VhostDevice rings) {
        rings.refresh();
        quiet = rings.ring(TRANSMIT_RING).requestKicks();
    }

    @Override
    public void disarmWakeup() {
        device.guarded((port, ring) -> ring.suppressKicks(), this, device.ring(TRANSMIT_RING));
        device.drainWakeups();
    }

    @Override
    public long drops(DropReason reason) {
        return drops.count(reason);
    }

    /** Connection, negotiated features, last failure. */
    VhostDevice.Status status() {
        return device.status();
    }

    @Override
    public void close() {
        device.close();
        header.close();
    }
}
