package dev.iod.eswitch;

import dev.iod.engine.EngineException;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.eswitch.rules.EntityStore.Change;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.EntityCodec;
import dev.iod.pipeline.EntityKey;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * The agent's transactions in a file that outlives the engine, so that a restarted engine forwards
 * at once and not only after the agent has told it everything again. What the agent says then
 * replaces what was read.
 *
 * <p>The file is a log: a whole state first, then changes; it is written anew when it has grown to
 * twice its first size. An engine may be killed anywhere: a transaction counts only when its end is
 * there with the right checksum. A file that cannot be written is removed, for an old state would
 * be worse than none. Used by one thread at a time (the control lock).
 */
final class StateFile {
    private static final System.Logger LOG = System.getLogger(StateFile.class.getName());

    /** To be changed with {@link EntityCodec}: what was written by another version is discarded. */
    private static final long MAGIC = 0x696f_642d_7374_0002L;

    private static final int MAX_ENTRY_BYTES = 16 << 20;
    private static final long SMALL_BYTES = 1 << 20;

    /** Small: most transactions are, and packets wait for the collector of what is allocated. */
    private static final int BUFFER_BYTES = 1 << 13;

    private static final int PUT = 1;
    private static final int REMOVE = 2;
    private static final int COMMIT = 3;

    private final Path file;
    private long wholeBytes;
    private long bytes;
    private boolean usable;

    StateFile(Path directory) {
        file = directory.resolve("state");
    }

    /** The rows of the last complete transaction; none when there is no file or it is not ours. */
    List<Entity> read() {
        Map<EntityKey, Entity> rows = new LinkedHashMap<>();
        if (Files.exists(file)) {
            try (var in = Files.newInputStream(file)) {
                replay(new CheckedInputStream(new BufferedInputStream(in), new CRC32()), rows);
            } catch (IOException | EngineException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the state in " + file + " is discarded: " + e.getMessage());
                rows.clear();
            }
        }
        return List.copyOf(rows.values());
    }

    private void replay(CheckedInputStream from, Map<EntityKey, Entity> rows) throws IOException {
        DataInputStream in = new DataInputStream(from);
        if (in.readLong() != MAGIC) {
            throw new IOException("it has another version");
        }
        List<Change> open = new ArrayList<>();
        from.getChecksum().reset();
        try {
            while (true) {
                switch (in.readUnsignedByte()) {
                    case PUT -> open.add(new Change.Put(EntityCodec.read(entry(in))));
                    case REMOVE -> open.add(new Change.Remove(EntityCodec.readKey(entry(in))));
                    case COMMIT -> {
                        long sum = from.getChecksum().getValue();
                        if (in.readLong() != sum) {
                            throw new IOException("a checksum is wrong");
                        }
                        open.forEach(change -> apply(change, rows));
                        open.clear();
                        from.getChecksum().reset();
                    }
                    default -> throw new IOException("it is damaged");
                }
            }
        } catch (EOFException e) {
            // The end, or a transaction that the engine was killed in and the agent never saw done.
            LOG.log(System.Logger.Level.DEBUG, "{0} rows read", rows.size());
        }
    }

    private static WireReader entry(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > MAX_ENTRY_BYTES) {
            throw new IOException("an entry of " + length + " bytes");
        }
        byte[] body = new byte[length];
        in.readFully(body);
        return new WireReader(body);
    }

    private static void apply(Change change, Map<EntityKey, Entity> rows) {
        switch (change) {
            case Change.Put put -> rows.put(EntityKey.of(put.entity()), put.entity());
            case Change.Remove remove -> rows.remove(remove.key());
        }
    }

    /**
     * Keeps a transaction that was applied.
     *
     * @param rows all rows after it
     */
    void append(List<Change> changes, boolean replace, Collection<Entity> rows) {
        try {
            if (!replace && usable && bytes < 2 * wholeBytes + SMALL_BYTES) {
                try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.APPEND)) {
                    bytes += write(out, changes);
                }
            } else {
                rewrite(rows);
            }
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    "the state is not kept: a restart will need the agent",
                    e);
            discard();
        }
    }

    private void rewrite(Collection<Entity> rows) throws IOException {
        Path fresh = file.resolveSibling("state.new");
        Stream<Change> all = rows.stream().map(Change.Put::new);
        try (OutputStream out = Files.newOutputStream(fresh)) {
            new DataOutputStream(out).writeLong(MAGIC);
            wholeBytes = write(out, all::iterator);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        bytes = wholeBytes;
        usable = true;
    }

    private static long write(OutputStream to, Iterable<Change> changes) throws IOException {
        CheckedOutputStream checked =
                new CheckedOutputStream(new BufferedOutputStream(to, BUFFER_BYTES), new CRC32());
        DataOutputStream out = new DataOutputStream(checked);
        WireWriter body = new WireWriter();
        for (Change change : changes) {
            body.clear();
            switch (change) {
                case Change.Put put -> EntityCodec.write(body, put.entity());
                case Change.Remove remove -> EntityCodec.writeKey(body, remove.key());
            }
            out.writeByte(change instanceof Change.Put ? PUT : REMOVE);
            out.writeInt(body.size());
            body.writeTo(out);
        }
        out.writeByte(COMMIT);
        out.writeLong(checked.getChecksum().getValue());
        out.flush();
        return out.size();
    }

    private void discard() {
        usable = false;
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "removing " + file, e);
        }
    }
}
