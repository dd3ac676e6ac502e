package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.ControlServer;
import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel;
import dev.iod.engine.FrameChannel.Frame;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An engine whose control socket is given nonsense serves its other agents. */
@Timeout(300)
class BlockProtocolTest {
    private static final int ROUNDS = Boolean.getBoolean("iod.full") ? 20_000 : 300;

    @TempDir Path directory;

    /** Frames as they should be, and as they should not: lengths, versions, commands. */
    private static byte[] nonsense(Random random) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        if (random.nextInt(6) != 0) {
            // A greeting that is usually right.
            int version = random.nextInt(6) == 0 ? random.nextInt() : CommandCodec.VERSION;
            frame(out, new Frame(FrameChannel.HELLO, 0, FrameChannel.hello(version, "x")), 0);
        }
        for (int frames = random.nextInt(4); frames > 0; frames--) {
            Command command = new Command.Create("n", 1 + random.nextInt(9), true);
            Frame frame = CommandCodec.write(command, frames);
            for (int changes = random.nextInt(4); changes > 0; changes--) {
                frame.body()[random.nextInt(frame.body().length)] = (byte) random.nextInt();
            }
            frame(out, frame, random.nextInt(8) == 0 ? random.nextInt() : 0);
        }
        return bytes.toByteArray();
    }

    private static void frame(DataOutputStream out, Frame frame, int lie) throws IOException {
        out.writeInt(5 + frame.body().length + lie);
        out.writeByte(frame.type());
        out.writeInt(frame.exchange());
        out.write(frame.body());
    }

    @Test
    void nonsenseHarmsNobodyElse() throws Exception {
        long seed = Long.getLong("iod.seed", 21L);
        System.out.println("BlockProtocolTest seed " + seed);
        Random random = new Random(seed);
        Path socket = directory.resolve("control");
        try (TestPool pool = TestPool.small("control");
                TestEngine engine = new TestEngine(pool.open(), directory);
                ControlServer server =
                        ControlServer.start(new BlockProtocol(engine.engine), socket);
                BlockClient agent = BlockClient.connect(socket, "agent")) {
            agent.run(new Command.Create("v", 4 << 20, true));
            for (int round = 0; round < ROUNDS; round++) {
                try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                    channel.connect(UnixDomainSocketAddress.of(socket));
                    channel.write(ByteBuffer.wrap(nonsense(random)));
                } catch (IOException e) {
                    // Closed in the midst of it, or too many at once: refused.
                    assertThat(e).hasMessageMatching(".*(Broken pipe|reset|refused).*");
                }
                if (round % 10 == 0) {
                    assertThat(agent.status("v").sizeBytes()).isEqualTo(4 << 20);
                }
            }
            assertThat(agent.list()).extracting(VolumeStatus::name).contains("v");
            assertThat(server).isNotNull();
        }
    }

    /** What an engine of another version left says nothing; agents attach again. */
    @Test
    void aFileOfAttachmentsThatCannotBeReadKeepsNobodyDown() throws Exception {
        try (TestPool pool = TestPool.small("damaged")) {
            Files.createDirectories(directory.resolve("state"));
            Files.write(directory.resolve("state/attachments"), new byte[] {1, 2, 3});
            try (TestEngine engine = new TestEngine(pool.open(), directory)) {
                engine.engine.restore();
                engine.engine.run(new Command.Create("v", 4 << 20, true));
                try (Guest guest = engine.attach("v")) {
                    assertThat(guest.write(0, 4096, 1)).isZero();
                }
            }
            try (TestEngine engine = new TestEngine(pool.open(), directory)) {
                engine.engine.restore();
                assertThat(engine.engine.status("v").device()).isPresent();
            }
        }
    }

    @Test
    void aDefectOfACommandIsItsAgentsAlone() throws Exception {
        Path socket = directory.resolve("control");
        try (TestPool pool = TestPool.small("control");
                TestEngine engine = new TestEngine(pool.open(), directory);
                ControlServer server =
                        ControlServer.start(new BlockProtocol(engine.engine), socket);
                BlockClient agent = BlockClient.connect(socket, "agent")) {
            // A path that is a directory is none of the errors that filling expects.
            assertThatThrownBy(() -> agent.run(new Command.Fill("i", directory)))
                    .isInstanceOfSatisfying(
                            EngineException.class,
                            e -> assertThat(e.category()).isNotEqualTo(Category.UNAVAILABLE));
            assertThat(agent.list()).isEmpty();
            assertThat(server).isNotNull();
        }
    }
}
