package dev.iod.compute;

import dev.iod.rest.Json;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reading and writing columns that are not plain values. */
final class Rows {
    private Rows() {}

    static Optional<String> text(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getString(column));
    }

    static UUID uuid(ResultSet row, String column) throws SQLException {
        return row.getObject(column, UUID.class);
    }

    static Optional<UUID> optionalUuid(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getObject(column, UUID.class));
    }

    static Instant time(ResultSet row, String column) throws SQLException {
        return row.getTimestamp(column).toInstant();
    }

    static Optional<Instant> optionalTime(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getTimestamp(column)).map(Timestamp::toInstant);
    }

    static List<String> texts(ResultSet row, String column) throws SQLException {
        Array array = row.getArray(column);
        return array == null ? List.of() : List.of((String[]) array.getArray());
    }

    /** A JSON object of strings. */
    static Map<String, String> map(ResultSet row, String column) throws SQLException {
        JsonNode node = Json.parse(row.getString(column).getBytes(StandardCharsets.UTF_8));
        return map(node);
    }

    static Map<String, String> map(JsonNode node) {
        return Json.map(node);
    }

    /** The text of a JSON object of strings, for {@code CAST(:x AS jsonb)}. */
    static String json(Map<String, String> map) {
        return Json.text(object(map));
    }

    static ObjectNode object(Map<String, String> map) {
        return Json.object(map);
    }
}
