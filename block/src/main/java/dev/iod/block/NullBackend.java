package dev.iod.block;

/** Answers at once and keeps nothing; reads leave the buffer as it is. Measures the engine. */
public final class NullBackend implements Backend {
    private long sizeBytes;

    public NullBackend(long sizeBytes) {
        this.sizeBytes = sizeBytes;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int blockBytes() {
        return 512;
    }

    @Override
    public int memoryAlignment() {
        return 1;
    }

    @Override
    public void submit(BlockIo io) {
        boolean moves = io.operation() == Operation.READ || io.operation() == Operation.WRITE;
        io.done(moves ? io.length() : 0);
    }

    @Override
    public void resized(long bytes) {
        sizeBytes = bytes;
    }

    @Override
    public void close() {
        // Nothing is open.
    }
}
