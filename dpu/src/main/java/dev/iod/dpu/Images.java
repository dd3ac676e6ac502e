package dev.iod.dpu;

import dev.iod.node.ImagePart;
import java.nio.file.Path;
import java.util.Set;

/** Image parts on this node. Asking for one that is not here makes it come. */
interface Images {
    /** What is known of an image part. */
    sealed interface Answer {
        /** Here, whole and checked. */
        record Here(Path file) implements Answer {}

        /** On its way; whoever asked is woken when that changes. */
        record Coming(String progress) implements Answer {}

        /** Cannot come, and why; asking again later tries again. */
        record Missing(String reason) implements Answer {}
    }

    Answer ask(ImagePart part);

    /** Says which parts (by SHA-256) are needed; others may be deleted to make room. */
    void needed(Set<String> digests);
}
