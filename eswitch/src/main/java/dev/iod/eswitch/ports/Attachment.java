package dev.iod.eswitch.ports;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.connections.Budget;
import dev.iod.eswitch.connections.Sender;
import dev.iod.eswitch.connections.Senders;
import dev.iod.eswitch.packet.Packet;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.EngineReport;
import dev.iod.pipeline.Entity;
import org.jspecify.annotations.Nullable;

/** A port in use by the engine, with what it carried. Engine thread only. */
public final class Attachment {
    public final int id;
    public final String name;
    public final Port port;
    public final boolean service;
    public final int mtuBytes;

    /** Whom its packets are charged to; those of the uplink have other senders. */
    public final Sender sender;

    /** Logical port packets from here enter by, 0 = none. */
    public long logicalPort;

    /** Whether something was transmitted since the last flush. */
    public boolean dirty;

    public boolean wasUp;

    /** When it may next be logged that receiving failed. */
    public long nextFailureLogMillis;

    /** What it may still use of the engine's time, negative = what it owes ({@code Turns}). */
    public long credit;

    public long receivedPackets;
    public long receivedBytes;
    public long sentPackets;
    long sentBytes;
    private final Outgoing waiting = new Outgoing();

    /** What became of its packets, but for hits of the flow table, which count only in all. */
    public final Counters counters = new Counters();

    public Attachment(int id, String name, Port port, boolean service, int mtuBytes) {
        this.id = id;
        this.name = name;
        this.port = port;
        this.service = service;
        this.mtuBytes = mtuBytes;
        this.sender = new Sender(Senders.local(id), Budget.UNLIMITED);
    }

    public static Attachment of(Entity.Device device, Port port) {
        boolean service = device.kind() instanceof Entity.Kind.Service;
        return new Attachment(device.id(), device.name(), port, service, device.mtuBytes());
    }

    public boolean isUplink() {
        return id == EngineReport.UPLINK;
    }

    public void drop(DropReason reason) {
        counters.drop(reason);
    }

    /** Number of frames that wait for {@link #sendWaiting}. */
    public int waiting() {
        return waiting.count;
    }

    /** Sends a packet of the batch at the latest when all of it are done; there must be room. */
    public void enqueue(Packet p, long inPort) {
        waiting.add(p.address, p.length, inPort);
    }

    /** Sends what waits. @return how many frames could not be sent */
    public int sendWaiting(DropReason busy) {
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
    public @Nullable DropReason transmit(Packet p, DropReason busy) {
        if (!port.transmit(p.address, p.length, p.inPort)) {
            drop(busy);
            return busy;
        }
        dirty = true;
        sentPackets++;
        sentBytes += p.length;
        return null;
    }

    public EngineReport.DeviceStatus report() {
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
