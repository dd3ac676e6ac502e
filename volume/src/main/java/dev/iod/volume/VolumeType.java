package dev.iod.volume;

import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.store.Table;
import dev.iod.store.Where;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** What keeps a volume. */
record VolumeType(UUID id, String name, String description) {
    static final Table<VolumeType> TABLE =
            Table.of(VolumeType.class, "volume_type", "id")
                    .sorted(Map.of("name", "name", "created_at", "name"), "name");

    /** Of volumes whose request names none. */
    static final String DEFAULT = "local";

    /**
     * The type of that id or name.
     *
     * @throws ApiException 404
     */
    static VolumeType find(Handle handle, String idOrName) {
        return look(handle, idOrName)
                .orElseThrow(
                        () ->
                                ApiException.notFound(
                                        Formats.isUuid(idOrName)
                                                ? "Volume type %s could not be found."
                                                        .formatted(idOrName)
                                                : "Volume type with name %s could not be found."
                                                        .formatted(idOrName)));
    }

    /** Whether there is one of that id or name. */
    static boolean exists(Handle handle, String idOrName) {
        return look(handle, idOrName).isPresent();
    }

    private static Optional<VolumeType> look(Handle handle, String idOrName) {
        return Formats.uuid(idOrName)
                .flatMap(id -> TABLE.first(handle, TABLE.is(id)))
                .or(() -> TABLE.first(handle, Where.of("name = ?", idOrName)));
    }
}
