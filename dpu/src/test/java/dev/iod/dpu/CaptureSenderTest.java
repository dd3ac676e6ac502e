package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.block.BlockClient;
import dev.iod.block.Command;
import dev.iod.engine.EngineException;
import dev.iod.node.CaptureChunk;
import dev.iod.node.CaptureData;
import dev.iod.node.CaptureProgress;
import dev.iod.node.CaptureStart;
import dev.iod.node.RegionLink;
import dev.iod.runtime.Metrics;
import dev.iod.runtime.Pem;
import dev.iod.runtime.TlsIdentity;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sends snapshots of a real block engine over the real transport to a region that is played. */
@Timeout(200)
class CaptureSenderTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 8 * MIB;

    @TempDir Path directory;
    private final BlockingQueue<String> over = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> changes = new LinkedBlockingQueue<>();
    private FakeRegion region;
    private BlockProcess block;
    private RegionLink link;
    private CaptureSender sender;
    private byte[] content;

    /** What has arrived, over all calls. */
    private final byte[] arrived = new byte[SIZE];

    /** What calls were of, one after the other. */
    private final List<String> calls = new CopyOnWriteArrayList<>();

    private volatile int offset;
    private volatile long dataBytes;
    private volatile boolean defect;

    @BeforeEach
    void start() throws IOException {
        region = new FakeRegion();
        block = new BlockProcess(directory);
        // Strangers may say little.
        Path own = Files.createDirectory(directory.resolve("identity"));
        Pem.write(own.resolve("ca.crt"), List.of(region.authority.certificate()));
        Files.writeString(own.resolve("token"), "once");
        TlsIdentity identity =
                new Enrolment("n1", region.address(), own, Optional.of(own.resolve("token")))
                        .join();
        link =
                RegionLink.dial(
                        region.address(),
                        Optional.of(identity.keyManager()),
                        TlsIdentity.trustManager(identity.authorities()));
        sender =
                new CaptureSender(
                        block.socket(),
                        "test",
                        link.channel(),
                        new AgentMetrics(new Metrics()),
                        () -> {
                            changes.add("changed");
                            if (defect) {
                                throw new IllegalStateException("a defect of the test");
                            }
                        });
        sender.start();
        content = new byte[SIZE];
        byte[] random = new byte[3 * MIB];
        new Random(11).nextBytes(random);
        System.arraycopy(random, 0, content, 0, 2 * MIB);
        System.arraycopy(random, 0, content, 5 * MIB + 65536, 65536);
        Path image = Files.write(directory.resolve("image"), content);
        try (BlockClient engine = engine()) {
            engine.run(new Command.Fill("image", image));
            engine.run(new Command.Clone("image", "disk", 0));
            engine.run(new Command.Snapshot("disk", "capture"));
        }
    }

    /** Once the engine's process listens. */
    private BlockClient engine() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (true) {
            try {
                return BlockClient.connect(block.socket(), "setup");
            } catch (EngineException e) {
                if (System.nanoTime() - end > 0) {
                    throw e;
                }
                LockSupport.parkNanos(5_000_000);
            }
        }
    }

    @AfterEach
    void stop() throws Exception {
        sender.close();
        link.close();
        block.close();
        region.close();
    }

    /** Takes parts until there are {@code most} bytes, then breaks off. */
    private StreamObserver<CaptureChunk> taking(
            StreamObserver<CaptureProgress> progress, int most) {
        return new StreamObserver<>() {
            private boolean broken;

            @Override
            public void onNext(CaptureChunk chunk) {
                if (broken) {
                    return;
                }
                if (chunk.hasStart()) {
                    CaptureStart start = chunk.getStart();
                    calls.add(start.getCaptureId());
                    assertThat(start.getSizeBytes()).isEqualTo(SIZE);
                    progress.onNext(CaptureProgress.newBuilder().setOffset(offset).build());
                } else {
                    take(chunk.getData());
                }
                if (offset > most) {
                    broken = true;
                    over.add("broken");
                    progress.onError(Status.UNAVAILABLE.asRuntimeException());
                }
            }

            @Override
            public void onError(Throwable error) {
                over.add("cancelled");
            }

            @Override
            public void onCompleted() {
                progress.onCompleted();
                over.add("done");
            }
        };
    }

    private void take(CaptureData data) {
        assertThat(data.getOffset()).isEqualTo(offset);
        byte[] bytes = data.getData().toByteArray();
        if (bytes.length > 0) {
            CRC32C checksum = new CRC32C();
            checksum.update(bytes);
            assertThat(data.getCrc32C()).isEqualTo((int) checksum.getValue());
            System.arraycopy(bytes, 0, arrived, offset, bytes.length);
        }
        dataBytes += bytes.length;
        offset += (int) (bytes.length + data.getZeros());
    }

    private void hears(String what) throws InterruptedException {
        assertThat(over.poll(100, TimeUnit.SECONDS)).isEqualTo(what);
    }

    @Test
    void aContentArrivesWithoutItsZerosAndGoesOnWhereItWasCutOff() throws Exception {
        AtomicInteger before = new AtomicInteger();
        region.captures =
                progress -> {
                    before.set(offset);
                    return taking(progress, calls.isEmpty() ? MIB : Integer.MAX_VALUE);
                };
        sender.wanted(List.of("capture"));
        hears("broken");
        hears("done");
        assertThat(before.get()).isGreaterThan(MIB).isLessThan(SIZE);
        assertThat(Arrays.equals(arrived, content)).isTrue();
        assertThat(dataBytes).isEqualTo(2 * MIB + 65536);
        // It is sent once, however often it is wanted.
        try (BlockClient engine = engine()) {
            engine.run(new Command.Snapshot("disk", "second"));
        }
        offset = 0;
        sender.wanted(List.of("capture", "second"));
        hears("done");
        assertThat(calls).containsExactly("capture", "capture", "second");
        assertThat(sender.failure("capture")).isEmpty();
    }

    @Test
    void thoseThatTheRegionPutsOffHaveTheirTurnsInOrder() throws Exception {
        try (BlockClient engine = engine()) {
            engine.run(new Command.Snapshot("disk", "second"));
            engine.run(new Command.Snapshot("disk", "third"));
        }
        region.captures = progress -> taking(progress, -1);
        sender.wanted(List.of("third", "capture", "second"));
        for (int i = 0; i < 4; i++) {
            hears("broken");
        }
        assertThat(calls.subList(0, 4)).containsExactly("third", "capture", "second", "third");
    }

    @Test
    void aDefectEndsNotTheOthers() throws Exception {
        region.captures = progress -> taking(progress, Integer.MAX_VALUE);
        defect = true;
        sender.wanted(List.of("another", "capture"));
        hears("done");
        assertThat(changes).containsExactly("changed");
        assertThat(calls).containsExactly("capture");
    }

    @Test
    void whatIsNotThereHasFailedAndHoldsUpNothing() throws Exception {
        region.captures = progress -> taking(progress, Integer.MAX_VALUE);
        sender.wanted(List.of("another", "capture"));
        hears("done");
        assertThat(changes.poll(100, TimeUnit.SECONDS)).isEqualTo("changed");
        assertThat(sender.failure("another")).isPresent();
        assertThat(sender.failure("capture")).isEmpty();
        sender.wanted(List.of());
        assertThat(sender.failure("another")).isEmpty();
    }

    @Test
    void theEngineNamesNoFileThatMayBeWritten() {
        try (BlockClient engine = BlockClient.connect(block.socket(), "look")) {
            assertThat(engine.file("capture")).exists();
            assertThatThrownBy(() -> engine.file("disk"))
                    .hasMessageContaining("can be written meanwhile");
        }
    }
}
