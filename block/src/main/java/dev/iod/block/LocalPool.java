package dev.iod.block;

import dev.iod.block.VolumeStatus.Kind;
import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.sys.Errno;
import dev.iod.sys.Linux;
import dev.iod.sys.SysException;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Volumes, snapshots and images as raw files on a file system with reflinks. Each is a directory
 * with its data and a properties file, made under another name and renamed when it is complete, so
 * that a crash leaves either the whole of it or nothing. All methods belong to the engine's control
 * thread, one at a time.
 */
final class LocalPool {
    /** Sizes are multiples of this. */
    static final int SIZE_UNIT = 4096;

    static final long MAX_BYTES = 1L << 46;
    static final int MAX_ENTRIES = 4096;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final String NEW = ".new-";
    private static final String DOOMED = ".del-";
    private static final String DATA = "data";
    private static final String META = "meta.properties";
    private static final String FAILED = "failed";
    private static final int COPY_BYTES = 4 << 20;
    private static final byte[] ZEROS = new byte[SIZE_UNIT];

    private final Path directory;

    /** What the properties file says. */
    record Entry(String name, Kind kind, boolean thin, String base) {}

    private LocalPool(Path directory) {
        this.directory = directory;
    }

    /** Opens a pool and removes what a crash left half made or half deleted. */
    static LocalPool open(Path directory) {
        try {
            Files.createDirectories(directory);
            if (!reflinks(directory)) {
                throw new EngineException(
                        Category.CONFIGURATION,
                        directory
                                + " is on a file system without reflinks; use XFS (reflink=1) or"
                                + " btrfs, or give pool-bytes so that a pool is made in a file");
            }
            LocalPool pool = new LocalPool(directory);
            for (Path left : list(directory)) {
                String name = left.getFileName().toString();
                if (name.startsWith(NEW) || name.startsWith(DOOMED)) {
                    removeTree(left);
                }
            }
            return pool;
        } catch (IOException e) {
            throw failed("open the pool " + directory, e);
        }
    }

    /** Whether files in a directory can share blocks; tried, because nothing else tells. */
    static boolean reflinks(Path directory) {
        Path from = directory.resolve(".reflink-from");
        Path to = directory.resolve(".reflink-to");
        try {
            Files.write(from, new byte[SIZE_UNIT]);
            clone(from, to);
            return true;
        } catch (SysException | IOException e) {
            return false;
        } finally {
            Linux.unlink(from);
            Linux.unlink(to);
        }
    }

    private static void clone(Path from, Path to) {
        int source = Linux.open(from, Linux.O_RDONLY);
        try {
            int target = Linux.open(to, Linux.O_RDWR | Linux.O_CREAT);
            try {
                Linux.reflink(source, target);
            } finally {
                Linux.close(target);
            }
        } finally {
            Linux.close(source);
        }
    }

    // ---------------------------------------------------------------- looking

    private Path path(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new EngineException(
                    Category.INVALID,
                    "a name is 1 to 64 letters, digits, dots, dashes and underscores and starts"
                            + " with a letter or digit, not \""
                            + name
                            + "\"");
        }
        return directory.resolve(name);
    }

    boolean exists(String name) {
        return Files.isDirectory(path(name));
    }

    Entry entry(String name) {
        Path at = path(name);
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(at.resolve(META))) {
            properties.load(reader);
        } catch (IOException e) {
            throw new EngineException(Category.NOT_FOUND, "there is no " + name, e);
        }
        return new Entry(
                name,
                Kind.valueOf(properties.getProperty("kind", "VOLUME")),
                Boolean.parseBoolean(properties.getProperty("thin", "false")),
                properties.getProperty("base", ""));
    }

    List<String> names() {
        try {
            return list(directory).stream()
                    .map(p -> p.getFileName().toString())
                    .filter(n -> NAME.matcher(n).matches())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw failed("list the pool", e);
        }
    }

    /** The raw file. */
    Path data(String name) {
        return path(name).resolve(DATA);
    }

    /** The raw file of what is never written. */
    Path unchanging(String name) {
        Kind kind = entry(name).kind();
        if (kind != Kind.SNAPSHOT && kind != Kind.IMAGE) {
            throw new EngineException(
                    Category.INVALID, name + ", a " + kind + ", can be written meanwhile");
        }
        return data(name);
    }

    Linux.FileStatus status(String name) {
        int fd = Linux.open(data(name), Linux.O_RDONLY);
        try {
            return Linux.status(fd);
        } finally {
            Linux.close(fd);
        }
    }

    PoolSpace space() {
        try {
            FileStore store = Files.getFileStore(directory);
            return new PoolSpace(store.getTotalSpace(), store.getUsableSpace());
        } catch (IOException e) {
            throw failed("ask for free space", e);
        }
    }

    // ---------------------------------------------------------------- making

    /** An empty volume, all zeros; its space is reserved unless it is thin. */
    void create(String name, long sizeBytes, boolean thin) {
        checkSize(sizeBytes);
        make(
                new Entry(name, Kind.VOLUME, thin, ""),
                data -> {
                    int fd = Linux.open(data, Linux.O_RDWR | Linux.O_CREAT);
                    try {
                        Linux.truncate(fd, sizeBytes);
                        if (!thin) {
                            Linux.fallocate(fd, 0, 0, sizeBytes);
                        }
                    } finally {
                        Linux.close(fd);
                    }
                });
    }

    /**
     * A copy as of this moment that shares all blocks: a snapshot, or a volume that can be written.
     * Takes about the same time for any size. New blocks of either side are not reserved.
     *
     * @param sizeBytes of the copy, at least that of the source; 0 = the same
     */
    void clone(String source, String name, Kind kind, long sizeBytes) {
        entry(source);
        long size = status(source).sizeBytes();
        if (sizeBytes != 0 && sizeBytes < size) {
            throw new EngineException(
                    Category.INVALID,
                    name + " would be smaller than " + source + ", which has " + size + " bytes");
        }
        checkSize(Math.max(size, sizeBytes));
        make(
                new Entry(name, kind, true, source),
                data -> {
                    clone(data(source), data);
                    if (sizeBytes > size) {
                        truncate(data, sizeBytes);
                    }
                });
    }

    /** A file becomes an image; a second time nothing is done. @return whether it was new */
    boolean fill(String name, Path from) {
        if (exists(name)) {
            if (entry(name).kind() != Kind.IMAGE) {
                throw new EngineException(Category.CONFLICT, name + " exists and is no image");
            }
            return false;
        }
        make(new Entry(name, Kind.IMAGE, true, from.toString()), data -> copy(from, data));
        return true;
    }

    /**
     * Copies and rounds up to whole blocks. Blocks of zeros become holes, and holes of the source
     * are not even read: an image takes the space of what is in it.
     */
    private static void copy(Path from, Path to) throws IOException {
        long size = Files.size(from);
        if (size == 0) {
            throw new EngineException(Category.INVALID, from + " is empty");
        }
        try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
                FileChannel out =
                        FileChannel.open(
                                to, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            // Before anything is written: a file that grows is given space in advance, by XFS.
            truncate(to, (size + SIZE_UNIT - 1) & -SIZE_UNIT);
            int holes = Linux.open(from, Linux.O_RDONLY);
            try {
                long at = Linux.nextData(holes, 0);
                while (at < size) {
                    long end = Math.min(Linux.nextHole(holes, at), size);
                    // Blocks of the copy, wherever the source's data begins in them.
                    copyData(in, out, at & -SIZE_UNIT, end);
                    at = end < size ? Linux.nextData(holes, end) : size;
                }
            } finally {
                Linux.close(holes);
            }
        }
    }

    /** Copies what is not zero of a range that begins with a block. */
    private static void copyData(FileChannel in, FileChannel out, long from, long to)
            throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(COPY_BYTES);
        for (long at = from; at < to; at += COPY_BYTES) {
            buffer.clear().limit((int) Math.min(COPY_BYTES, to - at));
            while (buffer.hasRemaining()) {
                if (in.read(buffer, at + buffer.position()) < 0) {
                    throw new EngineException(
                            Category.FAILED, "the source ended while it was copied");
                }
            }
            writeData(out, at, buffer.flip());
        }
    }

    /** Writes each run of blocks that are not all zeros. */
    private static void writeData(FileChannel out, long at, ByteBuffer buffer) throws IOException {
        int bytes = buffer.limit();
        int run = 0;
        for (int block = 0; block < bytes; block += SIZE_UNIT) {
            int end = Math.min(block + SIZE_UNIT, bytes);
            if (isZero(buffer.array(), block, end)) {
                write(out, at, buffer, run, block);
                run = end;
            }
        }
        write(out, at, buffer, run, bytes);
    }

    private static void write(FileChannel out, long at, ByteBuffer buffer, int from, int to)
            throws IOException {
        buffer.limit(to).position(from);
        while (buffer.hasRemaining()) {
            out.write(buffer, at + buffer.position());
        }
    }

    private static boolean isZero(byte[] bytes, int from, int to) {
        return Arrays.mismatch(bytes, from, to, ZEROS, 0, to - from) < 0;
    }

    /** Makes a volume larger. */
    void resize(String name, long sizeBytes) {
        checkSize(sizeBytes);
        Entry entry = entry(name);
        long size = status(name).sizeBytes();
        if (entry.kind() != Kind.VOLUME || sizeBytes < size) {
            throw new EngineException(
                    Category.INVALID,
                    name + ", a " + entry.kind() + " of " + size + " bytes, can only grow");
        }
        int fd = Linux.open(data(name), Linux.O_RDWR);
        try {
            if (!entry.thin() && sizeBytes > size) {
                grow(fd, size, sizeBytes);
            }
            Linux.truncate(fd, sizeBytes);
            Linux.fsync(fd);
        } catch (SysException e) {
            throw failed("resize " + name, e);
        } finally {
            Linux.close(fd);
        }
    }

    private static void grow(int fd, long from, long to) {
        try {
            Linux.fallocate(fd, 0, from, to - from);
        } catch (SysException e) {
            Linux.truncate(fd, from); // What was reserved before there was no more room.
            throw e;
        }
    }

    void delete(String name) {
        entry(name);
        Path doomed = directory.resolve(DOOMED + name);
        try {
            removeTree(doomed);
            Files.move(path(name), doomed, StandardCopyOption.ATOMIC_MOVE);
            Linux.fsync(directory);
            removeTree(doomed);
        } catch (IOException | SysException e) {
            throw failed("delete " + name, e);
        }
    }

    // ---------------------------------------------------------------- failed volumes

    /** Notes that a sync of a volume has failed, so that no later process forgets it. */
    void markFailed(String name, String reason) {
        try {
            Files.writeString(path(name).resolve(FAILED), reason);
            Linux.fsync(path(name));
        } catch (IOException | SysException e) {
            throw failed("note that " + name + " has failed", e);
        }
    }

    /** Removes the note of a failure; it is gone for good when this returns. */
    void forgetFailure(String name) {
        try {
            Files.deleteIfExists(path(name).resolve(FAILED));
            Linux.fsync(path(name));
        } catch (IOException | SysException e) {
            throw failed("forget that " + name + " has failed", e);
        }
    }

    /** Why a volume has failed; empty when it has not. */
    String failure(String name) {
        Path file = path(name).resolve(FAILED);
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            return "its failure cannot be read: " + e.getMessage();
        }
    }

    // ---------------------------------------------------------------- common

    private interface Filler {
        void fill(Path data) throws IOException;
    }

    private void make(Entry entry, Filler filler) {
        Path to = path(entry.name);
        Path from = directory.resolve(NEW + entry.name);
        if (Files.exists(to)) {
            throw new EngineException(Category.CONFLICT, entry.name + " exists already");
        }
        if (names().size() >= MAX_ENTRIES) {
            throw new EngineException(
                    Category.LIMIT, "a pool has at most " + MAX_ENTRIES + " volumes");
        }
        try {
            removeTree(from);
            Files.createDirectory(from);
            filler.fill(from.resolve(DATA));
            Linux.fsync(from.resolve(DATA));
            writeMeta(entry, from.resolve(META));
            Linux.fsync(from);
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
            Linux.fsync(directory);
        } catch (IOException | SysException | EngineException e) {
            try {
                removeTree(from);
            } catch (IOException also) {
                e.addSuppressed(also);
            }
            throw e instanceof EngineException known ? known : failed("make " + entry.name, e);
        }
    }

    private static void writeMeta(Entry entry, Path to) throws IOException {
        Properties properties = new Properties();
        properties.setProperty("kind", entry.kind.name());
        properties.setProperty("thin", String.valueOf(entry.thin));
        properties.setProperty("base", entry.base);
        try (Writer writer = Files.newBufferedWriter(to)) {
            properties.store(writer, "IoD volume");
        }
        Linux.fsync(to);
    }

    private static void truncate(Path file, long sizeBytes) {
        int fd = Linux.open(file, Linux.O_RDWR);
        try {
            Linux.truncate(fd, sizeBytes);
        } finally {
            Linux.close(fd);
        }
    }

    private static void checkSize(long sizeBytes) {
        if (sizeBytes <= 0 || sizeBytes > MAX_BYTES || sizeBytes % SIZE_UNIT != 0) {
            throw new EngineException(
                    Category.INVALID,
                    "a size is a multiple of "
                            + SIZE_UNIT
                            + " bytes up to "
                            + MAX_BYTES
                            + ", not "
                            + sizeBytes);
        }
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return new ArrayList<>(entries.filter(Files::isDirectory).toList());
        }
    }

    /** A directory of plain files. */
    private static void removeTree(Path tree) throws IOException {
        if (Files.isDirectory(tree)) {
            try (Stream<Path> files = Files.list(tree)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(tree);
        }
    }

    private static EngineException failed(String what, Exception e) {
        boolean full =
                e instanceof SysException s && s.errno() == Errno.ENOSPC
                        || String.valueOf(e.getMessage()).contains("No space left");
        return new EngineException(
                full ? Category.FULL : Category.FAILED,
                "cannot " + what + ": " + (full ? "the pool is full" : e.getMessage()),
                e);
    }
}
