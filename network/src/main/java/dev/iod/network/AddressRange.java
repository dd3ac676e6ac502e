package dev.iod.network;

import dev.iod.rest.Ipv4;
import java.util.ArrayList;
import java.util.List;

/** Addresses from {@code first} to {@code last}, both included. */
public record AddressRange(Ipv4 first, Ipv4 last) {
    public AddressRange {
        if (first.compareTo(last) > 0) {
            throw new IllegalArgumentException(
                    "range ends before it starts: " + first + " " + last);
        }
    }

    public boolean contains(Ipv4 address) {
        return first.compareTo(address) <= 0 && address.compareTo(last) <= 0;
    }

    public boolean overlaps(AddressRange other) {
        return first.compareTo(other.last) <= 0 && other.first.compareTo(last) <= 0;
    }

    /** This range without one address: none, one or two ranges. */
    public List<AddressRange> without(Ipv4 address) {
        if (!contains(address)) {
            return List.of(this);
        }
        var parts = new ArrayList<AddressRange>(2);
        if (first.compareTo(address) < 0) {
            parts.add(new AddressRange(first, address.plus(-1)));
        }
        if (address.compareTo(last) < 0) {
            parts.add(new AddressRange(address.plus(1), last));
        }
        return List.copyOf(parts);
    }
}
