package dev.iod.ovsdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.ovsdb.Schema.AtomType;
import dev.iod.ovsdb.Schema.ColumnType;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

/** Messages of a server that does not keep to RFC 7047: refused with a reason, never believed. */
@Timeout(60)
class MessageReaderTest {
    private static final long SEED = Long.getLong("seed", 20261129);
    private static final String UUID = "11111111-2222-3333-4444-555555555555";

    private static final Row.Layout LAYOUT =
            new Row.Layout(
                    "T",
                    List.of("name", "number", "tags", "ids", "owner"),
                    List.of(
                            new ColumnType(AtomType.STRING, Optional.empty(), 1, 1),
                            new ColumnType(AtomType.INTEGER, Optional.empty(), 1, 1),
                            new ColumnType(AtomType.STRING, Optional.empty(), 0, Long.MAX_VALUE),
                            new ColumnType(
                                    AtomType.STRING,
                                    Optional.of(AtomType.STRING),
                                    0,
                                    Long.MAX_VALUE),
                            new ColumnType(AtomType.UUID, Optional.empty(), 0, 1)));

    private static final String ROW =
            "{\"name\":\"a\",\"number\":7,\"tags\":[\"set\",[\"x\",\"y\"]],"
                    + "\"ids\":[\"map\",[[\"k\",\"v\"]]],\"owner\":[\"uuid\",\""
                    + UUID
                    + "\"]}";

    private static String update(String row) {
        return "{\"method\":\"update2\",\"id\":null,\"params\":[\"replica\",{\"T\":{\""
                + UUID
                + "\":{\"insert\":"
                + row
                + "}}}]}";
    }

    private static final List<String> MESSAGES =
            List.of(
                    update(ROW),
                    "{\"id\":3,\"result\":[{\"count\":1},{\"uuid\":[\"uuid\",\""
                            + UUID
                            + "\"]},{\"error\":\"e\",\"details\":\"d\"},null],\"error\":null}",
                    "{\"id\":\"echo\",\"method\":\"echo\",\"params\":[\"a\",1,{}]}",
                    "{\"id\":4,\"result\":null,\"error\":{\"error\":\"x\",\"details\":\"y\"}}");

    private static MessageReader reader(String text) {
        var reader =
                new MessageReader(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        reader.layouts(Map.of("T", LAYOUT));
        return reader;
    }

    private static int readAll(String text) {
        MessageReader reader = reader(text);
        int count = 0;
        while (reader.next().isPresent()) {
            count++;
        }
        return count;
    }

    @Test
    void whatIsRightIsRead() {
        assertThat(readAll(String.join("", MESSAGES))).isEqualTo(MESSAGES.size());
    }

    @Test
    void damagedMessagesAreRefusedWithAReason() {
        System.out.println("MessageReaderTest: seed " + SEED);
        var random = new SplittableRandom(SEED);
        int refused = 0;
        int tries = 30_000;
        for (int i = 0; i < tries; i++) {
            String text = damaged(MESSAGES.get(random.nextInt(MESSAGES.size())), random);
            try {
                readAll(text);
            } catch (OvsdbException e) {
                assertThat(e.category()).isEqualTo(OvsdbException.Category.PROTOCOL);
                refused++;
            } catch (JacksonException e) {
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + SEED + ": " + text, e);
            }
        }
        assertThat(refused).isGreaterThan(tries / 2);
    }

    private static String damaged(String message, SplittableRandom random) {
        var text = new StringBuilder(message);
        for (int i = 0; i <= random.nextInt(3); i++) {
            int at = random.nextInt(Math.max(1, text.length()));
            if (text.isEmpty()) {
                break;
            }
            switch (random.nextInt(4)) {
                case 0 -> text.deleteCharAt(at);
                case 1 -> text.insert(at, "[]{}\",:0-e\\".charAt(random.nextInt(11)));
                case 2 -> text.setLength(at + 1);
                default -> text.setCharAt(at, "[]{}\",:9a".charAt(random.nextInt(9)));
            }
        }
        return text.toString();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"name\":7}",
                "{\"name\":[\"set\",[\"a\",\"b\"]]}",
                "{\"number\":\"seven\"}",
                "{\"number\":7.5}",
                "{\"number\":99999999999999999999}",
                "{\"tags\":[\"set\",[1]]}",
                "{\"tags\":[\"set\",5]}",
                "{\"tags\":[\"bag\",[]]}",
                "{\"tags\":[]}",
                "{\"ids\":[\"map\",[[\"k\"]]]}",
                "{\"ids\":[\"map\",[[\"k\",1]]]}",
                "{\"ids\":{\"k\":\"v\"}}",
                "{\"owner\":[\"uuid\",\"nobody\"]}",
                "{\"owner\":\"nobody\"}",
                "{\"owner\":[\"named-uuid\",\"row\"]}"
            })
    void valuesOfAnotherTypeAreRefused(String row) {
        assertThatThrownBy(() -> readAll(update(row)))
                .isInstanceOfAny(OvsdbException.class, JacksonException.class);
    }
}
