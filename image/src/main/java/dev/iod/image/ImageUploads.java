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
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/**
 * How bytes become those of an image: uploaded, or staged or downloaded and then imported. Until
 * they are complete nobody sees any of them, and they become the image's only if it still waits for
 * just them: meanwhile it may have been deleted and made anew. Imports run in threads of their own.
 */
final class ImageUploads implements AutoCloseable {
    private static final Logger LOG = System.getLogger(ImageUploads.class.getName());

    /** The container format of what is in no container. */
    static final Optional<String> BARE = Optional.of("bare");

    /** Uploads of one project that wait for a conversion: each holds a request of the API. */
    private static final int CONVERSIONS_OF_PROJECT = 3;

    private static final int CONVERSIONS = 64;
    private static final int IMPORTS_OF_PROJECT = 3;
    private static final int IMPORTS = 32;

    /** Of the quota, for uploads that do not say how long they are. */
    private static final long RESERVATION_BYTES = 64L << 20;

    private static final Duration FAREWELL = Duration.ofSeconds(10);

    private final Database database;
    private final ImageFiles files;
    private final DiskConverter converter;
    private final WebDownload downloads;
    private final Clock clock;
    private final ProjectShare conversions = new ProjectShare(CONVERSIONS_OF_PROJECT, CONVERSIONS);
    private final ProjectShare imports = new ProjectShare(IMPORTS_OF_PROJECT, IMPORTS);
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    /** Threads of imports, by the upload. */
    private final Map<String, Thread> importing = new ConcurrentHashMap<>();

    private volatile boolean closing;

    /** Of an import: of its task, and why. */
    private record Failure(String task, String message) {}

    /** How a request or an import waits for its conversion. */
    private interface Turn {
        Image.Disk take(Supplier<Image.Disk> conversion);
    }

    ImageUploads(
            Database database,
            ImageFiles files,
            DiskConverter converter,
            WebDownload downloads,
            Clock clock) {
        this.database = database;
        this.files = files;
        this.converter = converter;
        this.downloads = downloads;
        this.clock = clock;
    }

    /** Clears up after a process that was killed. */
    void start() {
        database.run(
                handle -> {
                    ImageStore.resetUploads(handle);
                    ImageTasks.endAll(handle, now());
                });
        files.clean(database.read(ImageStore::files));
    }

    /** Names of the methods of import that there are. */
    List<String> methods() {
        return downloads.enabled()
                ? List.of(ImportMethod.GlanceDirect.NAME, ImportMethod.WebDownload.NAME)
                : List.of(ImportMethod.GlanceDirect.NAME);
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

    /**
     * Begins an import, which then runs by itself.
     *
     * @param input of its task, JSON
     * @throws ApiException 409 when the image is not in the state for it, 400 when its address is
     *     not allowed, 429 when too many imports run
     */
    void importImage(Actor actor, String id, ImportMethod method, String input) {
        String project =
                database.read(handle -> ImageAccess.own(handle, actor, id, "modify")).owner();
        if (!imports.enter(project)) {
            throw new ApiException(
                    Fault.TOO_MANY_REQUESTS,
                    "%d images of the project are being imported, or %d of all. Import this one when"
                                    .formatted(IMPORTS_OF_PROJECT, IMPORTS)
                            + " one of them is done.");
        }
        boolean begun = false;
        try {
            database.runLocked(handle -> ImageTasks.clean(handle, project, now()));
            String task = UUID.randomUUID().toString();
            Image image =
                    database.transaction(
                            handle -> beginImport(handle, actor, id, method, task, input));
            String upload = image.file().orElseThrow();
            Thread thread =
                    Thread.ofVirtual()
                            .name("image-import-" + task)
                            .unstarted(
                                    () -> {
                                        try {
                                            run(actor, image, method, task);
                                        } finally {
                                            importing.remove(upload);
                                            imports.leave(project);
                                            threads.remove(Thread.currentThread());
                                        }
                                    });
            threads.add(thread);
            importing.put(upload, thread);
            thread.start();
            begun = true;
        } finally {
            if (!begun) {
                imports.leave(project);
            }
        }
    }

    /**
     * Ends the import of an upload that no image waits for any more, if one runs. An upload of a
     * request ends by itself when more of it comes.
     */
    void end(String upload) {
        Thread thread = importing.get(upload);
        if (thread != null) {
            thread.interrupt();
        }
    }

    private Image beginImport(
            Handle handle, Actor actor, String id, ImportMethod method, String task, String input) {
        Image image = ImageAccess.own(handle, actor, id, "modify");
        checkImport(image, method);
        String upload =
                switch (method) {
                    case ImportMethod.GlanceDirect() -> image.file().orElseThrow();
                    case ImportMethod.WebDownload(var uri) -> {
                        downloads.check(uri);
                        yield UUID.randomUUID().toString();
                    }
                };
        Instant now = now();
        Image importing = image.importing(upload, task, now);
        ImageStore.update(handle, importing);
        ImageTasks.insert(
                handle,
                new ImageTask(
                        task,
                        id,
                        image.owner(),
                        actor.userId(),
                        actor.requestId(),
                        ImageTask.Status.PENDING,
                        input,
                        "",
                        now,
                        now,
                        Optional.empty()));
        Audit.record(handle, actor, "import image", id);
        return importing;
    }

    private static void checkImport(Image image, ImportMethod method) {
        if (image.complete()) {
            throw ApiException.conflict(
                    "Image with status %s cannot be target for import"
                            .formatted(image.status().text()));
        }
        boolean ready =
                switch (method) {
                    case ImportMethod.GlanceDirect() ->
                            image.status() == Image.Status.UPLOADING && image.content().isPresent();
                    case ImportMethod.WebDownload _ -> image.status() == Image.Status.QUEUED;
                };
        if (!ready) {
            throw ApiException.conflict(
                    method instanceof ImportMethod.GlanceDirect
                            ? "Image needs to be staged before 'glance-direct' method can be used"
                            : "Image needs to be in 'queued' state to use 'web-download' method");
        }
        if (image.attributes().containerFormat().isEmpty()) {
            throw ApiException.conflict("'container_format' needs to be set before import");
        }
        if (image.attributes().diskFormat().isEmpty()) {
            throw ApiException.conflict("'disk_format' needs to be set before import");
        }
    }

    private void run(Actor actor, Image image, ImportMethod method, String task) {
        String upload = image.file().orElseThrow();
        String failure = "The region is stopping.";
        boolean done = false;
        try {
            database.run(
                    handle -> {
                        // A deletion before this did not find the thread that it ends.
                        if (awaited(handle, image.id(), upload).isEmpty()) {
                            throw gone(image.id());
                        }
                        ImageTasks.begin(handle, task, now());
                    });
            Image.Content bytes =
                    switch (method) {
                        case ImportMethod.GlanceDirect() -> image.content().orElseThrow();
                        case ImportMethod.WebDownload download -> download(image, upload, download);
                    };
            Image.Content content = withDisk(image, upload, bytes, Supplier::get);
            database.run(
                    handle -> {
                        activate(handle, image.id(), upload, content);
                        ImageTasks.end(handle, task, "", now());
                        Audit.record(handle, actor, "imported image", image.id());
                    });
            done = true;
        } catch (ApiException e) {
            failure = e.detail();
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "import failed task=" + task, e);
            failure = "The import failed by a fault of the region.";
        } finally {
            if (!done) {
                abandonAtLast(image.id(), upload, Optional.of(new Failure(task, failure)));
            }
        }
    }

    private Image.Content download(Image image, String upload, ImportMethod.WebDownload download) {
        try (WebDownload.Body body = downloads.open(download.uri())) {
            body.sizeBytes()
                    .ifPresent(
                            bytes ->
                                    database.run(
                                            handle ->
                                                    reserve(
                                                            handle,
                                                            image.id(),
                                                            upload,
                                                            bytes,
                                                            bytes)));
            return store(image, upload, body.stream(), body.sizeBytes());
        } catch (UnknownHostException e) {
            throw new ApiException(
                    Fault.BAD_REQUEST,
                    "The image could not be downloaded: the name %s is not known"
                            .formatted(download.uri().getHost()),
                    e);
        } catch (IOException e) {
            throw new ApiException(
                    Fault.BAD_REQUEST, "The image could not be downloaded: " + e.getMessage(), e);
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

    private Image.Content store(
            Image image, String upload, InputStream stream, OptionalLong announced) {
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

    private long reserve(Handle handle, String id, String upload, long least, long wanted) {
        Image image = awaited(handle, id, upload).orElseThrow(() -> gone(id));
        return ImageQuotas.hold(handle, image, least, wanted);
    }

    private void activate(Handle handle, String id, String upload, Image.Content content) {
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
    private Image.Content withDisk(Image image, String upload, Image.Content bytes, Turn turn) {
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
    private static Optional<Image> awaited(Handle handle, String id, String upload) {
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
        abandon(id, upload, Optional.empty());
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
                                            abandonAtLast(id, upload, Optional.empty());
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
    private void abandonAtLast(String id, String upload, Optional<Failure> failure) {
        Backoff backoff = Backoff.ofConnection();
        while (true) {
            // What interrupts ends the work before this; whoever stops the region waits for this.
            Thread.interrupted();
            try {
                abandon(id, upload, failure);
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

    private void abandon(String id, String upload, Optional<Failure> failure) {
        boolean kept =
                database.transaction(
                        handle -> {
                            Optional<Image> waiting = awaited(handle, id, upload);
                            waiting.ifPresent(
                                    image ->
                                            ImageStore.update(
                                                    handle,
                                                    failure.isPresent()
                                                            ? image.failed(now())
                                                            : image.queued(now())));
                            failure.ifPresent(
                                    why ->
                                            ImageTasks.end(
                                                    handle,
                                                    why.task,
                                                    waiting.isPresent()
                                                            ? why.message
                                                            : gone(id).detail(),
                                                    now()));
                            return waiting.isEmpty()
                                    && ImageStore.find(handle, id)
                                            .flatMap(Image::file)
                                            .equals(Optional.of(upload));
                        });
        if (!kept) {
            files.remove(upload);
        }
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    private static ApiException gone(String id) {
        return ApiException.notFound(
                "Image %s was deleted while its data was uploaded.".formatted(id));
    }

    /** Ends the imports that run; their images are queued then. */
    @Override
    public void close() {
        closing = true;
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
