package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.runtime.Backoff;
import dev.iod.store.Database;
import dev.iod.store.StoreException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/**
 * How bytes become those of an image. Until they are complete nobody sees any of them, and they
 * become the image's only if it still waits for just them: meanwhile it may have been deleted and
 * made anew. Requests upload and stage here; what brings bytes otherwise uses the steps of this.
 */
final class ImageUploads implements AutoCloseable {
    private static final Logger LOG = System.getLogger(ImageUploads.class.getName());

    /** The container format of what is in no container. */
    static final Optional<String> BARE = Optional.of("bare");

    /** Uploads of one project that wait for a conversion: each holds a request of the API. */
    private static final int CONVERSIONS_OF_PROJECT = 3;

    private static final int CONVERSIONS = 64;

    /** Of the quota, for uploads that do not say how long they are. */
    private static final long RESERVATION_BYTES = 64L << 20;

    private static final Duration FAREWELL = Duration.ofSeconds(10);

    private final Database database;
    private final ImageFiles files;
    private final DiskConverter converter;
    private final Clock clock;
    private final ProjectShare conversions = new ProjectShare(CONVERSIONS_OF_PROJECT, CONVERSIONS);
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    private volatile boolean closing;

    /** How bytes wait for their conversion. */
    interface Turn {
        Image.Disk take(Supplier<Image.Disk> conversion);
    }

    /** What becomes of an image whose bytes do not come. */
    interface Abandonment {
        /**
         * @param waiting the image, if it still waited for just these bytes
         */
        void happened(Handle handle, Optional<Image> waiting);
    }

    ImageUploads(Database database, ImageFiles files, DiskConverter converter, Clock clock) {
        this.database = database;
        this.files = files;
        this.converter = converter;
        this.clock = clock;
    }

    /** Clears up after a process that was killed. */
    void start() {
        database.run(ImageStore::resetUploads);
        files.clean(database.read(ImageStore::files));
    }

    /**
     * Stores the bytes, and the disk in them.
     *
     * @param converting called before what may take minutes
     */
    void upload(
            Actor actor,
            String id,
            InputStream stream,
            OptionalLong announced,
            Runnable converting) {
        String upload = UUID.randomUUID().toString();
        Image saving =
                database.transaction(
                        handle -> begin(handle, actor, id, Image.Status.SAVING, announced, upload));
        boolean stored = false;
        try {
            Image.Content bytes = store(saving, upload, stream, announced);
            Image.Content content =
                    withDisk(
                            saving,
                            upload,
                            bytes,
                            conversion -> inRequest(saving, converting, conversion));
            database.run(
                    handle -> {
                        activate(handle, id, upload, content);
                        Audit.record(handle, actor, "upload image", id);
                    });
            stored = true;
        } finally {
            if (!stored) {
                abandonOfRequest(id, upload);
            }
        }
    }

    /** Stores bytes that an import by {@link ImportMethod.GlanceDirect} takes then. */
    void stage(Actor actor, String id, InputStream stream, OptionalLong announced) {
        String upload = UUID.randomUUID().toString();
        Image uploading =
                database.transaction(
                        handle ->
                                begin(
                                        handle,
                                        actor,
                                        id,
                                        Image.Status.UPLOADING,
                                        announced,
                                        upload));
        boolean stored = false;
        try {
            Image.Content content = store(uploading, upload, stream, announced);
            database.run(
                    handle -> {
                        Image image = awaited(handle, id, upload).orElseThrow(() -> gone(id));
                        ImageQuotas.hold(handle, image, content.sizeBytes(), content.sizeBytes());
                        ImageStore.update(handle, image.staged(content, now()));
                        Audit.record(handle, actor, "stage image", id);
                    });
            stored = true;
        } finally {
            if (!stored) {
                abandonOfRequest(id, upload);
            }
        }
    }

    private Image begin(
            Handle handle,
            Actor actor,
            String id,
            Image.Status status,
            OptionalLong announced,
            String upload) {
        Image image = ImageAccess.own(handle, actor, id, "modify");
        if (image.status() != Image.Status.QUEUED) {
            throw ApiException.conflict(
                    "Image status transition from %s to %s is not allowed"
                            .formatted(image.status().text(), status.text()));
        }
        if (status == Image.Status.SAVING
                && (image.attributes().diskFormat().isEmpty()
                        || image.attributes().containerFormat().isEmpty())) {
            throw ApiException.badRequest(
                    "Properties disk_format, container_format must be set prior to saving data.");
        }
        Image waiting = image.waiting(status, upload, now());
        ImageStore.update(handle, waiting);
        // Before the bytes come, where their number is known.
        ImageQuotas.hold(handle, image, announced.orElse(0), announced.orElse(0));
        return waiting;
    }

    Image.Content store(Image image, String upload, InputStream stream, OptionalLong announced) {
        return files.store(
                upload,
                stream,
                announced,
                new ImageFiles.Allowance() {
                    @Override
                    public void check() {
                        if (database.read(handle -> awaited(handle, image.id(), upload))
                                .isEmpty()) {
                            throw gone(image.id());
                        }
                    }

                    @Override
                    public long grow(long least) {
                        return database.transaction(
                                handle ->
                                        reserve(
                                                handle,
                                                image.id(),
                                                upload,
                                                least,
                                                least + RESERVATION_BYTES));
                    }
                });
    }

    long reserve(Handle handle, String id, String upload, long least, long wanted) {
        Image image = awaited(handle, id, upload).orElseThrow(() -> gone(id));
        return ImageQuotas.hold(handle, image, least, wanted);
    }

    void activate(Handle handle, String id, String upload, Image.Content content) {
        Image image = awaited(handle, id, upload).orElseThrow(() -> gone(id));
        ImageQuotas.hold(handle, image, content.storedBytes(), content.storedBytes());
        ImageStore.update(handle, image.active(content, now()));
    }

    private Image.Disk inRequest(
            Image image, Runnable converting, Supplier<Image.Disk> conversion) {
        if (!conversions.enter(image.owner())) {
            throw new ApiException(
                    Fault.TOO_MANY_REQUESTS,
                    "%d images of the project are being converted. Upload this one when one of"
                                    .formatted(CONVERSIONS_OF_PROJECT)
                            + " them is done.");
        }
        try {
            converting.run();
            return conversion.get();
        } finally {
            conversions.leave(image.owner());
        }
    }

    /**
     * What is known of the disk in an upload. As in Glance only images without a container are
     * looked at: the bytes decide what they are, and the image's owner has to know it.
     *
     * @throws ApiException 415
     */
    Image.Content withDisk(Image image, String upload, Image.Content bytes, Turn turn) {
        Image.Attributes attributes = image.attributes();
        if (!attributes.containerFormat().equals(BARE)) {
            return bytes;
        }
        DiskShape shape;
        try {
            shape = FormatInspector.inspect(files.path(upload));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read what was uploaded", e);
        }
        String declared = attributes.diskFormat().orElseThrow();
        checkFormat(declared, shape.format());
        if (DiskFormat.of(declared).isEmpty()) {
            return bytes;
        }
        Optional<Image.Disk> disk =
                shape.format()
                        .driver()
                        .map(
                                _ ->
                                        turn.take(
                                                () ->
                                                        files.makeDisk(
                                                                upload,
                                                                image.owner(),
                                                                shape,
                                                                converter)));
        long virtualBytes =
                declared.equals(DiskFormat.RAW.text()) ? bytes.sizeBytes() : shape.virtualBytes();
        return new Image.Content(
                bytes.sizeBytes(),
                bytes.md5(),
                bytes.sha256(),
                bytes.sha512(),
                OptionalLong.of(virtualBytes),
                disk);
    }

    /** A raw disk may hold the file system of an optical disc, as any other. */
    private static void checkFormat(String declared, DiskFormat found) {
        boolean same =
                DiskFormat.of(declared)
                        .map(
                                format ->
                                        format == found
                                                || format == DiskFormat.RAW
                                                        && found == DiskFormat.ISO)
                        .orElse(found == DiskFormat.RAW);
        if (!same) {
            throw new ApiException(
                    Fault.UNSUPPORTED_MEDIA_TYPE,
                    "Image disk_format %s does not match stream data %s"
                            .formatted(declared, found.text()));
        }
    }

    /** The image if it waits for that upload. */
    static Optional<Image> awaited(Handle handle, String id, String upload) {
        return ImageStore.find(handle, id)
                .filter(image -> !image.complete())
                .filter(image -> image.file().equals(Optional.of(upload)));
    }

    /**
     * Makes the image wait for another upload, and deletes the files of this one unless they are
     * the image's: a transaction of which the end is not known may have made them that. They stay
     * when the database cannot be asked; the next start looks again.
     */
    void abandon(String id, String upload) {
        abandon(id, upload, this::queue);
    }

    private void queue(Handle handle, Optional<Image> waiting) {
        waiting.ifPresent(image -> ImageStore.update(handle, image.queued(now())));
    }

    /** A request does not wait for a database that is away. */
    private void abandonOfRequest(String id, String upload) {
        try {
            abandon(id, upload);
        } catch (StoreException e) {
            LOG.log(Level.WARNING, "an upload is given up later image=" + id, e);
            Thread thread =
                    Thread.ofVirtual()
                            .name("image-abandon-" + upload)
                            .unstarted(
                                    () -> {
                                        try {
                                            abandonAtLast(id, upload, this::queue);
                                        } finally {
                                            threads.remove(Thread.currentThread());
                                        }
                                    });
            threads.add(thread);
            thread.start();
        }
    }

    /**
     * Tries until the database is there, or the region stops: its next start looks then.
     *
     * @throws StoreException when the region stops and the database is away
     */
    void abandonAtLast(String id, String upload, Abandonment abandonment) {
        Backoff backoff = Backoff.ofConnection();
        while (true) {
            // What interrupts ends the work before this; whoever stops the region waits for this.
            Thread.interrupted();
            try {
                abandon(id, upload, abandonment);
                return;
            } catch (StoreException e) {
                if (closing || e.reason() != StoreException.Reason.UNAVAILABLE) {
                    throw e;
                }
                LOG.log(Level.WARNING, "an upload cannot be given up yet image=" + id, e);
            }
            try {
                Thread.sleep(backoff.next());
            } catch (InterruptedException _) {
                LOG.log(Level.DEBUG, "an upload is given up at once image={0}", id);
            }
        }
    }

    private void abandon(String id, String upload, Abandonment abandonment) {
        boolean kept =
                database.transaction(
                        handle -> {
                            Optional<Image> waiting = awaited(handle, id, upload);
                            abandonment.happened(handle, waiting);
                            return waiting.isEmpty()
                                    && ImageStore.find(handle, id)
                                            .flatMap(Image::file)
                                            .equals(Optional.of(upload));
                        });
        if (!kept) {
            files.remove(upload);
        }
    }

    Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    static ApiException gone(String id) {
        return ApiException.notFound(
                "Image %s was deleted while its data was uploaded.".formatted(id));
    }

    /** What cannot be given up now is given up by the next start. */
    @Override
    public void close() {
        closing = true;
        end(threads);
    }

    /** Ends threads that give up what they do when they are interrupted. */
    static void end(Set<Thread> threads) {
        threads.forEach(Thread::interrupt);
        try {
            for (Thread thread : threads) {
                thread.join(FAREWELL);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
