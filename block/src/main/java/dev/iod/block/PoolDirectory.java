package dev.iod.block;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the volumes of an engine are: its pool directory, or a file system in a file there. */
public final class PoolDirectory {
    private PoolDirectory() {}

    /**
     * Makes what is missing: the directory and, where it has no reflinks and the configuration says
     * how large, an XFS file system in a file there, mounted. Doing it again changes nothing.
     *
     * @return the directory of the volumes; not the configured one if they are in a file
     * @throws EngineException FULL when the file does not fit, CONFIGURATION
     */
    public static Path prepare(BlockConfig config) {
        try {
            Files.createDirectories(config.pool());
        } catch (IOException e) {
            throw new EngineException(
                    Category.CONFIGURATION, "cannot make " + config.pool() + ": " + e, e);
        }
        return config.poolBytes() == 0 || LocalPool.reflinks(config.pool())
                ? config.pool()
                : LoopPool.ensure(config.pool(), config.poolBytes(), config.thinPool());
    }
}
