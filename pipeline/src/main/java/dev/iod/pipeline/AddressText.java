package dev.iod.pipeline;

/** Addresses as text: as OVN's rows have them, and as people read them. */
public final class AddressText {
    private AddressText() {}

    /** An Ethernet address, in the low 48 bits of the value: lower case, with colons. */
    public static String ethernet(long mac) {
        var text = new StringBuilder();
        for (int shift = 40; shift >= 0; shift -= 8) {
            String octet = Integer.toHexString((int) (mac >>> shift) & 0xff);
            text.append(text.isEmpty() ? "" : ":").append(octet.length() == 1 ? "0" : "");
            text.append(octet);
        }
        return text.toString();
    }

    /** An IPv4 address, in the low 32 bits of the value. */
    public static String ip4(Bits ip) {
        long value = ip.low();
        return (value >>> 24 & 0xff)
                + "."
                + (value >>> 16 & 0xff)
                + "."
                + (value >>> 8 & 0xff)
                + "."
                + (value & 0xff);
    }

    /** An IPv6 address in the canonical form of RFC 5952. */
    public static String ip6(Bits ip) {
        int[] words = new int[8];
        for (int i = 0; i < 8; i++) {
            words[i] = (int) ip.shiftRight(112 - 16 * i).low() & 0xffff;
        }
        int bestStart = -1;
        int bestLength = 1;
        for (int i = 0; i < 8; i++) {
            int length = 0;
            while (i + length < 8 && words[i + length] == 0) {
                length++;
            }
            if (length > bestLength) {
                bestStart = i;
                bestLength = length;
            }
            i += length;
        }
        var text = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            if (i == bestStart) {
                text.append("::");
                i += bestLength - 1;
                continue;
            }
            if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
                text.append(':');
            }
            text.append(Integer.toHexString(words[i]));
        }
        return text.toString();
    }
}
