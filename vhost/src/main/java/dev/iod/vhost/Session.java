package dev.iod.vhost;

import dev.iod.sys.Epoll;
import dev.iod.sys.UnixSocket;
import dev.iod.vhost.ControlThread.Wait;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * One connection of a front end: handles its messages until it goes away. One thread at a time;
 * nothing of it survives the connection.
 */
final class Session implements AutoCloseable {
    private static final int LOGGING = 1;

    /** Looks for a message; from here on each of a second waits a millisecond. A start takes 60. */
    private static final int QUICK_LOOKS = 2000;

    private static final long SLOW_MILLIS = 1;

    private final DeviceType type;
    private final boolean requireSealed;
    private final RingHandover handover;
    private final UnixSocket socket;
    private final MessageChannel channel;
    private final List<RingSettings> rings = new ArrayList<>();
    private GuestMemory memory = GuestMemory.NONE;
    private RingSet current;
    private final LongConsumer features;
    private long protocolFeatures;
    private boolean featuresSet;
    private long negotiated;
    private final InflightFile inflight;
    private final ConfigSpace device;
    private boolean owned;
    private long status;
    private boolean served;
    private long second;
    private int looks;

    /**
     * @param features is told the negotiated features
     * @param stallMillis how long half a message, or an answer nobody takes, is waited for
     */
    Session(
            DeviceType type,
            boolean requireSealed,
            UnixSocket socket,
            Epoll wakeups,
            RingHandover handover,
            LongConsumer features,
            ConfigSpace device,
            long stallMillis) {
        this.type = type;
        this.requireSealed = requireSealed;
        this.handover = handover;
        this.features = features;
        this.socket = socket;
        this.channel = new MessageChannel(socket, stallMillis);
        for (int i = 0; i < type.rings(); i++) {
            rings.add(new RingSettings(wakeups));
        }
        this.device = device;
        this.inflight = new InflightFile(type, requireSealed);
        this.current = RingSet.stopped(type);
    }

    /**
     * Handles the messages that are here.
     *
     * @return what to wait for before the next call; empty when the front end closed the connection
     */
    Optional<Wait> proceed() {
        while (true) {
            boolean slow = looksOften();
            Optional<Message> next = channel.next();
            if (next.isPresent()) {
                handleAndAnswer(next.get());
            } else if (channel.closed()) {
                return Optional.empty();
            } else if (!slow) {
                return Optional.of(Wait.readable(socket.fd(), channel.deadlineNanos(), false));
            }
            if (slow) {
                return Optional.of(Wait.millis(SLOW_MILLIS, false));
            }
        }
    }

    private void handleAndAnswer(Message message) {
        try {
            handle(message);
            if (message.needsReply()
                    && (protocolFeatures & DeviceType.PROTOCOL_REPLY_ACK) != 0
                    && !hasOwnReply(message.request())) {
                channel.replyNumber(message.request(), 0);
            }
        } finally {
            message.discardDescriptors();
        }
    }

    /**
     * A front end that repeats itself without end, or sends byte by byte, must not take a processor
     * for it.
     */
    private boolean looksOften() {
        long now = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime());
        if (now != second) {
            second = now;
            looks = 0;
        }
        return ++looks > QUICK_LOOKS;
    }

    /** Whether any ring ran. */
    boolean served() {
        return served;
    }

    private static boolean hasOwnReply(Request request) {
        return switch (request) {
            case GET_FEATURES,
                    GET_PROTOCOL_FEATURES,
                    GET_QUEUE_NUM,
                    GET_VRING_BASE,
                    GET_STATUS,
                    GET_CONFIG,
                    GET_INFLIGHT_FD ->
                    true;
            case SET_FEATURES,
                    SET_OWNER,
                    RESET_OWNER,
                    SET_MEM_TABLE,
                    SET_VRING_NUM,
                    SET_VRING_ADDR,
                    SET_VRING_BASE,
                    SET_VRING_KICK,
                    SET_VRING_CALL,
                    SET_VRING_ERR,
                    SET_PROTOCOL_FEATURES,
                    SET_VRING_ENABLE,
                    SET_BACKEND_REQ_FD,
                    SET_CONFIG,
                    SET_INFLIGHT_FD,
                    SET_STATUS ->
                    false;
        };
    }

    private void handle(Message message) {
        Request request = message.request();
        if (!type.tracked()
                && request.ordinal() >= Request.SET_BACKEND_REQ_FD.ordinal()
                && request.ordinal() <= Request.SET_INFLIGHT_FD.ordinal()) {
            throw violation(request + " was not offered");
        }
        switch (request) {
            case GET_FEATURES -> channel.replyNumber(request, type.offered());
            case SET_FEATURES -> setFeatures(message.number());
            case GET_PROTOCOL_FEATURES -> channel.replyNumber(request, type.offeredProtocol());
            case SET_PROTOCOL_FEATURES -> setProtocolFeatures(message.number());
            case GET_QUEUE_NUM -> channel.replyNumber(request, type.queueCount());
            case SET_STATUS -> status = message.number() & 0xff;
            case GET_STATUS -> channel.replyNumber(request, status);
            case SET_MEM_TABLE -> setMemory(message);
            case SET_VRING_NUM -> setSize(message);
            case SET_VRING_ADDR -> setAddresses(message);
            case SET_VRING_BASE -> setPosition(message);
            case GET_VRING_BASE -> stopRing(message);
            case SET_VRING_KICK -> setKick(message);
            case SET_VRING_CALL -> setCall(message);
            case SET_VRING_ENABLE -> setEnabled(message);
            case GET_CONFIG -> device.answer(channel, message);
            case SET_CONFIG -> throw violation("nothing in the configuration can be written");
            case SET_BACKEND_REQ_FD -> device.requestChannel(message.takeDescriptor());
            case GET_INFLIGHT_FD -> inflight.create(channel, message);
            case SET_INFLIGHT_FD -> change(() -> inflight.adopt(message));
            case SET_OWNER -> own();
            case RESET_OWNER, SET_VRING_ERR -> {
                // Nothing to do: deprecated, and never signalled.
            }
        }
    }

    /**
     * The front end starts its session; once in a connection. QEMU 7.2 does it twice when the
     * connection before this one ended within the very first handshake: it then watches this
     * connection twice, forgets one of the watches, and after the connection ends spins and never
     * accepts another. Ended right here it drops the one watch it has, and the next connection is
     * sound. QEMU asks for features after this message, so it is still within its handshake.
     */
    private void own() {
        if (owned) {
            throw violation("a second SET_OWNER in one connection");
        }
        owned = true;
    }

    private void setFeatures(long wanted) {
        if ((wanted & ~type.offered()) != 0) {
            throw violation(
                    "features 0x"
                            + Long.toHexString(wanted & ~type.offered())
                            + " were never offered");
        }
        change(
                () -> {
                    features.accept(wanted);
                    negotiated = wanted;
                    // Without protocol features rings start enabled ("Ring states").
                    if ((wanted & DeviceType.PROTOCOL_FEATURES) == 0) {
                        rings.forEach(r -> r.enabled = true);
                    }
                    featuresSet = true;
                });
    }

    private void setProtocolFeatures(long wanted) {
        if ((wanted & ~type.offeredProtocol()) != 0) {
            throw violation("protocol features 0x" + Long.toHexString(wanted) + " not offered");
        }
        protocolFeatures = wanted;
    }

    private void setMemory(Message message) {
        change(
                () -> {
                    memory.close();
                    memory = GuestMemory.NONE;
                    memory =
                            GuestMemory.map(
                                    message.payload(), message.descriptors(), requireSealed);
                });
    }

    private void setSize(Message message) {
        RingSettings ring = stoppedRing(message);
        int size = message.ringValue();
        if (size < 1 || size > type.maxRingSize() || Integer.bitCount(size) != 1) {
            throw violation(
                    "a ring of " + size + " entries; a power of two up to " + type.maxRingSize());
        }
        ring.size = size;
    }

    private void setPosition(Message message) {
        RingSettings ring = stoppedRing(message);
        if ((message.ringValue() & ~0xffff) != 0) {
            throw violation("a ring position of " + message.ringValue());
        }
        ring.position = message.ringValue();
    }

    private void setAddresses(Message message) {
        RingSettings ring = ring(message.ringIndex());
        if ((message.payload().getInt(4) & LOGGING) != 0) {
            throw violation("dirty page logging was not offered");
        }
        change(
                () -> {
                    ring.descriptorsUser = message.payload().getLong(8);
                    ring.usedUser = message.payload().getLong(16);
                    ring.availUser = message.payload().getLong(24);
                    ring.addressed = true;
                });
    }

    private void stopRing(Message message) {
        RingSettings ring = ring(message.ringIndex());
        change(ring::dropKick);
        channel.replyRingState(message.request(), message.ringIndex(), ring.position);
    }

    private void setKick(Message message) {
        RingSettings ring = ring(message.descriptorRing());
        if (!message.hasDescriptor()) {
            throw violation("a ring without kick descriptor would have to be polled for ever");
        }
        change(() -> ring.kick(message.takeDescriptor()));
    }

    private void setCall(Message message) {
        RingSettings ring = ring(message.descriptorRing());
        change(
                () -> {
                    if (message.hasDescriptor()) {
                        ring.call(message.takeDescriptor());
                    } else {
                        ring.dropCall();
                    }
                });
        // An interrupt of the previous owner of this ring may have been lost.
        ring.signalCall();
    }

    private void setEnabled(Message message) {
        RingSettings ring = ring(message.ringIndex());
        int value = message.ringValue();
        if (value != 0 && value != 1) {
            throw violation("SET_VRING_ENABLE with " + value);
        }
        if (ring.enabled != (value == 1)) {
            change(() -> ring.enabled = value == 1);
        }
    }

    private RingSettings ring(int index) {
        if (index < 0 || index >= rings.size()) {
            throw violation("ring " + index + " of a device with " + rings.size());
        }
        return rings.get(index);
    }

    private RingSettings stoppedRing(Message message) {
        int index = message.ringIndex();
        RingSettings ring = ring(index);
        if (current.rings()[index].live()) {
            throw violation(message.request() + " for ring " + index + ", which is running");
        }
        return ring;
    }

    /** Takes the rings away from the engine, changes something, and gives back what can run. */
    private void change(Runnable action) {
        quiesce();
        action.run();
        resume();
    }

    private void quiesce() {
        if (current.anyLive()) {
            RingSet old = current;
            current = RingSet.stopped(type);
            handover.publishAndWait(current);
            for (int i = 0; i < rings.size(); i++) {
                if (old.rings()[i].live()) {
                    rings.get(i).position = old.rings()[i].position();
                }
            }
        }
    }

    private void resume() {
        if (memory == GuestMemory.NONE || !featuresSet) {
            return;
        }
        SplitRing[] set = RingSet.stopped(type).rings();
        for (int i = 0; i < set.length; i++) {
            if (rings.get(i).startable()) {
                set[i] = start(rings.get(i), i);
            }
        }
        RingSet next = new RingSet(set, memory.mayFault() || inflight.mayFault());
        if (next.anyLive()) {
            current = next;
            served = true;
            handover.publish(next);
            // A notification to the guest may have been lost while nobody ran its rings.
            rings.forEach(RingSettings::signalCall);
        }
    }

    /**
     * A ring that can run. Whether the front end said VERSION_1 is not asked: QEMU 7.2 repeats the
     * features it knew when the connection ended, so when the driver negotiates while this side is
     * away they lack VERSION_1 for as long as that guest runs. Front ends are configured to offer
     * no legacy interface (disable-legacy=on), so every driver speaks virtio 1; one that does not
     * would only garble its own frames by the two bytes its header is shorter.
     */
    private SplitRing start(RingSettings ring, int index) {
        String name = "ring " + index + ": ";
        long size = ring.size;
        var layout =
                new SplitRing.Layout(
                        ring.size,
                        memory.translateUser(
                                ring.descriptorsUser, 16 * size, 16, name + "descriptors"),
                        memory.translateUser(
                                ring.availUser, 6 + 2 * size, 2, name + "available ring"),
                        memory.translateUser(ring.usedUser, 6 + 8 * size, 4, name + "used ring"),
                        (negotiated & DeviceType.EVENT_IDX) != 0);
        return type.tracked()
                ? new RequestRing(
                        memory, layout, ring.position, ring.call, inflight.region(index, ring.size))
                : new Vring(memory, layout, ring.position, ring.call);
    }

    /** Forgets everything: rings first, then descriptors and memory. */
    @Override
    public void close() {
        quiesce();
        channel.close();
        rings.forEach(RingSettings::forget);
        memory.close();
        memory = GuestMemory.NONE;
        inflight.close();
        device.forgetChannel();
    }

    private static VhostException violation(String what) {
        return new VhostException(VhostException.Category.PROTOCOL, what);
    }
}
