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
        return !mask.equals(Bits.ones(128));
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
        Bits all = Bits.ones(128);
        if (ETHERNET.matcher(text).matches()) {
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

    static long ethernet(String text) {
        if (!ETHERNET.matcher(text).matches()) {
            throw new OvnException(Category.SYNTAX, "not an Ethernet address: " + text);
        }
        long value = 0;
        for (String part : text.split(":", -1)) {
            value = value << 8 | Integer.parseInt(part, 16);
        }
        return value;
    }

    private static Bits bits(String digits, int radix) {
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
