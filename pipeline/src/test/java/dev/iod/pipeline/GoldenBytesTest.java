package dev.iod.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.engine.Coded;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel;
import dev.iod.pipeline.ReportCodec.Query;
import dev.iod.pipeline.testing.SampleEntities;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * What crosses the control socket and stands in the engine's files is the same, byte for byte, in
 * every version: an agent and an engine are upgraded one after the other. A line that changes needs
 * another {@link FrameType#VERSION}; what is new adds lines.
 */
final class GoldenBytesTest {
    private static final HexFormat HEX = HexFormat.of();

    private static List<String> now() {
        List<String> lines = new ArrayList<>();
        for (Entity entity : SampleEntities.all()) {
            lines.add(name(entity) + " " + HEX.formatHex(SampleEntities.bytes(entity)));
        }
        for (EngineReport report : SampleReports.reports()) {
            lines.add(name(report) + " " + HEX.formatHex(ReportCodec.writeReport(report)));
        }
        for (EngineEvent event : SampleReports.events()) {
            lines.add(name(event) + " " + HEX.formatHex(ReportCodec.writeEvent(event)));
        }
        codes(lines, Action.Stage.values());
        codes(lines, Action.Zone.values());
        codes(lines, Action.Reply.values());
        codes(lines, Match.Relation.values());
        codes(lines, EntityKey.Kind.values());
        codes(lines, Field.values());
        codes(lines, Counter.values());
        codes(lines, DropReason.values());
        for (Query query : SampleReports.queries()) {
            lines.add("Query." + name(query) + " " + HEX.formatHex(ReportCodec.writeQuery(query)));
        }
        for (FrameType type : FrameType.values()) {
            lines.add("FrameType " + type + " " + type.code());
        }
        for (Category category : Category.values()) {
            lines.add("Category " + category + " " + category.code());
        }
        lines.add("hello " + HEX.formatHex(FrameChannel.hello(FrameType.VERSION, "n1")));
        return lines;
    }

    private static <E extends Enum<E> & Coded> void codes(List<String> lines, E[] values) {
        for (E value : values) {
            lines.add(name(value) + " " + value + " " + value.code());
        }
        assertThat(values).extracting(Coded::code).doesNotHaveDuplicates();
    }

    private static String name(Object value) {
        return value.getClass().getSimpleName();
    }

    @Test
    void bytesAndCodesAreThoseOfTheVersionsBefore() throws IOException {
        try (InputStream golden =
                Objects.requireNonNull(getClass().getResourceAsStream("golden.txt"))) {
            assertThat(String.join("\n", now()) + "\n")
                    .isEqualTo(new String(golden.readAllBytes(), StandardCharsets.UTF_8));
        }
    }
}
