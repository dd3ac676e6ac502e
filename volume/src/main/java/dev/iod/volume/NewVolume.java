package dev.iod.volume;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a new volume shall be.
 *
 * @param gib its size; empty for that of the volume or snapshot that it is a copy of
 * @param type id or name; empty for that of its source, or the standard one
 * @param sameHost ids of volumes; it shall be on the node of one of them; empty: on any
 */
public record NewVolume(
        Optional<String> name,
        Optional<String> description,
        OptionalLong gib,
        Optional<String> type,
        Map<String, String> metadata,
        VolumeSource source,
        List<String> sameHost) {
    /** Copies the collections. */
    public NewVolume {
        sameHost = List.copyOf(sameHost);
        metadata = Map.copyOf(metadata);
    }
}
