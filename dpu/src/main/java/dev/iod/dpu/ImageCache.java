package dev.iod.dpu;

import com.google.protobuf.ByteString;
import dev.iod.dpu.DpuException.Category;
import dev.iod.node.ImagePart;
import dev.iod.runtime.AtomicFile;
import dev.iod.runtime.Backoff;
import dev.iod.sys.Linux;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Image parts in a directory, named by their SHA-256. One is fetched at a time, by a thread of the
 * cache's own, into {@code SHA256.part}, which a later try continues; it gets its name when its
 * digest is right and it is on stable media. Blocks of zeros become holes. The disk it takes is
 * bounded: what is not needed goes first, and what then does not fit is refused. While the region
 * cannot be reached a part is on its way, however long.
 */
final class ImageCache implements Images, AutoCloseable {
    private static final Logger LOG = System.getLogger(ImageCache.class.getName());
    private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
    private static final int QUEUE_LIMIT = 256;
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int BLOCK_BYTES = 4096;
    private static final String PART = ".part";

    /** Room is made for so much more at a time: how much of a part is zeros is not known before. */
    private static final long ROOM_STEP_BYTES = 64L << 20;

    private final Path directory;
    private final long limitBytes;
    private final ImageSource source;
    private final Runnable changed;
    private final LongSupplier nowMillis;
    private final Map<String, Transfer> transfers = new ConcurrentHashMap<>();
    private final ThreadPoolExecutor fetcher =
            new ThreadPoolExecutor(
                    1,
                    1,
                    0,
                    TimeUnit.SECONDS,
                    new ArrayBlockingQueue<>(QUEUE_LIMIT),
                    Thread.ofPlatform().daemon().name("image-fetch").factory());
    private volatile Set<String> needed = Set.of();

    /** One wanted part: under way, or waiting for the next try after a failure. */
    private static final class Transfer {
        final Backoff backoff = Backoff.ofConnection();
        volatile boolean running;
        volatile long receivedBytes;
        volatile long notBeforeMillis;
        volatile Optional<Failure> failure = Optional.empty();

        /** Of the disk, as far as a try came; of the fetching thread. */
        long neededBytes;

        // Both guarded by the cache.
        int tries;
        final Map<String, Integer> triesBefore = new HashMap<>();
    }

    /**
     * @param tries the number of the try that failed, from 1
     */
    private record Failure(String reason, int tries) {}

    /**
     * @param changed called by the fetching thread when an answer has changed
     */
    ImageCache(
            Path directory,
            long limitBytes,
            ImageSource source,
            Runnable changed,
            LongSupplier nowMillis) {
        this.directory = directory;
        this.limitBytes = limitBytes;
        this.source = source;
        this.changed = changed;
        this.nowMillis = nowMillis;
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new DpuException(Category.NODE, "cannot make " + directory + ": " + e, e);
        }
    }

    @Override
    public synchronized Answer ask(String wish, ImagePart part) {
        if (!DIGEST.matcher(part.getSha256()).matches() || part.getSizeBytes() <= 0) {
            return new Answer.Missing("image " + part.getImageId() + " has no digest or no size");
        }
        Path file = directory.resolve(part.getSha256());
        if (Files.exists(file)) {
            transfers.remove(part.getSha256());
            return new Answer.Here(file);
        }
        Transfer transfer = transfers.computeIfAbsent(part.getSha256(), digest -> new Transfer());
        int before = transfer.triesBefore.computeIfAbsent(wish, _ -> transfer.tries);
        if (!transfer.running && nowMillis.getAsLong() >= transfer.notBeforeMillis) {
            start(part, transfer);
        }
        return transfer.failure
                .filter(failure -> failure.tries > before)
                .<Answer>map(failure -> new Answer.Missing(failure.reason))
                .orElseGet(
                        () ->
                                new Answer.Coming(
                                        "fetching image %s: %d of %d bytes"
                                                .formatted(
                                                        part.getImageId(),
                                                        transfer.receivedBytes,
                                                        part.getSizeBytes())));
    }

    @Override
    public synchronized void needed(Map<String, Set<String>> wishes) {
        needed = Set.copyOf(wishes.keySet());
        transfers.entrySet().removeIf(e -> !needed.contains(e.getKey()) && !e.getValue().running);
        transfers.forEach(
                (digest, transfer) ->
                        transfer.triesBefore
                                .keySet()
                                .retainAll(wishes.getOrDefault(digest, Set.of())));
    }

    @Override
    public void close() {
        fetcher.shutdownNow();
    }

    private void start(ImagePart part, Transfer transfer) {
        if (fetcher.getQueue().remainingCapacity() == 0) {
            // The next pass of the reconciler asks again.
            return;
        }
        transfer.running = true;
        int tries = ++transfer.tries;
        fetcher.execute(() -> run(part, transfer, tries));
    }

    private void run(ImagePart part, Transfer transfer, int tries) {
        try {
            fetch(part, transfer);
            transfer.failure = Optional.empty();
            transfer.backoff.reset();
            LOG.log(
                    Level.INFO,
                    "image fetched id={0} sha256={1}",
                    part.getImageId(),
                    part.getSha256());
        } catch (IOException e) {
            String reason = "cannot keep image " + part.getImageId() + " on the node: " + e;
            transfer.failure = Optional.of(new Failure(reason, tries));
            later(transfer, reason);
        } catch (DpuException e) {
            // A connection that is lost, however often, says nothing of the image.
            if (e.category() != Category.REGION) {
                transfer.failure = Optional.of(new Failure(e.getMessage(), tries));
            }
            later(transfer, e.getMessage());
        } finally {
            transfer.running = false;
            changed.run();
        }
    }

    private void later(Transfer transfer, String reason) {
        transfer.notBeforeMillis = nowMillis.getAsLong() + transfer.backoff.next().toMillis();
        LOG.log(Level.WARNING, reason);
    }

    private void fetch(ImagePart part, Transfer transfer) throws IOException {
        Path partial = directory.resolve(part.getSha256() + PART);
        MessageDigest digest = sha256();
        long have = resume(partial, part.getSizeBytes(), digest);
        transfer.receivedBytes = have;
        Room room = new Room(part, transfer);
        room.take(have == 0 ? 0 : stored(partial));
        try (FileChannel out =
                FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            Receiver receiver = new Receiver(part, partial, transfer, out, digest, room);
            try {
                if (have < part.getSizeBytes()) {
                    source.fetch(part.getImageId(), have, receiver);
                }
            } finally {
                // The next try goes on behind the zeros that came last, too.
                grow(out, receiver.done);
            }
            if (transfer.receivedBytes < part.getSizeBytes()) {
                throw new DpuException(
                        Category.REGION,
                        "image %s ended after %d of %d bytes"
                                .formatted(
                                        part.getImageId(),
                                        transfer.receivedBytes,
                                        part.getSizeBytes()));
            }
            out.force(true);
        }
        String actual = HexFormat.of().formatHex(digest.digest());
        if (!actual.equals(part.getSha256())) {
            throw damaged(partial, part, have, "its SHA-256 is " + actual);
        }
        // The VMM's user reads it.
        Files.setPosixFilePermissions(partial, PosixFilePermissions.fromString("rw-r--r--"));
        Path file = directory.resolve(part.getSha256());
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
        AtomicFile.syncDirectory(file);
    }

    /** Writes what comes into the partial file, and leaves holes for zeros. */
    private static final class Receiver implements ImageSource.Sink {
        private final ImagePart part;
        private final Path partial;
        private final Transfer transfer;
        private final FileChannel out;
        private final MessageDigest digest;
        private final Room room;

        /** Bytes that earlier tries left. */
        private final long start;

        /** Bytes that are in the file, if those at its end that are zeros are added. */
        long done;

        Receiver(
                ImagePart part,
                Path partial,
                Transfer transfer,
                FileChannel out,
                MessageDigest digest,
                Room room) {
            this.part = part;
            this.partial = partial;
            this.transfer = transfer;
            this.out = out;
            this.digest = digest;
            this.room = room;
            this.start = transfer.receivedBytes;
            this.done = start;
        }

        @Override
        public void accept(ByteString bytes) throws IOException {
            receive(bytes.size());
            for (ByteBuffer buffer : bytes.asReadOnlyByteBufferList()) {
                int length = buffer.remaining();
                ImageCache.write(out, done, buffer.duplicate(), room);
                digest.update(buffer);
                done += length;
            }
        }

        @Override
        public void zeros(long count) throws IOException {
            receive(count);
            byte[] zeros = new byte[BUFFER_BYTES];
            for (long left = count; left > 0; left -= BUFFER_BYTES) {
                digest.update(zeros, 0, (int) Math.min(left, BUFFER_BYTES));
            }
            done += count;
        }

        private void receive(long count) throws IOException {
            if (count < 0 || count > part.getSizeBytes() - transfer.receivedBytes) {
                throw damaged(partial, part, start, "it is longer than announced");
            }
            transfer.receivedBytes += count;
        }
    }

    /**
     * What earlier tries left may be what is damaged, by a node that lost its power: then the next
     * try, which begins anew, tells.
     */
    private static DpuException damaged(Path partial, ImagePart part, long left, String how)
            throws IOException {
        Files.deleteIfExists(partial);
        return new DpuException(
                left > 0 ? Category.REGION : Category.GOAL,
                "image %s does not match the digest %s: %s"
                        .formatted(part.getImageId(), part.getSha256(), how));
    }

    /** Digests what an earlier try left, and drops it when it cannot be a beginning. */
    private static long resume(Path partial, long sizeBytes, MessageDigest digest)
            throws IOException {
        if (!Files.exists(partial)) {
            return 0;
        }
        if (Files.size(partial) > sizeBytes) {
            Files.delete(partial);
            return 0;
        }
        long have = 0;
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(partial)) {
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
                have += n;
            }
        }
        return have;
    }

    /** Writes the blocks that are not all zeros, each at its place in the file. */
    private static void write(FileChannel out, long start, ByteBuffer bytes, Room room)
            throws IOException {
        long at = start;
        int end = bytes.limit();
        while (bytes.position() < end) {
            int block = (int) (BLOCK_BYTES - at % BLOCK_BYTES);
            bytes.limit(Math.min(end, bytes.position() + block));
            int length = bytes.remaining();
            if (isZero(bytes)) {
                bytes.position(bytes.limit());
            } else {
                room.take(length);
                for (long to = at; bytes.hasRemaining(); ) {
                    to += out.write(bytes, to);
                }
            }
            at += length;
            bytes.limit(end);
        }
    }

    private static boolean isZero(ByteBuffer bytes) {
        for (int i = bytes.position(); i < bytes.limit(); i++) {
            if (bytes.get(i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Makes a file that ends with a hole as long as it is. */
    private static void grow(FileChannel out, long sizeBytes) throws IOException {
        if (out.size() < sizeBytes) {
            out.write(ByteBuffer.wrap(new byte[1]), sizeBytes - 1);
        }
    }

    /** What a file takes of the limit: the disk it takes, not more than its length. */
    private static long stored(Path file) throws IOException {
        int fd = Linux.open(file, Linux.O_RDONLY);
        try {
            return Math.min(Linux.status(fd).allocatedBytes(), Files.size(file));
        } finally {
            Linux.close(fd);
        }
    }

    /** Room in the cache for one part, made step by step. */
    private final class Room {
        private final ImagePart part;
        private final Transfer transfer;
        private long taken;
        private long made;

        /** A part that did not fit is not fetched again before there is the room it needed then. */
        Room(ImagePart part, Transfer transfer) throws IOException {
            this.part = part;
            this.transfer = transfer;
            this.made = transfer.neededBytes;
            if (made > 0) {
                makeRoom(part, made, made);
            }
        }

        void take(long bytes) throws IOException {
            taken += bytes;
            if (taken > made) {
                transfer.neededBytes = taken;
                long wanted =
                        Math.min(taken + ROOM_STEP_BYTES, Math.max(taken, part.getSizeBytes()));
                made = makeRoom(part, taken, wanted);
            }
        }
    }

    /**
     * Deletes what nobody needs, the oldest first, and then what was begun of other parts: a part
     * that is whole before they are has the room. Nothing is deleted for a part that does not fit
     * all the same.
     *
     * @param least that must be free for the part, of which {@code wanted} are sought
     * @return what there is for it now
     */
    private long makeRoom(ImagePart part, long least, long wanted) throws IOException {
        Map<Path, Long> unneeded = new LinkedHashMap<>();
        Map<Path, Long> begun = new LinkedHashMap<>();
        long taken = 0;
        long kept = 0;
        for (Path file : files()) {
            String name = file.getFileName().toString();
            String digest = name.replace(PART, "");
            if (!digest.equals(part.getSha256())) {
                long bytes = stored(file);
                taken += bytes;
                if (!needed.contains(digest)) {
                    unneeded.put(file, bytes);
                } else if (name.endsWith(PART)) {
                    begun.put(file, bytes);
                } else {
                    kept += bytes;
                }
            }
        }
        if (kept + least > limitBytes) {
            // What was fetched of it is in the way of others that do fit.
            Files.deleteIfExists(directory.resolve(part.getSha256() + PART));
            throw new DpuException(
                    Category.GOAL,
                    "image %s of %d bytes does not fit into the node's image cache of %d bytes"
                            .formatted(part.getImageId(), part.getSizeBytes(), limitBytes));
        }
        taken -= delete(unneeded, taken + wanted - limitBytes);
        taken -= delete(begun, taken + least - limitBytes);
        return Math.min(wanted, limitBytes - taken);
    }

    /** Deletes files until so many bytes are free; the bytes that are. */
    private static long delete(Map<Path, Long> files, long bytes) throws IOException {
        long freed = 0;
        for (Map.Entry<Path, Long> file : files.entrySet()) {
            if (freed < bytes) {
                Files.deleteIfExists(file.getKey());
                freed += file.getValue();
            }
        }
        return freed;
    }

    /** Oldest first. */
    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> all = Files.list(directory)) {
            all.forEach(files::add);
        }
        Map<Path, Long> age = new LinkedHashMap<>();
        for (Path file : files) {
            age.put(file, Files.getLastModifiedTime(file).toMillis());
        }
        files.sort((a, b) -> Long.compare(age.getOrDefault(a, 0L), age.getOrDefault(b, 0L)));
        return files;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new DpuException(Category.NODE, "this JDK has no SHA-256", e);
        }
    }
}
