package dev.iod.dpu;

import dev.iod.node.ImagePart;
import java.nio.file.Path;
import java.util.Map;
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

    /**
     * @param wish for what it is asked, such as the id of a disk: only a failure of a try that
     *     began after the first question of a wish is an answer to it
     */
    Answer ask(String wish, ImagePart part);

    /**
     * Says which parts are needed; others may be deleted to make room.
     *
     * @param wishes by SHA-256; none of a part is empty
     */
    void needed(Map<String, Set<String>> wishes);
}
