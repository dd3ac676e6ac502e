package dev.iod.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Beside numbers of any size. */
class BitsTest {
    private static final long SEED = 20261201;
    private static final BigInteger ALL = BigInteger.ONE.shiftLeft(128).subtract(BigInteger.ONE);

    private static BigInteger number(Bits bits) {
        return new BigInteger(Long.toUnsignedString(bits.high()))
                .shiftLeft(64)
                .add(new BigInteger(Long.toUnsignedString(bits.low())));
    }

    @Test
    void shiftsByAllThereIs() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int by = 0; by <= 128; by++) {
            Bits bits = new Bits(random.nextLong(), random.nextLong());
            assertThat(number(bits.shiftLeft(by)))
                    .as("%s << %d", bits, by)
                    .isEqualTo(number(bits).shiftLeft(by).and(ALL));
            assertThat(number(bits.shiftRight(by)))
                    .as("%s >>> %d", bits, by)
                    .isEqualTo(number(bits).shiftRight(by));
        }
    }
}
