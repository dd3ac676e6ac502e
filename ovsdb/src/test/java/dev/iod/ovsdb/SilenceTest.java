package dev.iod.ovsdb;

import static dev.iod.ovsdb.Silence.Verdict.ASK;
import static dev.iod.ovsdb.Silence.Verdict.FINE;
import static dev.iod.ovsdb.Silence.Verdict.GONE;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SilenceTest {
    private static final Duration INTERVAL = Duration.ofSeconds(10);

    /** Begins anywhere: the clock's numbers mean nothing by themselves, and may wrap. */
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 3);

    private final Silence silence = new Silence(now::get);

    private void pass(double intervals) {
        now.addAndGet((long) (INTERVAL.toNanos() * intervals));
    }

    @Test
    void whoDoesNotAnswerIsGone() {
        silence.waiting();
        pass(0.9);
        assertThat(silence.look(INTERVAL, false)).isEqualTo(FINE);
        pass(0.2);
        assertThat(silence.look(INTERVAL, false)).isEqualTo(ASK);
        silence.asked();
        pass(0.9);
        assertThat(silence.look(INTERVAL, false)).isEqualTo(FINE);
        pass(0.2);
        assertThat(silence.look(INTERVAL, false)).isEqualTo(GONE);
    }

    @Test
    void whoAnswersIsAskedAgainMuchLater() {
        silence.waiting();
        pass(1.1);
        silence.asked();
        pass(0.5);
        silence.received();
        silence.waiting();
        pass(0.9);
        assertThat(silence.look(INTERVAL, false)).isEqualTo(FINE);
        pass(0.2);
        assertThat(silence.look(INTERVAL, false)).isEqualTo(ASK);
    }

    @Test
    void whoOwesAnAnswerIsGivenLongerAndNotForEver() {
        silence.waiting();
        pass(1.1);
        assertThat(silence.look(INTERVAL, true)).isEqualTo(ASK);
        silence.asked();
        pass(Silence.PATIENCE - 0.1);
        assertThat(silence.look(INTERVAL, true)).isEqualTo(FINE);
        pass(0.2);
        assertThat(silence.look(INTERVAL, true)).isEqualTo(GONE);
    }

    /** While we work on a long message, or the machine stands still, nobody else is silent. */
    @Test
    void ourOwnWorkIsNoSilence() {
        silence.waiting();
        silence.received();
        pass(100);
        assertThat(silence.look(INTERVAL, false)).isEqualTo(FINE);
        silence.waiting();
        assertThat(silence.look(INTERVAL, false)).isEqualTo(FINE);
        pass(100);
        assertThat(silence.look(INTERVAL, false)).isEqualTo(ASK);
    }
}
