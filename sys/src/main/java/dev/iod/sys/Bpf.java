package dev.iod.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The few operations of bpf(2) an XDP program needs, without libbpf. Each returns a descriptor the
 * caller owns; closing a link's descriptor detaches the program.
 *
 * <p>SAFETY (all methods): each command gets a zeroed attribute block of the layout of union
 * bpf_attr (include/uapi/linux/bpf.h) for that command; what it points to lives until the call
 * returns, and the kernel copies it.
 */
public final class Bpf {
    private static final boolean X86 = System.getProperty("os.arch").equals("amd64");

    /** bpf(2) on x86-64 and in the generic table (arm64, riscv64, loongarch64). */
    private static final long SYSCALL_BPF = X86 ? 321 : 280;

    private static final int MAP_CREATE = 0;
    private static final int MAP_UPDATE_ELEM = 2;
    private static final int PROG_LOAD = 5;
    private static final int LINK_CREATE = 28;
    private static final int MAP_TYPE_XSKMAP = 17;
    private static final int PROG_TYPE_XDP = 6;
    private static final int ATTACH_XDP = 37;
    private static final int XDP_FLAGS_SKB_MODE = 2;
    private static final int XDP_FLAGS_DRV_MODE = 4;
    private static final int LOG_BYTES = 16 * 1024;

    private Bpf() {}

    private static int bpf(int command, MemorySegment attributes, String operation) {
        long result =
                Libc.syscall(SYSCALL_BPF, command, attributes.address(), attributes.byteSize());
        return (int) Linux.check(result, operation);
    }

    /** A map from receive queue to AF_XDP socket. */
    public static int createSocketMap(int entries) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = arena.allocate(72, 8);
            attributes.set(ValueLayout.JAVA_INT, 0, MAP_TYPE_XSKMAP);
            attributes.set(ValueLayout.JAVA_INT, 4, Integer.BYTES);
            attributes.set(ValueLayout.JAVA_INT, 8, Integer.BYTES);
            attributes.set(ValueLayout.JAVA_INT, 12, entries);
            return bpf(MAP_CREATE, attributes, "create an XDP socket map");
        }
    }

    /** Puts a socket into the map. */
    public static void putSocket(int map, int queue, int socket) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment key = arena.allocate(ValueLayout.JAVA_INT);
            key.set(ValueLayout.JAVA_INT, 0, queue);
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            value.set(ValueLayout.JAVA_INT, 0, socket);
            MemorySegment attributes = arena.allocate(32, 8);
            attributes.set(ValueLayout.JAVA_INT, 0, map);
            attributes.set(ValueLayout.JAVA_LONG, 8, key.address());
            attributes.set(ValueLayout.JAVA_LONG, 16, value.address());
            bpf(MAP_UPDATE_ELEM, attributes, "put a socket into an XDP map");
        }
    }

    /** Verifies and loads an XDP program; a refusal carries the verifier's log. */
    public static int loadXdp(long[] instructions) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment code = arena.allocateFrom(ValueLayout.JAVA_LONG, instructions);
            MemorySegment log = arena.allocate(LOG_BYTES);
            MemorySegment attributes = arena.allocate(120, 8);
            attributes.set(ValueLayout.JAVA_INT, 0, PROG_TYPE_XDP);
            attributes.set(ValueLayout.JAVA_INT, 4, instructions.length);
            attributes.set(ValueLayout.JAVA_LONG, 8, code.address());
            attributes.set(ValueLayout.JAVA_LONG, 16, arena.allocateFrom("GPL").address());
            attributes.set(ValueLayout.JAVA_INT, 24, 1);
            attributes.set(ValueLayout.JAVA_INT, 28, LOG_BYTES);
            attributes.set(ValueLayout.JAVA_LONG, 32, log.address());
            attributes.set(ValueLayout.JAVA_INT, 68, ATTACH_XDP);
            long result =
                    Libc.syscall(
                            SYSCALL_BPF, PROG_LOAD, attributes.address(), attributes.byteSize());
            if (result < 0) {
                throw new SysException(
                        "load an XDP program (" + log.getString(0).strip() + ")", Libc.errno());
            }
            return (int) result;
        }
    }

    /** Attaches a program: in the driver, or where the driver cannot, in the generic path. */
    public static int attachXdp(int program, int interfaceIndex) {
        try {
            return link(program, interfaceIndex, XDP_FLAGS_DRV_MODE);
        } catch (SysException e) {
            if (e.errno() != Errno.EOPNOTSUPP && e.errno() != Errno.EINVAL) {
                throw e;
            }
            return link(program, interfaceIndex, XDP_FLAGS_SKB_MODE);
        }
    }

    private static int link(int program, int interfaceIndex, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = arena.allocate(48, 8);
            attributes.set(ValueLayout.JAVA_INT, 0, program);
            attributes.set(ValueLayout.JAVA_INT, 4, interfaceIndex);
            attributes.set(ValueLayout.JAVA_INT, 8, ATTACH_XDP);
            attributes.set(ValueLayout.JAVA_INT, 12, flags);
            return bpf(LINK_CREATE, attributes, "attach XDP to interface " + interfaceIndex);
        }
    }
}
