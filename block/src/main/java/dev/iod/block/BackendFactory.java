package dev.iod.block;

import dev.iod.block.Command.Attach;
import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.sys.SysException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens the back end of a volume's {@link Location}. */
interface BackendFactory {
    /**
     * Called by the thread of a command, which may wait; shards never do.
     *
     * @param shard whose thread the back end will belong to
     * @throws EngineException when there is no such volume or it cannot be opened
     */
    Backend open(ShardContext shard, Attach attach);

    /** What volumes are kept in. */
    static BackendFactory of(LocalPool pool) {
        return (shard, attach) ->
                switch (attach.location()) {
                    case Location.Pool() ->
                            file(
                                    shard,
                                    pool.data(attach.name()),
                                    pool.entry(attach.name()).thin(),
                                    attach.readOnly());
                    case Location.RawFile(Path path) -> rawFile(shard, path, attach.readOnly());
                };
    }

    /** For measurements: volumes have their sizes and keep nothing. */
    static BackendFactory discarding(LocalPool pool) {
        return (shard, attach) -> {
            try (Backend real = of(pool).open(shard, attach)) {
                return new NullBackend(real.sizeBytes());
            }
        };
    }

    private static Backend rawFile(ShardContext shard, Path path, boolean readOnly) {
        if (!Files.isRegularFile(path)) {
            throw new EngineException(Category.NOT_FOUND, "there is no file " + path);
        }
        Backend backend = file(shard, path, false, readOnly);
        long size = backend.sizeBytes();
        if (size == 0 || size % backend.blockBytes() != 0) {
            backend.close();
            throw new EngineException(
                    Category.INVALID,
                    path
                            + " has "
                            + size
                            + " bytes; a volume has a positive multiple of "
                            + backend.blockBytes());
        }
        return backend;
    }

    private static Backend file(ShardContext shard, Path path, boolean thin, boolean readOnly) {
        try {
            return new FileBackend(shard, path, thin, readOnly);
        } catch (SysException e) {
            throw new EngineException(Category.FAILED, "cannot open " + path + ": " + e, e);
        }
    }
}
