package dev.iod.block;

import dev.iod.block.BlockException.Category;
import dev.iod.block.Command.Attach;
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
        byte[] bytes =
                CommandCodec.bytes(
                        out -> {
                            out.writeInt(VERSION);
                            out.writeInt(kept.size());
                            for (Attach attach : kept) {
                                CommandCodec.writeAttach(out, attach);
                            }
                        });
        try {
            Path next = directory.resolve(FILE + ".new");
            Files.write(next, bytes);
            Files.move(next, directory.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failed("write " + FILE, e);
        }
    }

    /**
     * What was attached last.
     *
     * @throws BlockException PROTOCOL when the file is of another version or was damaged
     */
    List<Attach> read() {
        Path file = directory.resolve(FILE);
        if (!Files.exists(file)) {
            return List.of();
        }
        try {
            return CommandCodec.parse(
                    Files.readAllBytes(file),
                    in -> {
                        List<Attach> attachments = new ArrayList<>();
                        if (in.readInt() != VERSION) {
                            throw CommandCodec.malformed("the file is of another version");
                        }
                        int count = in.readInt();
                        if (count < 0 || count > BlockEngine.MAX_ATTACHED) {
                            throw CommandCodec.malformed(count + " attachments");
                        }
                        for (int left = count; left > 0; left--) {
                            attachments.add(CommandCodec.readAttach(in));
                        }
                        return attachments;
                    });
        } catch (IOException e) {
            throw failed("read " + FILE, e);
        }
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

    private static BlockException failed(String what, IOException e) {
        return new BlockException(Category.FAILED, "cannot " + what + ": " + e.getMessage(), e);
    }
}
