package dev.iod.dpu;

import java.util.List;
import java.util.Optional;

/** Where the content of snapshots goes that the region wants. No call blocks. */
interface Captures {
    /** They go nowhere. */
    Captures NONE =
            new Captures() {
                @Override
                public void wanted(List<String> ready) {}

                @Override
                public Optional<String> failure(String capture) {
                    return Optional.empty();
                }
            };

    /**
     * Snapshots that are there and that the region wants, in the order of their turns; others are
     * forgotten.
     */
    void wanted(List<String> ready);

    /** Why one of them cannot be sent, ever. */
    Optional<String> failure(String capture);
}
