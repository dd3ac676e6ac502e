package dev.iod.block;

import dev.iod.block.Command.Attach;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.vhost.DeviceType;
import dev.iod.vhost.RequestRing;
import dev.iod.vhost.VhostDevice;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A {@link Volume} as a guest sees it: a virtio-blk device (virtio 1.2 §5.2) on a vhost-user
 * socket. Takes requests from its rings and answers them there.
 *
 * <p>A guest that breaks the rules of its rings loses its connection and nothing else happens; a
 * request that is only odd is answered with an error. Shard thread only; allocates nothing per
 * request.
 */
final class VirtioFront {
    static final int MAX_RING = 1024;
    static final int ID_BYTES = 20;

    /**
     * Answers are shown to a polling guest after so many, so that it works while this side does.
     */
    private static final int SHOW_AFTER = 8;

    private final Attach attach;
    private final Shard shard;
    private final Volume volume;
    private final RequestParser parser;
    private final VhostDevice vhost;

    /** Per ring: the requests of its entries. */
    private final BlockIo[][] slots;

    private final List<Mapping> vectors = new ArrayList<>();
    private final RequestRing[] rings;

    /** The driver cannot flush: what it writes is durable when it is answered. */
    private boolean writeThrough;

    /** Requests taken and not answered. */
    private int active;

    private boolean dirty;
    private int unpublished;
    private boolean closing;

    /** Within {@link #guarded}. */
    private boolean inside;

    /** Of the {@link #poll} or {@link #armWakeup} under way. */
    private long nowNanos;

    private boolean worked;
    private boolean quiet;

    /**
     * @param volume this front's from now on
     * @param requireSealed refuse guest memory that its owner could truncate
     */
    VirtioFront(Attach attach, boolean requireSealed, Shard shard, Volume volume) {
        this.attach = attach;
        this.shard = shard;
        this.volume = volume;
        byte[] name = attach.name().getBytes(StandardCharsets.UTF_8);
        parser = new RequestParser(Arrays.copyOf(name, ID_BYTES));
        slots = new BlockIo[attach.queues()][0];
        rings = new RequestRing[attach.queues()];
        vhost =
                VhostDevice.start(
                        new VhostDevice.Options(
                                attach.name(),
                                attach.socket(),
                                attach.listen() ? VhostDevice.Role.LISTEN : VhostDevice.Role.DIAL,
                                new DeviceType(
                                        VirtioBlk.features(attach.queues(), attach.readOnly()),
                                        attach.queues(),
                                        attach.queues(),
                                        MAX_RING,
                                        true),
                                requireSealed));
        configure();
        adoptRings();
    }

    private void configure() {
        vhost.configuration(VirtioBlk.configuration(volume.sizeBytes(), attach.queues()));
    }

    int wakeDescriptor() {
        return vhost.wakeDescriptor();
    }

    void drainWakeups() {
        vhost.drainWakeups();
    }

    boolean idle() {
        return active == 0;
    }

    // ---------------------------------------------------------------- guest memory

    /**
     * Does something with rings or a request's buffers. When it turns out that the guest broke the
     * rules, its connection ends, and what is in flight ends in its own time, unanswered. Inside of
     * another call it is a part of that one.
     */
    <S> void guarded(VhostDevice.RingUse<VirtioFront, S> use, S subject) {
        if (inside) {
            use.run(this, subject);
            return;
        }
        inside = true;
        boolean sound = vhost.guarded(use, this, subject);
        inside = false;
        if (!sound) {
            connectionLost();
        }
    }

    private void connectionLost() {
        for (int i = 0; i < rings.length; i++) {
            rings[i] = vhost.requestRing(i);
        }
        volume.abandonWaiting();
        // What is nowhere else was just being worked on.
        for (BlockIo[] ring : slots) {
            for (BlockIo io : ring) {
                if (!io.away) {
                    end(io);
                }
            }
        }
    }

    Volume volume() {
        return volume;
    }

    /** Whether a request is under way that meets this one, which is not. */
    boolean anyAway(Overlaps overlaps, BlockIo io) {
        for (BlockIo[] ring : slots) {
            for (BlockIo other : ring) {
                if (other.away && overlaps.meets(io, other)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** What was read of guest memory is about to be acted upon. */
    void settle() {
        vhost.settle();
    }

    // ---------------------------------------------------------------- taking requests

    /** Takes what guests have offered. @return whether anything was done */
    boolean poll(long now) {
        nowNanos = now;
        worked = false;
        guarded(VirtioFront::work, rings);
        return worked;
    }

    private void work(RequestRing[] current) {
        if (volume.overlapping()) {
            worked |= volume.startOverlapping();
        }
        if (vhost.changePending()) {
            volume.dropLimits();
            if (active > 0) {
                return;
            }
            publish();
            vhost.refresh();
            adoptRings();
            worked = true;
        }
        if (volume.throttling()) {
            worked |= volume.startThrottled(nowNanos);
        }
        if (!closing) {
            for (int i = 0; i < current.length; i++) {
                take(i);
            }
        }
    }

    private void take(int ringIndex) {
        RequestRing ring = rings[ringIndex];
        for (int left = ring.size(); left > 0; left--) {
            int head = ring.take();
            if (head == RequestRing.NONE) {
                break;
            }
            worked = true;
            BlockIo io = slots[ringIndex][head];
            io.ring = ring;
            io.taken = true;
            active++;
            start(io);
        }
    }

    private void start(BlockIo io) {
        io.durable = writeThrough;
        io.ring.chain(io.head, io.chain);
        int status = parser.parse(io, volume.sizeBytes(), attach.readOnly());
        vhost.settle();
        if (status == RequestParser.GO) {
            volume.start(io, nowNanos);
        } else if (status == VirtioBlk.OK) {
            volume.answered(io);
        } else {
            volume.refuse(io, status);
        }
    }

    long wakeAfterNanos(long now) {
        return volume.wakeAfterNanos(now);
    }

    // ---------------------------------------------------------------- answering

    /** Answers a request, which is over; seen by the guest after {@link #publish()}. */
    void answer(BlockIo io, int status) {
        RequestRing ring = io.ring;
        if (ring == rings[io.ringIndex] && ring.live()) {
            int written = status == VirtioBlk.OK ? io.written : 1;
            if (io.statusAddress == 0) {
                written = 0; // nowhere to say it
            } else {
                Memory.writeByte(io.statusAddress, status);
            }
            ring.complete(io.head, written);
            dirty = true;
            if (++unpublished == SHOW_AFTER && !vhost.mayFault()) {
                unpublished = 0;
                ring.publish();
            }
        }
        end(io);
    }

    /** A request is over, answered or not. */
    void end(BlockIo io) {
        if (io.taken) {
            io.taken = false;
            active--;
            volume.release(io);
        }
    }

    /** Shows answers to the guest. */
    void publish() {
        if (dirty) {
            dirty = false;
            unpublished = 0;
            guarded(VirtioFront::show, rings);
        }
    }

    private void show(RequestRing[] current) {
        for (RequestRing ring : current) {
            ring.publish();
            ring.interrupt();
        }
    }

    // ---------------------------------------------------------------- rings

    /** Takes over the rings of the device; none of the old ones is in use. */
    private void adoptRings() {
        writeThrough = (vhost.status().features() & VirtioBlk.F_FLUSH) == 0;
        int requests = 0;
        for (int i = 0; i < rings.length; i++) {
            rings[i] = vhost.requestRing(i);
            if (rings[i].size() > slots[i].length) {
                makeSlots(i, rings[i]);
            }
            requests += slots[i].length;
        }
        volume.capacity(requests);
    }

    private void makeSlots(int ringIndex, RequestRing ring) {
        forgetSlots(ringIndex);
        Mapping memory = Mapping.anonymous((long) ring.size() * BlockIo.VECTOR_BYTES);
        vectors.add(memory);
        BlockIo[] made = new BlockIo[ring.size()];
        for (int head = 0; head < made.length; head++) {
            long at = memory.address() + (long) head * BlockIo.VECTOR_BYTES;
            made[head] = new BlockIo(this, ringIndex, head, at, ring);
            made[head].token = shard.register(made[head]);
        }
        slots[ringIndex] = made;
    }

    private void forgetSlots(int ringIndex) {
        for (BlockIo io : slots[ringIndex]) {
            shard.unregister(io.token);
        }
        slots[ringIndex] = new BlockIo[0];
    }

    /**
     * Asks guests to kick.
     *
     * @param soon limits let the shard look again at once; what a guest offers behind requests that
     *     wait is taken then, else each of their answers would bring a kick
     * @return false when there is something to do already
     */
    boolean armWakeup(boolean soon) {
        boolean changing = vhost.changePending();
        quiet = !changing || active > 0;
        if (!changing && !closing && !(soon && volume.throttling())) {
            guarded(VirtioFront::requestKicks, rings);
        }
        return quiet;
    }

    private void requestKicks(RequestRing[] current) {
        for (RequestRing ring : current) {
            quiet &= ring.requestKicks();
        }
    }

    void disarmWakeup() {
        guarded(VirtioFront::suppressKicks, rings);
    }

    private void suppressKicks(RequestRing[] current) {
        for (RequestRing ring : current) {
            ring.suppressKicks();
        }
    }

    // ---------------------------------------------------------------- the engine's wishes

    void resize(long sizeBytes) {
        volume.resized(sizeBytes);
        configure();
    }

    /** Takes nothing more; {@link #idle()} says when everything is answered. */
    void beginClose() {
        closing = true;
        volume.dropLimits();
    }

    /** Only when {@link #idle()}. */
    void close() {
        publish();
        vhost.close();
        for (int i = 0; i < rings.length; i++) {
            forgetSlots(i);
        }
        vectors.forEach(Mapping::close);
        volume.close();
    }

    VhostDevice vhost() {
        return vhost;
    }

    VolumeStatus.Device report() {
        VhostDevice.Status status = vhost.status();
        String storageError = volume.lastError();
        return new VolumeStatus.Device(
                attach.socket().toString(),
                status.connected(),
                active,
                volume.counters(),
                volume.failed(),
                storageError.isEmpty() ? status.lastFailure() : storageError);
    }
}
