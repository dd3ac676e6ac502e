package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Limits in simulated time. */
class ThrottleTest {
    private static final long SECOND = 1_000_000_000;
    private static final long MILLISECOND = 1_000_000;
    private static final int REQUEST_BYTES = 4096;
    private static final long SEED = Long.getLong("iod.seed", 1);

    /** A volume whose guest always has more to do, looked at when its shard looks. */
    private static final class Volume {
        private final Throttle throttle = new Throttle();
        private final Queue<Long> startedNanos = new ArrayDeque<>();
        private long started;

        Volume(Limits limits) {
            throttle.limits(limits, 0);
        }

        void look(long nowNanos) {
            while (throttle.waitNanos(nowNanos) <= 0) {
                throttle.charge(REQUEST_BYTES, nowNanos);
                startedNanos.add(nowNanos);
                started++;
            }
            while (!startedNanos.isEmpty() && startedNanos.element() <= nowNanos - SECOND) {
                startedNanos.remove();
            }
        }

        int inTheLastSecond() {
            return startedNanos.size();
        }
    }

    /** As a shard sleeps: for a millisecond at least, and as it happens a little longer. */
    @ParameterizedTest
    @CsvSource({"10,0", "500,0", "5000,0", "50000,0", "0,409600", "0,20480000", "3000,204800000"})
    void inEverySecondTheRateHoldsHoweverLateOneLooks(long operations, long bytes) {
        System.out.println("seed " + SEED);
        SplittableRandom random = new SplittableRandom(SEED);
        Volume volume = new Volume(new Limits(operations, bytes));
        double expected = operations > 0 ? operations : (double) bytes / REQUEST_BYTES;
        long now = 0;
        while (now < 10 * SECOND) {
            volume.look(now);
            if (now > SECOND) {
                assertThat((double) volume.inTheLastSecond())
                        .isCloseTo(expected, within(1 + expected / 100));
            }
            long wait = Math.max(volume.throttle.waitNanos(now), MILLISECOND);
            now += wait + random.nextLong(MILLISECOND);
        }
        assertThat((double) volume.started)
                .isCloseTo(10 * expected, within(1 + expected * 10 / 500));
    }

    @Test
    void volumesThatAreLookedAtTogetherEachHaveTheirOwnRate() {
        Volume few = new Volume(new Limits(100, 0));
        Volume many = new Volume(new Limits(10_000, 0));
        Volume same = new Volume(new Limits(10_000, 0));
        for (long now = 0; now < 5 * SECOND; now += MILLISECOND) {
            few.look(now);
            many.look(now);
            same.look(now);
        }
        assertThat(few.started).isBetween(495L, 505L);
        assertThat(many.started).isBetween(49_900L, 50_100L).isEqualTo(same.started);
    }

    @Test
    void aTenthOfASecondsWorthMayStartAfterARest() {
        Volume volume = new Volume(new Limits(1_000, 0));
        volume.look(0);
        volume.look(SECOND);
        assertThat(volume.inTheLastSecond()).isEqualTo(101);
    }

    @Test
    void aNewLimitForgetsTheDebtOfTheOldOne() {
        Throttle throttle = new Throttle();
        throttle.limits(new Limits(0, 1), 0);
        throttle.charge(REQUEST_BYTES, 0);
        assertThat(throttle.waitNanos(0)).isEqualTo(REQUEST_BYTES * SECOND);
        throttle.limits(new Limits(0, REQUEST_BYTES), MILLISECOND);
        assertThat(throttle.waitNanos(MILLISECOND)).isZero();
        throttle.charge(REQUEST_BYTES, MILLISECOND);
        assertThat(throttle.waitNanos(MILLISECOND)).isEqualTo(SECOND);
    }
}
