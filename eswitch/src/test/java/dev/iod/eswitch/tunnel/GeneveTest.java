package dev.iod.eswitch.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.packet.PacketParser;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.DropReason;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class GeneveTest {
    private static final long SEED = Long.getLong("seed", 20261122);
    private static final boolean FULL = Boolean.getBoolean("iod.full");
    private static final int HEADERS = FULL ? 2_000_000 : 30_000;
    private static final int LISTS = FULL ? 2_000_000 : 20_000;
    private static final int OURS = Frames.address(192, 0, 2, 1);
    private static final int PEER = Frames.address(192, 0, 2, 2);
    private static final byte[] INNER =
            Frames.ethernet(1, 2, 0x0800, Frames.udp4(3, 4, 5, 6, new byte[30]));
    private final Geneve.Metadata metadata = new Geneve.Metadata();
    private final Packet packet = TestPackets.of(new byte[0]);
    private final long start = packet.address;

    private static byte[] frame(int first, int flags, int vni, byte[] options) {
        ByteBuffer geneve = ByteBuffer.allocate(8 + options.length + INNER.length);
        geneve.put((byte) first).put((byte) flags).putShort((short) 0x6558).putInt(vni << 8);
        geneve.put(options).put(INNER);
        return Frames.ethernet(1, 2, 0x0800, Frames.udp4(PEER, OURS, 50000, 6081, geneve.array()));
    }

    private @Nullable DropReason take(byte[] frame) {
        return Geneve.decapsulate(parsed(frame), OURS, metadata);
    }

    private Packet parsed(byte[] frame) {
        packet.address = start;
        TestPackets.fill(packet, frame);
        assertThat(PacketParser.parse(packet)).isNull();
        return packet;
    }

    private static byte[] option(int optionClass, int type, int... words) {
        ByteBuffer option = ByteBuffer.allocate(4 + words.length * 4);
        option.putShort((short) optionClass).put((byte) type).put((byte) words.length);
        for (int word : words) {
            option.putInt(word);
        }
        return option.array();
    }

    private static byte[] join(byte[]... parts) {
        ByteBuffer all = ByteBuffer.allocate(256);
        for (byte[] part : parts) {
            all.put(part);
        }
        return java.util.Arrays.copyOf(all.array(), all.position());
    }

    private static final byte[] PORTS = option(0x0102, 0x80, 7 << 16 | 9);

    @Test
    void readsVniAndPortsAndSkipsUnknownOptions() {
        byte[] options = join(option(0x0109, 1, 1, 2), PORTS);
        Packet p = TestPackets.parsed(frame(options.length / 4, 0x40, 5, options));
        assertThat(Geneve.decapsulate(p, OURS, metadata)).isNull();
        assertThat(metadata.vni).isEqualTo(5);
        assertThat(metadata.ingress()).isEqualTo(7);
        assertThat(metadata.egress()).isEqualTo(9);
        assertThat(TestPackets.bytes(p)).isEqualTo(INNER);
    }

    @Test
    void refusesWhatItMustNotIgnore() {
        assertThat(take(frame(2, 0x40, 0, PORTS))).isEqualTo(DropReason.TUNNEL_CONTROL);
        assertThat(take(frame(2, 0x80, 5, PORTS))).isEqualTo(DropReason.TUNNEL_CONTROL);
        assertThat(take(frame(0x42, 0x40, 5, PORTS))).isEqualTo(DropReason.MALFORMED_TUNNEL);
        assertThat(take(frame(63, 0x40, 5, PORTS))).isEqualTo(DropReason.MALFORMED_TUNNEL);
        assertThat(take(frame(0, 0, 5, new byte[0]))).isEqualTo(DropReason.MALFORMED_TUNNEL);
        byte[] critical = join(option(0x0109, 0x81, 1), PORTS);
        assertThat(take(frame(4, 0x40, 5, critical))).isEqualTo(DropReason.UNKNOWN_CRITICAL_OPTION);
        byte[] long1 = PORTS.clone();
        long1[3] = 9;
        assertThat(take(frame(2, 0x40, 5, long1))).isEqualTo(DropReason.MALFORMED_TUNNEL);
        byte[] other =
                Frames.ethernet(1, 2, 0x0800, Frames.udp4(PEER, OURS + 1, 1, 6081, new byte[30]));
        assertThat(take(other)).isEqualTo(DropReason.NOT_OUR_TUNNEL);
    }

    /** What RFC 8926 §3.5 makes of a list of options, by a reading of its own. */
    private static @Nullable DropReason expected(int[][] options, int headerWords) {
        int at = 0;
        boolean known = false;
        for (int[] option : options) {
            int end = at + 4 + 4 * option[2];
            if (at == headerWords * 4) {
                break;
            }
            if (end > headerWords * 4) {
                return DropReason.MALFORMED_TUNNEL;
            }
            if (option[0] == 0x0102 && option[1] == 0x80 && option[2] == 1) {
                known = true;
            } else if (option[1] >= 0x80) {
                return DropReason.UNKNOWN_CRITICAL_OPTION;
            }
            at = end;
        }
        assertThat(at).as("the list covers the header").isEqualTo(headerWords * 4);
        return known ? null : DropReason.MALFORMED_TUNNEL;
    }

    @Test
    void listsOfOptionsAreReadAsTheStandardSays() {
        SplittableRandom random = new SplittableRandom(SEED);
        int accepted = 0;
        for (int i = 0; i < LISTS; i++) {
            int count = 1 + random.nextInt(12);
            int[][] options = new int[count][];
            ByteBuffer bytes = ByteBuffer.allocate(4096);
            for (int o = 0; o < count; o++) {
                boolean ours = random.nextInt(3) == 0;
                int type = ours ? 0x80 : random.nextInt(random.nextInt(6) == 0 ? 256 : 128);
                options[o] =
                        new int[] {
                            ours ? 0x0102 : random.nextInt(0x200),
                            type,
                            ours ? 1 : random.nextInt(5)
                        };
                if (random.nextInt(40) == 0) {
                    options[o][2] = random.nextInt(32);
                }
                bytes.putShort((short) options[o][0]).put((byte) type).put((byte) options[o][2]);
                bytes.position(bytes.position() + 4 * options[o][2]);
            }
            int words = bytes.position() / 4;
            int header = random.nextInt(5) == 0 ? random.nextInt(words + 1) : words;
            if (header > 63) {
                continue;
            }
            byte[] list = java.util.Arrays.copyOf(bytes.array(), bytes.position());
            // What the header does not cover is the inner frame, whatever it holds.
            DropReason reason = take(frame(header, 0x40, 5, list));
            assertThat(reason).as("list %d", i).isEqualTo(expected(options, header));
            accepted += reason == null ? 1 : 0;
        }
        System.out.println(LISTS + " lists of options, " + accepted + " accepted");
        assertThat(accepted).isGreaterThan(LISTS / 10);
    }

    @Test
    void survivesHostileBytes() {
        SplittableRandom random = new SplittableRandom(SEED);
        byte[] good = frame(2, 0x40, 5, PORTS);
        for (int i = 0; i < HEADERS; i++) {
            byte[] bad = good.clone();
            bad[40] = 0;
            bad[41] = 0;
            for (int change = random.nextInt(5); change >= 0; change--) {
                bad[42 + random.nextInt(bad.length - 42)] = (byte) random.nextInt();
            }
            Packet p = parsed(bad);
            long end = p.address + p.length;
            if (Geneve.decapsulate(p, OURS, metadata) == null) {
                assertThat(p.length).isNotNegative();
                assertThat(p.address + p.length).isLessThanOrEqualTo(end);
                PacketParser.parse(p);
            }
        }
    }
}
