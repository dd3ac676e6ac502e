package dev.iod.block;

import dev.iod.block.Command.Attach;
import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * What is attached, in a file on tmpfs, so that an engine that was killed serves its guests again
 * without waiting for an agent. Keys are not in it. One thread at a time.
 */
final class AttachmentStore {
    /** Names file and version: what another one has written is not read. */
    static final int VERSION = 0x1d0d_bf02;

    private static final String FILE = "attachments";
    private static final String FAILED = "failed-";

    private final Path directory;

    AttachmentStore(Path directory) {
        this.directory = directory;
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw failed("make " + directory, e);
        }
    }

    /** Replaces the list; encrypted volumes are left out. */
    void write(Collection<Attach> attachments) {
        List<Attach> kept = attachments.stream().filter(a -> a.key().length == 0).toList();
        WireWriter out = new WireWriter().i32(VERSION).i32(kept.size());
        kept.forEach(attach -> CommandCodec.writeAttach(out, attach));
        try {
            Path next = directory.resolve(FILE + ".new");
            Files.write(next, out.toArray());
            Files.move(next, directory.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failed("write " + FILE, e);
        }
    }

    /**
     * What was attached last.
     *
     * @throws EngineException PROTOCOL when the file is of another version or was damaged
     */
    List<Attach> read() {
        Path file = directory.resolve(FILE);
        if (!Files.exists(file)) {
            return List.of();
        }
        try {
            return parse(new WireReader(Files.readAllBytes(file)));
        } catch (IOException e) {
            throw failed("read " + FILE, e);
        }
    }

    private static List<Attach> parse(WireReader in) {
        if (in.i32() != VERSION) {
            throw WireReader.malformed(FILE + " is of another version");
        }
        int count = in.i32();
        if (count < 0 || count > BlockEngine.MAX_ATTACHED) {
            throw WireReader.malformed(count + " attachments");
        }
        List<Attach> attachments = new ArrayList<>();
        for (int left = count; left > 0; left--) {
            attachments.add(CommandCodec.readAttach(in));
        }
        in.expectEnd();
        return attachments;
    }

    /** Notes here too that a volume has failed: its pool may not take the note. */
    void markFailed(String name, String reason) {
        try {
            Files.writeString(directory.resolve(FAILED + name), reason);
        } catch (IOException e) {
            throw failed("note that " + name + " has failed", e);
        }
    }

    String failure(String name) {
        Path file = directory.resolve(FAILED + name);
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw failed("read " + file, e);
        }
    }

    void forgetFailure(String name) {
        try {
            Files.deleteIfExists(directory.resolve(FAILED + name));
        } catch (IOException e) {
            throw failed("forget a failure", e);
        }
    }

    private static EngineException failed(String what, IOException e) {
        return new EngineException(Category.FAILED, "cannot " + what + ": " + e.getMessage(), e);
    }
}
