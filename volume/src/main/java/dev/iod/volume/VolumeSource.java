package dev.iod.volume;

/** What a new volume starts as. */
public sealed interface VolumeSource {
    /** Zeros. */
    record Blank() implements VolumeSource {}

    /**
     * The disk in an image.
     *
     * @param reference its id, alone or at the end of an address, or its name
     */
    record Image(String reference) implements VolumeSource {}

    /** A volume as it was when the snapshot was taken. */
    record OfSnapshot(String id) implements VolumeSource {}

    /** Another volume as it is when the new one is made. */
    record OfVolume(String id) implements VolumeSource {}
}
