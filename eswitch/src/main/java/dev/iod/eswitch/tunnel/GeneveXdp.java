package dev.iod.eswitch.tunnel;

import dev.iod.eswitch.ports.XdpPort;

/**
 * The XDP program of the uplink, assembled by hand: hands exactly those frames to the engine that
 * are Geneve for this node and leaves everything else to the kernel, so that ARP, routing and
 * management work on the same interface as ever.
 *
 * <p>Redirected are untagged IPv4 packets without options, unfragmented, UDP to port 6081 (RFC 8926
 * §3.3) of the encapsulation address. A Geneve packet with IP options or in fragments goes to the
 * kernel, where no socket wants it: tunnel endpoints must not fragment (RFC 8926 §4.2.2), the
 * networks' MTU leaves room for the encapsulation, and nobody sends options on an underlay.
 *
 * @param encapsulationAddress IPv4, host order
 */
public record GeneveXdp(int encapsulationAddress) implements XdpPort.Program {
    private static final int WORD = 0x61;
    private static final int HALF = 0x69;
    private static final int BYTE = 0x71;
    private static final int CONTEXT_DATA = 0;
    private static final int CONTEXT_DATA_END = 4;
    private static final int CONTEXT_QUEUE = 16;
    private static final int XDP_PASS = 2;
    private static final int HELPER_REDIRECT_MAP = 51;

    /** Ethernet, IPv4 without options, UDP. */
    private static final int HEADERS_BYTES = 14 + 20 + 8;

    /** Packet fields are compared in memory order, read as little-endian numbers. */
    @Override
    public long[] assemble(int socketMap) {
        // Jump distances count instructions from the next one on; "pass" is number 24.
        final int pass = 24;
        return new long[] {
            /* 0 */ load(WORD, 2, 1, CONTEXT_DATA), // r2 = start of the frame
            /* 1 */ load(WORD, 3, 1, CONTEXT_DATA_END), // r3 = its end
            /* 2 */ instruction(0xbf, 4, 2, 0, 0), // r4 = r2
            /* 3 */ instruction(0x07, 4, 0, 0, HEADERS_BYTES), // r4 += headers
            /* 4 */ instruction(0x2d, 4, 3, pass - 5, 0), // if r4 > r3: too short
            /* 5 */ load(HALF, 5, 2, 12), // EtherType
            /* 6 */ jumpUnequal(5, 0x0008, pass - 7), // IPv4
            /* 7 */ load(BYTE, 5, 2, 14),
            /* 8 */ jumpUnequal(5, 0x45, pass - 9), // version 4, header of 20 bytes
            /* 9 */ load(HALF, 5, 2, 20),
            /* 10 */ instruction(0x57, 5, 0, 0, 0xff3f), // r5 &= more-fragments, offset
            /* 11 */ jumpUnequal(5, 0, pass - 12), // not a fragment
            /* 12 */ load(BYTE, 5, 2, 23),
            /* 13 */ jumpUnequal(5, 17, pass - 14), // UDP
            /* 14 */ load(WORD, 5, 2, 30), // destination address, compared as 32 bits
            /* 15 */ instruction(0x56, 5, 0, pass - 16, Integer.reverseBytes(encapsulationAddress)),
            /* 16 */ load(HALF, 5, 2, 36),
            /* 17 */ jumpUnequal(5, 0xc117, pass - 18), // destination port 6081
            /* 18 */ load(WORD, 2, 1, CONTEXT_QUEUE), // r2 = receive queue
            /* 19 */ instruction(0x18, 1, 1, 0, socketMap), // r1 = map, two slots
            /* 20 */ 0,
            /* 21 */ instruction(0xb7, 3, 0, 0, XDP_PASS), // r3 = result without a socket
            /* 22 */ instruction(0x85, 0, 0, 0, HELPER_REDIRECT_MAP),
            /* 23 */ instruction(0x95, 0, 0, 0, 0), // exit with the helper's result
            /* 24 */ instruction(0xb7, 0, 0, 0, XDP_PASS), // pass: r0 = XDP_PASS
            /* 25 */ instruction(0x95, 0, 0, 0, 0) // exit
        };
    }

    /** {@code target = *(size *)(source + offset)}. */
    private static long load(int size, int target, int source, int offset) {
        return instruction(size, target, source, offset, 0);
    }

    private static long jumpUnequal(int register, int value, int distance) {
        return instruction(0x55, register, 0, distance, value);
    }

    /** One instruction as a little-endian word (Documentation/bpf/standardization). */
    private static long instruction(int code, int target, int source, int offset, int immediate) {
        return code & 0xffL
                | (target & 0xfL) << 8
                | (source & 0xfL) << 12
                | (offset & 0xffffL) << 16
                | (immediate & 0xffff_ffffL) << 32;
    }
}
