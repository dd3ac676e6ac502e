package dev.iod.rest;

import java.util.Optional;

/** Words what the rooms below HTTP throw, which know no status codes, as errors of the API. */
@FunctionalInterface
public interface Outcomes {
    /** The error for a failure; empty for one that is a defect. */
    Optional<ApiException> error(RuntimeException failure);
}
