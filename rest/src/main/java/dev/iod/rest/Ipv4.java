package dev.iod.rest;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * An IPv4 address.
 *
 * @param bits the address as a number, 0 to 2^32 − 1
 */
public record Ipv4(long bits) implements Comparable<Ipv4> {
    public static final long MAXIMUM = 0xffff_ffffL;

    // No leading zeros: some readers take "010" for octal (RFC 6943 §3.1.1).
    private static final String OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    private static final Pattern DOTTED =
            Pattern.compile(OCTET + "\\." + OCTET + "\\." + OCTET + "\\." + OCTET);

    public Ipv4 {
        if (bits < 0 || bits > MAXIMUM) {
            throw new IllegalArgumentException("IPv4 address out of range: " + bits);
        }
    }

    /** The address written as four decimal octets; empty if the text is anything else. */
    public static Optional<Ipv4> parse(String text) {
        var matcher = DOTTED.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long bits = 0;
        for (int octet = 1; octet <= 4; octet++) {
            bits = bits << 8 | Integer.parseInt(matcher.group(octet));
        }
        return Optional.of(new Ipv4(bits));
    }

    /** For text that came from the database or a literal: malformed text is a bug. */
    public static Ipv4 of(String text) {
        return parse(text)
                .orElseThrow(() -> new IllegalArgumentException("not an IPv4 address: " + text));
    }

    public Ipv4 plus(long count) {
        return new Ipv4(bits + count);
    }

    @Override
    public int compareTo(Ipv4 other) {
        return Long.compare(bits, other.bits);
    }

    @Override
    public String toString() {
        return (bits >> 24)
                + "."
                + (bits >> 16 & 255)
                + "."
                + (bits >> 8 & 255)
                + "."
                + (bits & 255);
    }
}
