package dev.iod.sys;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * The simple twin of {@link Memory}: every access goes through a segment that spans exactly one
 * registered region, so an address outside of all regions, or a length that leaves its region, is
 * an {@link IllegalArgumentException} or {@link IndexOutOfBoundsException} instead of a crash.
 * Thread-safe; bounded by the number of mappings.
 */
final class CheckedMemory {
    private static final ConcurrentSkipListMap<Long, MemorySegment> REGIONS =
            new ConcurrentSkipListMap<>();

    private CheckedMemory() {}

    static void register(long address, long length) {
        // SAFETY: the caller owns [address, address + length).
        MemorySegment region = MemorySegment.ofAddress(address).reinterpret(length);
        if (REGIONS.putIfAbsent(address, region) != null) {
            throw new IllegalStateException(
                    "memory at 0x" + Long.toHexString(address) + " is registered already");
        }
    }

    static void unregister(long address) {
        if (REGIONS.remove(address) == null) {
            throw new IllegalStateException(
                    "memory at 0x" + Long.toHexString(address) + " is not registered");
        }
    }

    /** Whether the bytes lie wholly inside one region. */
    static boolean covers(long address, long length) {
        Map.Entry<Long, MemorySegment> floor = REGIONS.floorEntry(address);
        return length >= 0
                && floor != null
                && floor.getValue().byteSize() - (address - floor.getKey()) >= length;
    }

    static void checkIf(boolean wanted, long address, long length) {
        if (wanted) {
            slice(address, length);
        }
    }

    private static MemorySegment slice(long address, long length) {
        if (!covers(address, length)) {
            throw new IllegalArgumentException(
                    length + " bytes at 0x" + Long.toHexString(address) + " are in no region");
        }
        Map.Entry<Long, MemorySegment> floor = REGIONS.floorEntry(address);
        if (floor == null) {
            throw new IllegalStateException("a region vanished during an access");
        }
        return floor.getValue().asSlice(address - floor.getKey(), length);
    }

    static int readByte(long address) {
        return slice(address, 1).get(ValueLayout.JAVA_BYTE, 0) & 0xff;
    }

    static void writeByte(long address, int value) {
        slice(address, 1).set(ValueLayout.JAVA_BYTE, 0, (byte) value);
    }

    static int readShort(long address) {
        return slice(address, 2).get(ValueLayout.JAVA_SHORT_UNALIGNED, 0) & 0xffff;
    }

    static void writeShort(long address, int value) {
        slice(address, 2).set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) value);
    }

    static int readInt(long address) {
        return slice(address, 4).get(ValueLayout.JAVA_INT_UNALIGNED, 0);
    }

    static void writeInt(long address, int value) {
        slice(address, 4).set(ValueLayout.JAVA_INT_UNALIGNED, 0, value);
    }

    static long readLong(long address) {
        return slice(address, 8).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    static void writeLong(long address, long value) {
        slice(address, 8).set(ValueLayout.JAVA_LONG_UNALIGNED, 0, value);
    }

    static void copy(long from, long to, int length) {
        slice(to, length).copyFrom(slice(from, length));
    }
}
