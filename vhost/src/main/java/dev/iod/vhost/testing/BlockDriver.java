package dev.iod.vhost.testing;

import dev.iod.sys.Memory;

/**
 * A virtio-blk driver (virtio 1.2 §5.2) over one ring of a {@link FrontEnd}: a number of slots,
 * each one request of three descriptors (header, data, status). One thread.
 */
public final class BlockDriver {
    public static final int READ = 0;
    public static final int WRITE = 1;
    public static final int FLUSH = 4;
    public static final int GET_ID = 8;
    public static final int DISCARD = 11;
    public static final int WRITE_ZEROES = 13;

    public static final int OK = 0;
    public static final int IO_ERROR = 1;
    public static final int UNSUPPORTED = 2;

    /** What a slot's status byte holds until the device has written it. */
    public static final int UNANSWERED = 0xee;

    private static final int HEADER_BYTES = 16;
    private static final int CONTROL_BYTES = 64;
    private static final int SECTOR_BYTES = 512;

    private final FrontEnd frontEnd;
    private final DriverRing ring;
    private final int slots;
    private final int dataBytes;
    private final long base;

    /**
     * @param queue ring of the front end
     * @param dataBytes most data of a request, a multiple of 4096
     */
    public BlockDriver(FrontEnd frontEnd, int queue, int dataBytes) {
        this.frontEnd = frontEnd;
        ring = frontEnd.ring(queue);
        slots = ring.size() / 3;
        this.dataBytes = dataBytes;
        long each = (long) slots * dataBytes + 4096L * ((slots * CONTROL_BYTES + 4095) / 4096);
        base = ((frontEnd.buffers() + 4095) & -4096) + queue * each;
        if (base + each > frontEnd.memoryBytes()) {
            throw new IllegalArgumentException(
                    "the guest needs " + (base + each) + " bytes of memory");
        }
    }

    /** Bytes of guest memory this many queues need. */
    public static long memoryBytes(int queues, int ringSize, int dataBytes) {
        long slots = ringSize / 3;
        return (1L << 20)
                + queues * (DriverRing.bytes(ringSize) + slots * dataBytes + slots * 64 + 8192);
    }

    /** Requests that can be outstanding at once. */
    public int slots() {
        return slots;
    }

    public DriverRing ring() {
        return ring;
    }

    private long dataOffset(int slot) {
        return base + (long) slot * dataBytes;
    }

    private long controlOffset(int slot) {
        return base + (long) slots * dataBytes + (long) slot * CONTROL_BYTES;
    }

    /** Where a slot's data is in this process. */
    public long data(int slot) {
        return frontEnd.host(dataOffset(slot));
    }

    /** Offers a request; {@link #kick()} makes it seen. Discards take their one segment here. */
    public void offer(int slot, int type, long sector, int lengthBytes) {
        long control = frontEnd.host(controlOffset(slot));
        Memory.writeInt(control, type);
        Memory.writeInt(control + 4, 0);
        Memory.writeLong(control + 8, sector);
        Memory.writeByte(control + HEADER_BYTES, UNANSWERED);
        long guestControl = FrontEnd.GUEST_BASE + controlOffset(slot);
        int head = 3 * slot;
        boolean data = lengthBytes > 0;
        ring.describe(
                head, guestControl, HEADER_BYTES, DriverRing.NEXT, data ? head + 1 : head + 2);
        if (data) {
            boolean fromDevice = type == READ || type == GET_ID;
            ring.describe(
                    head + 1,
                    FrontEnd.GUEST_BASE + dataOffset(slot),
                    lengthBytes,
                    DriverRing.NEXT | (fromDevice ? DriverRing.WRITE : 0),
                    head + 2);
        }
        ring.describe(head + 2, guestControl + HEADER_BYTES, 1, DriverRing.WRITE, 0);
        ring.offer(head);
    }

    public void read(int slot, long offset, int lengthBytes) {
        offer(slot, READ, offset / SECTOR_BYTES, lengthBytes);
    }

    public void write(int slot, long offset, int lengthBytes) {
        offer(slot, WRITE, offset / SECTOR_BYTES, lengthBytes);
    }

    public void flush(int slot) {
        offer(slot, FLUSH, 0, 0);
    }

    /** DISCARD or WRITE_ZEROES of one range. */
    public void range(int slot, int type, long offset, long lengthBytes, boolean unmap) {
        long at = data(slot);
        Memory.writeLong(at, offset / SECTOR_BYTES);
        Memory.writeInt(at + 8, (int) (lengthBytes / SECTOR_BYTES));
        Memory.writeInt(at + 12, unmap ? 1 : 0);
        offer(slot, type, 0, 16);
    }

    public void kick() {
        ring.publish();
        ring.kick();
    }

    public boolean hasAnswer() {
        return ring.completed() > 0;
    }

    /** Takes the oldest answer; only when there is one. @return its slot */
    public int take() {
        return ((int) ring.take() & 0xffff) / 3;
    }

    /** Status byte of an answered slot. */
    public int status(int slot) {
        return Memory.readByte(frontEnd.host(controlOffset(slot)) + HEADER_BYTES);
    }
}
