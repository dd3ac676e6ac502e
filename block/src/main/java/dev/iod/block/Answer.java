package dev.iod.block;

import java.nio.file.Path;
import java.util.List;

/** What the engine says to a {@link Command} that it carried out. */
sealed interface Answer {
    record Done() implements Answer {}

    record Volumes(List<VolumeStatus> volumes) implements Answer {}

    record Space(PoolSpace space) implements Answer {}

    record File(Path path) implements Answer {}
}
