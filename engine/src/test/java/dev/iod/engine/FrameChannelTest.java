package dev.iod.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.FrameChannel.Frame;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames come as they were sent, up to the largest; what is no frame ends the connection. */
final class FrameChannelTest {
    /** Length and exchange of a frame, and its type. */
    private static final int HEADER = 5;

    @TempDir Path directory;
    private SocketChannel ours;
    private SocketChannel theirs;

    @BeforeEach
    void connect() throws IOException {
        var address = UnixDomainSocketAddress.of(directory.resolve("s"));
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(address);
            ours = SocketChannel.open(address);
            theirs = server.accept();
        }
    }

    @AfterEach
    void disconnect() throws IOException {
        ours.close();
        theirs.close();
    }

    @Test
    void bytesOfAFrameAreGolden() throws IOException {
        new FrameChannel(ours).send(200, 0x01020304, new byte[] {9, 8});
        ByteBuffer wire = ByteBuffer.allocate(11);
        while (wire.hasRemaining()) {
            theirs.read(wire);
        }
        assertThat(HexFormat.of().formatHex(wire.array())).isEqualTo("00000007c8010203040908");
        assertThat(HexFormat.of().formatHex(FrameChannel.hello(0x1d0d_0001, "me")))
                .isEqualTo("1d0d0001000000026d65");
    }

    @Test
    void framesOfEverySizeComeBack() throws Exception {
        var random = new SplittableRandom(1);
        FrameChannel from = new FrameChannel(ours);
        FrameChannel to = new FrameChannel(theirs);
        int most = FrameChannel.MAX_FRAME - HEADER;
        for (int size : new int[] {0, 1, 65_527, 65_528, 65_536, random.nextInt(1 << 20), most}) {
            byte[] body = new byte[size];
            random.nextBytes(body);
            var sent =
                    CompletableFuture.runAsync(
                            () -> {
                                try {
                                    from.send(3, size, body);
                                } catch (IOException e) {
                                    throw new IllegalStateException(e);
                                }
                            });
            Frame frame = to.receive();
            sent.join();
            assertThat(frame.type()).isEqualTo(3);
            assertThat(frame.exchange()).isEqualTo(size);
            assertThat(frame.body()).isEqualTo(body);
        }
        assertThatThrownBy(() -> from.send(3, 0, new byte[most + 1]))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("the limit is " + FrameChannel.MAX_FRAME);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, HEADER - 1, FrameChannel.MAX_FRAME + 1})
    void lengthsThatCannotBeAreRefused(int length) throws IOException {
        ours.write(ByteBuffer.allocate(9).putInt(length).rewind());
        assertThatThrownBy(new FrameChannel(theirs)::receive)
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("length " + length);
    }

    @Test
    void anEndInsideAFrameIsAnEnd() throws IOException {
        ours.write(ByteBuffer.allocate(10).putInt(9).rewind());
        ours.close();
        assertThatThrownBy(new FrameChannel(theirs)::receive).isInstanceOf(EOFException.class);
    }

    @Test
    void anotherVersionIsRefused() {
        Frame hello = new Frame(FrameChannel.HELLO, 0, FrameChannel.hello(5, "x"));
        assertThat(FrameChannel.readHello(hello, 5)).isEqualTo("x");
        assertThatThrownBy(() -> FrameChannel.readHello(hello, 6))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("expected HELLO of version 6");
        assertThatThrownBy(() -> FrameChannel.readHello(new Frame(1, 0, hello.body()), 5))
                .isInstanceOf(EngineException.class);
    }
}
