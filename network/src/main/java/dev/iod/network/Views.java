package dev.iod.network;

import dev.iod.rest.Json;
import java.util.OptionalInt;
import tools.jackson.databind.node.ObjectNode;

/** Parts that the JSON of several resources has in common. */
final class Views {
    private Views() {}

    static ObjectNode stamp(ObjectNode view, Stamp stamp) {
        return view.put("created_at", Json.time(stamp.createdAt()))
                .put("updated_at", Json.time(stamp.updatedAt()))
                .put("revision_number", stamp.revision());
    }

    static void put(ObjectNode view, String name, OptionalInt value) {
        if (value.isPresent()) {
            view.put(name, value.getAsInt());
        } else {
            view.putNull(name);
        }
    }
}
