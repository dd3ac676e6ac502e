package dev.iod.pipeline;

import dev.iod.engine.WireReader;

/** An unsigned value of up to 128 bits, most significant half first. */
public record Bits(long high, long low) {
    public static final Bits ZERO = new Bits(0, 0);

    static Bits read(WireReader in) {
        long high = in.i64();
        return Recent.of(new Bits(high, in.i64()));
    }

    /** A value of up to 64 bits. */
    public static Bits of(long low) {
        return new Bits(0, low);
    }

    /** {@code width} one bits, 0 to 128. */
    public static Bits ones(int width) {
        if (width < 0 || width > 128) {
            throw new IllegalArgumentException("width is 0 to 128, not " + width);
        }
        long low = width == 0 ? 0 : -1L >>> (64 - Math.min(width, 64));
        long high = width <= 64 ? 0 : -1L >>> (128 - width);
        return new Bits(high, low);
    }

    public Bits and(Bits other) {
        return new Bits(high & other.high, low & other.low);
    }

    /** Not the record's own: values are addresses that tenants choose. */
    @Override
    public int hashCode() {
        return Hash.fold(Hash.mix(Hash.mix(Hash.SECRET, high), low));
    }
}
