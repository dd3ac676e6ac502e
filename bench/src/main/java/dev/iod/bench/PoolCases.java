package dev.iod.bench;

import dev.iod.block.Command;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * How long commands of the pool take, by the client's clock. The volumes are thin: in a pool of 4
 * GiB a volume of 100 GiB holds only what is written, which is {@link #PIECES} scattered blocks of
 * 4 KiB, each an extent of its own.
 */
record PoolCases() implements BlockCases {
    private static final int PIECES = 4096;
    private static final int PIECE_BYTES = 4096;
    private static final int[] GIBIBYTES = {1, 10, 100};

    @Override
    public List<String> names() {
        return java.util.Arrays.stream(GIBIBYTES)
                .mapToObj(size -> "-" + size + "g-thin")
                .flatMap(of -> List.of("create" + of, "snapshot" + of, "clone" + of).stream())
                .toList();
    }

    @Override
    public void measure(BlockLab lab, List<String> wanted, Sink sink) {
        try (BlockEngineProcess engine = lab.engine("file")) {
            for (int size : GIBIBYTES) {
                String of = "-" + size + "g-thin";
                if (wanted.stream().noneMatch(name -> name.endsWith(of))) {
                    continue;
                }
                long bytes = (long) size << 30;
                time(engine, sink, "create" + of, new Command.Create("sized", bytes, true));
                scatter(lab.data("sized"), bytes);
                time(engine, sink, "snapshot" + of, new Command.Snapshot("sized", "taken"));
                time(engine, sink, "clone" + of, new Command.Clone("taken", "copy", 0));
                List.of("copy", "taken", "sized")
                        .forEach(name -> engine.run(new Command.Delete(name)));
            }
        }
    }

    private static void time(BlockEngineProcess engine, Sink sink, String name, Command command) {
        long begin = System.nanoTime();
        engine.run(command);
        sink.add(name, Run.OURS, Map.of(Metric.COMMAND, (System.nanoTime() - begin) / 1e6));
    }

    private static void scatter(Path file, long bytes) {
        SplittableRandom random = new SplittableRandom(1);
        byte[] piece = new byte[PIECE_BYTES];
        random.nextBytes(piece);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (int i = 0; i < PIECES; i++) {
                long at = random.nextLong(bytes / PIECE_BYTES) * PIECE_BYTES;
                channel.write(ByteBuffer.wrap(piece), at);
            }
            channel.force(true);
        } catch (IOException e) {
            throw new BenchException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }
}
