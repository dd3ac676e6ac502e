package dev.iod.region;

import dev.iod.node.CaptureChunk;
import dev.iod.node.CaptureProgress;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;

/**
 * A call by which a node sends the content of a disk: the next part is asked for when the one
 * before it was taken, so one is in memory, and one on its way. gRPC calls it from one thread at a
 * time; the work is done by the sink's threads, one part after the other.
 */
final class CaptureIntake implements StreamObserver<CaptureChunk> {
    private static final System.Logger LOG = System.getLogger(CaptureIntake.class.getName());

    private final String node;
    private final CaptureSink sink;
    private final ServerCallStreamObserver<CaptureProgress> progress;

    /** At most a part, the end and a cancellation; guarded by itself, with the next. */
    private final Queue<Runnable> steps = new ArrayDeque<>();

    private boolean working;

    /** Of the steps alone, like the next: one follows the other. */
    private Optional<CaptureSink.Arrival> arrival = Optional.empty();

    private boolean ended;

    CaptureIntake(
            String node, CaptureSink sink, ServerCallStreamObserver<CaptureProgress> progress) {
        this.node = node;
        this.sink = sink;
        this.progress = progress;
        progress.disableAutoRequest();
        progress.setOnCancelHandler(() -> work(this::close));
        progress.request(1);
    }

    @Override
    public void onNext(CaptureChunk chunk) {
        work(() -> take(chunk));
    }

    @Override
    public void onError(Throwable error) {
        work(this::close);
    }

    @Override
    public void onCompleted() {
        work(
                () -> {
                    arrival().complete();
                    close();
                    progress.onCompleted();
                });
    }

    private void take(CaptureChunk chunk) {
        switch (chunk.getChunkCase()) {
            case START -> {
                if (arrival.isPresent()) {
                    throw new CaptureException(
                            CaptureException.Category.BROKEN, "a call is of one capture");
                }
                CaptureSink.Arrival opened = sink.open(node, chunk.getStart());
                arrival = Optional.of(opened);
                // Once: what a node does not read would be kept for it.
                progress.onNext(CaptureProgress.newBuilder().setOffset(opened.offset()).build());
            }
            case DATA -> arrival().take(chunk.getData());
            case CHUNK_NOT_SET ->
                    throw new CaptureException(
                            CaptureException.Category.BROKEN, "what this region does not know");
        }
        progress.request(1);
    }

    private CaptureSink.Arrival arrival() {
        return arrival.orElseThrow(
                () ->
                        new CaptureException(
                                CaptureException.Category.BROKEN,
                                "the first message must say what is sent"));
    }

    /** After the steps before it: the end of a call comes while its last part is being stored. */
    private void work(Runnable step) {
        synchronized (steps) {
            steps.add(step);
            if (working) {
                return;
            }
            working = true;
        }
        sink.executor().execute(this::workOff);
    }

    private void workOff() {
        while (true) {
            Runnable step;
            synchronized (steps) {
                if (steps.isEmpty()) {
                    working = false;
                    return;
                }
                step = steps.remove();
            }
            guarded(step);
        }
    }

    private void guarded(Runnable step) {
        if (ended) {
            return;
        }
        try {
            step.run();
        } catch (CaptureException e) {
            fail(
                    switch (e.category()) {
                        case NOT_WANTED -> Status.NOT_FOUND;
                        case BUSY -> Status.RESOURCE_EXHAUSTED;
                        case BROKEN -> Status.ABORTED;
                    },
                    e);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a capture is not taken node=" + node, e);
            fail(Status.UNAVAILABLE, new IllegalStateException("a fault of the region", e));
        }
    }

    private void fail(Status status, RuntimeException why) {
        LOG.log(
                System.Logger.Level.INFO,
                "capture refused node=" + node + " reason=" + why.getMessage());
        close();
        if (!progress.isCancelled()) {
            progress.onError(status.withDescription(why.getMessage()).asRuntimeException());
        }
    }

    private void close() {
        if (!ended) {
            ended = true;
            arrival.ifPresent(CaptureSink.Arrival::close);
        }
    }
}
