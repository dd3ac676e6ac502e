package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.ovsdb.Row;
import dev.iod.ovsdb.Value;
import dev.iod.pipeline.AddressText;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.EngineEvent.NeighborLearned;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
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

    /** A southbound with the port that neighbours are learned on. */
    private static Model model() {
        var datapath = new UUID(0, 1);
        var port = new UUID(0, 2);
        var rows = new HashMap<String, Map<UUID, Optional<Row>>>();
        rows.put(
                "Datapath_Binding",
                Map.of(
                        datapath,
                        Optional.of(
                                Row.of(
                                        "Datapath_Binding",
                                        datapath,
                                        Map.of("tunnel_key", Value.of(1))))));
        rows.put(
                "Port_Binding",
                Map.of(
                        port,
                        Optional.of(
                                Row.of(
                                        "Port_Binding",
                                        port,
                                        Map.of(
                                                "logical_port", Value.of("lrp"),
                                                "type", Value.of(""),
                                                "datapath", Value.of(datapath),
                                                "tunnel_key", Value.of(1),
                                                "chassis", Value.none())))));
        var model = new Model("n1");
        model.apply(rows, fact -> {});
        return model;
    }

    @Test
    void isSlowedDown() {
        var writer = new NeighborWriter();
        var model = model();
        long now = System.nanoTime();
        int left = 3;
        for (int i = 0; i < 2 * NeighborWriter.BATCH_LIMIT + left; i++) {
            assertThat(writer.learned(neighbor(i))).isTrue();
        }
        long interval = NeighborWriter.INTERVAL_NANOS;
        assertThat(writer.next(model, now, 0)).hasSize(NeighborWriter.BATCH_LIMIT);
        assertThat(writer.next(model, now + interval / 2, 0)).as("too early").isEmpty();
        assertThat(writer.next(model, now + interval, 0)).hasSize(NeighborWriter.BATCH_LIMIT);
        assertThat(writer.isEmpty()).isFalse();
        assertThat(writer.next(model, now + 2 * interval, 0)).hasSize(left);
        assertThat(writer.isEmpty()).isTrue();
        assertThat(writer.next(model, now + 3 * interval, 0)).isEmpty();
    }

    @Test
    void portsThatAreGoneAreLeftOut() {
        var writer = new NeighborWriter();
        writer.learned(neighbor(1));
        assertThat(writer.next(new Model("n1"), System.nanoTime(), 0)).isEmpty();
        assertThat(writer.isEmpty()).as("taken from the queue all the same").isTrue();
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
