package dev.iod.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.pipeline.testing.SampleEntities;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Everything that crosses the control socket comes back as it was; everything else is refused. */
final class CodecTest {
    @Test
    void entitiesComeBack() {
        for (Entity entity : SampleEntities.all()) {
            byte[] wire = SampleEntities.bytes(entity);
            WireReader in = new WireReader(wire);
            Entity back = EntityCodec.read(in);
            in.expectEnd();
            assertThat(SampleEntities.bytes(back)).isEqualTo(wire);
            assertThat(back).usingRecursiveComparison().isEqualTo(entity);
            WireWriter key = new WireWriter();
            EntityCodec.writeKey(key, EntityKey.of(entity));
            assertThat(EntityCodec.readKey(new WireReader(key.toArray())))
                    .isEqualTo(EntityKey.of(entity));
        }
    }

    @Test
    void reportsAndEventsComeBack() {
        List<EngineReport> reports =
                List.of(
                        new EngineReport.Counters(
                                Map.of(Counter.SENT, 5L), Map.of(DropReason.POLICY, 6L)),
                        new EngineReport.Devices(
                                List.of(
                                        new EngineReport.DeviceStatus(
                                                1,
                                                "d",
                                                true,
                                                2,
                                                3,
                                                4,
                                                5,
                                                Map.of(Counter.FLOW_LIMIT, 6L),
                                                Map.of(DropReason.HAIRPIN, 1L)))),
                        new EngineReport.Flows(
                                7, List.of(new EngineReport.FlowStatus("k", "a", 1, 2, 3))),
                        new EngineReport.Trace(
                                List.of(
                                        new EngineReport.TraceStep(
                                                1, Action.Stage.EGRESS, 2, "c", "w")),
                                List.of(
                                        new EngineReport.TraceOutput(
                                                -1, 0xc0000201, 1L << 40, new byte[] {1, 2}))));
        for (EngineReport report : reports) {
            assertThat(ReportCodec.readReport(new WireReader(ReportCodec.writeReport(report))))
                    .usingRecursiveComparison()
                    .isEqualTo(report);
        }
        for (EngineEvent event :
                List.of(
                        new EngineEvent.NeighborLearned(1, Bits.of(2), 3),
                        new EngineEvent.DeviceState(-1, true),
                        new EngineEvent.UnsupportedHit("c", "w"))) {
            assertThat(ReportCodec.readEvent(new WireReader(ReportCodec.writeEvent(event))))
                    .isEqualTo(event);
        }
    }

    @Test
    void damagedEntitiesAreRefusedNotTrusted() {
        SplittableRandom random = new SplittableRandom(20261122);
        for (Entity entity : SampleEntities.all()) {
            byte[] wire = SampleEntities.bytes(entity);
            for (int i = 0; i < 2000; i++) {
                byte[] bad = Arrays.copyOf(wire, random.nextInt(wire.length + 1));
                for (int change = random.nextInt(3); change >= 0 && bad.length > 0; change--) {
                    bad[random.nextInt(bad.length)] = (byte) random.nextInt();
                }
                try {
                    EntityCodec.read(new WireReader(bad));
                } catch (EngineException e) {
                    assertThat(e.category()).isEqualTo(EngineException.Category.PROTOCOL);
                }
            }
        }
    }

    @Test
    void nestingIsBounded() {
        Match deep = new Match.Always();
        for (int i = 0; i < 100; i++) {
            deep = new Match.Not(deep);
        }
        WireWriter out = new WireWriter();
        RuleCodec.writeMatch(out, deep);
        assertThatThrownBy(() -> RuleCodec.readMatch(new WireReader(out.toArray()), 0))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("nested");
    }
}
