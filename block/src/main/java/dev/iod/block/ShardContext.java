package dev.iod.block;

import dev.iod.sys.IoUring;

/** What a shard gives to its back ends. */
public interface ShardContext {
    /** The shard's ring; entries come back to the {@link RingTask} their token names. */
    IoUring ring();

    /** Gives a token to a task that puts entries into the ring. Not for every request: once. */
    int register(RingTask task);

    void unregister(int token);

    /** Runs something on the shard's thread soon; any thread. */
    void execute(Runnable task);

    /** Runs something on the shard's thread later; shard thread. */
    void schedule(long delayNanos, Runnable task);

    /** Who hears of the outcome of a ring entry. */
    interface RingTask {
        /** The system call's result or a negative errno. */
        void completed(int result);
    }
}
