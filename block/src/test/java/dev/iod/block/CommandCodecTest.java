package dev.iod.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.engine.EngineException;
import dev.iod.engine.EngineException.Category;
import dev.iod.engine.FrameChannel.Frame;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bytes of the control socket and of the file of attachments, written down: an engine and an agent
 * of two builds understand one another as long as this test is not changed.
 */
class CommandCodecTest {
    private static final int MUTATIONS = Boolean.getBoolean("iod.full") ? 2_000_000 : 50_000;

    private static final String ATTACH_POOL =
            "07 00000001 76 01 00000006 2f72756e2f73 00 00000002 01"
                    + " 00000000000003e8 0000000000100000 00000000";
    private static final String ATTACH_FILE =
            "07 00000001 66 02 00000006 2f722e696d67 00000006 2f72756e2f73 01 00000001 00"
                    + " 0000000000000000 0000000000000000 00000003 010203";

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    /** A frame of an exchange, from its type and body. */
    private static Frame frame(byte[] bytes) {
        return new Frame(bytes[0] & 0xff, 5, Arrays.copyOfRange(bytes, 1, bytes.length));
    }

    private static Frame frame(String text) {
        return frame(hex(text));
    }

    private static void assertSame(Frame frame, String text) {
        assertThat(frame.type()).isEqualTo(hex(text)[0] & 0xff);
        assertThat(frame.exchange()).isEqualTo(5);
        assertThat(HexFormat.of().formatHex(frame.body()))
                .isEqualTo(text.replace(" ", "").substring(2));
    }

    private static Command.Attach attachPool() {
        return new Command.Attach(
                "v",
                new Location.Pool(),
                Path.of("/run/s"),
                false,
                2,
                true,
                new Limits(1000, 1 << 20),
                new byte[0]);
    }

    private static Command.Attach attachFile() {
        return new Command.Attach(
                "f",
                new Location.RawFile(Path.of("/r.img")),
                Path.of("/run/s"),
                true,
                1,
                false,
                Limits.NONE,
                new byte[] {1, 2, 3});
    }

    private static Map<String, Command> commands() {
        Map<String, Command> all = new LinkedHashMap<>();
        all.put("01 00000001 76 0000000001000000 01", new Command.Create("v", 16 << 20, true));
        all.put("02 00000001 73 00000001 63 0000000000000000", new Command.Clone("s", "c", 0));
        all.put("03 00000001 76 00000001 73", new Command.Snapshot("v", "s"));
        all.put("04 00000001 69 00000006 2f692e726177", new Command.Fill("i", Path.of("/i.raw")));
        all.put("05 00000001 76 0000000002000000", new Command.Resize("v", 32 << 20));
        all.put("06 00000002 c3a4", new Command.Delete("ä"));
        all.put(ATTACH_POOL, attachPool());
        all.put(ATTACH_FILE, attachFile());
        all.put("08 00000001 76", new Command.Detach("v"));
        all.put(
                "09 00000001 76 0000000000000001 7fffffffffffffff",
                new Command.Limit("v", new Limits(1, Long.MAX_VALUE)));
        all.put("0a", new Command.List());
        all.put("0b 00000001 76", new Command.Status("v"));
        all.put("0c 00000001 76", new Command.ClearFailure("v"));
        all.put("0d", new Command.Space());
        all.put("0e 00000001 73", new Command.File("s"));
        return all;
    }

    private static final String VOLUMES =
            // a volume that is attached
            "82 00000002 00000001 76 01 0000000001000000 0000000000002000 01 00000001 69 01"
                    + " 00000006 2f72756e2f73 01 00000003 0c"
                    + " 01 0000000000000001 02 0000000000000002 03 0000000000000003"
                    + " 04 0000000000000004 05 0000000000000005 06 0000000000000006"
                    + " 07 0000000000000007 08 0000000000000008 09 0000000000000009"
                    + " 0a 000000000000000a 0b 000000000000000b"
                    + " 0c 000000000000000c"
                    + " 00000000 00000001 65"
                    // an image that is not
                    + " 00000001 69 03 0000000000001000 0000000000000000 01 00000000 00";

    private static Answer.Volumes volumes() {
        long[] counters = new long[VolumeCounter.values().length];
        for (VolumeCounter counter : VolumeCounter.values()) {
            counters[counter.ordinal()] = counter.code();
        }
        var device = new VolumeStatus.Device("/run/s", true, 3, counters, "", "e");
        return new Answer.Volumes(
                List.of(
                        new VolumeStatus(
                                "v",
                                VolumeStatus.Kind.VOLUME,
                                16 << 20,
                                8192,
                                true,
                                "i",
                                Optional.of(device)),
                        new VolumeStatus(
                                "i",
                                VolumeStatus.Kind.IMAGE,
                                4096,
                                0,
                                true,
                                "",
                                Optional.empty())));
    }

    /** Commands hold arrays, so that equality says nothing of one with a key. */
    private static boolean same(Command one, Command other) {
        return one instanceof Command.Attach a && other instanceof Command.Attach b
                ? a.isLike(b) && a.limits().equals(b.limits())
                : one.equals(other);
    }

    @Test
    void everyCommandHasItsBytes() {
        commands()
                .forEach(
                        (text, command) -> {
                            assertSame(CommandCodec.write(command, 5), text);
                            Command read = CommandCodec.readCommand(frame(text));
                            assertThat(same(read, command)).as("%s", command).isTrue();
                        });
        assertThat(commands().values().stream().map(Object::getClass).distinct())
                .as("no command is left out")
                .containsExactlyInAnyOrder(Command.class.getPermittedSubclasses());
    }

    @Test
    void everyAnswerHasItsBytes() {
        assertSame(CommandCodec.write(new Answer.Done(), 5), "80");
        assertThat(CommandCodec.readAnswer(frame("80"))).isEqualTo(new Answer.Done());
        String failed = "81 07 00000007 6e6f20726f6f6d";
        assertSame(CommandCodec.failed(Category.FULL, "no room", 5), failed);
        assertThatThrownBy(() -> CommandCodec.readAnswer(frame(failed)))
                .hasMessage("no room")
                .isInstanceOfSatisfying(
                        EngineException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.FULL));
        assertSame(CommandCodec.write(volumes(), 5), VOLUMES);
        Answer.Volumes read = (Answer.Volumes) CommandCodec.readAnswer(frame(VOLUMES));
        assertSame(CommandCodec.write(read, 5), VOLUMES);
        assertThat(read.volumes().getLast()).isEqualTo(volumes().volumes().getLast());
        for (VolumeCounter counter : VolumeCounter.values()) {
            assertThat(read.volumes().getFirst().device().orElseThrow().count(counter))
                    .isEqualTo(counter.code());
        }
        Answer space = new Answer.Space(new PoolSpace(1L << 40, 4096));
        assertSame(CommandCodec.write(space, 5), "83 0000010000000000 0000000000001000");
        assertThat(CommandCodec.readAnswer(CommandCodec.write(space, 5))).isEqualTo(space);
    }

    /** A number may be added; one that was given stays. */
    @Test
    void everyConstantHasItsNumber() {
        assertThat(Stream.of(VolumeStatus.Kind.values()).map(k -> k.code() + " " + k))
                .containsExactly("1 VOLUME", "2 SNAPSHOT", "3 IMAGE", "4 ELSEWHERE");
        assertThat(Stream.of(VolumeCounter.values()).map(c -> c.code() + " " + c))
                .containsExactly(
                        "1 READS",
                        "2 WRITES",
                        "3 FLUSHES",
                        "4 DISCARDS",
                        "5 BYTES_READ",
                        "6 BYTES_WRITTEN",
                        "7 REFUSED",
                        "8 ERRORS",
                        "9 THROTTLED",
                        "10 BOUNCED",
                        "11 PARTIAL",
                        "12 UNALIGNED");
    }

    @Test
    void theFileOfAttachmentsHasItsBytes(@TempDir Path directory) throws Exception {
        AttachmentStore store = new AttachmentStore(directory);
        assertThat(store.read()).isEmpty();
        // With its command's number, and without what has a key.
        String bytes = "1d0dbf02 00000001 " + ATTACH_POOL.substring(3);
        store.write(List.of(attachPool(), attachFile()));
        assertThat(Files.readAllBytes(directory.resolve("attachments"))).isEqualTo(hex(bytes));
        assertThat(store.read()).hasSize(1).allMatch(a -> a.isLike(attachPool()));
        for (String wrong :
                List.of(
                        "",
                        "1d0dbf01 00000000",
                        "00000000",
                        "1d0dbf02 ffffffff",
                        "1d0dbf02 00000401",
                        "1d0dbf02 00000001",
                        bytes + "00",
                        bytes.replace("01 00000006", "09 00000006"))) {
            Files.write(directory.resolve("attachments"), hex(wrong));
            assertThatThrownBy(store::read).as(wrong).isInstanceOf(EngineException.class);
        }
    }

    /** Bytes that are nearly right make a command or a PROTOCOL or INVALID exception. */
    @Test
    void malformedFramesAreRefused() {
        long seed = Long.getLong("iod.seed", 31L);
        System.out.println("CommandCodecTest seed " + seed);
        Random random = new Random(seed);
        List<byte[]> frames = new ArrayList<>();
        commands().keySet().forEach(text -> frames.add(hex(text)));
        for (byte[] frame : frames) {
            for (int length = 1; length < frame.length; length++) {
                byte[] cut = Arrays.copyOf(frame, length);
                assertThatThrownBy(() -> CommandCodec.readCommand(frame(cut)))
                        .isInstanceOfSatisfying(
                                EngineException.class,
                                e -> assertThat(e.category()).isEqualTo(Category.PROTOCOL));
            }
            byte[] longer = Arrays.copyOf(frame, frame.length + 1);
            assertThatThrownBy(() -> CommandCodec.readCommand(frame(longer)))
                    .hasMessageContaining("1 bytes too many");
        }
        int understood = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] frame = frames.get(random.nextInt(frames.size())).clone();
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                frame[random.nextInt(frame.length)] = (byte) random.nextInt();
            }
            try {
                Command command = CommandCodec.readCommand(frame(frame));
                Command again = CommandCodec.readCommand(CommandCodec.write(command, 5));
                assertThat(same(command, again)).isTrue();
                understood++;
            } catch (EngineException e) {
                assertThat(e.category()).isIn(Category.PROTOCOL, Category.INVALID);
            }
        }
        assertThat(understood).isBetween(MUTATIONS / 10, MUTATIONS * 9 / 10);
    }

    @Test
    void malformedAnswersAreRefused() {
        Random random = new Random(Long.getLong("iod.seed", 32L));
        for (int i = 0; i < MUTATIONS / 5; i++) {
            byte[] frame = hex(VOLUMES);
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                frame[random.nextInt(frame.length)] = (byte) random.nextInt();
            }
            try {
                assertThat(CommandCodec.readAnswer(frame(frame))).isNotNull();
            } catch (EngineException e) {
                assertThat(e.getMessage()).isNotNull();
            }
        }
    }
}
