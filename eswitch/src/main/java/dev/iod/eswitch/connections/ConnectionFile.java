package dev.iod.eswitch.connections;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.sys.Errno;
import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.SysException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/**
 * The file of a {@link ConnectionTable}: a header that says whose it is, then the rows. All of its
 * space is reserved before it is mapped, because a store to a page the file system has no room for
 * would end the process (SIGBUS).
 */
final class ConnectionFile {
    static final String NAME = "connections";

    /** Bytes before the first row. */
    static final int HEADER = 4096;

    private static final System.Logger LOG = System.getLogger(ConnectionFile.class.getName());

    /** Number and version: changes with the meaning of header and rows. */
    private static final long MAGIC = 0x696f_642d_6374_0004L;

    static final int CAPACITY = 8;
    static final int ROW = 12;
    static final int BOOT = 16;
    static final int FRESH = 24;

    private ConnectionFile() {}

    /**
     * Opens the file if it is this version's, of this boot and of this size, else makes a new one;
     * one of the version before is set aside ({@link OneTupleFile}).
     *
     * @param capacity number of rows
     */
    static Mapping open(Path directory, int capacity) throws IOException {
        Files.createDirectories(directory);
        Path file = directory.resolve(NAME);
        long bytes =
                HEADER + (long) capacity * (ConnectionTable.ROW + ConnectionTable.UPPER_HALVES);
        long boot = bootId();
        OneTupleFile.setAside(directory, boot);
        if (Files.exists(file)) {
            Optional<String> fault = fault(file, bytes, capacity, boot);
            if (fault.isPresent()) {
                LOG.log(System.Logger.Level.WARNING, "discarding " + file + ": " + fault.get());
                Files.delete(file);
            }
        }
        try {
            reserve(file, bytes, capacity);
        } catch (EngineException e) {
            if (!OneTupleFile.forget(directory)) {
                throw e;
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    "connections of the engine before are forgotten: there is no room for both");
            reserve(file, bytes, capacity);
        }
        Mapping mapping = Mapping.file(file, bytes);
        long header = mapping.address();
        Memory.writeInt(header + CAPACITY, capacity);
        Memory.writeInt(header + ROW, ConnectionTable.ROW);
        Memory.writeLong(header + BOOT, boot);
        Memory.writeLongRelease(header, MAGIC);
        return mapping;
    }

    /** First row that was never used, as far as the file says something sensible. */
    static int fresh(Mapping mapping, int capacity) {
        int fresh = Memory.readInt(mapping.address() + FRESH);
        return fresh >= 0 && fresh <= capacity ? fresh : capacity;
    }

    /** To be called before the first use of a row. */
    static void keepFresh(Mapping mapping, int fresh) {
        Memory.writeIntRelease(mapping.address() + FRESH, fresh);
    }

    /** What is wrong with a file that is there. */
    private static Optional<String> fault(Path file, long bytes, int capacity, long boot)
            throws IOException {
        long size = Files.size(file);
        if (size != bytes) {
            return Optional.of(
                    "it has " + size + " bytes, and " + capacity + " connections take " + bytes);
        }
        try (Mapping mapping = Mapping.file(file, HEADER)) {
            long header = mapping.address();
            if (Memory.readLong(header) != MAGIC
                    || Memory.readInt(header + CAPACITY) != capacity
                    || Memory.readInt(header + ROW) != ConnectionTable.ROW) {
                return Optional.of("it is torn or of another version");
            }
            return Memory.readLong(header + BOOT) == boot
                    ? Optional.empty()
                    : Optional.of("it is of another boot");
        }
    }

    private static void reserve(Path file, long bytes, int capacity) throws IOException {
        int fd = Linux.open(file, Linux.O_RDWR | Linux.O_CREAT);
        try {
            Linux.fallocate(fd, 0, 0, bytes);
        } catch (SysException e) {
            // What was reserved of it would be missing to somebody else.
            Files.deleteIfExists(file);
            if (e.errno() != Errno.ENOSPC) {
                throw e;
            }
            throw new EngineException(
                    Category.CONFIGURATION,
                    capacity
                            + " connections need "
                            + bytes
                            + " bytes and "
                            + file.getParent()
                            + " has no room for them; enlarge the file system or lower the setting"
                            + " connections",
                    e);
        } finally {
            Linux.close(fd);
        }
    }

    /** Tells boots apart: the monotonic clock starts anew with each. */
    private static long bootId() throws IOException {
        String id = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).trim();
        return UUID.fromString(id).getMostSignificantBits();
    }
}
