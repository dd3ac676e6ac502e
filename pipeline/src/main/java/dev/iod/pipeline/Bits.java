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

    /**
     * Towards the most significant bit; what goes beyond bit 127 is lost.
     *
     * @param by 0 to 128
     */
    public Bits shiftLeft(int by) {
        if (by == 0) {
            return this;
        }
        return by >= 64
                ? new Bits(by == 128 ? 0 : low << (by - 64), 0)
                : new Bits(high << by | low >>> (64 - by), low << by);
    }

    /**
     * Towards the least significant bit; zeros come from above.
     *
     * @param by 0 to 128
     */
    public Bits shiftRight(int by) {
        if (by == 0) {
            return this;
        }
        return by >= 64
                ? new Bits(0, by == 128 ? 0 : high >>> (by - 64))
                : new Bits(high >>> by, low >>> by | high << (64 - by));
    }

    /** Not the record's own: values are addresses that tenants choose. */
    @Override
    public int hashCode() {
        return Hash.fold(Hash.mix(Hash.mix(Hash.SECRET, high), low));
    }
}
