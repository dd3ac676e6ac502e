package dev.iod.image;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import dev.iod.runtime.AtomicFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The directory of image bytes. Each upload has a file of its own, which is there whole or not at
 * all, and which nobody writes again; beside it, the disk that was made of it.
 */
public final class ImageFiles implements AutoCloseable {
    private static final Logger LOG = System.getLogger(ImageFiles.class.getName());

    /** Largest image. */
    public static final long MAX_BYTES = 16L << 30;

    private static final String PART = ".part-";
    private static final String DISK = ".raw";
    private static final int BUFFER_BYTES = 1 << 16;

    /** What is left free of the file system, which others may need. */
    static final long RESERVE_BYTES = 1L << 30;

    /** How often it is looked at. */
    static final long ROOM_STEP_BYTES = 16L << 20;

    private final Path directory;
    private final FreeBytes free;
    private final ExecutorService digests =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("image-digest").factory());

    /** What is free of a file system. */
    @FunctionalInterface
    interface FreeBytes {
        long count(Path directory) throws IOException;
    }

    /** What an upload may have of its project's quota, as long as its image waits for it. */
    interface Allowance {
        /**
         * Asked every {@link #ROOM_STEP_BYTES}.
         *
         * @throws ApiException 404 when the image does not wait for the upload any more
         */
        void check();

        /**
         * Makes it more.
         *
         * @param least bytes in all that the upload needs
         * @return bytes in all that it may have now
         * @throws ApiException 413 when there is not so much
         */
        long grow(long least);
    }

    /** Makes the directory if it is missing. */
    public ImageFiles(Path directory) {
        this(directory, path -> Files.getFileStore(path).getUsableSpace());
    }

    ImageFiles(Path directory, FreeBytes free) {
        this.directory = directory;
        this.free = free;
        try {
            Files.createDirectories(directory);
            // Images are their projects' alone, also on this machine.
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make " + directory, e);
        }
    }

    /** Where the bytes of an upload are. */
    Path path(String upload) {
        return directory.resolve(upload);
    }

    /** Where the disk is that was made of an upload. */
    Path disk(String upload) {
        return directory.resolve(upload + DISK);
    }

    /**
     * Stores a stream durably and returns what it was; the file appears at the end.
     *
     * @param announced length by the request's header; a stream of another length is refused
     * @param allowance asked to grow when there is more than was announced
     * @throws ApiException 413 beyond {@link #MAX_BYTES} and the allowance, 400 when the stream
     *     breaks off, 503 when it would leave less than {@link #RESERVE_BYTES} free
     */
    Image.Content store(
            String upload, InputStream stream, OptionalLong announced, Allowance allowance) {
        Path part = directory.resolve(PART + upload);
        try {
            checkRoom(announced.orElse(0));
            Image.Content content = write(part, stream, announced.orElse(0), allowance);
            if (announced.isPresent() && announced.getAsLong() != content.sizeBytes()) {
                throw ApiException.badRequest(
                        "The upload ended after %d of %d bytes."
                                .formatted(content.sizeBytes(), announced.getAsLong()));
            }
            Files.move(part, path(upload), StandardCopyOption.ATOMIC_MOVE);
            AtomicFile.syncDirectory(path(upload));
            return content;
        } catch (IOException | UncheckedIOException e) {
            LOG.log(Level.ERROR, "an image cannot be stored", e);
            throw new ApiException(
                    Fault.UNAVAILABLE, "Images cannot be stored in this region now.", e);
        } finally {
            delete(part);
        }
    }

    /** An empty file for a content that arrives in parts; nobody sees it before {@link #adopt}. */
    CaptureFile begin(String upload, long sizeBytes) throws IOException {
        return CaptureFile.create(directory.resolve(PART + upload), sizeBytes);
    }

    /** The parts are the whole, and durable. */
    void adopt(String upload) throws IOException {
        Files.move(directory.resolve(PART + upload), path(upload), StandardCopyOption.ATOMIC_MOVE);
        AtomicFile.syncDirectory(path(upload));
    }

    /** The rest does not come. */
    void discard(String upload) {
        delete(directory.resolve(PART + upload));
    }

    /**
     * Makes the disk of an upload, durably; its file appears at the end.
     *
     * @throws ApiException 415 when the upload is not what is taken, 503 when it cannot be made now
     */
    Image.Disk makeDisk(String upload, String project, DiskShape shape, DiskConverter converter) {
        Path part = directory.resolve(PART + upload + DISK);
        try {
            converter.convert(project, shape, path(upload), part);
            FormatInspector.checkNotNested(part);
            byte[] sha256 = sha256(part);
            try (FileChannel file = FileChannel.open(part, StandardOpenOption.WRITE)) {
                file.force(true);
            }
            Image.Disk disk =
                    new Image.Disk(
                            Files.size(part),
                            HexFormat.of().formatHex(sha256),
                            SparseFile.storedBytes(part));
            Files.move(part, disk(upload), StandardCopyOption.ATOMIC_MOVE);
            AtomicFile.syncDirectory(disk(upload));
            return disk;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make the disk of an image", e);
        } finally {
            delete(part);
        }
    }

    /**
     * By a thread that is not a request's: those share few processors with all of the region, and a
     * disk of nothing but holes has minutes of zeros.
     */
    private byte[] sha256(Path disk) throws IOException {
        Future<byte[]> digested =
                digests.submit(
                        () -> {
                            MessageDigest sha256 = Digests.of("SHA-256");
                            SparseFile.digest(disk, sha256);
                            return sha256.digest();
                        });
        try {
            return digested.get();
        } catch (ExecutionException e) {
            throw new IOException("cannot read " + disk.getFileName(), e.getCause());
        } catch (InterruptedException e) {
            digested.cancel(false);
            Thread.currentThread().interrupt();
            throw new ApiException(Fault.UNAVAILABLE, "The region is stopping.", e);
        }
    }

    /** Removes the bytes of an upload and the disk made of it, if any. */
    void remove(String upload) {
        delete(path(upload));
        delete(disk(upload));
    }

    /** Removes what a killed process left: half uploads, and files of no image. */
    void clean(Set<String> needed) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                String upload =
                        name.endsWith(DISK)
                                ? name.substring(0, name.length() - DISK.length())
                                : name;
                if (name.startsWith(PART) || !needed.contains(upload)) {
                    delete(file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + directory, e);
        }
    }

    /**
     * @throws ApiException 503 when so much more would leave too little
     */
    void checkRoom(long more) throws IOException {
        if (free.count(directory) - RESERVE_BYTES < more) {
            throw new ApiException(Fault.UNAVAILABLE, "The region has no room for the image now.");
        }
    }

    private static int read(InputStream stream, byte[] buffer) {
        try {
            return stream.read(buffer);
        } catch (IOException e) {
            throw new ApiException(
                    Fault.BAD_REQUEST, "The upload did not complete: " + e.getMessage(), e);
        }
    }

    private Image.Content write(Path part, InputStream stream, long announced, Allowance allowance)
            throws IOException {
        Digests digests = new Digests();
        byte[] buffer = new byte[BUFFER_BYTES];
        long size = 0;
        long allowed = announced;
        long looked = 0;
        try (FileChannel file =
                FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int count = read(stream, buffer); count >= 0; count = read(stream, buffer)) {
                size += count;
                if (size > MAX_BYTES) {
                    throw new ApiException(
                            Fault.TOO_LARGE, "An image may have at most " + MAX_BYTES + " bytes.");
                }
                if (size > allowed) {
                    allowed = allowance.grow(size);
                }
                if (size > looked) {
                    allowance.check();
                    checkRoom(ROOM_STEP_BYTES);
                    looked = size + ROOM_STEP_BYTES;
                }
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
                digests.update(bytes);
                while (bytes.hasRemaining()) {
                    file.write(bytes);
                }
            }
            file.force(true);
        }
        return digests.content(size);
    }

    /** Ends its thread; nothing can be made disks of any more. */
    @Override
    public void close() {
        digests.shutdownNow();
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete " + file, e);
        }
    }
}
