package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.rest.Json;
import dev.iod.rest.Schema;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The texts are those of Nova 26 for the same bodies. */
class SchemaTest {
    private static String check(Schema schema, String json, int minor) {
        JsonNode body = Json.parse(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
        return schema.check(body, minor).map(Schema.Violation::text).orElse("ok");
    }

    private static String server(String fields, int minor) {
        return check(
                Bodies.CREATE_SERVER,
                "{'server': {'name': 'a', 'flavorRef': '1'" + fields + "}}",
                minor);
    }

    @Test
    void acceptsServers() {
        assertThat(server("", 1)).isEqualTo("ok");
        assertThat(server(", 'networks': [{'uuid': 'x'}], 'user_data': 'aGk='", 1)).isEqualTo("ok");
        assertThat(server(", 'networks': 'auto'", 37)).isEqualTo("ok");
    }

    @Test
    void wordsMistakesLikeNova() {
        assertThat(check(Bodies.CREATE_SERVER, "{}", 1))
                .isEqualTo("'server' is a required property");
        assertThat(check(Bodies.CREATE_SERVER, "{'server': {'name': 'a'}}", 1))
                .isEqualTo(
                        "Invalid input for field/attribute server. Value: {'name': 'a'}."
                                + " 'flavorRef' is a required property");
        assertThat(check(Bodies.CREATE_SERVER, "{'server': {'name': 7, 'flavorRef': '1'}}", 1))
                .isEqualTo(
                        "Invalid input for field/attribute name. Value: 7. 7 is not of type"
                                + " 'string'");
        assertThat(server(", 'volumes': 1", 1))
                .isEqualTo(
                        "Invalid input for field/attribute server. Value: {'name': 'a',"
                                + " 'flavorRef': '1', 'volumes': 1}. Additional properties are not"
                                + " allowed ('volumes' was unexpected)");
        assertThat(server(", 'min_count': 0", 1))
                .isEqualTo(
                        "Invalid input for field/attribute min_count. Value: 0. 0 is less than"
                                + " the minimum of 1");
        assertThat(server(", 'OS-DCF:diskConfig': 'x'", 1))
                .isEqualTo(
                        "Invalid input for field/attribute OS-DCF:diskConfig. Value: x. 'x' is"
                                + " not one of ['AUTO', 'MANUAL']");
    }

    @Test
    void fieldsBeginAndEndWithTheirMicroversion() {
        assertThat(server(", 'description': 'x'", 18)).contains("'description' was unexpected");
        assertThat(server(", 'description': 'x'", 19)).isEqualTo("ok");
        assertThat(server("", 36)).isEqualTo("ok");
        assertThat(server("", 37)).contains("'networks' is a required property");
        assertThat(server(", 'networks': [], 'personality': []", 57))
                .contains("'personality' was unexpected");
        assertThat(server(", 'networks': [{'uuid': 'x'}]", 37)).contains("networks");
    }

    @Test
    void refusesNul() {
        for (String fields :
                List.of(", 'metadata': {'a': 'x\\u0000'}", ", 'description': 'a\\u0000b'")) {
            assertThatThrownBy(() -> server(fields, 19))
                    .isInstanceOfSatisfying(
                            ApiException.class,
                            e -> assertThat(e.fault()).isEqualTo(Fault.BAD_REQUEST))
                    .hasMessageContaining("NUL");
        }
    }
}
