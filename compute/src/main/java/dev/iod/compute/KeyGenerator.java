package dev.iod.compute;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Makes keys for users, few at once: a key takes a processor for a good while. */
final class KeyGenerator {
    private static final int MAX_AT_ONCE = 2;
    private static final int WAIT_SECONDS = 10;

    private final Semaphore free = new Semaphore(MAX_AT_ONCE);
    private final Supplier<OpenSshKeys.Generated> source;

    /**
     * @param source computes a key
     */
    KeyGenerator(Supplier<OpenSshKeys.Generated> source) {
        this.source = source;
    }

    /**
     * A new key.
     *
     * @throws ApiException 503 when others have been in front for ten seconds
     */
    OpenSshKeys.Generated generate() {
        try {
            if (!free.tryAcquire(WAIT_SECONDS, TimeUnit.SECONDS)) {
                throw new ApiException(
                        Fault.UNAVAILABLE, "Too many keys are being generated; try again.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(Fault.UNAVAILABLE, "The region is stopping.", e);
        }
        try {
            return source.get();
        } finally {
            free.release();
        }
    }
}
