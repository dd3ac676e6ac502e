package dev.iod.dpu;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.iod.dpu.DpuException.Category;
import dev.iod.node.Goal;
import dev.iod.runtime.AtomicFile;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The last goal, on disk, so that an agent that is restarted goes on without the region. */
final class GoalFile {
    private static final Logger LOG = System.getLogger(GoalFile.class.getName());

    private final Path file;

    GoalFile(Path file) {
        this.file = file;
    }

    /** Empty when there is none; one that cannot be parsed is told in the log and ignored. */
    Optional<Goal> read() {
        try {
            return Files.exists(file)
                    ? Optional.of(Goal.parseFrom(Files.readAllBytes(file)))
                    : Optional.empty();
        } catch (InvalidProtocolBufferException e) {
            LOG.log(Level.WARNING, "the kept goal is unreadable, waiting for the region", e);
            return Optional.empty();
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot read " + file + ": " + e, e);
        }
    }

    void write(Goal goal) {
        try {
            AtomicFile.replace(file, goal.toByteArray(), "rw-------");
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot write " + file + ": " + e, e);
        }
    }
}
