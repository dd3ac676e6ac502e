package dev.iod.image;

import dev.iod.node.Capture;
import dev.iod.node.CaptureData;
import dev.iod.node.CaptureStart;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.Traits;
import dev.iod.node.VolumeStatus;
import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.region.CaptureException;
import dev.iod.region.CaptureException.Category;
import dev.iod.region.CaptureSink;
import dev.iod.region.GoalPart;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.region.Nodes;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.store.Database;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * Makes images of what nodes have: asks the node of a disk for its content by the node's goal, and
 * takes it when it comes. An image is saving meanwhile, and becomes active or is deleted. What has
 * arrived is forgotten by a region that is killed; its node then sends it again.
 */
public final class ImageCaptures implements CaptureSink, GoalPart, NodeObserver, AutoCloseable {
    private static final Logger LOG = System.getLogger(ImageCaptures.class.getName());

    /** Threads that digest and write what comes; others wait, and so do their nodes. */
    private static final int THREADS = 2;

    /** Contents that arrive at a time. */
    static final int MAX_ARRIVING = 8;

    /** Those whose nodes are away, and that go on where they were. */
    private static final int MAX_WAITING = 32;

    private final Database database;
    private final ImageFiles files;
    private final ImageUploads uploads;
    private final List<CaptureWatcher> watchers;
    private final ExecutorService threads =
            Executors.newFixedThreadPool(
                    THREADS, Thread.ofPlatform().daemon().name("image-capture-", 0).factory());

    /** By the upload, in the order in which they came; guarded by itself. */
    private final Map<UUID, Content> contents = new HashMap<>();

    ImageCaptures(
            Database database,
            ImageFiles files,
            ImageUploads uploads,
            List<CaptureWatcher> watchers) {
        this.database = database;
        this.files = files;
        this.uploads = uploads;
        this.watchers = List.copyOf(watchers);
    }

    /** Begins one, in the transaction in which its consumer is locked and changed. */
    String begin(Handle handle, Actor actor, Images.NewCapture wanted) {
        if (ImageCapture.ofConsumer(handle, wanted.consumer()).isPresent()) {
            throw ApiException.conflict(
                    "An image of %s is being made already.".formatted(wanted.consumer()));
        }
        if (!Nodes.having(handle, Traits.CAPTURES).contains(wanted.node())) {
            throw ApiException.conflict(
                    "The node of %s cannot send its disk.".formatted(wanted.consumer()));
        }
        if (wanted.sizeBytes() > FormatInspector.MAX_VIRTUAL_BYTES) {
            throw ApiException.badRequest(
                    "No image is made of a disk of more than %d bytes."
                            .formatted(FormatInspector.MAX_VIRTUAL_BYTES));
        }
        UUID id = UUID.randomUUID();
        Image image =
                ImageAttributes.ofCapture(
                        actor, wanted.image(), UUID.randomUUID().toString(), id, uploads.now());
        ImageQuotas.claim(handle, image.owner(), ImageQuotas.IMAGES, 1);
        ImageStore.insert(handle, image);
        ImageQuotas.hold(handle, image, wanted.sizeBytes(), wanted.sizeBytes());
        new ImageCapture(
                        id,
                        image.id(),
                        wanted.consumer(),
                        wanted.node(),
                        wanted.diskId(),
                        wanted.sizeBytes(),
                        ImageCapture.State.ASKED,
                        NodeGoals.touch(handle, wanted.node()),
                        wanted.rotation())
                .insert(handle);
        Audit.record(handle, actor, "create image", image.id());
        return image.id();
    }

    /** The consumer goes: with it the image that is being made of it, if any. */
    void end(Handle handle, UUID consumer) {
        ImageCapture.ofConsumer(handle, consumer).ifPresent(capture -> delete(handle, capture));
    }

    /** The image goes, and its consumer is told. */
    void endOfImage(Handle handle, String image) {
        ImageCapture.ofImage(handle, image)
                .ifPresent(
                        capture ->
                                fail(
                                        handle,
                                        capture.id(),
                                        new CaptureWatcher.Event.Failed(
                                                "The image was deleted.", "")));
    }

    /** Deletes the image, and tells the consumer why, if that has not happened before. */
    private void fail(Handle handle, UUID id, CaptureWatcher.Event.Failed why) {
        locked(handle, id)
                .ifPresent(
                        capture -> {
                            delete(handle, capture);
                            tell(handle, capture, why);
                        });
    }

    private static void delete(Handle handle, ImageCapture capture) {
        capture.delete(handle);
        ImageStore.delete(handle, capture.imageId());
        NodeGoals.touch(handle, capture.node());
    }

    private Optional<ImageCapture> locked(Handle handle, UUID id) {
        Optional<ImageCapture> before = ImageCapture.find(handle, id);
        before.ifPresent(one -> watchers.forEach(w -> w.lock(handle, one.consumer())));
        return before.isEmpty() ? before : ImageCapture.lock(handle, id);
    }

    private void tell(Handle handle, ImageCapture capture, CaptureWatcher.Event event) {
        watchers.forEach(watcher -> watcher.happened(handle, capture.consumer(), event));
    }

    // ---------------------------------------------------------------- goals and reports

    @Override
    public void add(Handle handle, String node, Goal.Builder goal) {
        for (ImageCapture capture : ImageCapture.onNode(handle, node)) {
            goal.getPoolBuilder()
                    .addCaptures(
                            Capture.newBuilder()
                                    .setId(capture.upload())
                                    .setDiskId(capture.diskId()));
        }
    }

    @Override
    public void observed(Database nodes, String node, Observed observed) {
        List<ImageCapture> here = nodes.read(handle -> ImageCapture.onNode(handle, node));
        forgetOthers(node, here.stream().map(ImageCapture::id).collect(Collectors.toSet()));
        Map<String, VolumeStatus> reports =
                observed.getPool().getVolumesList().stream()
                        .collect(Collectors.toMap(VolumeStatus::getId, v -> v, (a, b) -> b));
        for (ImageCapture capture : here) {
            VolumeStatus report = reports.get(capture.upload());
            if (report != null && observed.getGoalRevision() >= capture.goalRevision()) {
                reported(nodes, capture, report);
            }
        }
    }

    private void reported(Database nodes, ImageCapture capture, VolumeStatus report) {
        switch (report.getState()) {
            case VOLUME_READY -> {
                if (capture.state() == ImageCapture.State.ASKED) {
                    nodes.runLocked(
                            handle ->
                                    advance(
                                            handle,
                                            capture.id(),
                                            ImageCapture.State.TAKEN,
                                            new CaptureWatcher.Event.Taken()));
                }
            }
            case VOLUME_FAILED ->
                    nodes.runLocked(
                            handle ->
                                    fail(
                                            handle,
                                            capture.id(),
                                            new CaptureWatcher.Event.Failed(
                                                    "The disk could not be read on its node.",
                                                    report.getReason())));
            case VOLUME_COMING, VOLUME_LEAVING, UNRECOGNIZED -> {}
        }
    }

    private Optional<ImageCapture> advance(
            Handle handle, UUID id, ImageCapture.State next, CaptureWatcher.Event event) {
        Optional<ImageCapture> found = locked(handle, id);
        found.filter(capture -> capture.state().compareTo(next) < 0)
                .ifPresent(
                        capture -> {
                            capture.setState(handle, next);
                            tell(handle, capture, event);
                        });
        return found;
    }

    /** What only this node could send will not come. */
    @Override
    public void removing(Handle handle, String node) {
        for (ImageCapture capture : ImageCapture.onNode(handle, node)) {
            fail(
                    handle,
                    capture.id(),
                    new CaptureWatcher.Event.Failed("The node of the disk was removed.", ""));
        }
    }

    // ---------------------------------------------------------------- what arrives

    /** A content that has arrived in part, and who brings it. */
    private final class Content {
        final ImageCapture capture;
        final long takenAt;
        final CaptureFile file;
        long looked;
        volatile Optional<Part> holder = Optional.empty();

        Content(ImageCapture capture, long takenAt, CaptureFile file) {
            this.capture = capture;
            this.takenAt = takenAt;
            this.file = file;
        }
    }

    /** One call that brings a content. */
    private final class Part implements Arrival {
        private final Content content;

        Part(Content content) {
            this.content = content;
        }

        @Override
        public long offset() {
            return content.file.offset();
        }

        @Override
        public void take(CaptureData data) {
            synchronized (content) {
                requireHeld();
                store(
                        content,
                        () -> {
                            long offset = content.file.offset();
                            if (offset >= content.looked) {
                                content.looked = offset + ImageFiles.ROOM_STEP_BYTES;
                                awaited(content.capture);
                                files.checkRoom(ImageFiles.ROOM_STEP_BYTES);
                            }
                            content.file.take(data);
                        });
            }
        }

        @Override
        public void complete() {
            synchronized (content) {
                requireHeld();
                ImageCaptures.this.complete(content);
            }
        }

        @Override
        public void close() {
            synchronized (content) {
                if (content.holder.equals(Optional.of(this))) {
                    content.holder = Optional.empty();
                }
            }
        }

        private void requireHeld() {
            if (!content.holder.equals(Optional.of(this))) {
                throw new CaptureException(Category.BROKEN, "another call brings it now");
            }
        }
    }

    @Override
    public Executor executor() {
        return work -> {
            try {
                threads.execute(work);
            } catch (RejectedExecutionException e) {
                LOG.log(Level.DEBUG, "the region is stopping", e);
            }
        };
    }

    @Override
    public Arrival open(String node, CaptureStart start) {
        ImageCapture capture =
                Formats.uuid(start.getCaptureId())
                        .flatMap(
                                id ->
                                        database.locked(
                                                handle ->
                                                        advance(
                                                                handle,
                                                                id,
                                                                ImageCapture.State.ARRIVING,
                                                                new CaptureWatcher.Event
                                                                        .Arriving())))
                        .filter(one -> one.node().equals(node))
                        .orElseThrow(ImageCaptures::notWanted);
        if (start.getSizeBytes() != capture.sizeBytes()) {
            throw refuse(
                    capture,
                    "The disk is not as large as it was.",
                    "%d bytes, not %d".formatted(start.getSizeBytes(), capture.sizeBytes()));
        }
        Content content = content(capture, start.getTakenAt());
        synchronized (content) {
            Part part = new Part(content);
            content.holder = Optional.of(part);
            return part;
        }
    }

    /** The one that goes on, or a new one. */
    private Content content(ImageCapture capture, long takenAt) {
        synchronized (contents) {
            Content known = contents.get(capture.id());
            if (known != null && known.takenAt == takenAt) {
                return known;
            }
            if (known == null) {
                long held = contents.values().stream().filter(c -> c.holder.isPresent()).count();
                if (held >= MAX_ARRIVING || contents.size() >= MAX_WAITING) {
                    throw new CaptureException(Category.BUSY, "enough others are on their way");
                }
            } else {
                forget(known);
            }
            try {
                Content made =
                        new Content(
                                capture,
                                takenAt,
                                files.begin(capture.upload(), capture.sizeBytes()));
                contents.put(capture.id(), made);
                return made;
            } catch (IOException e) {
                throw new UncheckedIOException("cannot store an image", e);
            }
        }
    }

    private interface Storing {
        void run() throws IOException;
    }

    /** What cannot be stored is given up. */
    private void store(Content content, Storing work) {
        try {
            work.run();
        } catch (ApiException e) {
            throw giveUp(content, e.detail(), e);
        } catch (IOException e) {
            synchronized (contents) {
                if (contents.get(content.capture.id()) != content) {
                    throw new CaptureException(Category.BROKEN, "another call brings it now", e);
                }
            }
            LOG.log(Level.ERROR, "an image cannot be stored", e);
            throw giveUp(content, "Images cannot be stored in this region now.", e);
        }
    }

    private void complete(Content content) {
        ImageCapture capture = content.capture;
        boolean kept = false;
        try {
            store(
                    content,
                    () -> {
                        Image.Content bytes = content.file.finish();
                        files.adopt(capture.upload());
                        Image image = awaited(capture);
                        activate(
                                capture,
                                uploads.withDisk(image, capture.upload(), bytes, Supplier::get));
                    });
            kept = true;
        } catch (CaptureException e) {
            // One that is not whole goes on where it is.
            kept = e.category() == Category.BROKEN;
            throw e;
        } finally {
            if (!kept) {
                // Unless it is the image's: a transaction of which the end is not known.
                boolean image =
                        database.read(handle -> ImageStore.find(handle, capture.imageId()))
                                .filter(Image::complete)
                                .isPresent();
                if (!image) {
                    files.remove(capture.upload());
                }
                forget(content);
            }
        }
        forget(content);
    }

    private void activate(ImageCapture capture, Image.Content content) {
        List<String> rotated = new ArrayList<>();
        database.run(
                handle -> {
                    rotated.clear();
                    ImageCapture now =
                            locked(handle, capture.id()).orElseThrow(ImageCaptures::notWanted);
                    uploads.activate(handle, capture.imageId(), capture.upload(), content);
                    now.delete(handle);
                    NodeGoals.touch(handle, capture.node());
                    capture.rotation()
                            .ifPresent(
                                    rotation ->
                                            rotated.addAll(
                                                    ImageStore.rotate(
                                                            handle, capture.consumer(), rotation)));
                    tell(handle, capture, new CaptureWatcher.Event.Done());
                });
        rotated.forEach(files::remove);
    }

    private Image awaited(ImageCapture capture) {
        return database.read(
                        handle -> ImageUploads.awaited(handle, capture.imageId(), capture.upload()))
                .orElseThrow(ImageCaptures::notWanted);
    }

    private CaptureException giveUp(Content content, String message, Exception why) {
        forget(content);
        CaptureException refused = refuse(content.capture, message, "");
        refused.initCause(why);
        return refused;
    }

    private CaptureException refuse(ImageCapture capture, String message, String details) {
        database.runLocked(
                handle ->
                        fail(
                                handle,
                                capture.id(),
                                new CaptureWatcher.Event.Failed(message, details)));
        return new CaptureException(Category.NOT_WANTED, message + " " + details);
    }

    private static CaptureException notWanted() {
        return new CaptureException(Category.NOT_WANTED, "no such capture of this node");
    }

    private void forgetOthers(String node, Set<UUID> wanted) {
        Set<Content> others = new HashSet<>();
        synchronized (contents) {
            contents.values().stream()
                    .filter(one -> one.capture.node().equals(node))
                    .filter(one -> !wanted.contains(one.capture.id()))
                    .forEach(others::add);
        }
        for (Content one : others) {
            synchronized (one) {
                one.holder = Optional.empty();
                forget(one);
            }
        }
    }

    private void forget(Content content) {
        synchronized (contents) {
            if (contents.remove(content.capture.id(), content)) {
                try {
                    content.file.close();
                } catch (IOException e) {
                    LOG.log(Level.WARNING, "closing an image", e);
                }
                files.discard(content.capture.upload());
            }
        }
    }

    /** Files of what has arrived in part are removed by the next start. */
    @Override
    public void close() {
        threads.shutdownNow();
    }
}
