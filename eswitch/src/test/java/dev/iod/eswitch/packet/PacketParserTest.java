package dev.iod.eswitch.packet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.caches.FlowKey;
import dev.iod.eswitch.connections.Tuple;
import dev.iod.eswitch.packet.Packet.Transport;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.HostileFrames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Field;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class PacketParserTest {
    private static final int FRAMES = Boolean.getBoolean("iod.full") ? 5_000_000 : 100_000;
    private static final int SRC = Frames.address(10, 0, 0, 1);
    private static final int DST = Frames.address(10, 0, 0, 2);

    private static byte[] frame(byte[] ip) {
        return Frames.ethernet(2, 4, 0x0800, ip);
    }

    @Test
    void findsHeadersAndCutsPadding() {
        byte[] short1 = frame(Frames.udp4(SRC, DST, 7, 9, new byte[] {1}));
        byte[] padded = Arrays.copyOf(short1, 60);
        Packet p = TestPackets.parsed(padded);
        assertThat(p.length).isEqualTo(short1.length);
        assertThat(p.transport).isEqualTo(Transport.UDP);
        assertThat(p.low(Field.L4_DST)).isEqualTo(9);
        assertThat(p.low(Field.IP4_SRC)).isEqualTo(SRC & 0xffffffffL);
    }

    @Test
    void oneVlanTagIsAFieldAndTwoAreTooMany() {
        byte[] ip = Frames.udp4(SRC, DST, 7, 9, new byte[] {1});
        byte[] tagged = new byte[ip.length + 18];
        System.arraycopy(frame(ip), 0, tagged, 0, 12);
        tagged[12] = (byte) 0x81;
        tagged[15] = 5;
        tagged[16] = 8;
        System.arraycopy(ip, 0, tagged, 18, ip.length);
        Packet p = TestPackets.parsed(tagged);
        assertThat(p.low(Field.VLAN_TCI)).isEqualTo(0x1005);
        assertThat(p.low(Field.ETH_TYPE)).isEqualTo(0x0800);
        tagged[16] = (byte) 0x81;
        tagged[17] = 0;
        assertThat(PacketParser.parse(TestPackets.of(tagged))).isEqualTo(DropReason.STACKED_VLAN);
    }

    @Test
    void refusesWhatContradictsItself() {
        byte[] good = frame(Frames.udp4(SRC, DST, 7, 9, new byte[20]));
        assertDropped(good, 14, 0x55, DropReason.MALFORMED_NETWORK);
        assertDropped(good, 14, 0x44, DropReason.MALFORMED_NETWORK);
        assertDropped(good, 17, 10, DropReason.MALFORMED_NETWORK);
        assertDropped(good, 16, 1, DropReason.TRUNCATED_NETWORK);
        assertDropped(good, 25, good[25] + 1, DropReason.BAD_IP_CHECKSUM);
        assertDropped(good, 39, 200, DropReason.MALFORMED_TRANSPORT);
        byte[] cut = Arrays.copyOf(good, 13);
        assertThat(PacketParser.parse(TestPackets.of(cut)))
                .isEqualTo(DropReason.TRUNCATED_ETHERNET);
    }

    private static void assertDropped(byte[] good, int at, int value, DropReason reason) {
        byte[] bad = good.clone();
        bad[at] = (byte) value;
        assertThat(PacketParser.parse(TestPackets.of(bad))).isEqualTo(reason);
    }

    @Test
    void followsBoundedExtensionHeaders() {
        byte[] source = new byte[16];
        byte[] destination = new byte[16];
        for (int count : new int[] {0, 1, 7, 8, 9}) {
            byte[] payload = new byte[count * 8 + 8];
            for (int i = 0; i < count; i++) {
                payload[i * 8] = (byte) (i + 1 < count ? 60 : 17);
            }
            payload[count * 8 + 5] = 8;
            byte[] ip = Frames.ip6(source, destination, count == 0 ? 17 : 60, payload);
            Packet p = TestPackets.of(Frames.ethernet(2, 4, 0x86dd, ip));
            if (count < PacketParser.MAX_EXTENSION_HEADERS) {
                assertThat(PacketParser.parse(p)).isNull();
                assertThat(p.transport).isEqualTo(Transport.UDP);
                assertThat(p.ipOptions).isEqualTo(count > 0);
            } else {
                assertThat(PacketParser.parse(p)).isEqualTo(DropReason.TOO_MANY_EXTENSION_HEADERS);
            }
        }
    }

    /**
     * Random and mutated frames at the very end of a mapping: a read beyond the frame would fault
     * or, with -Diod.memory=checked, be refused. All fields of what parses can be read and written.
     */
    @Test
    void survivesHostileBytes() {
        long seed = Long.getLong("seed", 20261122L);
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        byte[][] models = HostileFrames.models();
        Mapping memory = Mapping.anonymous(1 << 16);
        long end = memory.address() + (1 << 16);
        Packet p = new Packet();
        int parsed = 0;
        for (int i = 0; i < FRAMES; i++) {
            byte[] frame = HostileFrames.mutate(models[random.nextInt(models.length)], random);
            p.address = end - frame.length;
            TestPackets.fill(p, frame);
            if (PacketParser.parse(p) == null) {
                parsed++;
                touchAll(p);
            }
        }
        System.out.println(FRAMES + " frames, " + parsed + " parsed");
        assertThat(parsed).isGreaterThan(FRAMES / 10);
        Memory.fill(memory.address(), 1 << 16, 0);
    }

    private static void touchAll(Packet p) {
        for (Field field : Field.values()) {
            long low = p.low(field);
            long high = p.high(field);
            switch (field) {
                case DATAPATH,
                        ETH_TYPE,
                        VLAN_TCI,
                        IP_PROTO,
                        IP_FRAG,
                        IP6_LABEL,
                        TCP_FLAGS,
                        CT_STATE,
                        CT_MARK,
                        CT_LABEL -> {}
                default -> {
                    HeaderFields.write(p, field, high, low);
                    assertThat(p.low(field)).isEqualTo(low);
                    assertThat(p.high(field)).isEqualTo(high);
                }
            }
        }
        new FlowKey().of(p, 1);
        Tuple key = new Tuple();
        key.of(p, 1);
        if (HeaderFields.isIcmp(p)) {
            key.ofError(p, 1);
        }
    }

    @Test
    void writesKeepChecksumsRight() {
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 2000; i++) {
            Packet p =
                    TestPackets.parsed(
                            frame(
                                    random.nextBoolean()
                                            ? Frames.udp4(SRC, DST, 7, 9, new byte[i % 50])
                                            : Frames.tcp4(SRC, DST, 7, 9, 1, 2, 16, i % 50)));
            HeaderFields.write(p, Field.IP4_SRC, 0, random.nextInt() & 0xffffffffL);
            HeaderFields.write(p, Field.IP4_DST, 0, random.nextInt() & 0xffffffffL);
            HeaderFields.write(p, Field.L4_SRC, 0, random.nextInt(65536));
            HeaderFields.write(p, Field.L4_DST, 0, random.nextInt(65536));
            HeaderFields.write(p, Field.IP_TTL, 0, random.nextInt(256));
            HeaderFields.write(p, Field.IP_DSCP, 0, random.nextInt(64));
            assertChecksums(TestPackets.bytes(p));
        }
    }

    static void assertChecksums(byte[] frame) {
        assertThat(Frames.checksum(frame, 14, 20, 0)).isZero();
        byte[] segment = Arrays.copyOfRange(frame, 34, frame.length);
        int source = (int) TestPackets.of(frame).u32(26);
        int destination = (int) TestPackets.of(frame).u32(30);
        assertThat(Frames.transport(source, destination, frame[23], segment)).isIn(0, 0xffff);
    }
}
