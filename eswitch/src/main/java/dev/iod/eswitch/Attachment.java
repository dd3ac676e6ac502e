package dev.iod.eswitch;

import org.jspecify.annotations.Nullable;

/** A port in use by the engine, with what it carried. Engine thread only. */
final class Attachment {
    final int id;
    final String name;
    final Port port;
    final boolean service;
    final int mtuBytes;

    /** Whom its packets are charged to; those of the uplink have other senders. */
    final Sender sender;

    /** Logical port packets from here enter by, 0 = none. */
    long logicalPort;

    /** Whether something was transmitted since the last flush. */
    boolean dirty;

    boolean wasUp;

    /** What it may still use of the engine's time, negative = what it owes ({@link Turns}). */
    long credit;

    long receivedPackets;
    long receivedBytes;
    long sentPackets;
    long sentBytes;
    private final Outgoing waiting = new Outgoing();

    /** What became of its packets, but for hits of the flow table, which count only in all. */
    final Counters counters = new Counters();

    Attachment(int id, String name, Port port, boolean service, int mtuBytes) {
        this.id = id;
        this.name = name;
        this.port = port;
        this.service = service;
        this.mtuBytes = mtuBytes;
        this.sender = new Sender(Senders.local(id), Budget.UNLIMITED);
    }

    static Attachment of(Entity.Device device, Port port) {
        boolean service = device.kind() instanceof Entity.Kind.Service;
        return new Attachment(device.id(), device.name(), port, service, device.mtuBytes());
    }

    boolean isUplink() {
        return id == EngineReport.UPLINK;
    }

    void drop(DropReason reason) {
        counters.drop(reason);
    }

    /** Number of frames that wait for {@link #sendWaiting}. */
    int waiting() {
        return waiting.count;
    }

    /** Sends a packet of the batch at the latest when all of it are done; there must be room. */
    void enqueue(Packet p, long inPort) {
        waiting.add(p.address, p.length, inPort);
    }

    /** Sends what waits. @return how many frames could not be sent */
    int sendWaiting(DropReason busy) {
        port.transmit(waiting);
        int refused = waiting.count - waiting.accepted;
        dirty |= waiting.accepted > 0;
        sentPackets += waiting.accepted;
        sentBytes += waiting.acceptedBytes;
        counters.drop(busy, refused);
        waiting.clear();
        return refused;
    }

    /** Why a frame cannot be sent from here, after trying; null when it was sent. */
    @Nullable DropReason transmit(Packet p, DropReason busy) {
        if (!port.transmit(p.address, p.length, p.inPort)) {
            drop(busy);
            return busy;
        }
        dirty = true;
        sentPackets++;
        sentBytes += p.length;
        return null;
    }

    EngineReport.DeviceStatus report() {
        EngineReport.Counters counted = counters.report(port::drops);
        return new EngineReport.DeviceStatus(
                id,
                name,
                port.up(),
                receivedPackets,
                receivedBytes,
                sentPackets,
                sentBytes,
                counted.counters(),
                counted.drops());
    }
}
