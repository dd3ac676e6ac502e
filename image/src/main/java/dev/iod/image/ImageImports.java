package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.store.Database;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.UnknownHostException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/** Imports what was staged, or what another server has: each in a thread of its own. */
final class ImageImports implements AutoCloseable {
    private static final Logger LOG = System.getLogger(ImageImports.class.getName());
    private static final int IMPORTS_OF_PROJECT = 3;
    private static final int IMPORTS = 32;

    private final Database database;
    private final ImageUploads uploads;
    private final WebDownload downloads;
    private final ProjectShare imports = new ProjectShare(IMPORTS_OF_PROJECT, IMPORTS);
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    /** Threads by the upload. */
    private final Map<String, Thread> importing = new ConcurrentHashMap<>();

    ImageImports(Database database, ImageUploads uploads, WebDownload downloads) {
        this.database = database;
        this.uploads = uploads;
        this.downloads = downloads;
    }

    /** Ends the tasks of a process that was killed. */
    void start() {
        database.run(handle -> ImageTasks.endAll(handle, uploads.now()));
    }

    /** Names of the methods of import that there are. */
    List<String> methods() {
        return downloads.enabled()
                ? List.of(ImportMethod.GlanceDirect.NAME, ImportMethod.WebDownload.NAME)
                : List.of(ImportMethod.GlanceDirect.NAME);
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
            database.runLocked(handle -> ImageTasks.clean(handle, project, uploads.now()));
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
        Instant now = uploads.now();
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
                        if (ImageUploads.awaited(handle, image.id(), upload).isEmpty()) {
                            throw ImageUploads.gone(image.id());
                        }
                        ImageTasks.begin(handle, task, uploads.now());
                    });
            Image.Content bytes =
                    switch (method) {
                        case ImportMethod.GlanceDirect() -> image.content().orElseThrow();
                        case ImportMethod.WebDownload download -> download(image, upload, download);
                    };
            Image.Content content = uploads.withDisk(image, upload, bytes, Supplier::get);
            database.run(
                    handle -> {
                        uploads.activate(handle, image.id(), upload, content);
                        ImageTasks.end(handle, task, "", uploads.now());
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
                abandon(image, upload, task, failure);
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
                                                    uploads.reserve(
                                                            handle,
                                                            image.id(),
                                                            upload,
                                                            bytes,
                                                            bytes)));
            return uploads.store(image, upload, body.stream(), body.sizeBytes());
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

    private void abandon(Image image, String upload, String task, String failure) {
        uploads.abandonAtLast(
                image.id(),
                upload,
                (handle, waiting) -> {
                    waiting.ifPresent(one -> ImageStore.update(handle, one.failed(uploads.now())));
                    ImageTasks.end(
                            handle,
                            task,
                            waiting.isPresent() ? failure : ImageUploads.gone(image.id()).detail(),
                            uploads.now());
                });
    }

    /** Ends the imports that run; their images are queued then. */
    @Override
    public void close() {
        ImageUploads.end(threads);
    }
}
