package dev.iod.ovn;

import dev.iod.ovn.OvnException.Category;
import dev.iod.pipeline.Bits;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.regex.Pattern;

/**
 * A constant of a match or action.
 *
 * @param mask all ones (128 bits) when none was written
 */
record Constant(Format format, Bits value, Bits mask) {
    private static final Pattern ETHERNET =
            Pattern.compile("([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}");
    private static final Bits ALL = Bits.ones(128);
    private static final BigInteger LOW = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

    /** How it was written; decides what a mask means. */
    enum Format {
        DECIMAL(128),
        HEXADECIMAL(128),
        ETHERNET(48),
        IPV4(32),
        IPV6(128);

        final int width;

        Format(int width) {
            this.width = width;
        }
    }

    boolean masked() {
        return !Span.same(mask, ALL);
    }

    /** Bits that a field needs to be compared with it. */
    int width() {
        Bits counted = masked() ? mask : value;
        int used =
                counted.high() != 0
                        ? 128 - Long.numberOfLeadingZeros(counted.high())
                        : 64 - Long.numberOfLeadingZeros(counted.low());
        return switch (format) {
            case DECIMAL, HEXADECIMAL -> used;
            case ETHERNET, IPV4, IPV6 -> masked() ? used : format.width;
        };
    }

    /** Reads one number; masks are applied by {@link #withMask}. */
    static Constant parse(String text) {
        Bits all = ALL;
        long plain = decimal(text, 0, text.length());
        if (plain >= 0) {
            return new Constant(Format.DECIMAL, Bits.of(plain), all);
        }
        long ip4 = dotted(text);
        if (ip4 >= 0) {
            return new Constant(Format.IPV4, Bits.of(ip4), all);
        }
        if (isEthernet(text)) {
            return new Constant(Format.ETHERNET, Bits.of(ethernet(text)), all);
        }
        if (text.contains(":")) {
            return new Constant(Format.IPV6, address(text, true), all);
        }
        if (text.contains(".")) {
            return new Constant(Format.IPV4, address(text, false), all);
        }
        try {
            if (text.startsWith("0x") || text.startsWith("0X")) {
                return new Constant(Format.HEXADECIMAL, bits(text.substring(2), 16), all);
            }
            if (text.length() > 1 && text.startsWith("0")) {
                throw new OvnException(Category.SYNTAX, "leading zeros: " + text);
            }
            Bits value = bits(text, 10);
            if (value.high() != 0) {
                throw new OvnException(Category.SYNTAX, "not less than 2**64: " + text);
            }
            return new Constant(Format.DECIMAL, value, all);
        } catch (NumberFormatException e) {
            throw new OvnException(Category.SYNTAX, "not a number: " + text, e);
        }
    }

    /** The number that these digits are, of up to 18 and without leading zeros; -1 otherwise. */
    private static long decimal(String text, int from, int to) {
        if (to <= from || to - from > 18 || to - from > 1 && text.charAt(from) == '0') {
            return -1;
        }
        long value = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            value = 10 * value + c - '0';
        }
        return value;
    }

    /** An IPv4 address in its usual form; -1 for anything else. */
    private static long dotted(String text) {
        long value = 0;
        int from = 0;
        for (int part = 0; part < 4; part++) {
            int dot = text.indexOf('.', from);
            int to = part < 3 ? dot : text.length();
            long number = to < 0 ? -1 : decimal(text, from, to);
            if (number < 0 || number > 255) {
                return -1;
            }
            value = value << 8 | number;
            from = to + 1;
        }
        return value;
    }

    /** This constant with a mask after a slash: a prefix length or bits in the same format. */
    Constant withMask(Constant written) {
        boolean address = format == Format.IPV4 || format == Format.IPV6;
        Bits bits;
        if (address && written.format == Format.DECIMAL) {
            long prefix = written.value.low();
            if (written.value.high() != 0 || prefix < 0 || prefix > format.width) {
                throw new OvnException(Category.SYNTAX, "a prefix length of " + written.written());
            }
            bits = prefix(format.width, (int) prefix);
        } else if (written.format == format) {
            bits = written.value;
        } else {
            throw new OvnException(
                    Category.SYNTAX,
                    "value and mask are written differently: " + written.written());
        }
        return new Constant(format, value.and(bits), bits);
    }

    /** The mask of a network of this many leading bits. */
    static Bits prefix(int width, int length) {
        Bits all = Bits.ones(width);
        Bits host = Bits.ones(width - length);
        return new Bits(all.high() & ~host.high(), all.low() & ~host.low());
    }

    /** The number of leading ones of the mask; 32 or 128 without one. */
    int prefixLength() {
        return masked() ? Long.bitCount(mask.high()) + Long.bitCount(mask.low()) : format.width;
    }

    /** As it may be written, for messages. */
    String written() {
        if (format == Format.IPV6 || format == Format.HEXADECIMAL) {
            return value.high() == 0
                    ? "0x" + Long.toHexString(value.low())
                    : "0x%x%016x".formatted(value.high(), value.low());
        }
        return new BigInteger(Long.toUnsignedString(value.high()))
                .shiftLeft(64)
                .or(new BigInteger(Long.toUnsignedString(value.low())))
                .toString();
    }

    private static boolean isEthernet(String text) {
        return text.indexOf(':') >= 0 && (isUsual(text) || ETHERNET.matcher(text).matches());
    }

    /** With two digits for each byte. */
    private static boolean isUsual(String text) {
        if (text.length() != 17) {
            return false;
        }
        for (int i = 0; i < 17; i++) {
            char c = text.charAt(i);
            if (i % 3 == 2 ? c != ':' : c > 'f' || Character.digit(c, 16) < 0) {
                return false;
            }
        }
        return true;
    }

    static long ethernet(String text) {
        if (!isEthernet(text)) {
            throw new OvnException(Category.SYNTAX, "not an Ethernet address: " + text);
        }
        long value = 0;
        int digits = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == ':') {
                value = value << 8 | digits;
                digits = 0;
            } else {
                digits = digits << 4 | Character.digit(c, 16);
            }
        }
        return value << 8 | digits;
    }

    private static Bits bits(String digits, int radix) {
        // BigInteger also takes a sign, and digits of other scripts.
        if (!digits.chars().allMatch(c -> c < 128 && Character.digit(c, radix) >= 0)) {
            throw new OvnException(Category.SYNTAX, "not a number: " + digits);
        }
        var number = new BigInteger(digits, radix);
        if (number.bitLength() > 128) {
            throw new OvnException(Category.SYNTAX, "more than 128 bits: " + digits);
        }
        return new Bits(number.shiftRight(64).longValue(), number.and(LOW).longValue());
    }

    private static Bits address(String text, boolean six) {
        // The JDK also reads "10.1" as an address, OVN does not.
        if (!six && text.chars().filter(c -> c == '.').count() != 3) {
            throw new OvnException(Category.SYNTAX, "not an address: " + text);
        }
        byte[] bytes;
        try {
            bytes = InetAddress.ofLiteral(text).getAddress();
        } catch (IllegalArgumentException e) {
            throw new OvnException(Category.SYNTAX, "not an address: " + text, e);
        }
        Bits value = ofBytes(bytes);
        // The JDK returns an IPv4-mapped IPv6 address as IPv4 (RFC 4291 §2.5.5.2).
        return six && bytes.length == 4 ? new Bits(0, 0xffff_0000_0000L | value.low()) : value;
    }

    /** Up to 16 bytes, the first one most significant. */
    static Bits ofBytes(byte[] bytes) {
        long high = 0;
        long low = 0;
        for (byte b : bytes) {
            high = high << 8 | low >>> 56;
            low = low << 8 | b & 0xff;
        }
        return new Bits(high, low);
    }
}
