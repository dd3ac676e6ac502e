package dev.iod.vhost.testing;

import dev.iod.sys.EventFd;
import dev.iod.sys.Memory;

/**
 * The driver's side of a split virtqueue (virtio 1.2 §2.7), with access to every raw field so that
 * tests can break it. One thread.
 */
public final class DriverRing implements AutoCloseable {
    public static final int NEXT = 1;
    public static final int WRITE = 2;
    public static final int INDIRECT = 4;

    private final FrontEnd owner;
    private final int size;

    /** Offsets in the guest's memory. */
    final long descriptorsOffset;

    final long availOffset;
    final long usedOffset;
    private final EventFd kick = EventFd.create();
    private final EventFd call = EventFd.create();
    private int availIndex;
    private int usedSeen;
    private boolean eventIndex;
    private int kickedAt;

    DriverRing(FrontEnd owner, int size, long offset) {
        this.owner = owner;
        this.size = size;
        descriptorsOffset = offset;
        availOffset = offset + 16L * size;
        usedOffset = (availOffset + 6 + 2L * size + 63) & -64;
    }

    /** Bytes a ring of this size takes, rounded up to pages. */
    static long bytes(int size) {
        return (16L * size + 6 + 2L * size + 64 + 6 + 8L * size + 4095) & -4096;
    }

    public int size() {
        return size;
    }

    public EventFd kickDescriptor() {
        return kick;
    }

    public EventFd callDescriptor() {
        return call;
    }

    /** Writes one descriptor, whatever it says. */
    public void describe(int index, long guestAddress, int length, int flags, int next) {
        long at = Memory.base(owner.host(descriptorsOffset) + 16L * index);
        Memory.writeLong(at, guestAddress);
        Memory.writeInt(at + 8, length);
        Memory.writeShort(at + 12, flags);
        Memory.writeShort(at + 14, next);
    }

    /** Puts a head into the next available slot; {@link #publish()} makes it visible. */
    public void offer(int head) {
        Memory.writeShort(
                Memory.base(owner.host(availOffset) + 4 + 2L * (availIndex & (size - 1))), head);
        availIndex = (availIndex + 1) & 0xffff;
    }

    public void publish() {
        Memory.writeShortRelease(owner.host(availOffset) + 2, availIndex);
    }

    /** Sets the available index to any value, as a broken driver would. */
    public void publishIndex(int index) {
        Memory.writeShortRelease(owner.host(availOffset) + 2, index);
    }

    /** The index this driver would publish next. */
    public int availIndex() {
        return availIndex;
    }

    /** Whether VIRTIO_F_EVENT_IDX was negotiated. */
    void eventIndex(boolean negotiated) {
        eventIndex = negotiated;
    }

    /** Kicks the device if it wants to be kicked. @return whether it did */
    public boolean kick() {
        Memory.fence();
        int from = kickedAt;
        kickedAt = availIndex;
        if (eventIndex) {
            int event = Memory.readShort(owner.host(usedOffset) + 4 + 8L * size);
            if (((availIndex - event - 1) & 0xffff) >= ((availIndex - from) & 0xffff)) {
                return false;
            }
        } else if ((Memory.readShort(owner.host(usedOffset)) & 1) != 0) {
            return false;
        }
        kick.signal();
        return true;
    }

    /** Asks for no interrupts (1) or for interrupts (0). */
    public void availFlags(int flags) {
        Memory.writeShort(owner.host(availOffset), flags);
    }

    /** With event indexes: asks for an interrupt when this many more requests are answered. */
    public void wantInterruptAfter(int answers) {
        Memory.writeShort(
                owner.host(availOffset) + 4 + 2L * size, (usedSeen + answers - 1) & 0xffff);
        Memory.fence();
    }

    /** The device's published position, 0 to 65535. */
    public int usedIndex() {
        return Memory.readShortAcquire(owner.host(usedOffset) + 2);
    }

    /** Starts over, as a driver does after a device reset: nothing offered, nothing completed. */
    public void reset() {
        Memory.fill(owner.host(descriptorsOffset), bytes(size), 0);
        availIndex = 0;
        usedSeen = 0;
        kickedAt = 0;
    }

    /** Chains offered and not taken back yet. */
    public int outstanding() {
        return (availIndex - usedSeen) & 0xffff;
    }

    /** Completed chains not taken yet. */
    public int completed() {
        return (usedIndex() - usedSeen) & 0xffff;
    }

    /**
     * Takes the oldest completed chain; only when {@link #completed()} is positive.
     *
     * @return head in the low half, written length in the high half
     */
    public long take() {
        long entry =
                Memory.readLong(
                        Memory.base(owner.host(usedOffset) + 4 + 8L * (usedSeen & (size - 1))));
        usedSeen = (usedSeen + 1) & 0xffff;
        return entry;
    }

    @Override
    public void close() {
        kick.close();
        call.close();
    }
}
