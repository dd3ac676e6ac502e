package dev.iod.rest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.rest.testing.FixedTokens;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * The server's end of RFC 6455 byte by byte, by a table of its own in the order of Autobahn's test
 * suite (1 framing, 2 pings, 3 reserved bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 closing, 9
 * limits).
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WebSocketTest {
    private static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";
    private static final int TEXT = 0x81;
    private static final int BINARY = 0x82;
    private static final int CLOSE = 0x88;
    private static final int PING = 0x89;
    private static final int PONG = 0x8A;

    private final BlockingQueue<Optional<WebSocket>> handlers = new LinkedBlockingQueue<>();
    private ApiServer server;

    @BeforeAll
    void start() {
        server =
                ApiServer.start(
                        InetAddress.getLoopbackAddress(),
                        0,
                        List.of(
                                new Api(
                                        "/w",
                                        Dialect.PLAIN,
                                        Microversions.NONE,
                                        List.of(
                                                echo("/echo", Duration.ofSeconds(60)),
                                                echo("/short", Duration.ofMillis(600)),
                                                Route.get(
                                                                "/bye",
                                                                request ->
                                                                        WebSocket.accept(
                                                                                request,
                                                                                Duration.ofSeconds(
                                                                                        60),
                                                                                this::bye))
                                                        .may(Rule.PUBLIC)))),
                        new FixedTokens(),
                        failure -> Optional.empty(),
                        ServerLimits.standard());
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private Route echo(String path, Duration idle) {
        return Route.get(path, request -> WebSocket.accept(request, idle, this::echo))
                .may(Rule.PUBLIC);
    }

    private void echo(WebSocket socket) throws IOException {
        try {
            for (Optional<byte[]> message = socket.read();
                    message.isPresent();
                    message = socket.read()) {
                socket.write(message.get());
            }
        } finally {
            handlers.add(Optional.of(socket));
        }
    }

    private void bye(WebSocket socket) throws IOException {
        socket.write("last words".getBytes(StandardCharsets.UTF_8));
        socket.close(WebSocket.Close.GOING_AWAY, "the server has stopped");
        try {
            assertThat(socket.read()).isEmpty();
        } finally {
            handlers.add(Optional.of(socket)); // Its reader's deadline or the server's ended it.
        }
    }

    /** The example of RFC 6455 §1.3. */
    @Test
    void theHandshakeIsThatOfTheStandard() throws IOException {
        try (Client client = new Client("/w/echo", "Sec-WebSocket-Protocol: base64, binary\r\n")) {
            assertThat(client.head)
                    .startsWith("HTTP/1.1 101 Switching Protocols\r\n")
                    .contains("\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n")
                    .contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
                    .contains("\r\nSec-WebSocket-Protocol: binary\r\n")
                    .doesNotContain("Content-Length");
        }
        try (Client client = new Client("/w/echo", "")) {
            assertThat(client.head).doesNotContain("Sec-WebSocket-Protocol");
        }
    }

    @Test
    void whatIsNoHandshakeIsRefused() throws IOException {
        for (String[] bad :
                new String[][] {
                    {"400", "Upgrade: websocket\r\n", "Upgrade: h2c\r\n"},
                    {"400", "Connection: keep-alive, Upgrade\r\n", "Connection: close\r\n"},
                    {"400", KEY, "c2hvcnQ="},
                    {"400", KEY, "!"},
                    {"426", "Version: 13", "Version: 8"},
                    {"400", "GET ", "HEAD "},
                    {"400", "\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc"},
                    {"400", "HTTP/1.1", "HTTP/1.0"}
                }) {
            try (RawClient client = new RawClient(server.port())) {
                client.say(request("/w/echo", "").replace(bad[1], bad[2]));
                RawClient.Answer answer = client.answer(!bad[1].equals("GET "));
                assertThat(answer.status()).as(bad[2]).isEqualTo(Integer.parseInt(bad[0]));
            }
        }
    }

    @Test
    void messagesOfAllLengthsComeBack() throws IOException {
        Random random = new Random(1);
        try (Client client = new Client("/w/echo", "")) {
            for (int length : new int[] {0, 1, 125, 126, 127, 128, 65_535, 65_536}) {
                byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                client.send(BINARY, bytes);
                assertThat(client.expect(BINARY)).isEqualTo(bytes);
            }
            client.send(TEXT, "κόσμε".getBytes(StandardCharsets.UTF_8));
            assertThat(client.expect(BINARY)).isEqualTo("κόσμε".getBytes(StandardCharsets.UTF_8));
        }
    }

    @Test
    void fragmentsAreOneMessageAndPingsComeBetween() throws IOException {
        try (Client client = new Client("/w/echo", "")) {
            client.send(0x02, bytes("a"));
            client.send(PING, bytes("are you there"));
            client.send(0x00, bytes("b"));
            client.send(PONG, bytes("unasked"));
            client.send(0x80, bytes("c"));
            assertThat(client.expect(PONG)).isEqualTo(bytes("are you there"));
            assertThat(client.expect(BINARY)).isEqualTo(bytes("abc"));
        }
    }

    @Test
    void whatBreaksTheProtocolIsToldSoAndEnds() throws IOException {
        byte[] long126 = new byte[126];
        Object[][] cases = {
            {1002, masked(0xC2, bytes("rsv1"))},
            {1002, masked(0xA2, bytes("rsv2"))},
            {1002, masked(0x92, bytes("rsv3"))},
            {1002, masked(0x83, bytes("opcode 3"))},
            {1002, masked(0x8B, bytes("opcode 11"))},
            {1002, new byte[] {(byte) BINARY, 1, 'x'}}, // no mask
            {1002, masked(PING, long126)},
            {1002, masked(0x09, bytes("a ping in parts"))},
            {1002, masked(0x80, bytes("continues nothing"))},
            {1002, join(masked(0x02, bytes("a")), masked(BINARY, bytes("b")))},
            {1002, new byte[] {(byte) BINARY, (byte) 0xFE, 0, 5}}, // 5 in two bytes
            {1002, new byte[] {(byte) BINARY, (byte) 0xFF, 0, 0, 0, 0, 0, 0, 1, 0}},
            {1002, new byte[] {(byte) BINARY, (byte) 0xFF, -1, 0, 0, 0, 0, 0, 0, 0}},
            {1009, new byte[] {(byte) BINARY, (byte) 0xFF, 0, 0, 0, 0, 0, 1, 0, 1}},
            {1009, new byte[] {(byte) BINARY, (byte) 0xFF, 127, -1, -1, -1, -1, -1, -1, -1}},
            {1009, join(masked(0x02, new byte[65_536]), masked(0x80, bytes("x")))},
            {1007, masked(TEXT, new byte[] {(byte) 0xC0, (byte) 0xAF})},
            {1007, masked(TEXT, new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80})},
            {1002, masked(CLOSE, bytes("x"))},
            {1002, masked(CLOSE, new byte[] {(byte) (1005 >> 8), (byte) 1005})},
            {1002, masked(CLOSE, new byte[] {0, 7})},
            {1002, masked(CLOSE, new byte[] {3, (byte) 0xE8, (byte) 0xFF})},
        };
        for (Object[] one : cases) {
            try (Client client = new Client("/w/echo", "")) {
                client.socket.getOutputStream().write((byte[]) one[1]);
                byte[] goodbye = client.expect(CLOSE);
                assertThat(ByteBuffer.wrap(goodbye).getShort())
                        .as(Arrays.toString(Arrays.copyOf((byte[]) one[1], 12)))
                        .isEqualTo(((Integer) one[0]).shortValue());
                assertThat(client.input.read()).isNegative();
            }
        }
    }

    @Test
    void manyPartsOfNothingAreNoMessage() throws IOException {
        try (Client client = new Client("/w/echo", "")) {
            client.send(0x02, bytes(""));
            ByteArrayOutputStream parts = new ByteArrayOutputStream();
            for (int i = 0; i < 1024; i++) {
                parts.writeBytes(masked(0x00, bytes("")));
            }
            client.socket.getOutputStream().write(parts.toByteArray());
            assertThat(ByteBuffer.wrap(client.expect(CLOSE)).getShort()).isEqualTo((short) 1009);
        }
    }

    @Test
    void aGoodbyeIsAnsweredOnce() throws IOException, InterruptedException {
        handlers.clear();
        try (Client client = new Client("/w/echo", "")) {
            client.send(CLOSE, new byte[] {3, (byte) 0xE8});
            assertThat(client.expect(CLOSE)).startsWith(3, 0xE8);
            assertThat(client.input.read()).isNegative();
        }
        handlers.take();
        try (Client client = new Client("/w/bye", "")) {
            assertThat(client.expect(BINARY)).isEqualTo(bytes("last words"));
            assertThat(new String(client.expect(CLOSE), 2, 22, StandardCharsets.US_ASCII))
                    .isEqualTo("the server has stopped");
            client.send(BINARY, bytes("too late"));
            client.send(CLOSE, new byte[] {3, (byte) 0xE9});
            assertThat(client.input.read()).isNegative();
        }
        handlers.take();
    }

    /** Python's and Go's clients ping by themselves, and read the reason all the same. */
    @Test
    void aPingAfterTheGoodbyeCostsNoLastWords() throws IOException, InterruptedException {
        handlers.clear();
        try (Client client = new Client("/w/bye", "")) {
            client.send(PING, bytes("are you there"));
            client.send(CLOSE, new byte[] {3, (byte) 0xE9});
            assertThat(client.expect(BINARY)).isEqualTo(bytes("last words"));
            client.expect(CLOSE);
            assertThat(client.input.read()).isNegative();
        }
        assertThat(handlers.take()).isPresent();
    }

    /** What is still sent buys no time. */
    @Test
    void aGoodbyeEndsWhateverTheClientSends() throws IOException, InterruptedException {
        handlers.clear();
        byte[] frame = masked(BINARY, new byte[65_536]);
        try (Client client = new Client("/w/bye", "")) {
            while (handlers.isEmpty()) {
                client.socket.getOutputStream().write(frame);
            }
        } catch (java.net.SocketException e) {
            // It was closed while this side was sending.
        }
        assertThat(handlers.take()).isPresent();
    }

    /** Tempest waits for the end of the connection. */
    @Test
    void whoIsRefusedAWebSocketHasNoOtherRequest() throws IOException {
        try (RawClient client = new RawClient(server.port())) {
            client.say(request("/w/echo", "").replace("Version: 13", "Version: 8"));
            RawClient.Answer answer = client.answer(true);
            assertThat(answer.status()).isEqualTo(426);
            assertThat(answer.headers()).containsEntry("connection", "close");
        }
    }

    @Test
    void aTokenInAPathIsNotLogged() {
        assertThat(Dispatcher.path("/tokens/secret", "/tokens/{token}", Map.of("token", "secret")))
                .isEqualTo("/tokens/{token}");
        assertThat(Dispatcher.path("/servers/id", "/servers/{id}", Map.of("id", "id")))
                .isEqualTo("/servers/id");
    }

    @Test
    void whoIsSilentIsAskedAndThenLeft() throws IOException {
        try (Client client = new Client("/w/short", "")) {
            for (int i = 0; i < 5; i++) {
                client.expect(PING);
                client.send(PONG, bytes(""));
            }
            client.expect(PING); // Not answered: it ends, with a word or without.
            int next = client.input.read();
            assertThat(next).isIn(-1, CLOSE);
        }
        try (Client client = new Client("/w/short", "")) {
            client.socket.getOutputStream().write(new byte[] {(byte) BINARY, (byte) 0x85, 1});
            int next = client.input.read();
            assertThat(next).isIn(-1, CLOSE);
        }
    }

    /** Noise, and then bits that begin no frame: the server says why it ends, by itself. */
    @Test
    void noiseEndsTheConnection() throws IOException {
        long seed = Long.getLong("seed", 42L);
        Random random = new Random(seed);
        // Whatever frame the noise has begun, it ends in here.
        byte[] reserved = new byte[2 * WebSocket.MAX_MESSAGE_BYTES];
        Arrays.fill(reserved, (byte) 0xFF);
        for (int i = 0; i < 300; i++) {
            byte[] noise = new byte[1 + random.nextInt(200)];
            random.nextBytes(noise);
            try (Client client = new Client("/w/echo", "")) {
                client.socket.getOutputStream().write(join(noise, reserved));
                assertThat(lastOpcode(client.input.readAllBytes()))
                        .as("seed " + seed + ", case " + i)
                        .isEqualTo(CLOSE);
            }
        }
        try (Client client = new Client("/w/echo", "")) {
            client.send(BINARY, bytes("the server is well"));
            assertThat(client.expect(BINARY)).isEqualTo(bytes("the server is well"));
        }
    }

    /** The first byte of the last of the server's frames. */
    private static int lastOpcode(byte[] frames) {
        ByteBuffer rest = ByteBuffer.wrap(frames);
        int first = -1;
        while (rest.hasRemaining()) {
            first = rest.get() & 0xff;
            int length = rest.get();
            length =
                    length == 126
                            ? rest.getShort() & 0xffff
                            : length == 127 ? (int) rest.getLong() : length;
            rest.position(rest.position() + length);
        }
        return first;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    private static byte[] masked(int first, byte[] payload) {
        ByteBuffer frame = ByteBuffer.allocate(14 + payload.length).put((byte) first);
        if (payload.length < 126) {
            frame.put((byte) (0x80 | payload.length));
        } else if (payload.length < 65_536) {
            frame.put((byte) 0xFE).putShort((short) payload.length);
        } else {
            frame.put((byte) 0xFF).putLong(payload.length);
        }
        byte[] mask = {0x11, 0x22, 0x33, 0x44};
        frame.put(mask);
        for (int i = 0; i < payload.length; i++) {
            frame.put((byte) (payload[i] ^ mask[i % 4]));
        }
        return Arrays.copyOf(frame.array(), frame.position());
    }

    private static String request(String path, String more) {
        return "GET "
                + path
                + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                + "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: "
                + KEY
                + "\r\nSec-WebSocket-Version: 13\r\n"
                + more
                + "\r\n";
    }

    private final class Client implements AutoCloseable {
        private final Socket socket;
        private final DataInputStream input;
        private final String head;

        Client(String path, String more) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
            socket.setTcpNoDelay(true);
            socket.getOutputStream().write(bytes(request(path, more)));
            input = new DataInputStream(socket.getInputStream());
            StringBuilder text = new StringBuilder();
            while (text.indexOf("\r\n\r\n") < 0) {
                text.append((char) input.readUnsignedByte());
            }
            head = text.toString();
        }

        void send(int first, byte[] payload) throws IOException {
            socket.getOutputStream().write(masked(first, payload));
        }

        byte[] expect(int first) throws IOException {
            assertThat(input.readUnsignedByte()).isEqualTo(first);
            int length = input.readUnsignedByte();
            long full =
                    length == 126
                            ? input.readUnsignedShort()
                            : length == 127 ? input.readLong() : length;
            byte[] payload = new byte[(int) full];
            input.readFully(payload);
            return payload;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
