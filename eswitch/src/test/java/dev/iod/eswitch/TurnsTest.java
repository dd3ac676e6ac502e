package dev.iod.eswitch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.base.Counters;
import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.ports.Attachment;
import dev.iod.eswitch.testing.FakePort;
import dev.iod.pipeline.Counter;
import dev.iod.pipeline.EngineReport;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rounds of the engine with ports whose packets cost more or less. */
final class TurnsTest {
    private final Counters counters = new Counters();
    private final Turns turns = new Turns(counters);

    private static Attachment port(int id) {
        return new Attachment(id, "p" + id, new FakePort(), false, 1500);
    }

    @Test
    void aPortThatCostsMuchWaitsUntilOthersHadAsMuch() {
        Attachment cheap = port(1);
        Attachment dear = port(2);
        long batches = 0;
        long dearBatches = 0;
        for (int round = 0; round < 10_000; round++) {
            if (turns.has(cheap)) {
                turns.charge(cheap, PacketBatch.CAPACITY, 0);
                batches++;
            }
            if (turns.has(dear)) {
                turns.charge(dear, PacketBatch.CAPACITY, 50L * PacketBatch.CAPACITY);
                dearBatches++;
            }
        }
        assertThat(batches).as("every round").isEqualTo(10_000);
        long cost = 1 + 50 * Turns.STEP_COST;
        assertThat(dearBatches).isBetween(10_000 / cost, 10_000 / cost + 1);
        assertThat(counters.count(Counter.TURNS_SKIPPED)).isEqualTo(10_000 - dearBatches);
        assertThat(dear.counters.count(Counter.TURNS_SKIPPED)).isEqualTo(10_000 - dearBatches);
        assertThat(cheap.counters.count(Counter.TURNS_SKIPPED)).isZero();
    }

    @Test
    void whoIsAloneDoesNotWait() {
        Attachment alone = port(1);
        int batches = 0;
        for (int round = 0; round < 100; round++) {
            if (turns.has(alone)) {
                turns.charge(alone, PacketBatch.CAPACITY, 1000);
                batches++;
            } else {
                turns.idle(List.of(alone));
            }
        }
        assertThat(batches).isEqualTo(50);
        assertThat(turns.has(alone)).isTrue();
    }

    @Test
    void unusedTurnsAreNotSaved() {
        Attachment port = port(1);
        for (int round = 0; round < 1000; round++) {
            assertThat(turns.has(port)).isTrue();
        }
        assertThat(port.credit).isEqualTo(Turns.SHARE);
        Attachment uplink = port(EngineReport.UPLINK);
        assertThat(turns.has(uplink)).isTrue();
        assertThat(uplink.credit).isEqualTo(Turns.UPLINK_SHARE);
    }
}
