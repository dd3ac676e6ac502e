package dev.iod.dpu;

import com.google.protobuf.UnsafeByteOperations;
import dev.iod.block.BlockClient;
import dev.iod.engine.EngineException;
import dev.iod.node.CaptureChunk;
import dev.iod.node.CaptureData;
import dev.iod.node.CaptureProgress;
import dev.iod.node.CaptureStart;
import dev.iod.node.RegionGrpc;
import dev.iod.runtime.Backoff;
import dev.iod.sys.Linux;
import dev.iod.sys.SysException;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;

/**
 * Sends the content of snapshots to the region, one at a time, without their zeros, as fast as the
 * region takes it. A call that is cut off is made again and goes on where the region says; one
 * after the other has its turn. It goes on until the region does not want it any more.
 */
final class CaptureSender implements Captures, AutoCloseable {
    private static final Logger LOG = System.getLogger(CaptureSender.class.getName());
    private static final int READ_BYTES = 1 << 20;

    /** Runs of zeros are left out if they are at least so long, and lie so. */
    private static final int BLOCK_BYTES = 64 << 10;

    /** Most zeros in one message: the region digests them too. */
    private static final long ZEROS_BYTES = 256L << 20;

    private static final ByteBuffer ZEROS = ByteBuffer.allocate(BLOCK_BYTES).asReadOnlyBuffer();

    private final Path socket;
    private final String name;
    private final Channel channel;
    private final AgentMetrics metrics;
    private final Runnable changed;
    private final Thread thread;

    /** Guarded by this. */
    private List<String> wanted = List.of();

    /** What the region has taken or does not want, until it is not wanted; guarded by this. */
    private final Set<String> over = new HashSet<>();

    private final Map<String, String> failures = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * @param socket of the block engine
     * @param name how this agent calls itself there
     * @param changed called by the thread when one has failed
     */
    CaptureSender(
            Path socket, String name, Channel channel, AgentMetrics metrics, Runnable changed) {
        this.socket = socket;
        this.name = name;
        this.channel = channel;
        this.metrics = metrics;
        this.changed = changed;
        this.thread = Thread.ofPlatform().daemon().name("captures").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    @Override
    public synchronized void wanted(List<String> ready) {
        if (!ready.equals(wanted)) {
            wanted = List.copyOf(ready);
            over.retainAll(wanted);
            failures.keySet().retainAll(wanted);
            notifyAll();
        }
    }

    @Override
    public Optional<String> failure(String capture) {
        return Optional.ofNullable(failures.get(capture));
    }

    private synchronized boolean isWanted(String capture) {
        return !closed && wanted.contains(capture);
    }

    private synchronized void end(String capture) {
        if (wanted.contains(capture)) {
            over.add(capture);
        }
    }

    private void run() {
        Backoff backoff = Backoff.ofConnection();
        String last = "";
        try {
            while (!closed) {
                String capture = next(last);
                last = capture;
                if (sendGuarded(capture)) {
                    backoff.reset();
                } else {
                    TimeUnit.MILLISECONDS.sleep(backoff.next().toMillis());
                }
            }
        } catch (InterruptedException e) {
            LOG.log(Level.DEBUG, "closed", e);
        }
    }

    /** Waits for one that is wanted: the one after the last, else the first. */
    private synchronized String next(String last) throws InterruptedException {
        while (true) {
            List<String> due = new ArrayList<>(wanted);
            due.removeAll(over);
            due.removeAll(failures.keySet());
            if (!due.isEmpty()) {
                return due.get((due.indexOf(last) + 1) % due.size());
            }
            wait();
        }
    }

    private boolean sendGuarded(String capture) throws InterruptedException {
        try {
            return send(capture);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "a defect in captures: not sent capture=" + capture, e);
            return false;
        }
    }

    /**
     * @return whether there is nothing more to do with it
     */
    private boolean send(String capture) throws InterruptedException {
        try {
            Path file = file(capture);
            Call call;
            try (FileChannel content = FileChannel.open(file, StandardOpenOption.READ)) {
                call = new Call(capture, content, file);
                call.run();
            }
            return isOver(capture, call.status());
        } catch (IOException | SysException e) {
            return failed(capture, "its content cannot be read: " + e.getMessage());
        } catch (EngineException e) {
            return switch (e.category()) {
                case UNAVAILABLE, PROTOCOL -> {
                    LOG.log(Level.WARNING, "not sent capture={0}: {1}", capture, e.getMessage());
                    yield false;
                }
                default -> failed(capture, String.valueOf(e.getMessage()));
            };
        }
    }

    private Path file(String capture) {
        try (BlockClient engine = BlockClient.connect(socket, name)) {
            return engine.file(capture);
        }
    }

    private boolean failed(String capture, String reason) {
        LOG.log(Level.WARNING, "capture={0} failed: {1}", capture, reason);
        synchronized (this) {
            if (wanted.contains(capture)) {
                failures.put(capture, reason);
            }
        }
        changed.run();
        return true;
    }

    private boolean isOver(String capture, Status status) {
        if (status.isOk() || status.getCode() == Status.Code.NOT_FOUND) {
            LOG.log(Level.INFO, "sent capture={0} {1}", capture, RegionSession.text(status));
            end(capture);
            return true;
        }
        if (isWanted(capture)) {
            LOG.log(
                    Level.WARNING,
                    "not sent capture={0}: {1}",
                    capture,
                    RegionSession.text(status));
        }
        return false;
    }

    /** One call; its thread waits on it, and gRPC wakes it. */
    private final class Call implements ClientResponseObserver<CaptureChunk, CaptureProgress> {
        private final String capture;
        private final FileChannel content;
        private final long sizeBytes;
        private final int holes;
        private final CaptureStart start;
        private Optional<ClientCallStreamObserver<CaptureChunk>> call = Optional.empty();

        /** Guarded by this. */
        private OptionalLong from = OptionalLong.empty();

        /** Guarded by this. */
        private Optional<Status> status = Optional.empty();

        Call(String capture, FileChannel content, Path file) throws IOException {
            this.capture = capture;
            this.content = content;
            this.sizeBytes = content.size();
            this.start =
                    CaptureStart.newBuilder()
                            .setCaptureId(capture)
                            .setSizeBytes(sizeBytes)
                            .setTakenAt(Files.getLastModifiedTime(file).to(TimeUnit.NANOSECONDS))
                            .build();
            this.holes = Linux.open(file, Linux.O_RDONLY);
        }

        void run() throws IOException, InterruptedException {
            try {
                RegionGrpc.newStub(channel).sendCapture(this);
                ClientCallStreamObserver<CaptureChunk> up = call.orElseThrow();
                try {
                    up.onNext(CaptureChunk.newBuilder().setStart(start).build());
                    if (sendAll(up)) {
                        up.onCompleted();
                        while (!hasEnded() && goesOn()) {
                            pause();
                        }
                    }
                } catch (IllegalStateException e) {
                    LOG.log(Level.DEBUG, "the call has ended", e);
                } finally {
                    up.cancel("over", null);
                }
            } finally {
                Linux.close(holes);
            }
        }

        private boolean goesOn() {
            return isWanted(capture);
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<CaptureChunk> up) {
            call = Optional.of(up);
            up.setOnReadyHandler(this::signal);
        }

        @Override
        public synchronized void onNext(CaptureProgress progress) {
            if (from.isEmpty()) {
                from = OptionalLong.of(progress.getOffset());
            }
            notifyAll();
        }

        @Override
        public synchronized void onError(Throwable error) {
            status = Optional.of(Status.fromThrowable(error));
            notifyAll();
        }

        @Override
        public synchronized void onCompleted() {
            status = Optional.of(Status.OK);
            notifyAll();
        }

        private synchronized void signal() {
            notifyAll();
        }

        /** Woken by gRPC; looks from time to time whether it is still wanted. */
        private synchronized void pause() throws InterruptedException {
            if (status.isEmpty()) {
                wait(TimeUnit.SECONDS.toMillis(1));
            }
        }

        /** How it ended; UNKNOWN before. */
        synchronized Status status() {
            return status.orElse(Status.UNKNOWN);
        }

        private synchronized boolean hasEnded() {
            return status.isPresent();
        }

        private synchronized OptionalLong from() {
            return from;
        }

        /**
         * @return false when the call has ended, or what it sends is not wanted
         */
        private boolean sendAll(ClientCallStreamObserver<CaptureChunk> up)
                throws IOException, InterruptedException {
            while (from().isEmpty()) {
                if (hasEnded() || !goesOn()) {
                    return false;
                }
                pause();
            }
            long offset = from().getAsLong();
            if (offset < 0 || offset > sizeBytes) {
                throw new IllegalStateException("the region wants it from " + offset);
            }
            while (offset < sizeBytes) {
                if (hasEnded() || !goesOn()) {
                    return false;
                }
                synchronized (this) {
                    if (!up.isReady() && status.isEmpty()) {
                        wait(TimeUnit.SECONDS.toMillis(1));
                        continue;
                    }
                }
                offset = sendSome(up, offset);
            }
            return true;
        }

        /**
         * @return from where on the rest is to be sent
         */
        private long sendSome(ClientCallStreamObserver<CaptureChunk> up, long offset)
                throws IOException {
            long data = Math.min(Linux.nextData(holes, offset), sizeBytes);
            if (data > offset) {
                long zeros = Math.min(data - offset, ZEROS_BYTES);
                up.onNext(zeros(offset, zeros));
                return offset + zeros;
            }
            int length = (int) Math.min(READ_BYTES, sizeBytes - offset);
            ByteBuffer bytes = ByteBuffer.allocate(length);
            while (bytes.hasRemaining()) {
                if (content.read(bytes, offset + bytes.position()) < 0) {
                    throw new IOException("it ended at " + (offset + bytes.position()));
                }
            }
            bytes.flip();
            int from = 0;
            while (from < length) {
                boolean zero = isZero(bytes, from, length);
                int to = Math.min(from + BLOCK_BYTES, length);
                while (to < length && isZero(bytes, to, length) == zero) {
                    to = Math.min(to + BLOCK_BYTES, length);
                }
                up.onNext(
                        zero
                                ? zeros(offset + from, to - from)
                                : data(offset + from, bytes.slice(from, to - from)));
                from = to;
            }
            return offset + length;
        }

        private static boolean isZero(ByteBuffer bytes, int from, int length) {
            int count = Math.min(BLOCK_BYTES, length - from);
            return bytes.slice(from, count).equals(ZEROS.slice(0, count));
        }

        private CaptureChunk data(long offset, ByteBuffer bytes) {
            CRC32C checksum = new CRC32C();
            checksum.update(bytes.duplicate());
            metrics.add(AgentMetrics.Count.CAPTURE_BYTES, bytes.remaining());
            return chunk(
                    CaptureData.newBuilder()
                            .setOffset(offset)
                            .setData(UnsafeByteOperations.unsafeWrap(bytes))
                            .setCrc32C((int) checksum.getValue()));
        }

        private static CaptureChunk zeros(long offset, long count) {
            return chunk(CaptureData.newBuilder().setOffset(offset).setZeros(count));
        }

        private static CaptureChunk chunk(CaptureData.Builder data) {
            return CaptureChunk.newBuilder().setData(data).build();
        }
    }

    /** What was not sent is sent by the next agent. */
    @Override
    public void close() {
        closed = true;
        Threads.stop(thread);
    }
}
