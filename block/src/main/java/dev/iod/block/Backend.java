package dev.iod.block;

/**
 * Where the blocks of one volume are: a file, a remote namespace, an image of a cluster. One
 * instance belongs to one shard thread, which calls everything here but the constructor.
 *
 * <p>A back end that talks to something else than a file brings its completions to the shard's
 * thread by the shard's ring (a socket's reads and writes are entries of it) or, from a library's
 * own thread, by {@link ShardContext#execute}.
 */
public interface Backend extends AutoCloseable {
    /** Size a guest sees, bytes; a multiple of {@link #blockBytes}. */
    long sizeBytes();

    /** Smallest offset and length this back end can do, a power of two from 512 to 4096. */
    int blockBytes();

    /** What memory addresses must be a multiple of, a power of two up to 4096. */
    int memoryAlignment();

    /**
     * Starts what {@link BlockIo} describes. Never waits and never throws for what the storage may
     * do: the outcome is given to {@link BlockIo#done}, now or later, exactly once. Offset and
     * length are multiples of {@link #blockBytes} and inside {@link #sizeBytes}.
     */
    void submit(BlockIo io);

    /** The volume has grown. */
    void resized(long sizeBytes);

    /** No request is in flight and none will come. */
    @Override
    void close();
}
