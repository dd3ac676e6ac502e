package dev.iod.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.pipeline.testing.SampleEntities;
import java.util.Arrays;
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
    void rulesShareWhatTheyHaveInCommon() {
        for (Entity entity : SampleEntities.all()) {
            if (entity instanceof Entity.Rule) {
                byte[] wire = SampleEntities.bytes(entity);
                Entity.Rule one = (Entity.Rule) EntityCodec.read(new WireReader(wire));
                Entity.Rule other = (Entity.Rule) EntityCodec.read(new WireReader(wire));
                assertThat(other).isEqualTo(one).isNotSameAs(one);
                for (int i = 0; i < one.actions().size(); i++) {
                    assertThat(other.actions().get(i)).isSameAs(one.actions().get(i));
                }
            }
        }
    }

    @Test
    void reportsAndEventsComeBack() {
        for (EngineReport report : SampleReports.reports()) {
            assertThat(ReportCodec.readReport(new WireReader(ReportCodec.writeReport(report))))
                    .usingRecursiveComparison()
                    .isEqualTo(report);
        }
        for (EngineEvent event : SampleReports.events()) {
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
