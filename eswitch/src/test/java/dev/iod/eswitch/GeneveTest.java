package dev.iod.eswitch;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class GeneveTest {
    private static final int OURS = Frames.address(192, 0, 2, 1);
    private static final int PEER = Frames.address(192, 0, 2, 2);
    private static final byte[] INNER =
            Frames.ethernet(1, 2, 0x0800, Frames.udp4(3, 4, 5, 6, new byte[30]));
    private final Geneve.Metadata metadata = new Geneve.Metadata();

    private static byte[] frame(int first, int flags, int vni, byte[] options) {
        ByteBuffer geneve = ByteBuffer.allocate(8 + options.length + INNER.length);
        geneve.put((byte) first).put((byte) flags).putShort((short) 0x6558).putInt(vni << 8);
        geneve.put(options).put(INNER);
        return Frames.ethernet(1, 2, 0x0800, Frames.udp4(PEER, OURS, 50000, 6081, geneve.array()));
    }

    private @Nullable DropReason take(byte[] frame) {
        return Geneve.decapsulate(TestPackets.parsed(frame), OURS, metadata);
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

    @Test
    void survivesHostileBytes() {
        SplittableRandom random = new SplittableRandom(20261122);
        byte[] good = frame(2, 0x40, 5, PORTS);
        for (int i = 0; i < 50_000; i++) {
            byte[] bad = good.clone();
            bad[40] = 0;
            bad[41] = 0;
            for (int change = random.nextInt(5); change >= 0; change--) {
                bad[42 + random.nextInt(bad.length - 42)] = (byte) random.nextInt();
            }
            Packet p = TestPackets.parsed(bad);
            long end = p.address + p.length;
            if (Geneve.decapsulate(p, OURS, metadata) == null) {
                assertThat(p.length).isNotNegative();
                assertThat(p.address + p.length).isLessThanOrEqualTo(end);
                PacketParser.parse(p);
            }
        }
    }
}
