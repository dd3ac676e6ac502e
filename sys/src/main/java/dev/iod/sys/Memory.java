package dev.iod.sys;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Raw memory by address: the only class that touches it. Plain numbers are in the machine's byte
 * order (little-endian on every machine IoD runs on), the {@code …Network} variants big-endian.
 *
 * <p>Start with {@code long base = Memory.base(address)} once per packet or structure and add
 * constant offsets to it: masking the base lets the compiler see that the offsets are in range, so
 * that the bounds check of each access folds away. Masking at every access, or a segment that is
 * not {@code static final}, was measured 1.5 to 2 times slower.
 *
 * <p>With {@code -Diod.memory=checked} every access is done by {@link CheckedMemory}: it must lie
 * wholly inside one registered region. {@link Linux#mmap} registers; other memory is registered
 * with {@link #register}. Tests and fuzzers run that way.
 *
 * <p>A page that has lost its backing (a file truncated by its other owner) faults with SIGBUS. The
 * JVM turns that into an {@link InternalError} that may be raised <em>a little after</em> the
 * access, in the same thread, while the access itself yields an arbitrary value. Who reads memory
 * shared with a peer must therefore treat every value as hostile, catch {@code InternalError} at
 * its edge and call {@link #settleFaults()} before it leaves that edge.
 *
 * <p>SAFETY (whole class): callers pass addresses inside memory they mapped or allocated and have
 * not released; the checked twin proves it in tests.
 */
public final class Memory {
    /** Whether accesses are checked against the registered regions. */
    public static final boolean CHECKED = "checked".equals(System.getProperty("iod.memory"));

    /** User space is 47 bits wide on x86-64, and mmap(2) never returns more on other machines. */
    private static final long ADDRESS_MASK = 0x7fff_ffff_ffffL;

    /** From here MemorySegment.copy beats the 8-byte loop (measured on JDK 25). */
    private static final int BULK_BYTES = 128;

    // SAFETY: spans the whole address space on purpose; see the class comment.
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final VarHandle SHORT_ORDERED =
            ValueLayout.JAVA_SHORT.varHandle().withInvokeExactBehavior();
    private static final VarHandle INT_ORDERED =
            ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG_ORDERED =
            ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    private Memory() {}

    /** The address in a form from which constant offsets need no bounds check. */
    public static long base(long address) {
        return address & ADDRESS_MASK;
    }

    /** 0 to 255. */
    public static int readByte(long address) {
        return CHECKED ? CheckedMemory.readByte(address) : ALL.get(BYTE, address) & 0xff;
    }

    public static void writeByte(long address, int value) {
        if (CHECKED) {
            CheckedMemory.writeByte(address, value);
        } else {
            ALL.set(BYTE, address, (byte) value);
        }
    }

    /** 0 to 65535; any alignment. */
    public static int readShort(long address) {
        return CHECKED ? CheckedMemory.readShort(address) : ALL.get(SHORT, address) & 0xffff;
    }

    public static void writeShort(long address, int value) {
        if (CHECKED) {
            CheckedMemory.writeShort(address, value);
        } else {
            ALL.set(SHORT, address, (short) value);
        }
    }

    /** Any alignment. */
    public static int readInt(long address) {
        return CHECKED ? CheckedMemory.readInt(address) : ALL.get(INT, address);
    }

    public static void writeInt(long address, int value) {
        if (CHECKED) {
            CheckedMemory.writeInt(address, value);
        } else {
            ALL.set(INT, address, value);
        }
    }

    /** Any alignment. */
    public static long readLong(long address) {
        return CHECKED ? CheckedMemory.readLong(address) : ALL.get(LONG, address);
    }

    public static void writeLong(long address, long value) {
        if (CHECKED) {
            CheckedMemory.writeLong(address, value);
        } else {
            ALL.set(LONG, address, value);
        }
    }

    /** Big-endian, 0 to 65535. */
    public static int readShortNetwork(long address) {
        return Short.toUnsignedInt(Short.reverseBytes((short) readShort(address)));
    }

    /** Big-endian. */
    public static void writeShortNetwork(long address, int value) {
        writeShort(address, Short.reverseBytes((short) value));
    }

    /** Big-endian. */
    public static int readIntNetwork(long address) {
        return Integer.reverseBytes(readInt(address));
    }

    /** Big-endian. */
    public static void writeIntNetwork(long address, int value) {
        writeInt(address, Integer.reverseBytes(value));
    }

    /** Big-endian. */
    public static long readLongNetwork(long address) {
        return Long.reverseBytes(readLong(address));
    }

    /** Big-endian. */
    public static void writeLongNetwork(long address, long value) {
        writeLong(address, Long.reverseBytes(value));
    }

    /** Acquire load, 0 to 65535; the address is a multiple of 2. */
    public static int readShortAcquire(long address) {
        CheckedMemory.checkIf(CHECKED, address, Short.BYTES);
        return (short) SHORT_ORDERED.getAcquire(ALL, address) & 0xffff;
    }

    /**
     * Release store; the address is a multiple of 2. A fence and a plain store, because JDK 25's
     * own (putShortVolatile, until it is compiled by C2) is an exchange of 16 bits that its signal
     * handler cannot decode: a fault there ends the process instead of raising InternalError.
     */
    public static void writeShortRelease(long address, int value) {
        VarHandle.releaseFence();
        writeShort(address, value);
    }

    /** Acquire load; the address is a multiple of 4. */
    public static int readIntAcquire(long address) {
        CheckedMemory.checkIf(CHECKED, address, Integer.BYTES);
        return (int) INT_ORDERED.getAcquire(ALL, address);
    }

    /** Release store; the address is a multiple of 4. */
    public static void writeIntRelease(long address, int value) {
        CheckedMemory.checkIf(CHECKED, address, Integer.BYTES);
        INT_ORDERED.setRelease(ALL, address, value);
    }

    /** Acquire load; the address is a multiple of 8. */
    public static long readLongAcquire(long address) {
        CheckedMemory.checkIf(CHECKED, address, Long.BYTES);
        return (long) LONG_ORDERED.getAcquire(ALL, address);
    }

    /** Release store; the address is a multiple of 8. */
    public static void writeLongRelease(long address, long value) {
        CheckedMemory.checkIf(CHECKED, address, Long.BYTES);
        LONG_ORDERED.setRelease(ALL, address, value);
    }

    /** Orders everything before it against everything after it, stores before loads included. */
    public static void fence() {
        VarHandle.fullFence();
    }

    /** Stores before it become visible before stores after it. */
    public static void storeFence() {
        VarHandle.storeStoreFence();
    }

    /** Copies {@code length} bytes (0 or more) between areas that do not overlap. */
    public static void copy(long from, long to, int length) {
        if (CHECKED) {
            CheckedMemory.copy(from, to, length);
        } else if (length >= BULK_BYTES) {
            MemorySegment.copy(ALL, from, ALL, to, length);
        } else {
            copySmall(base(from), base(to), length);
        }
    }

    /** Blocks of 32 bytes, then eight at a time; the last step overlaps the one before. */
    private static void copySmall(long from, long to, int length) {
        if (length >= Long.BYTES) {
            int last = length - Long.BYTES;
            int i = 0;
            for (; i + 32 <= length; i += 32) {
                long source = base(from + i);
                long target = base(to + i);
                ALL.set(LONG, target, ALL.get(LONG, source));
                ALL.set(LONG, target + 8, ALL.get(LONG, source + 8));
                ALL.set(LONG, target + 16, ALL.get(LONG, source + 16));
                ALL.set(LONG, target + 24, ALL.get(LONG, source + 24));
            }
            for (; i < last; i += Long.BYTES) {
                ALL.set(LONG, to + i, ALL.get(LONG, from + i));
            }
            ALL.set(LONG, to + last, ALL.get(LONG, from + last));
        } else {
            for (int i = 0; i < length; i++) {
                ALL.set(BYTE, to + i, ALL.get(BYTE, from + i));
            }
        }
    }

    /** Copies out of memory into a part of an array. */
    public static void copyToArray(long from, byte[] to, int offset, int length) {
        CheckedMemory.checkIf(CHECKED, from, length);
        MemorySegment.copy(ALL, BYTE, from, to, offset, length);
    }

    /** Copies a part of an array into memory. */
    public static void copyFromArray(byte[] from, int offset, long to, int length) {
        CheckedMemory.checkIf(CHECKED, to, length);
        MemorySegment.copy(from, offset, ALL, BYTE, to, length);
    }

    /** Sets {@code length} bytes to one value. */
    public static void fill(long address, long length, int value) {
        CheckedMemory.checkIf(CHECKED, address, length);
        ALL.asSlice(address, length).fill((byte) value);
    }

    /**
     * Declares memory this process may touch to the checked twin; free of cost and effect without
     * {@code -Diod.memory=checked}.
     */
    public static void register(long address, long length) {
        if (CHECKED) {
            CheckedMemory.register(address, length);
        }
    }

    /** Ends what {@link #register} began; the same address must be given. */
    public static void unregister(long address) {
        if (CHECKED) {
            CheckedMemory.unregister(address);
        }
    }

    /**
     * Makes a fault (see the class comment) of an earlier access of this thread surface here, as
     * {@link InternalError}, instead of somewhere later. Costs about as much as an empty foreign
     * call (8 ns): the JVM raises pending faults when a thread comes back from one.
     */
    public static void settleFaults() {
        Libc.settle();
    }
}
