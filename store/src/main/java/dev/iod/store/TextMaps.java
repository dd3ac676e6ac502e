package dev.iod.store;

import java.lang.reflect.Type;
import java.sql.Types;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.argument.Argument;
import org.jdbi.v3.core.argument.ArgumentFactory;
import org.jdbi.v3.core.config.ConfigRegistry;
import org.jdbi.v3.core.generic.GenericType;
import org.jdbi.v3.core.spi.JdbiPlugin;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Teaches Jdbi that a column {@code jsonb} with an object of strings is a map. */
final class TextMaps implements JdbiPlugin {
    private static final JsonMapper MAPPER = new JsonMapper();

    @Override
    public void customizeJdbi(Jdbi jdbi) {
        jdbi.registerColumnMapper(
                new GenericType<Map<String, String>>() {},
                (row, column, context) -> read(row.getString(column)));
        jdbi.registerArgument(new Factory());
    }

    private static Map<String, String> read(String json) {
        Map<String, String> map = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : MAPPER.readTree(json).properties()) {
            map.put(entry.getKey(), entry.getValue().asString());
        }
        return map;
    }

    private static final class Factory implements ArgumentFactory {
        @Override
        public Optional<Argument> build(Type type, Object value, ConfigRegistry config) {
            if (!(value instanceof Map<?, ?> map)) {
                return Optional.empty();
            }
            ObjectNode object = JsonNodeFactory.instance.objectNode();
            map.forEach((key, text) -> object.put(key.toString(), text.toString()));
            String json = MAPPER.writeValueAsString(object);
            return Optional.of(
                    (position, statement, context) ->
                            statement.setObject(position, json, Types.OTHER));
        }
    }
}
