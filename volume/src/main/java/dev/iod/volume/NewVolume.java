package dev.iod.volume;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a new volume shall be.
 *
 * @param gib its size; empty for that of the volume or snapshot that it is a copy of
 * @param type id or name; empty for that of its source, or the standard one
 */
public record NewVolume(
        Optional<String> name,
        Optional<String> description,
        OptionalLong gib,
        Optional<String> type,
        Map<String, String> metadata,
        VolumeSource source) {
    /** Copies the metadata. */
    public NewVolume {
        metadata = Map.copyOf(metadata);
    }
}
