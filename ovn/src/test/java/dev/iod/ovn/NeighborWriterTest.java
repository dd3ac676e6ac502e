package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.pipeline.Bits;
import dev.iod.pipeline.EngineEvent.NeighborLearned;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NeighborWriterTest {
    private static NeighborLearned neighbor(long number) {
        return new NeighborLearned(0x10001, Bits.of(number), number);
    }

    @Test
    void whatDoesNotFitIsDroppedAndCounted() {
        var writer = new NeighborWriter();
        for (int i = 0; i < NeighborWriter.WAITING_LIMIT; i++) {
            assertThat(writer.learned(neighbor(i))).isTrue();
        }
        assertThat(writer.learned(neighbor(5))).as("one that waits already").isTrue();
        assertThat(writer.learned(neighbor(1 << 20))).isFalse();
        assertThat(writer.dropped()).isEqualTo(1);
    }

    @Test
    void isSlowedDown() {
        var writer = new NeighborWriter();
        var model = new Model("n1");
        long now = System.nanoTime();
        for (int i = 0; i < 2 * NeighborWriter.BATCH_LIMIT; i++) {
            writer.learned(neighbor(i));
        }
        // Ports that are not known any more are left out, but taken from the queue.
        assertThat(writer.next(model, now, 0)).isEmpty();
        assertThat(writer.isEmpty()).isTrue();
        writer.learned(neighbor(1));
        assertThat(writer.next(model, now + NeighborWriter.INTERVAL_NANOS / 2, 0)).isEmpty();
        assertThat(writer.isEmpty()).as("too early").isFalse();
        assertThat(writer.next(model, now + NeighborWriter.INTERVAL_NANOS, 0)).isEmpty();
        assertThat(writer.isEmpty()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "::, 0, 0",
        "fd01::11, fd01000000000000, 11",
        "2001:db8::1:0:0:1, 20010db800000000, 0001000000000001",
        "2001:db8:0:1:1:1:1:1, 20010db800000001, 0001000100010001",
        "1::, 0001000000000000, 0",
        "fe80::f816:3eff:fe00:1, fe80000000000000, f8163efffe000001"
    })
    void addressesAreWrittenAsRfc5952Says(String text, String high, String low) {
        var bits = new Bits(Long.parseUnsignedLong(high, 16), Long.parseUnsignedLong(low, 16));
        assertThat(AddressText.ip6(bits)).isEqualTo(text);
        assertThat(Constant.parse(text).value()).isEqualTo(bits);
    }

    @Test
    void otherAddresses() {
        assertThat(AddressText.ip4(Bits.of(0xc0a80001L))).isEqualTo("192.168.0.1");
        assertThat(AddressText.ethernet(0xfa163e000001L)).isEqualTo("fa:16:3e:00:00:01");
        assertThat(Constant.parse("::ffff:1.2.3.4").value())
                .isEqualTo(new Bits(0, 0xffff_0102_0304L));
    }
}
