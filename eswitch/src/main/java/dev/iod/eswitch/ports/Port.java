package dev.iod.eswitch.ports;

import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.pipeline.DropReason;

/**
 * One attachment of the packet engine: a vhost-user device, the uplink, a local service. All
 * methods are called by the engine thread alone and never block. Packets are copied in and out:
 * nothing the peer can write to is ever parsed in place.
 */
public interface Port extends AutoCloseable {
    /**
     * Receives up to the batch's free slots; each packet is copied once to the slot's address.
     *
     * @return number of packets received
     */
    int receive(PacketBatch batch);

    /**
     * Copies one Ethernet frame to the port; the peer need not see it before {@link #flush()}.
     *
     * @return false when the port has no room or is not up (the caller counts the drop)
     */
    boolean transmit(long address, int lengthBytes);

    /**
     * As {@link #transmit(long, int)}; this is what the engine calls.
     *
     * @param inPort logical port the packet entered its datapath by: what a local service knows its
     *     client by (see {@code Entity.Kind.Service})
     */
    default boolean transmit(long address, int lengthBytes, long inPort) {
        return transmit(address, lengthBytes);
    }

    /**
     * Transmits frames in their order and notes which were accepted; one that has no room does not
     * hold up the others.
     */
    default void transmit(Outgoing frames) {
        for (int i = 0; i < frames.count; i++) {
            if (transmit(frames.address[i], frames.lengthBytes[i], frames.inPort[i])) {
                frames.accept(i);
            }
        }
    }

    /** Makes transmitted packets visible to the peer and wakes it if it asked to be woken. */
    void flush();

    /** Whether packets can flow now (rings live, interface up). */
    boolean up();

    /** Descriptors to wait for readability on while the engine sleeps. */
    int[] wakeDescriptors();

    /** Asks the peer to wake us. @return false when there already is work, so do not sleep */
    boolean armWakeup();

    /** Undoes {@link #armWakeup()} and drains the wake descriptors. */
    void disarmWakeup();

    /** Packets this port itself has dropped for a reason, both directions; any thread. */
    default long drops(DropReason reason) {
        return 0;
    }

    /** The engine no longer waits on {@link #wakeDescriptors()} when it calls this. */
    @Override
    void close();
}
