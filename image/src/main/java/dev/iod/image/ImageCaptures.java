package dev.iod.image;

import dev.iod.node.Capture;
import dev.iod.node.CaptureData;
import dev.iod.node.CaptureStart;
import dev.iod.node.Goal;
import dev.iod.node.Observed;
import dev.iod.node.Traits;
import dev.iod.node.VolumeStatus;
import dev.iod.region.Actor;
import dev.iod.region.AllocationRole;
import dev.iod.region.Audit;
import dev.iod.region.CaptureException;
import dev.iod.region.CaptureException.Category;
import dev.iod.region.CaptureSink;
import dev.iod.region.GoalPart;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.region.Nodes;
import dev.iod.region.Provider;
import dev.iod.region.Providers;
import dev.iod.region.ResourceClass;
import dev.iod.rest.ApiException;
import dev.iod.rest.Formats;
import dev.iod.store.Database;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
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

    /** Of these, contents of one project: as many as keep the threads busy. */
    static final int ARRIVING_OF_PROJECT = THREADS;

    /** With those whose calls were cut off: beyond it, what waits longest begins anew. */
    static final int MAX_CONTENTS = 32;

    /** Less than what stops the region waits for it. */
    private static final Duration FAREWELL = Duration.ofSeconds(5);

    private static final long MIB = 1L << 20;

    private final Database database;
    private final ImageFiles files;
    private final ImageUploads uploads;
    private final List<CaptureWatcher> watchers;
    private final ExecutorService threads =
            Executors.newFixedThreadPool(
                    THREADS, Thread.ofPlatform().daemon().name("image-capture-", 0).factory());

    /** By the upload, in the order in which they came; guarded by itself. */
    private final Map<UUID, Content> contents = new LinkedHashMap<>();

    private final ProjectShare arriving = new ProjectShare(ARRIVING_OF_PROJECT, MAX_ARRIVING);

    private volatile boolean closing;

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

    /** Begins one, in the transaction in which its node and consumer are locked. */
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
        takeRoom(handle, id, wanted);
        new ImageCapture(
                        id,
                        image.id(),
                        image.owner(),
                        wanted.consumer(),
                        wanted.node(),
                        wanted.diskId(),
                        wanted.sizeBytes(),
                        ImageCapture.State.ASKED,
                        NodeGoals.touch(handle, wanted.node()),
                        wanted.rotation(),
                        actor)
                .insert(handle);
        Audit.record(handle, actor, "create image", image.id());
        return image.id();
    }

    /** Whoever writes to the disk anew makes the snapshot as large as the disk. */
    private static void takeRoom(Handle handle, UUID id, Images.NewCapture wanted) {
        Map<ResourceClass, Long> room =
                Map.of(ResourceClass.DISK_MB, Math.ceilDiv(wanted.sizeBytes(), MIB));
        Provider node =
                Providers.lock(handle, List.of(wanted.node())).stream()
                        .filter(one -> one.shortOf(room).isEmpty())
                        .findAny()
                        .orElseThrow(
                                () ->
                                        ApiException.conflict(
                                                "The node of %s has no room for a snapshot of its disk, which may take %d MiB until it is an image."
                                                        .formatted(
                                                                wanted.consumer(),
                                                                room.get(ResourceClass.DISK_MB))));
        Providers.allocate(handle, id, AllocationRole.ACTIVE, node, room);
    }

    /** The consumer, whose node is locked, goes: with it the image that is being made of it. */
    void end(Handle handle, UUID consumer) {
        ImageCapture.ofConsumer(handle, consumer).ifPresent(capture -> delete(handle, capture));
    }

    /**
     * An image goes that is being made, and its consumer is told.
     *
     * @return false for one that is not being made
     */
    boolean endOfImage(Handle handle, String image) {
        Optional<ImageCapture> capture = ImageCapture.ofImage(handle, image);
        capture.ifPresent(
                one ->
                        fail(
                                handle,
                                one.id(),
                                new CaptureWatcher.Event.Failed("The image was deleted.", "")));
        return capture.isPresent();
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

    private void delete(Handle handle, ImageCapture capture) {
        release(handle, capture);
        ImageStore.delete(handle, capture.imageId());
        handle.afterCommit(() -> executor().execute(() -> drop(capture)));
    }

    /** The node shall delete its snapshot. */
    private static void release(Handle handle, ImageCapture capture) {
        capture.delete(handle);
        Providers.release(handle, capture.id(), EnumSet.allOf(AllocationRole.class));
        NodeGoals.touch(handle, capture.node());
    }

    /** In the order in which all lock: node, consumer, capture. */
    private Optional<ImageCapture> locked(Handle handle, UUID id) {
        Optional<ImageCapture> before = ImageCapture.find(handle, id);
        before.ifPresent(
                one -> {
                    Providers.lock(handle, List.of(one.node()));
                    watchers.forEach(w -> w.lock(handle, one.consumer()));
                });
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

    // ---------------------------------------------------------------- what arrives

    /** A content that has arrived in part, and who brings it. */
    private static final class Content {
        final ImageCapture capture;
        final long takenAt;
        final CaptureFile file;
        long looked;

        /** Changed by whoever has {@link #contents}. */
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
            synchronized (contents) {
                if (isHeld()) {
                    letGo(content);
                }
            }
        }

        private boolean isHeld() {
            return content.holder.equals(Optional.of(this));
        }

        private void requireHeld() {
            if (closing || !isHeld()) {
                throw new CaptureException(
                        Category.BROKEN, "another call brings it, or nobody wants it now");
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
                        .flatMap(id -> database.read(handle -> ImageCapture.find(handle, id)))
                        .filter(one -> one.node().equals(node))
                        .orElseThrow(ImageCaptures::notWanted);
        if (start.getSizeBytes() != capture.sizeBytes()) {
            throw refuse(
                    capture,
                    "The disk is not as large as it was.",
                    "%d bytes, not %d".formatted(start.getSizeBytes(), capture.sizeBytes()));
        }
        Part part = hold(capture, start.getTakenAt());
        boolean opened = false;
        try {
            if (database.locked(handle -> arrives(handle, capture.id())).isEmpty()) {
                // Deleted meanwhile.
                forget(part.content);
                throw notWanted();
            }
            opened = true;
        } finally {
            if (!opened) {
                part.close();
            }
        }
        synchronized (part.content) {
            // The call before has stored its last part.
            return part;
        }
    }

    private Optional<ImageCapture> arrives(Handle handle, UUID id) {
        return advance(
                handle, id, ImageCapture.State.ARRIVING, new CaptureWatcher.Event.Arriving());
    }

    /** Makes a call the one that brings a content: the one that goes on, or a new one. */
    private Part hold(ImageCapture capture, long takenAt) {
        synchronized (contents) {
            Optional<Content> known = Optional.ofNullable(contents.get(capture.id()));
            known.ifPresent(this::letGo);
            if (!arriving.enter(capture.owner())) {
                throw new CaptureException(Category.BUSY, "enough others are on their way");
            }
            boolean held = false;
            try {
                Optional<Content> same = known.filter(one -> one.takenAt == takenAt);
                Content content = same.isPresent() ? same.get() : begin(capture, takenAt);
                Part part = new Part(content);
                content.holder = Optional.of(part);
                held = true;
                return part;
            } finally {
                if (!held) {
                    arriving.leave(capture.owner());
                }
            }
        }
    }

    /** In place of one of another moment, and at the bound of the oldest that nobody brings. */
    private Content begin(ImageCapture capture, long takenAt) {
        Optional.ofNullable(contents.get(capture.id())).ifPresent(this::forget);
        if (contents.size() >= MAX_CONTENTS) {
            contents.values().stream()
                    .filter(one -> one.holder.isEmpty())
                    .findFirst()
                    .ifPresent(this::forget);
        }
        try {
            CaptureFile file = files.begin(capture.upload(), capture.sizeBytes());
            Content made = new Content(capture, takenAt, file);
            contents.put(capture.id(), made);
            return made;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot store an image", e);
        }
    }

    private void letGo(Content content) {
        if (content.holder.isPresent()) {
            content.holder = Optional.empty();
            arriving.leave(content.capture.owner());
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
            throw giveUp(content, "Images cannot be stored in this region now.", e);
        }
    }

    private void complete(Content content) {
        content.file.requireWhole();
        ImageCapture capture = content.capture;
        boolean done = false;
        try {
            store(
                    content,
                    () -> {
                        Image.Content bytes = content.file.finish();
                        files.adopt(capture.upload());
                        activate(capture, withDisk(capture, bytes));
                    });
            done = true;
        } finally {
            // Its digests are used up: another call begins anew.
            try {
                if (!done && !hasBecomeImage(capture)) {
                    files.remove(capture.upload());
                }
            } finally {
                forget(content);
            }
        }
    }

    private Image.Content withDisk(ImageCapture capture, Image.Content bytes) {
        Image image =
                database.read(
                                handle ->
                                        ImageUploads.awaited(
                                                handle, capture.imageId(), capture.upload()))
                        .orElseThrow(ImageCaptures::notWanted);
        return uploads.withDisk(image, capture.upload(), bytes, Supplier::get);
    }

    /**
     * By a transaction of which the end was not known. While the database is away that is not known
     * either: the file stays, until another call replaces it or the image is deleted.
     */
    private boolean hasBecomeImage(ImageCapture capture) {
        return database.read(handle -> ImageStore.find(handle, capture.imageId()))
                .filter(Image::complete)
                .isPresent();
    }

    private void activate(ImageCapture capture, Image.Content content) {
        List<String> rotated = new ArrayList<>();
        database.run(
                handle -> {
                    rotated.clear();
                    ImageCapture now =
                            locked(handle, capture.id()).orElseThrow(ImageCaptures::notWanted);
                    uploads.activate(handle, capture.imageId(), capture.upload(), content);
                    release(handle, now);
                    capture.rotation().ifPresent(kept -> rotated.addAll(rotate(handle, now, kept)));
                    tell(handle, capture, new CaptureWatcher.Event.Done());
                });
        rotated.forEach(files::remove);
    }

    /** The files of those that went. */
    private static List<String> rotate(
            Handle handle, ImageCapture capture, Images.Rotation rotation) {
        List<ImageStore.Rotated> gone =
                ImageStore.rotate(handle, capture.imageId(), capture.consumer(), rotation);
        gone.forEach(one -> Audit.record(handle, capture.asker(), "delete image", one.id()));
        return gone.stream().map(ImageStore.Rotated::file).toList();
    }

    /** Not what was given up already, nor what a region that stops could not store. */
    private CaptureException giveUp(Content content, String message, Exception why) {
        synchronized (contents) {
            if (closing || contents.get(content.capture.id()) != content) {
                return new CaptureException(Category.BROKEN, "it is not taken now", why);
            }
        }
        LOG.log(Level.WARNING, "an image is given up", why);
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

    /** After the end of a capture: what has arrived of it, and what was whole but no image yet. */
    private void drop(ImageCapture capture) {
        synchronized (contents) {
            Optional.ofNullable(contents.get(capture.id())).ifPresent(this::forget);
        }
        try {
            files.remove(capture.upload());
        } catch (UncheckedIOException e) {
            LOG.log(Level.WARNING, "a file is left until the next start", e);
        }
    }

    private void forget(Content content) {
        synchronized (contents) {
            if (contents.remove(content.capture.id(), content)) {
                letGo(content);
                try {
                    content.file.close();
                } catch (IOException e) {
                    LOG.log(Level.WARNING, "closing an image", e);
                }
                files.discard(content.capture.upload());
            }
        }
    }

    /**
     * Ends what is being stored at its next part, and waits for what cannot be left off. Files of
     * what has arrived in part are removed by the next start.
     */
    @Override
    public void close() {
        closing = true;
        threads.shutdown();
        try {
            if (!threads.awaitTermination(FAREWELL.toSeconds(), TimeUnit.SECONDS)) {
                LOG.log(Level.WARNING, "an image is still being stored");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
