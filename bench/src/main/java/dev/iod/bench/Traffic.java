package dev.iod.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Who sends what: end A is one address, end B a prefix of 65,536. Flow {@code i} is UDP from A to
 * one of B's addresses; frames are 64 bytes, UDP checksum 0, as testpmd's flowgen makes them.
 */
final class Traffic {
    static final int FRAME_BYTES = 64;

    /** Flows differ in B's address first, in A's port from the 65,536th on. */
    private static final int ADDRESSES = 1 << 16;

    private static final int FIRST_PORT = 1024;
    private static final int LINK_ETHERNET = 1;

    private Traffic() {}

    static String mac(String end) {
        return end.equals("a") ? "00:01:02:03:04:00" : "00:01:02:03:04:01";
    }

    static String address(String end) {
        return end.equals("a") ? "10.254.0.1" : "10.253.0.1";
    }

    static String prefix(String end) {
        return end.equals("a") ? "10.254.0.0/16" : "10.253.0.0/16";
    }

    /**
     * Writes flows as a capture file, one packet each.
     *
     * @param reversed from B to A, for a generator that swaps before it sends
     */
    static void write(Path file, int flows, boolean reversed) {
        ByteBuffer header = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0xa1b2c3d4).putShort((short) 2).putShort((short) 4).putLong(0);
        header.putInt(65535).putInt(LINK_ETHERNET);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
            out.write(header.array());
            ByteBuffer record = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
            record.putLong(0).putInt(FRAME_BYTES).putInt(FRAME_BYTES);
            for (int i = 0; i < flows; i++) {
                out.write(record.array());
                out.write(frame(i, reversed));
            }
        } catch (IOException e) {
            throw new BenchException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    /** An Ethernet frame with IPv4 (RFC 791) and UDP (RFC 768). */
    static byte[] frame(int flow, boolean reversed) {
        int a = 10 << 24 | 254 << 16 | 1;
        int b = 10 << 24 | 253 << 16 | flow % ADDRESSES;
        int aPort = FIRST_PORT + flow / ADDRESSES;
        int bPort = FIRST_PORT;
        long aMac = 0x0001_0203_0400L;
        long bMac = 0x0001_0203_0401L;
        ByteBuffer frame = ByteBuffer.allocate(FRAME_BYTES);
        putMac(frame, reversed ? aMac : bMac);
        putMac(frame, reversed ? bMac : aMac);
        frame.putShort((short) 0x0800);
        int ip = frame.position();
        frame.putShort((short) 0x4500).putShort((short) (FRAME_BYTES - ip));
        frame.putInt(0).put((byte) 64).put((byte) 17).putShort((short) 0);
        frame.putInt(reversed ? b : a).putInt(reversed ? a : b);
        int sum = 0;
        for (int i = 0; i < 20; i += 2) {
            sum += frame.getShort(ip + i) & 0xffff;
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        frame.putShort(ip + 10, (short) ~(sum + (sum >>> 16)));
        frame.putShort((short) (reversed ? bPort : aPort));
        frame.putShort((short) (reversed ? aPort : bPort));
        frame.putShort((short) (FRAME_BYTES - ip - 20)).putShort((short) 0);
        return frame.array();
    }

    private static void putMac(ByteBuffer frame, long mac) {
        frame.putShort((short) (mac >>> 32)).putInt((int) mac);
    }
}
