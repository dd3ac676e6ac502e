package dev.iod.image;

import dev.iod.rest.ApiException;
import dev.iod.rest.Fault;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Converts by {@code qemu-img} in a sandbox, two images at a time and one of a project, by threads
 * of its own: the process ends with the thread that started it, and the threads of requests come
 * and go. A project whose conversion takes long holds nobody but itself.
 */
public final class QemuConverter implements DiskConverter, AutoCloseable {
    private static final Logger LOG = System.getLogger(QemuConverter.class.getName());

    private static final int LANES = 2;

    /** Projects whose turn it is, and that wait for a lane. */
    private static final int QUEUE = 64;

    private static final int STATUS_OF_REFUSAL = 1;

    /** Of address space; the stacks of qemu-img's threads, up to 64, take half a GiB of it. */
    private static final long MEMORY_BYTES = 2L << 30;

    private static final Duration CPU = Duration.ofMinutes(10);
    private static final Duration WALL = Duration.ofMinutes(30);

    /** QEMU may round the size of a disk up to its geometry. */
    private static final long ROUNDING_BYTES = 64L << 20;

    private final Sandbox sandbox;
    private final List<String> command;
    private final ConcurrentMap<String, Turn> turns = new ConcurrentHashMap<>();
    private final ThreadPoolExecutor lanes =
            new ThreadPoolExecutor(
                    LANES,
                    LANES,
                    0,
                    TimeUnit.SECONDS,
                    new ArrayBlockingQueue<>(QUEUE),
                    Thread.ofPlatform().daemon().name("image-convert-", 0).factory());

    /** One project's, as long as somebody has it or waits for it. */
    private static final class Turn {
        final Semaphore free = new Semaphore(1, true);
        int users;
    }

    /** A number that is no user's: above those of people, services and containers. */
    public static final String NOBODYS_UID = "2000000001";

    /**
     * @param user whom conversions run as, and nothing else does; a name or a number
     */
    public QemuConverter(String user) {
        this(new Sandbox(user), List.of("qemu-img", "convert"));
    }

    QemuConverter(Sandbox sandbox, List<String> command) {
        this.sandbox = sandbox;
        this.command = command;
    }

    @Override
    public void convert(String project, DiskShape shape, Path image, Path disk) {
        List<String> program = new ArrayList<>(command);
        program.addAll(
                List.of(
                        "-f",
                        shape.format().driver().orElseThrow(),
                        "-O",
                        "raw",
                        Sandbox.IN,
                        Sandbox.OUT));
        check(inTurn(project, () -> run(program, shape, image, disk)));
    }

    private Sandbox.End run(List<String> program, DiskShape shape, Path image, Path disk)
            throws IOException, InterruptedException {
        long room = room(image);
        Sandbox.End end =
                sandbox.run(
                        program,
                        image,
                        disk,
                        new Sandbox.Limits(
                                MEMORY_BYTES,
                                CPU,
                                WALL,
                                shape.virtualBytes() + ROUNDING_BYTES,
                                Math.min(ImageFiles.MAX_BYTES, room)));
        if (end instanceof Sandbox.End.OverLimit) {
            room(image);
        }
        return end;
    }

    /** What may be written still; that there is nothing left is not the image's fault. */
    private static long room(Path image) throws IOException {
        long room = Files.getFileStore(image).getUsableSpace() - ImageFiles.RESERVE_BYTES;
        if (room <= 0) {
            throw new ApiException(
                    Fault.UNAVAILABLE, "The region has no room to convert images now.");
        }
        return room;
    }

    private static void check(Sandbox.End end) {
        switch (end) {
            case Sandbox.End.Exited(int status, String output) -> {
                if (status != 0) {
                    throw failed(status, output.strip().replace('\n', ' '));
                }
            }
            case Sandbox.End.OverLimit(String limit) ->
                    throw FormatInspector.refused(
                            "its conversion to raw takes more than %s", limit);
            case Sandbox.End.Killed() ->
                    throw new ApiException(
                            Fault.UNAVAILABLE,
                            "The conversion of the image was killed. Upload it again.");
        }
    }

    /** What qemu-img says of an image is its owner's, all else the region's. */
    private static ApiException failed(int status, String output) {
        if (status == STATUS_OF_REFUSAL
                && output.startsWith("qemu-img: ")
                && !output.contains("No space left on device")) {
            return FormatInspector.refused(
                    "it cannot be converted to raw: %s", output.replaceFirst("[.]$", ""));
        }
        LOG.log(Level.ERROR, "images cannot be converted: status {0}: {1}", status, output);
        return unavailable();
    }

    private Sandbox.End inTurn(String project, Callable<Sandbox.End> conversion) {
        Turn turn = enter(project);
        try {
            turn.free.acquire();
            try {
                return await(conversion);
            } finally {
                turn.free.release();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stopping(e);
        } finally {
            turns.computeIfPresent(project, (_, left) -> --left.users == 0 ? null : left);
        }
    }

    private Turn enter(String project) {
        return turns.compute(
                project,
                (_, there) -> {
                    Turn turn = there == null ? new Turn() : there;
                    turn.users++;
                    return turn;
                });
    }

    private Sandbox.End await(Callable<Sandbox.End> conversion) throws InterruptedException {
        Future<Sandbox.End> end;
        try {
            end = lanes.submit(conversion);
        } catch (RejectedExecutionException e) {
            if (lanes.isShutdown()) {
                throw stopping(e);
            }
            throw new ApiException(
                    Fault.UNAVAILABLE, "Too many images are being converted; try again.", e);
        }
        try {
            return end.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NoSuchFileException) {
                throw new ApiException(
                        Fault.NOT_FOUND, "The image was deleted while its data was uploaded.", e);
            }
            if (e.getCause() instanceof ApiException refused) {
                throw refused;
            }
            LOG.log(Level.ERROR, "images cannot be converted", e.getCause());
            throw unavailable();
        } catch (InterruptedException e) {
            end.cancel(true);
            throw e;
        }
    }

    private static ApiException stopping(Exception cause) {
        return new ApiException(Fault.UNAVAILABLE, "The region is stopping.", cause);
    }

    private static ApiException unavailable() {
        return new ApiException(
                Fault.UNAVAILABLE, "Images cannot be converted in this region now.");
    }

    /** Kills the conversions that run. */
    @Override
    public void close() {
        lanes.shutdownNow();
    }
}
