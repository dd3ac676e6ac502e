package dev.iod.host;

import java.util.concurrent.Semaphore;

/**
 * Staggers starts: only so many machines may be in the expensive part of their start, so that eight
 * together do not all take eight times as long. A machine that waits for a back end gives its slot
 * back early.
 */
final class StartSlots {
    /** How long a machine may keep its slot, in milliseconds. */
    static final long HOLD_MILLIS = 3_000;

    private final Semaphore free;

    StartSlots(int count) {
        this.free = new Semaphore(count);
    }

    boolean tryTake() {
        return free.tryAcquire();
    }

    void giveBack() {
        free.release();
    }
}
