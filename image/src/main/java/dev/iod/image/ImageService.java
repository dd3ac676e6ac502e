package dev.iod.image;

import dev.iod.region.Actor;
import dev.iod.region.Audit;
import dev.iod.rest.ApiException;
import dev.iod.store.Database;
import dev.iod.store.ListSql;
import dev.iod.store.Page;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/** What can be done to images. */
public final class ImageService implements Images, AutoCloseable {
    private static final String DISKS =
            Arrays.stream(DiskFormat.values())
                    .filter(format -> format != DiskFormat.ISO)
                    .map(DiskFormat::text)
                    .collect(Collectors.joining(", "));

    private final Database database;
    private final Database background;
    private final ImageFiles files;
    private final ImageUploads uploads;
    private final ImageImports imports;
    private final ImageCaptures captures;
    private final Clock clock;

    /** Without downloads. Its tables need not be there before {@link #start}. */
    public ImageService(Database database, ImageFiles files, QemuConverter converter, Clock clock) {
        this(database, database, files, converter, AllowedHosts.NONE, List.of(), clock);
    }

    /**
     * The same, with downloads.
     *
     * @param database for requests
     * @param background for what nodes fetch and send, which waits for no request
     * @param hosts from where images may be imported by {@code web-download}
     * @param watchers those of whose disks images are made
     */
    public ImageService(
            Database database,
            Database background,
            ImageFiles files,
            QemuConverter converter,
            AllowedHosts hosts,
            List<CaptureWatcher> watchers,
            Clock clock) {
        this(database, background, files, converter, new WebDownload(hosts), watchers, clock);
    }

    ImageService(
            Database database,
            Database background,
            ImageFiles files,
            DiskConverter converter,
            WebDownload downloads,
            List<CaptureWatcher> watchers,
            Clock clock) {
        this.database = database;
        this.background = background;
        this.files = files;
        this.uploads = new ImageUploads(database, files, converter, clock);
        this.imports = new ImageImports(database, uploads, downloads);
        this.captures = new ImageCaptures(background, files, uploads, watchers);
        this.clock = clock;
    }

    /** Clears up after a process that was killed during an upload. */
    void start() {
        uploads.start();
        imports.start();
    }

    /** Ends imports that run, and what was made for them. */
    @Override
    public void close() {
        captures.close();
        uploads.close();
        imports.close();
        files.close();
    }

    ImageUploads uploads() {
        return uploads;
    }

    ImageImports imports() {
        return imports;
    }

    /** What nodes send of their disks. */
    public ImageCaptures captures() {
        return captures;
    }

    ImageMembers members() {
        return new ImageMembers(database, clock);
    }

    Image create(Actor actor, String id, String owner, Image.Attributes attributes) {
        Instant now = now();
        Image image =
                new Image(
                        id,
                        owner,
                        Image.Status.QUEUED,
                        attributes,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        now,
                        now);
        checkVisibility(actor, attributes.visibility());
        database.run(
                handle -> {
                    if (ImageStore.find(handle, id).isPresent()) {
                        throw ApiException.conflict("Image ID %s already exists!".formatted(id));
                    }
                    ImageQuotas.claim(handle, owner, ImageQuotas.IMAGES, 1);
                    ImageStore.insert(handle, image);
                    Audit.record(handle, actor, "create image", id);
                });
        return image;
    }

    Image update(Actor actor, String id, UnaryOperator<Image.Attributes> change) {
        return database.transaction(
                handle -> {
                    Image old = ImageAccess.own(handle, actor, id, "modify");
                    Image.Attributes changed = change.apply(old.attributes());
                    if (changed.visibility() != old.attributes().visibility()) {
                        checkVisibility(actor, changed.visibility());
                    }
                    if (old.status() != Image.Status.QUEUED
                            && (!changed.diskFormat().equals(old.attributes().diskFormat())
                                    || !changed.containerFormat()
                                            .equals(old.attributes().containerFormat()))) {
                        throw ApiException.forbidden(
                                "Attribute container_format and disk_format can be only replaced"
                                        + " for a queued image.");
                    }
                    Image image = old.with(changed, now());
                    ImageStore.update(handle, image);
                    Audit.record(handle, actor, "update image", id);
                    return image;
                });
    }

    /** Whether the bytes may be used; only administrators say so. */
    void activate(Actor actor, String id, boolean active) {
        Image.Status wanted = active ? Image.Status.ACTIVE : Image.Status.DEACTIVATED;
        database.run(
                handle -> {
                    Image image = ImageAccess.visible(handle, actor, id);
                    if (!actor.isAdmin()) {
                        throw ApiException.forbidden(
                                "You are not authorized to complete %s action."
                                        .formatted(active ? "reactivate" : "deactivate"));
                    }
                    if (!image.complete()) {
                        throw ApiException.forbidden(
                                "Not allowed to %s image in status '%s'"
                                        .formatted(
                                                active ? "reactivate" : "deactivate",
                                                image.status().text()));
                    }
                    ImageStore.update(handle, image.with(wanted, now()));
                    Audit.record(
                            handle, actor, active ? "reactivate image" : "deactivate image", id);
                });
    }

    void delete(Actor actor, String id) {
        Optional<String> file =
                database.transaction(
                        handle -> {
                            Image image = ImageAccess.own(handle, actor, id, "delete");
                            if (image.attributes().isProtected()) {
                                throw ApiException.forbidden(
                                        "Image %s is protected and cannot be deleted."
                                                .formatted(id));
                            }
                            if (ImageUses.held(handle, id)) {
                                throw ApiException.conflict(
                                        "Image %s could not be deleted because it is in use: a volume is being made of it."
                                                .formatted(id));
                            }
                            if (!captures.endOfImage(handle, id)) {
                                ImageStore.delete(handle, id);
                            }
                            Audit.record(handle, actor, "delete image", id);
                            return image.file();
                        });
        // After the commit: a crash in between leaves a file that the next start removes. An upload
        // that runs removes its own.
        file.ifPresent(imports::end);
        file.ifPresent(files::remove);
    }

    /**
     * The file of what servers use of an image: the disk that was made of it, or else its bytes;
     * for nodes, which fetch what their goal names. A server that runs keeps what it has, also when
     * its image was deactivated.
     */
    public Optional<Path> file(String id) {
        return background
                .read(handle -> ImageStore.find(handle, id))
                .flatMap(
                        image ->
                                image.content().flatMap(Image.Content::disk).isPresent()
                                        ? image.file().map(files::disk)
                                        : bytes(image));
    }

    /** The file of its bytes, if they are complete. */
    Optional<Path> bytes(Image image) {
        return image.complete() ? image.file().map(files::path) : Optional.empty();
    }

    @Override
    public Bootable resolve(Handle handle, Actor actor, String imageId) {
        Image image =
                ImageAccess.find(handle, actor, imageId)
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Can not find requested image (%s)"
                                                        .formatted(imageId)));
        if (image.status() != Image.Status.ACTIVE) {
            throw ApiException.badRequest("Image %s is not active.".formatted(imageId));
        }
        Optional<Part> disk = disk(image);
        Boot boot = boot(handle, actor, image, disk.isPresent());
        return new Bootable(
                imageId,
                image.attributes().name(),
                boot,
                disk,
                Hardware.machineType(image),
                image.attributes().minRamMib(),
                image.attributes().minDiskGib());
    }

    @Override
    public Source source(Handle handle, Actor actor, String reference) {
        Image image = named(handle, actor, reference);
        if (image.status() != Image.Status.ACTIVE) {
            throw ApiException.badRequest(
                    "Invalid input received: Image %s is not active.".formatted(image.id()));
        }
        Part disk =
                disk(image)
                        .orElseThrow(
                                () ->
                                        ApiException.badRequest(
                                                "Image %s is unacceptable: it is no disk of a format that is taken (%s)."
                                                        .formatted(image.id(), DISKS)));
        Image.Content content = image.content().orElseThrow();
        return new Source(
                image.id(),
                disk,
                content.sizeBytes(),
                image.attributes().minDiskGib(),
                metadata(image, content));
    }

    private static Image named(Handle handle, Actor actor, String reference) {
        String id = reference.substring(reference.lastIndexOf('/') + 1);
        Optional<Image> byId = ImageAccess.find(handle, actor, id);
        if (byId.isPresent()) {
            return byId.get();
        }
        // What a list shows by itself: anybody could give an image of the community, or one that he
        // shares, the name that others look for.
        List<Image> byName =
                new ListSql(ImageStore.SELECT, Map.of("id", "id"))
                        .where(ImageAccess.listed(actor, Optional.empty(), ImageAccess.ACCEPTED))
                        .where("NOT hidden AND name = ?", reference)
                        .page(handle, Page.first(2), List.of(), ImageStore::map)
                        .rows();
        if (byName.size() > 1) {
            throw ApiException.conflict(
                    "Multiple matches found for '%s', use an ID to be more specific."
                            .formatted(reference));
        }
        return byName.stream().findFirst().orElseThrow(ImageService::unknownToVolumes);
    }

    private static ApiException unknownToVolumes() {
        return ApiException.badRequest(UNKNOWN_SOURCE);
    }

    private static Map<String, String> metadata(Image image, Image.Content content) {
        Image.Attributes attributes = image.attributes();
        Map<String, String> metadata = new HashMap<>(attributes.properties());
        metadata.put("image_id", image.id());
        if (!attributes.name().isEmpty()) {
            metadata.put("image_name", attributes.name());
        }
        metadata.put("checksum", content.md5());
        attributes.containerFormat().ifPresent(f -> metadata.put("container_format", f));
        attributes.diskFormat().ifPresent(f -> metadata.put("disk_format", f));
        metadata.put("min_disk", Long.toString(attributes.minDiskGib()));
        metadata.put("min_ram", Long.toString(attributes.minRamMib()));
        metadata.put("size", Long.toString(content.sizeBytes()));
        return metadata;
    }

    @Override
    public void hold(Handle handle, String imageId, UUID consumer) {
        if (!ImageUses.hold(handle, imageId, consumer)) {
            throw unknownToVolumes();
        }
    }

    @Override
    public void release(Handle handle, UUID consumer) {
        ImageUses.release(handle, consumer);
    }

    @Override
    public Heritage heritage(Handle handle, Actor actor, String imageId) {
        return ImageAccess.find(handle, actor, imageId)
                .map(Image::attributes)
                .map(
                        base ->
                                new Heritage(
                                        base.minRamMib(),
                                        base.minDiskGib(),
                                        ImageAttributes.inherited(base.properties())))
                .orElse(Heritage.NONE);
    }

    @Override
    public String capture(Handle handle, Actor actor, NewCapture wanted) {
        return captures.begin(handle, actor, wanted);
    }

    @Override
    public void endCapture(Handle handle, UUID consumer) {
        captures.end(handle, consumer);
    }

    /** What is neither raw nor was converted is no disk, or (ami) describes a machine. */
    private static Optional<Part> disk(Image image) {
        boolean raw =
                image.attributes().diskFormat().equals(Optional.of(DiskFormat.RAW.text()))
                        && image.attributes().containerFormat().equals(ImageUploads.BARE);
        return image.content()
                .filter(content -> raw || content.disk().isPresent())
                .map(content -> part(image, content));
    }

    /** What {@link #file} has of it. */
    private static Part part(Image image, Image.Content content) {
        return content.disk()
                .map(disk -> new Part(image.id(), disk.sha256(), disk.sizeBytes()))
                .orElseGet(() -> new Part(image.id(), content.sha256(), content.sizeBytes()));
    }

    private static Boot boot(Handle handle, Actor actor, Image image, boolean isDisk) {
        Map<String, String> properties = image.attributes().properties();
        Firmware firmware = Hardware.firmware(image);
        Hardware.checkDiskBus(image);
        if (properties.containsKey("kernel_id") || properties.containsKey("ramdisk_id")) {
            Hardware.checkKernelBoot(image, firmware);
            return new Boot.Kernel(
                    part(handle, actor, image, "kernel_id"),
                    part(handle, actor, image, "ramdisk_id"),
                    properties.getOrDefault("os_command_line", ""));
        }
        if (!isDisk) {
            throw ApiException.badRequest(
                    "Image %s cannot be booted: it is no disk of a format that is taken (%s), and it has no properties kernel_id and ramdisk_id."
                            .formatted(image.id(), DISKS));
        }
        return new Boot.Disk(firmware);
    }

    private static Part part(Handle handle, Actor actor, Image image, String property) {
        String id = image.attributes().properties().getOrDefault(property, "");
        if (id.isEmpty()) {
            throw ApiException.badRequest(
                    "Image %s cannot be booted: a kernel and an initial RAM disk belong together, and it has no property %s."
                            .formatted(image.id(), property));
        }
        return ImageStore.find(handle, id)
                // Whoever may use an image may use its parts if its owner may.
                .filter(
                        found ->
                                ImageAccess.sees(handle, actor, found)
                                        || ImageAccess.sees(handle, image.owner(), found))
                .filter(found -> found.status() == Image.Status.ACTIVE)
                .flatMap(found -> found.content().map(content -> part(found, content)))
                .orElseThrow(
                        () ->
                                ApiException.badRequest(
                                        "Image %s cannot be booted: its %s %s is missing or not active."
                                                .formatted(image.id(), property, id)));
    }

    static void checkVisibility(Actor actor, Image.Visibility visibility) {
        if (visibility == Image.Visibility.PUBLIC && !actor.isAdmin()) {
            throw ApiException.forbidden(
                    "You are not authorized to complete publicize_image action.");
        }
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }
}
