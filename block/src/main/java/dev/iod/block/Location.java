package dev.iod.block;

import java.nio.file.Path;

/**
 * Where the blocks of a volume are. A new kind of storage is a case here, with its number in {@link
 * CommandCodec}, and a {@link Backend} that {@link BackendFactory} opens for it.
 */
public sealed interface Location {
    /** In the engine's pool, under the volume's own name. */
    record Pool() implements Location {}

    /**
     * A raw file elsewhere, used as it is; its size is a multiple of 512 bytes. Its space is not
     * given back when a guest discards.
     */
    record RawFile(Path path) implements Location {}
}
