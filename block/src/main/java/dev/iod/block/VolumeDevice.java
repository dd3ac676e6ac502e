package dev.iod.block;

import dev.iod.sys.AesXts;
import dev.iod.sys.Errno;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.vhost.DeviceType;
import dev.iod.vhost.RequestRing;
import dev.iod.vhost.VhostDevice;
import dev.iod.vhost.VhostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A volume as a guest sees it: a virtio-blk device (virtio 1.2 §5.2) on a vhost-user socket. Takes
 * requests, holds them to their limits, gives them to the back end by {@link Transfer}, answers.
 *
 * <p>What holds: a flush that is answered with success was a successful sync of everything answered
 * before it; after a sync that failed nothing is ever answered with success again; a guest that
 * breaks the rules of its rings loses its connection and nothing else happens. Shard thread only;
 * allocates nothing per request.
 */
final class VolumeDevice {
    static final int MAX_RING = 1024;
    static final int ID_BYTES = 20;

    private static final int MAX_RETRIES = 8;

    /**
     * Answers are shown to a polling guest after so many, so that it works while this side does.
     */
    private static final int SHOW_AFTER = 8;

    private final Attachment attachment;
    private final Shard shard;
    private final Backend backend;
    private final Optional<AesXts> cipher;
    private final Transfer transfer;
    private final RequestParser parser;
    private final VhostDevice vhost;
    private final Consumer<String> onFailure;
    private final long[] counters = new long[VolumeCounter.values().length];
    private final Throttle throttle = new Throttle();
    private final IoQueue throttled = new IoQueue();

    /** Per ring: the requests of its entries. */
    private final BlockIo[][] slots;

    private final List<Mapping> vectors = new ArrayList<>();
    private final RequestRing[] rings;
    private boolean writeThrough;

    /** Requests taken and not answered. */
    private int active;

    private boolean dirty;
    private int unpublished;
    private boolean closing;
    private String failed;
    private String lastError = "";

    VolumeDevice(
            Attachment attachment,
            Shard shard,
            Backend backend,
            Optional<AesXts> cipher,
            Consumer<String> onFailure) {
        this.attachment = attachment;
        this.shard = shard;
        this.backend = backend;
        this.cipher = cipher;
        this.onFailure = onFailure;
        failed = attachment.failed();
        transfer = new Transfer(backend, cipher, shard.bounces(), counters);
        byte[] name = attachment.volume().getBytes(StandardCharsets.UTF_8);
        parser = new RequestParser(Arrays.copyOf(name, ID_BYTES));
        throttle.limits(attachment.limits(), System.nanoTime());
        slots = new BlockIo[attachment.queues()][0];
        rings = new RequestRing[attachment.queues()];
        vhost =
                VhostDevice.start(
                        new VhostDevice.Options(
                                attachment.volume(),
                                attachment.socket(),
                                attachment.listen()
                                        ? VhostDevice.Role.LISTEN
                                        : VhostDevice.Role.DIAL,
                                type(attachment),
                                attachment.requireSealed()));
        configure();
        adoptRings();
    }

    private static DeviceType type(Attachment attachment) {
        return new DeviceType(
                VirtioBlk.features(attachment.queues(), attachment.readOnly()),
                attachment.queues(),
                attachment.queues(),
                MAX_RING,
                true);
    }

    private void configure() {
        vhost.configuration(
                VirtioBlk.configuration(
                        backend.sizeBytes(), transfer.blockBytes(), attachment.queues()));
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

    // ---------------------------------------------------------------- taking requests

    /** Takes what guests have offered. @return whether anything was done */
    boolean poll(long nowNanos) {
        boolean worked = false;
        try {
            if (vhost.changePending()) {
                dropLimits();
                if (active > 0) {
                    return false;
                }
                publish();
                vhost.refresh();
                adoptRings();
                worked = true;
            }
            if (!throttled.isEmpty()) {
                worked |= startThrottled(nowNanos);
            }
            if (!closing) {
                for (int i = 0; i < rings.length; i++) {
                    worked |= take(i, nowNanos);
                }
            }
            settle();
        } catch (VhostException e) {
            broken(e);
        } catch (InternalError e) {
            broken(lostMemory());
        }
        return worked;
    }

    private boolean take(int ringIndex, long nowNanos) {
        RequestRing ring = rings[ringIndex];
        boolean any = false;
        for (int left = ring.size(); left > 0; left--) {
            int head = ring.next();
            if (head == RequestRing.NONE) {
                break;
            }
            any = true;
            BlockIo io = slots[ringIndex][head];
            io.ring = ring;
            io.taken = true;
            active++;
            try {
                start(io, nowNanos);
            } catch (VhostException | InternalError e) {
                end(io);
                throw e;
            }
        }
        return any;
    }

    private void start(BlockIo io, long nowNanos) {
        io.statusAddress = 0;
        io.ring.chain(io.head, io.chain);
        int status =
                parser.parse(io, backend.sizeBytes(), transfer.blockBytes(), attachment.readOnly());
        settle();
        if (status != RequestParser.GO) {
            if (status != RequestParser.OK) {
                counters[VolumeCounter.REFUSED.ordinal()]++;
            }
            finish(io, status);
        } else if (!failed.isEmpty()) {
            finish(io, RequestParser.IO_ERROR);
        } else if (io.operation == Operation.FLUSH) {
            // Never behind the volume's own debt: what waits there is not answered yet, and a
            // flush speaks only of what is.
            submit(io, Operation.FLUSH);
        } else if (throttled.isEmpty() && throttle.waitNanos(nowNanos) <= 0) {
            charge(io, nowNanos);
            begin(io);
        } else {
            counters[VolumeCounter.THROTTLED.ordinal()]++;
            throttled.add(io);
        }
    }

    private void charge(BlockIo io, long nowNanos) {
        boolean moves = io.operation == Operation.READ || io.operation == Operation.WRITE;
        throttle.charge(moves ? io.requestLength : 0, nowNanos);
    }

    private boolean startThrottled(long nowNanos) {
        boolean any = false;
        while (!throttled.isEmpty() && throttle.waitNanos(nowNanos) <= 0) {
            leaveThrottle(throttled.poll(), nowNanos);
            any = true;
        }
        return any;
    }

    /** The rings are about to change or end: nothing may wait for its turn any more. */
    private void dropLimits() {
        while (!throttled.isEmpty()) {
            leaveThrottle(throttled.poll(), System.nanoTime());
        }
    }

    private void leaveThrottle(BlockIo io, long nowNanos) {
        charge(io, nowNanos);
        try {
            begin(io);
        } catch (InternalError e) {
            end(io);
            broken(lostMemory());
        }
    }

    /** A bounce buffer is free for a request that waited for one. */
    void bounceReady(BlockIo io) {
        try {
            transfer.nextChunk(io);
        } catch (InternalError e) {
            end(io);
            broken(lostMemory());
        }
    }

    /** When a request that waits may start, nanoseconds from now; Long.MAX_VALUE = none waits. */
    long wakeAfterNanos(long nowNanos) {
        return throttled.isEmpty() ? Long.MAX_VALUE : Math.max(1, throttle.waitNanos(nowNanos));
    }

    private void begin(BlockIo io) {
        io.retries = 0;
        io.syncing = false;
        io.durable = writeThrough;
        if (!failed.isEmpty()) {
            finish(io, RequestParser.IO_ERROR);
        } else if (io.operation == Operation.READ || io.operation == Operation.WRITE) {
            transfer.begin(io);
        } else {
            submit(io, io.operation);
        }
    }

    private void submit(BlockIo io, Operation step) {
        io.step = step;
        io.offset = io.requestOffset;
        io.length = io.requestLength;
        io.address = 0;
        io.fixed = false;
        backend.submit(io);
    }

    // ---------------------------------------------------------------- answering

    /** The back end has done a step; see {@link BlockIo#done}. */
    void stepDone(BlockIo io, long result) {
        try {
            if (result < 0) {
                stepFailed(io, (int) -result);
            } else if (io.step == Operation.READ || io.step == Operation.WRITE) {
                if (result == 0) {
                    stepFailed(io, Errno.EIO);
                } else if (transfer.moved(io, result)) {
                    succeed(io);
                }
            } else {
                succeed(io);
            }
            settle();
        } catch (InternalError e) {
            broken(lostMemory());
            end(io);
        }
    }

    private void succeed(BlockIo io) {
        boolean sync = io.operation == Operation.DISCARD || io.operation == Operation.WRITE_ZEROES;
        if (writeThrough && sync && !io.syncing) {
            io.syncing = true;
            submit(io, Operation.FLUSH);
            return;
        }
        finish(io, RequestParser.OK);
    }

    private void stepFailed(BlockIo io, int errno) {
        if ((errno == Errno.EAGAIN || errno == Errno.EINTR) && io.retries++ < MAX_RETRIES) {
            backend.submit(io);
            return;
        }
        if (errno == Errno.EOPNOTSUPP && io.step == Operation.WRITE_ZEROES) {
            transfer.beginZeros(io);
            return;
        }
        counters[VolumeCounter.ERRORS.ordinal()]++;
        String what = io.step + " of " + io.length + " bytes at " + io.offset;
        lastError = what + ": " + Errno.describe(errno);
        boolean sync =
                io.step == Operation.FLUSH
                        || io.step == Operation.WRITE && io.durable && errno == Errno.EIO;
        if (sync && failed.isEmpty()) {
            // What the kernel could not write it has forgotten: a later sync would succeed without
            // it. So there is none.
            failed = "a sync failed: " + lastError;
            onFailure.accept(failed);
        }
        finish(io, RequestParser.IO_ERROR);
    }

    private void finish(BlockIo io, int status) {
        int answer = failed.isEmpty() ? status : Math.max(status, RequestParser.IO_ERROR);
        if (io.ring == rings[io.ringIndex] && io.ring.live() && io.statusAddress != 0) {
            Memory.writeByte(io.statusAddress, answer);
            io.ring.complete(io.head, answer == RequestParser.OK ? io.written : 1);
            dirty = true;
            if (++unpublished == SHOW_AFTER && !vhost.mayFault()) {
                unpublished = 0;
                io.ring.publish();
            }
        }
        if (answer == RequestParser.OK) {
            count(io);
        }
        end(io);
    }

    private void end(BlockIo io) {
        if (io.taken) {
            io.taken = false;
            active--;
            transfer.release(io);
        }
    }

    private void count(BlockIo io) {
        switch (io.operation) {
            case READ -> {
                counters[VolumeCounter.READS.ordinal()]++;
                counters[VolumeCounter.BYTES_READ.ordinal()] += io.requestLength;
            }
            case WRITE -> {
                counters[VolumeCounter.WRITES.ordinal()]++;
                counters[VolumeCounter.BYTES_WRITTEN.ordinal()] += io.requestLength;
            }
            case FLUSH -> counters[VolumeCounter.FLUSHES.ordinal()]++;
            case DISCARD, WRITE_ZEROES -> counters[VolumeCounter.DISCARDS.ordinal()]++;
        }
    }

    /** Shows answers to the guest. */
    void publish() {
        if (!dirty) {
            return;
        }
        dirty = false;
        try {
            unpublished = 0;
            for (RequestRing ring : rings) {
                ring.publish();
                ring.interrupt();
            }
            settle();
        } catch (InternalError e) {
            broken(lostMemory());
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
        throttled.capacity(requests);
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
        boolean quiet = !changing || active > 0;
        boolean deaf = changing || closing || soon && !throttled.isEmpty();
        try {
            for (RequestRing ring : rings) {
                quiet &= deaf || ring.requestKicks();
            }
            settle();
        } catch (VhostException e) {
            broken(e);
        } catch (InternalError e) {
            broken(lostMemory());
        }
        return quiet;
    }

    void disarmWakeup() {
        try {
            for (RequestRing ring : rings) {
                ring.suppressKicks();
            }
            settle();
        } catch (InternalError e) {
            broken(lostMemory());
        }
    }

    /** The guest's connection ends; what is in flight ends in its own time, unanswered. */
    private void broken(VhostException reason) {
        vhost.fail(reason);
        for (int i = 0; i < rings.length; i++) {
            rings[i] = vhost.requestRing(i);
        }
        while (!throttled.isEmpty()) {
            end(throttled.poll());
        }
    }

    /** Lets a fault of guest memory surface here, where it is known whose memory it was. */
    void settle() {
        if (vhost.mayFault()) {
            Memory.settleFaults();
        }
    }

    private static VhostException lostMemory() {
        return new VhostException(
                VhostException.Category.FAULT, "guest memory was truncated while in use");
    }

    // ---------------------------------------------------------------- the engine's wishes

    void resize(long sizeBytes) {
        backend.resized(sizeBytes);
        configure();
    }

    void limit(Limits limits) {
        throttle.limits(limits, System.nanoTime());
    }

    /** Takes nothing more; {@link #idle()} says when everything is answered. */
    void beginClose() {
        closing = true;
        dropLimits();
    }

    /** Only when {@link #idle()}. */
    void close() {
        publish();
        vhost.close();
        for (int i = 0; i < rings.length; i++) {
            forgetSlots(i);
        }
        vectors.forEach(Mapping::close);
        cipher.ifPresent(AesXts::close);
        backend.close();
    }

    VhostDevice vhost() {
        return vhost;
    }

    VolumeStatus.Device report() {
        VhostDevice.Status status = vhost.status();
        return new VolumeStatus.Device(
                attachment.socket().toString(),
                status.connected(),
                active,
                counters.clone(),
                failed,
                lastError.isEmpty() ? status.lastFailure() : lastError);
    }
}
