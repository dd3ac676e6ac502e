package dev.iod.identity;

import static dev.iod.rest.View.field;
import static dev.iod.rest.View.text;
import static dev.iod.rest.View.truth;

import dev.iod.rest.Fields;
import dev.iod.rest.Json;
import dev.iod.rest.View;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** The one domain of a region. */
record Domain(String id, String name) {
    static final Domain DEFAULT = new Domain("default", "Default");

    static final View<Domain> VIEW =
            new View<>(
                    List.of(
                            field("id", (d, v) -> text(d.id())),
                            field("name", (d, v) -> text(d.name())),
                            field("description", (d, v) -> text("The default domain")),
                            field("enabled", (d, v) -> truth(true)),
                            // As of every domain in Keystone that was given none.
                            field("tags", (d, v) -> Json.array()),
                            field("options", (d, v) -> Json.object()),
                            field("links", (d, v) -> KeystoneStyle.self(v, "domains/" + d.id()))));

    /** How other resources name it. */
    static ObjectNode reference() {
        return Json.object().put("id", DEFAULT.id()).put("name", DEFAULT.name());
    }

    /** Whether an id that may be given is the one there is. */
    static boolean isDefault(Optional<String> id) {
        return id.map(DEFAULT.id()::equals).orElse(true);
    }

    /** The same of the domain in a body, {@code {"id": …}} or {@code {"name": …}}. */
    static boolean isDefault(Fields domain) {
        Optional<String> id = domain.optionalString("id", Names.MAX_LENGTH);
        Optional<String> name = domain.optionalString("name", Names.MAX_LENGTH);
        domain.end();
        return isDefault(id) && name.map(DEFAULT.name()::equalsIgnoreCase).orElse(true);
    }
}
