package dev.iod.ovn;

import java.io.ByteArrayOutputStream;

/** Internet checksums (RFC 1071), for tests. */
final class Sums {
    private Sums() {}

    /** Zero over bytes that contain their right checksum. */
    static int of(byte[] bytes) {
        long sum = 0;
        for (int i = 0; i < bytes.length; i += 2) {
            int low = i + 1 < bytes.length ? bytes[i + 1] & 0xff : 0;
            sum += (bytes[i] & 0xff) << 8 | low;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) ~sum & 0xffff;
    }

    /** With the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) but for ICMPv4, which has none. */
    static int transport(int protocol, byte[] source, byte[] destination, byte[] body) {
        var out = new ByteArrayOutputStream();
        if (protocol != Flow.ICMP4) {
            out.writeBytes(source);
            out.writeBytes(destination);
            out.writeBytes(
                    new byte[] {
                        0, (byte) protocol, (byte) (body.length >>> 8), (byte) body.length
                    });
        }
        out.writeBytes(body);
        return of(out.toByteArray());
    }
}
