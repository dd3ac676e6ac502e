package dev.iod.block;

import java.nio.file.Path;

/**
 * How a volume is shown to a VMM.
 *
 * @param socket vhost-user socket
 * @param listen the engine makes the socket; otherwise the VMM listens and the engine dials
 * @param queues number of virtqueues, 1 to 16
 * @param requireSealed refuse guest memory that its owner could truncate
 * @param failed why the volume has failed for good; empty when it has not
 */
record Attachment(
        String volume,
        Path socket,
        boolean listen,
        int queues,
        boolean readOnly,
        Limits limits,
        boolean requireSealed,
        String failed) {
    static final int MAX_QUEUES = 16;

    Attachment {
        if (queues < 1 || queues > MAX_QUEUES) {
            throw new BlockException(
                    BlockException.Category.INVALID,
                    "a volume has 1 to " + MAX_QUEUES + " queues, not " + queues);
        }
    }
}
