package dev.iod.network;

import dev.iod.rest.Ipv4;
import java.util.Optional;

/**
 * An IPv4 prefix, host bits cleared (RFC 4632 §3.1).
 *
 * @param network first address
 * @param length prefix length, 0 to 32
 */
public record Cidr(Ipv4 network, int length) {
    public Cidr {
        if (length < 0 || length > 32) {
            throw new IllegalArgumentException("prefix length out of range: " + length);
        }
        if ((network.bits() & ~mask(length)) != 0) {
            throw new IllegalArgumentException("host bits set: " + network + "/" + length);
        }
    }

    /** Accepts {@code address/length}; host bits are cleared, as Neutron does for subnets. */
    public static Optional<Cidr> parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || !text.substring(slash + 1).matches("\\d|[12]\\d|3[0-2]")) {
            return Optional.empty();
        }
        int length = Integer.parseInt(text.substring(slash + 1));
        return Ipv4.parse(text.substring(0, slash))
                .map(address -> new Cidr(new Ipv4(address.bits() & mask(length)), length));
    }

    /** For text that came from the database or a literal: malformed text is a bug. */
    public static Cidr of(String text) {
        return parse(text)
                .orElseThrow(() -> new IllegalArgumentException("not an IPv4 prefix: " + text));
    }

    public Ipv4 last() {
        return new Ipv4(network.bits() | (~mask(length) & Ipv4.MAXIMUM));
    }

    public boolean contains(Ipv4 address) {
        return (address.bits() & mask(length)) == network.bits();
    }

    public boolean overlaps(Cidr other) {
        return contains(other.network) || other.contains(network);
    }

    /**
     * The addresses a host may have. The first and the last are the network and the broadcast
     * address, except on point-to-point links (RFC 3021) and single hosts.
     */
    public AddressRange hosts() {
        return length >= 31
                ? new AddressRange(network, last())
                : new AddressRange(network.plus(1), last().plus(-1));
    }

    private static long mask(int length) {
        return Ipv4.MAXIMUM << (32 - length) & Ipv4.MAXIMUM;
    }

    @Override
    public String toString() {
        return network + "/" + length;
    }
}
