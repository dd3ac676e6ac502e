package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.iod.dpu.Images.Answer;
import dev.iod.node.ImagePart;
import dev.iod.sys.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageCacheTest {
    private static final int SIZE = 100_000;
    private static final String WISH = "wish";

    @TempDir Path directory;
    private final Semaphore changed = new Semaphore(0);
    private final AtomicLong now = new AtomicLong();
    private final AtomicLong asked = new AtomicLong();

    private static byte[] image(long seed) {
        byte[] bytes = new byte[SIZE];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static ImagePart part(byte[] image) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(image);
        return ImagePart.newBuilder()
                .setImageId("img")
                .setSha256(HexFormat.of().formatHex(digest))
                .setSizeBytes(image.length)
                .build();
    }

    private static Map<String, Set<String>> wishes(byte[]... images) throws Exception {
        Map<String, Set<String>> wishes = new HashMap<>();
        for (byte[] image : images) {
            wishes.put(part(image).getSha256(), Set.of(WISH));
        }
        return wishes;
    }

    private ImageCache cache(long limit, ImageSource source) {
        return new ImageCache(directory, limit, source, changed::release, now::get);
    }

    /** Sends in pieces; breaks off at a position once. */
    private ImageSource source(byte[] image, int breakAt) {
        boolean[] broken = {false};
        return (id, offset, sink) -> {
            asked.set(offset);
            for (int at = (int) offset; at < image.length; at += 10_000) {
                if (at >= breakAt && !broken[0]) {
                    broken[0] = true;
                    throw new DpuException(DpuException.Category.REGION, "the line broke");
                }
                int length = Math.min(10_000, image.length - at);
                sink.accept(ByteString.copyFrom(image, at, length));
            }
        };
    }

    private Answer settled(ImageCache cache, ImagePart part) throws InterruptedException {
        cache.ask(WISH, part);
        assertThat(changed.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
        now.addAndGet(100_000);
        return Files.exists(directory.resolve(part.getSha256()))
                ? cache.ask(WISH, part)
                : new Answer.Missing("");
    }

    @Test
    void fetchesOnceAndResumes() throws Exception {
        byte[] image = image(1);
        ImagePart part = part(image);
        try (ImageCache cache = cache(1 << 20, source(image, 50_000))) {
            assertThat(settled(cache, part)).isInstanceOf(Answer.Missing.class);
        }
        // Another agent goes on where the first was cut off.
        try (ImageCache cache = cache(1 << 20, source(image, SIZE + 1))) {
            Answer answer = settled(cache, part);
            assertThat(asked.get()).isEqualTo(50_000);
            assertThat(answer).isEqualTo(new Answer.Here(directory.resolve(part.getSha256())));
            assertThat(Files.readAllBytes(directory.resolve(part.getSha256()))).isEqualTo(image);
            assertThat(directory.toFile().list()).hasSize(1);
        }
    }

    /** Whoever waits for the image goes on waiting while the region is away. */
    @Test
    void anOutageIsNoAnswer() throws Exception {
        byte[] image = image(1);
        ImagePart part = part(image);
        AtomicLong failures = new AtomicLong(20);
        ImageSource away =
                (id, offset, sink) -> {
                    if (failures.getAndDecrement() > 0) {
                        throw new DpuException(DpuException.Category.REGION, "no connection");
                    }
                    sink.accept(ByteString.copyFrom(image));
                };
        try (ImageCache cache = cache(1 << 20, away)) {
            for (int i = 0; i < 20; i++) {
                assertThat(cache.ask(WISH, part)).isInstanceOf(Answer.Coming.class);
                assertThat(changed.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
                now.addAndGet(100_000);
            }
            assertThat(settled(cache, part)).isInstanceOf(Answer.Here.class);
        }
    }

    @Test
    void whatTheRegionDoesNotHaveIsMissing() throws Exception {
        ImagePart part = part(image(1));
        ImageSource none =
                (id, offset, sink) -> {
                    throw new DpuException(DpuException.Category.GOAL, "no image");
                };
        try (ImageCache cache = cache(1 << 20, none)) {
            settled(cache, part);
            assertThat(cache.ask(WISH, part)).isEqualTo(new Answer.Missing("no image"));
        }
    }

    /** What a node without power made of a beginning is not the region's fault. */
    @Test
    void aDamagedBeginningIsFetchedAnew() throws Exception {
        byte[] image = image(1);
        ImagePart part = part(image);
        Path partial = directory.resolve(part.getSha256() + ".part");
        Files.write(partial, new byte[50_000]);
        try (ImageCache cache = cache(1 << 20, source(image, SIZE + 1))) {
            cache.ask(WISH, part);
            assertThat(changed.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
            assertThat(partial).doesNotExist();
            assertThat(cache.ask(WISH, part)).isInstanceOf(Answer.Coming.class);
            now.addAndGet(100_000);
            assertThat(settled(cache, part)).isInstanceOf(Answer.Here.class);
        }
    }

    @Test
    void refusesWhatDoesNotMatch() throws Exception {
        ImagePart part = part(image(1));
        try (ImageCache cache = cache(1 << 20, source(image(2), SIZE + 1))) {
            settled(cache, part);
            assertThat(cache.ask(WISH, part))
                    .isInstanceOfSatisfying(
                            Answer.Missing.class,
                            missing -> assertThat(missing.reason()).contains("SHA-256"));
        }
        assertThat(directory.resolve(part.getSha256())).doesNotExist();
    }

    @Test
    void makesRoomFromWhatIsNotNeeded() throws Exception {
        byte[] first = image(1);
        byte[] second = image(2);
        byte[] third = image(3);
        ImageSource all =
                (id, offset, sink) -> {
                    byte[] image = offset == 0 ? current : new byte[0];
                    sink.accept(ByteString.copyFrom(image));
                };
        try (ImageCache cache = cache(SIZE * 2L, all)) {
            current = first;
            assertThat(settled(cache, part(first))).isInstanceOf(Answer.Here.class);
            current = second;
            assertThat(settled(cache, part(second))).isInstanceOf(Answer.Here.class);
            cache.needed(wishes(second, third));
            current = third;
            assertThat(settled(cache, part(third))).isInstanceOf(Answer.Here.class);
            assertThat(directory.resolve(part(first).getSha256())).doesNotExist();
            assertThat(directory.resolve(part(second).getSha256())).exists();
            cache.needed(wishes(first, second, third));
            settled(cache, part(first));
            assertThat(cache.ask(WISH, part(first)))
                    .isInstanceOfSatisfying(
                            Answer.Missing.class,
                            missing -> assertThat(missing.reason()).contains("does not fit"));
        }
    }

    @Test
    void zerosTakeNoRoom() throws Exception {
        byte[] image = new byte[8 << 20];
        System.arraycopy(image(1), 0, image, 3_000_001, SIZE);
        System.arraycopy(image(2), 0, image, 5_000_000, SIZE);
        ImagePart part = part(image);
        int limit = 300_000;
        try (ImageCache cache = cache(limit, source(image, 5_050_000))) {
            assertThat(settled(cache, part)).isInstanceOf(Answer.Missing.class);
            assertThat(settled(cache, part)).isInstanceOf(Answer.Here.class);
        }
        Path file = directory.resolve(part.getSha256());
        assertThat(file).hasBinaryContent(image);
        int fd = Linux.open(file, Linux.O_RDONLY);
        try {
            assertThat(Linux.status(fd).allocatedBytes()).isLessThan(limit);
        } finally {
            Linux.close(fd);
        }
    }

    @Test
    void aNewWishHasATryOfItsOwn() throws Exception {
        byte[] image = image(1);
        ImagePart part = part(image);
        AtomicLong tries = new AtomicLong();
        ImageSource source =
                (id, offset, sink) -> {
                    if (tries.incrementAndGet() <= 2) {
                        throw new IOException("No space left on device");
                    }
                    sink.accept(ByteString.copyFrom(image));
                };
        try (ImageCache cache = cache(1 << 20, source)) {
            cache.ask("old", part);
            assertThat(changed.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
            assertThat(cache.ask("old", part)).isInstanceOf(Answer.Missing.class);
            assertThat(cache.ask("new", part)).isInstanceOf(Answer.Coming.class);
            cache.needed(Map.of(part.getSha256(), Set.of("old", "new")));
            now.addAndGet(100_000);
            // The next try is both's, and fails.
            cache.ask("old", part);
            assertThat(changed.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
            assertThat(cache.ask("new", part)).isInstanceOf(Answer.Missing.class);
            // Forgotten and wished again: the failure is an old one.
            cache.needed(Map.of(part.getSha256(), Set.of("old")));
            assertThat(cache.ask("new", part)).isInstanceOf(Answer.Coming.class);
            now.addAndGet(100_000);
            cache.ask("new", part);
            assertThat(changed.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
            assertThat(cache.ask("new", part)).isInstanceOf(Answer.Here.class);
        }
    }

    /** Longer than any transfer may take: each try goes on where the one before it was cut off. */
    @Test
    void aHoleIsCrossedInSeveralTries() throws Exception {
        byte[] image = new byte[SIZE];
        image[0] = 1;
        image[SIZE - 1] = 2;
        ImagePart part = part(image);
        List<Long> offsets = new ArrayList<>();
        ImageSource slow =
                (id, offset, sink) -> {
                    offsets.add(offset);
                    int end = (int) Math.min(SIZE, offset + 30_000);
                    sink.accept(ByteString.copyFrom(image, (int) offset, end - (int) offset));
                    if (end < SIZE) {
                        throw new DpuException(DpuException.Category.REGION, "its time is over");
                    }
                };
        try (ImageCache cache = cache(1 << 20, slow)) {
            for (int i = 0; i < 3; i++) {
                assertThat(settled(cache, part)).isInstanceOf(Answer.Missing.class);
            }
            assertThat(settled(cache, part)).isInstanceOf(Answer.Here.class);
        }
        assertThat(offsets).containsExactly(0L, 30_000L, 60_000L, 90_000L);
        assertThat(directory.resolve(part.getSha256())).hasBinaryContent(image);
    }

    @Test
    void zerosThatAreToldBecomeHoles() throws Exception {
        int size = 64 << 20;
        byte[] image = new byte[size];
        System.arraycopy(image(1), 0, image, 5000, SIZE);
        image[size - 1] = 9;
        ImagePart part = part(image);
        int hole = size - SIZE - 5001;
        ImageSource telling =
                (id, offset, sink) -> {
                    asked.set(offset);
                    if (offset == 0) {
                        sink.zeros(5000);
                        sink.accept(ByteString.copyFrom(image, 5000, SIZE));
                        sink.zeros(hole / 2);
                        throw new DpuException(DpuException.Category.REGION, "the line broke");
                    }
                    sink.zeros(size - 1 - offset);
                    sink.accept(ByteString.copyFrom(image, size - 1, 1));
                };
        try (ImageCache cache = cache(300_000, telling)) {
            assertThat(settled(cache, part)).isInstanceOf(Answer.Missing.class);
            assertThat(settled(cache, part)).isInstanceOf(Answer.Here.class);
        }
        assertThat(asked.get()).isEqualTo(5000 + SIZE + hole / 2);
        assertThat(directory.resolve(part.getSha256())).hasBinaryContent(image);
        for (long wrong : new long[] {-1, size + 1L, Long.MAX_VALUE}) {
            ImageSource lying = (id, offset, sink) -> sink.zeros(wrong);
            ImagePart other = part(image(3));
            try (ImageCache cache = cache(1 << 20, lying)) {
                assertThat(settled(cache, other)).isInstanceOf(Answer.Missing.class);
            }
            assertThat(directory.resolve(other.getSha256() + ".part")).doesNotExist();
        }
    }

    @Test
    void whatIsTooLargeHoldsNobody() throws Exception {
        byte[] large = new byte[5 * SIZE];
        new Random(9).nextBytes(large);
        byte[] old = image(1);
        byte[] small = image(2);
        AtomicLong fetched = new AtomicLong();
        ImageSource all =
                (id, offset, sink) -> {
                    for (int at = (int) offset; at < current.length; at += 10_000) {
                        int length = Math.min(10_000, current.length - at);
                        fetched.addAndGet(length);
                        sink.accept(ByteString.copyFrom(current, at, length));
                    }
                };
        try (ImageCache cache = cache(SIZE * 2L, all)) {
            current = old;
            assertThat(settled(cache, part(old))).isInstanceOf(Answer.Here.class);
            cache.needed(wishes(old, small, large));
            current = large;
            settled(cache, part(large));
            assertThat(cache.ask(WISH, part(large)))
                    .isInstanceOfSatisfying(
                            Answer.Missing.class,
                            missing -> assertThat(missing.reason()).contains("does not fit"));
            assertThat(directory.toFile().list()).containsExactly(part(old).getSha256());
            // It is not fetched again and again to learn the same.
            assertThat(changed.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
            long before = fetched.get();
            now.addAndGet(100_000);
            settled(cache, part(large));
            assertThat(fetched.get()).isEqualTo(before);
            current = small;
            assertThat(settled(cache, part(small))).isInstanceOf(Answer.Here.class);
        }
    }

    /** Half of one image and half of another one, and room for either. */
    @Test
    void whatWasBegunGivesWay() throws Exception {
        byte[] first = image(1);
        byte[] second = image(2);
        ImageSource breaking =
                (id, offset, sink) -> {
                    int end = offset == 0 && broken.get() > 0 ? 60_000 : SIZE;
                    sink.accept(ByteString.copyFrom(current, (int) offset, end - (int) offset));
                    if (end < SIZE) {
                        broken.decrementAndGet();
                        throw new DpuException(DpuException.Category.REGION, "the line broke");
                    }
                };
        try (ImageCache cache = cache(SIZE + 20_000L, breaking)) {
            cache.needed(wishes(first, second));
            broken.set(1);
            current = first;
            settled(cache, part(first));
            current = second;
            assertThat(settled(cache, part(second))).isInstanceOf(Answer.Here.class);
            assertThat(directory.toFile().list()).containsExactly(part(second).getSha256());
            cache.needed(wishes(first));
            current = first;
            assertThat(settled(cache, part(first))).isInstanceOf(Answer.Here.class);
        }
    }

    private final AtomicLong broken = new AtomicLong();
    private volatile byte[] current = new byte[0];

    @Test
    void refusesNamesThatAreNoDigests() throws IOException {
        ImagePart bad = ImagePart.newBuilder().setSha256("../../etc/x").setSizeBytes(1).build();
        try (ImageCache cache = cache(1, (id, offset, sink) -> {})) {
            assertThat(cache.ask(WISH, bad)).isInstanceOf(Answer.Missing.class);
        }
    }
}
