package dev.iod.cli;

import dev.iod.pipeline.AddressText;
import dev.iod.pipeline.Bits;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What a frame's headers say, by field. */
final class FrameText {
    private FrameText() {}

    /** Fields in the order of the headers; unknown parts are left out. */
    static Map<String, String> fields(byte[] frame) {
        Map<String, String> fields = new LinkedHashMap<>();
        ByteBuffer in = ByteBuffer.wrap(frame);
        fields.put("dlsrc", mac(in, 6));
        fields.put("dldst", mac(in, 0));
        int type = in.getShort(12) & 0xffff;
        switch (type) {
            case 0x800 -> {
                if (frame.length >= 34) {
                    addresses(fields, frame, 26, 4);
                    fields.put("ttl", Integer.toString(in.get(22) & 0xff));
                    transport(fields, in, in.get(23) & 0xff, 14 + (in.get(14) & 15) * 4);
                }
            }
            case 0x86dd -> {
                if (frame.length >= 54) {
                    addresses(fields, frame, 22, 16);
                    fields.put("ttl", Integer.toString(in.get(21) & 0xff));
                    transport(fields, in, in.get(20) & 0xff, 54);
                }
            }
            case 0x806 -> {
                if (frame.length >= 42) {
                    fields.put("arp.op", Integer.toString(in.getShort(20)));
                    fields.put("arp.spa", address(frame, 28, 4));
                    fields.put("arp.tpa", address(frame, 38, 4));
                }
            }
            default -> fields.put("type", "0x%04x".formatted(type));
        }
        return fields;
    }

    private static void addresses(Map<String, String> fields, byte[] frame, int at, int length) {
        fields.put("src", address(frame, at, length));
        fields.put("dst", address(frame, at + length, length));
    }

    /**
     * An Internet address in a frame.
     *
     * @param length 4 or 16 bytes
     */
    static String address(byte[] bytes, int at, int length) {
        ByteBuffer in = ByteBuffer.wrap(bytes, at, length);
        return length == 4
                ? AddressText.ip4(Bits.of(in.getInt()))
                : AddressText.ip6(new Bits(in.getLong(), in.getLong()));
    }

    private static String mac(ByteBuffer in, int at) {
        return AddressText.ethernet(in.getLong(at) >>> 16);
    }

    private static void transport(Map<String, String> fields, ByteBuffer in, int protocol, int at) {
        fields.put("proto", protocolName(protocol));
        if (in.limit() < at + 4) {
            return;
        }
        switch (protocol) {
            case 6, 17, 132 -> {
                fields.put("srcport", Integer.toString(in.getShort(at) & 0xffff));
                fields.put("dstport", Integer.toString(in.getShort(at + 2) & 0xffff));
            }
            case 1, 58 -> {
                fields.put("type", Integer.toString(in.get(at) & 0xff));
                fields.put("code", Integer.toString(in.get(at + 1) & 0xff));
            }
            default -> {}
        }
    }

    static String protocolName(int protocol) {
        return switch (protocol) {
            case 1 -> "icmp4";
            case 6 -> "tcp";
            case 17 -> "udp";
            case 58 -> "icmp6";
            case 132 -> "sctp";
            default -> Integer.toString(protocol);
        };
    }

    static String text(byte[] frame) {
        return join(fields(frame));
    }

    /** The fields of a frame that another one does not have. */
    static String changes(byte[] before, byte[] after) {
        Map<String, String> changed = fields(after);
        changed.entrySet().removeAll(fields(before).entrySet());
        return join(changed);
    }

    private static String join(Map<String, String> fields) {
        return fields.entrySet().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue())
                .collect(Collectors.joining(" "));
    }
}
