package dev.iod.eswitch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.packet.HeaderFields;
import dev.iod.eswitch.packet.Packet;
import dev.iod.eswitch.replies.Crafter;
import dev.iod.eswitch.replies.DhcpServer;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.eswitch.tunnel.Geneve;
import dev.iod.pipeline.Action.Reply;
import dev.iod.pipeline.Field;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packets the engine makes, read by tshark: the oracle nobody here wrote. */
final class CraftedPacketsTest {
    private static final long CLIENT = 0x0a_0000_0000_01L;
    private static final long ROUTER = 0x0a_0000_0000_ffL;
    private static final int IP = Frames.address(10, 0, 0, 5);
    private static final int FAR = Frames.address(192, 0, 2, 9);
    private static final byte[] SIX = address6(1);
    private static final byte[] SIX_FAR = address6(2);
    private static final byte[] OPTIONS = {
        1,
        4,
        (byte) 255,
        (byte) 255,
        (byte) 255,
        0,
        3,
        4,
        10,
        0,
        0,
        1,
        51,
        4,
        0,
        0,
        14,
        16,
        54,
        4,
        10,
        0,
        0,
        2,
        26,
        2,
        5,
        (byte) 0xa2
    };

    @TempDir Path directory;

    private static byte[] address6(int last) {
        byte[] address = new byte[16];
        address[0] = 0x20;
        address[1] = 1;
        address[15] = (byte) last;
        return address;
    }

    private static byte[] craft(Reply reply, byte[] frame) {
        Packet made = TestPackets.of(new byte[0]);
        assertThat(new Crafter().craft(reply, TestPackets.parsed(frame), made))
                .as("%s", reply)
                .isTrue();
        return TestPackets.bytes(made);
    }

    private static boolean refused(Reply reply, byte[] frame) {
        return !new Crafter().craft(reply, TestPackets.parsed(frame), TestPackets.of(new byte[0]));
    }

    /** One line of tab-separated fields per frame. */
    private List<String> tshark(List<byte[]> frames, String... fields) throws Exception {
        Path file = directory.resolve("frames.pcap");
        Files.write(file, pcap(frames));
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "tshark",
                                "-r",
                                file.toString(),
                                "-T",
                                "fields",
                                "-o",
                                "ip.check_checksum:TRUE",
                                "-o",
                                "udp.check_checksum:TRUE",
                                "-o",
                                "tcp.check_checksum:TRUE"));
        for (String field : fields) {
            command.add("-e");
            command.add(field);
        }
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("tshark").isZero();
        return text.lines().toList();
    }

    private static byte[] pcap(List<byte[]> frames) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(0xa1b2c3d4);
        out.writeInt(0x0002_0004);
        out.writeLong(0);
        out.writeInt(65535);
        out.writeInt(1);
        for (byte[] frame : frames) {
            out.writeLong(0);
            out.writeInt(frame.length);
            out.writeInt(frame.length);
            out.write(frame);
        }
        return bytes.toByteArray();
    }

    private void assertSound(List<byte[]> frames) throws Exception {
        // 1 = good; empty = no such header. Expert severity would name anything malformed.
        List<String> lines =
                tshark(
                        frames,
                        "ip.checksum.status",
                        "udp.checksum.status",
                        "tcp.checksum.status",
                        "icmp.checksum.status",
                        "icmpv6.checksum.status",
                        "_ws.malformed");
        assertThat(lines).hasSameSizeAs(frames);
        for (String line : lines) {
            // The quoted packet of an ICMP error may be cut, so its checksum is "not verified" (2).
            assertThat(line.replaceAll("[12,\\t]", "")).as(line).isEmpty();
            assertThat(line).contains("1");
        }
    }

    private static byte[] udp(int length) {
        return Frames.ethernet(
                ROUTER, CLIENT, 0x0800, Frames.udp4(IP, FAR, 1000, 53, new byte[length]));
    }

    @Test
    void arpRequest() throws Exception {
        byte[] arp = craft(Reply.ARP, udp(4));
        assertThat(
                        tshark(
                                List.of(arp),
                                "arp.opcode",
                                "arp.src.hw_mac",
                                "arp.src.proto_ipv4",
                                "arp.dst.proto_ipv4"))
                .containsExactly("1\t0a:00:00:00:00:01\t10.0.0.5\t192.0.2.9");
    }

    @Test
    void icmp4ErrorsQuoteTheOriginal() throws Exception {
        byte[] small = craft(Reply.ICMP4, udp(20));
        byte[] large = craft(Reply.ICMP4_ERROR, udp(1300));
        byte[] reject = craft(Reply.REJECT, udp(20));
        assertSound(List.of(small, large, reject));
        assertThat(large).hasSize(14 + 576);
        assertThat(
                        tshark(
                                List.of(small, reject),
                                "icmp.type",
                                "icmp.code",
                                "ip.src",
                                "udp.dstport"))
                .containsExactly("3\t1\t10.0.0.5,10.0.0.5\t53", "3\t3\t192.0.2.9,10.0.0.5\t53");
    }

    @Test
    void icmp6Errors() throws Exception {
        byte[] udp = new byte[1300];
        udp[4] = 0x05;
        udp[5] = 0x14;
        byte[] frame = Frames.ethernet(ROUTER, CLIENT, 0x86dd, Frames.ip6(SIX, SIX_FAR, 17, udp));
        byte[] error = craft(Reply.ICMP6, frame);
        assertThat(error).hasSize(14 + 1280);
        assertThat(tshark(List.of(error), "icmpv6.type", "icmpv6.code", "icmpv6.checksum.status"))
                .containsExactly("1\t1\t1");
    }

    @Test
    void noErrorAboutErrorsBroadcastsOrFragments() {
        byte[] error = craft(Reply.ICMP4, udp(20));
        assertThat(refused(Reply.ICMP4, error)).isTrue();
        assertThat(refused(Reply.REJECT, error)).isTrue();
        byte[] broadcast =
                Frames.ethernet(-1L >>> 16, CLIENT, 0x0800, Frames.udp4(IP, -1, 1, 2, new byte[4]));
        assertThat(refused(Reply.ICMP4, broadcast)).isTrue();
        byte[] fromNowhere =
                Frames.ethernet(ROUTER, CLIENT, 0x0800, Frames.udp4(0, FAR, 1, 2, new byte[4]));
        assertThat(refused(Reply.ICMP4, fromNowhere)).isTrue();
        byte[] ping = Frames.ethernet(ROUTER, CLIENT, 0x0800, Frames.echo4(IP, FAR, 8, 1, 1));
        assertThat(refused(Reply.ICMP4, ping)).isFalse();
    }

    @Test
    void tcpResets() throws Exception {
        byte[] syn =
                Frames.ethernet(
                        ROUTER, CLIENT, 0x0800, Frames.tcp4(IP, FAR, 1000, 80, 77, 0, 2, 0));
        byte[] data =
                Frames.ethernet(
                        ROUTER, CLIENT, 0x0800, Frames.tcp4(IP, FAR, 1000, 80, 77, 99, 16, 10));
        byte[] rst =
                Frames.ethernet(
                        ROUTER, CLIENT, 0x0800, Frames.tcp4(IP, FAR, 1000, 80, 77, 99, 4, 0));
        List<byte[]> made = List.of(craft(Reply.REJECT, syn), craft(Reply.TCP_RESET, data));
        assertSound(made);
        assertThat(tshark(made, "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.srcport", "ip.src"))
                .containsExactly("0x0014\t0\t78\t80\t192.0.2.9", "0x0004\t99\t0\t80\t10.0.0.5");
        assertThat(refused(Reply.TCP_RESET, rst)).isTrue();
    }

    @Test
    void sctpAborts() throws Exception {
        byte[] init = sctp("03e80050" + "00000000" + "00000000" + "01000014" + "0a0b0c0d");
        byte[] data = sctp("03e80050" + "01020304" + "00000000" + "00030010" + "00000001");
        List<byte[]> made = List.of(craft(Reply.REJECT, init), craft(Reply.SCTP_ABORT, data));
        assertSound(made);
        assertThat(
                        tshark(
                                made,
                                "sctp.chunk_type",
                                "sctp.verification_tag",
                                "sctp.chunk_flags",
                                "sctp.srcport",
                                "ip.src"))
                .containsExactly(
                        "6\t0x0a0b0c0d\t0x00\t80\t192.0.2.9", "6\t0x01020304\t0x01\t80\t10.0.0.5");
        for (byte[] frame : made) {
            byte[] packet = java.util.Arrays.copyOfRange(frame, 34, 50);
            int sum = 0;
            for (int i = 0; i < 4; i++) {
                sum |= (packet[8 + i] & 0xff) << 8 * i;
                packet[8 + i] = 0;
            }
            assertThat(sum).isEqualTo(castagnoli(packet));
        }
        byte[] abort = sctp("03e80050" + "01020304" + "00000000" + "06000004");
        assertThat(refused(Reply.SCTP_ABORT, abort)).isTrue();
        assertThat(refused(Reply.SCTP_ABORT, sctp("03e80050" + "01020304" + "00000000"))).isTrue();
    }

    private static byte[] sctp(String message) {
        byte[] bytes = java.util.HexFormat.of().parseHex(message);
        return Frames.ethernet(ROUTER, CLIENT, 0x0800, Frames.ip4(IP, FAR, 132, 64, bytes));
    }

    /** CRC32c bit by bit (RFC 9260 appendix A). */
    private static int castagnoli(byte[] bytes) {
        int crc = -1;
        for (byte b : bytes) {
            crc ^= b & 0xff;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 1) == 0 ? crc >>> 1 : crc >>> 1 ^ 0x82f63b78;
            }
        }
        return ~crc;
    }

    @Test
    void neighbourDiscovery() throws Exception {
        byte[] frame =
                Frames.ethernet(ROUTER, CLIENT, 0x86dd, Frames.ip6(SIX, SIX_FAR, 59, new byte[0]));
        byte[] solicit = craft(Reply.ND_NEIGHBOR_SOLICIT, frame);
        byte[] advert = craft(Reply.ND_NEIGHBOR_ADVERT_ROUTER, solicit);
        assertSound(List.of(solicit, advert));
        assertThat(
                        tshark(
                                List.of(solicit, advert),
                                "eth.dst",
                                "icmpv6.type",
                                "icmpv6.nd.ns.target_address",
                                "icmpv6.nd.na.target_address",
                                "icmpv6.nd.na.flag.s",
                                "icmpv6.nd.na.flag.r",
                                "ipv6.hlim"))
                .containsExactly(
                        "33:33:ff:00:00:02\t135\t2001::2\t\t\t\t255",
                        "0a:00:00:00:00:01\t136\t\t2001::2\t1\t1\t255");
    }

    private static byte[] dhcp(int type, int requested, int flags, int client) {
        ByteBuffer message = ByteBuffer.allocate(300);
        message.put(new byte[] {1, 1, 6, 0}).putInt(0x12345678).putShort((short) 3);
        message.putShort((short) flags).putInt(client);
        message.position(28).putShort((short) 0x0a00).putInt(1);
        message.position(236).putInt(0x63825363);
        message.put(new byte[] {53, 1, (byte) type});
        if (requested != 0) {
            message.put(new byte[] {50, 4}).putInt(requested);
        }
        message.put((byte) 255);
        return Frames.ethernet(
                -1L >>> 16, CLIENT, 0x0800, Frames.udp4(client, -1, 68, 67, message.array()));
    }

    private static byte[] dhcpReply(byte[] request) {
        Packet p = TestPackets.parsed(request);
        assertThat(DhcpServer.reply(p, IP, OPTIONS)).isTrue();
        // As the rules after put_dhcp_opts do.
        HeaderFields.write(p, Field.IP4_SRC, 0, Frames.address(10, 0, 0, 2));
        HeaderFields.write(p, Field.L4_SRC, 0, 67);
        HeaderFields.write(p, Field.L4_DST, 0, 68);
        return TestPackets.bytes(p);
    }

    @Test
    void dhcpOfferAckAndNak() throws Exception {
        byte[] offer = dhcpReply(dhcp(1, 0, 0x8000, 0));
        byte[] ack = dhcpReply(dhcp(3, IP, 0, 0));
        byte[] renewed = dhcpReply(dhcp(3, 0, 0, IP));
        byte[] nak = dhcpReply(dhcp(3, FAR, 0, 0));
        List<byte[]> replies = List.of(offer, ack, renewed, nak);
        assertSound(replies);
        assertThat(
                        tshark(
                                replies,
                                "dhcp.option.dhcp",
                                "dhcp.ip.your",
                                "ip.dst",
                                "dhcp.option.interface_mtu",
                                "dhcp.option.dhcp_server_id",
                                "dhcp.id"))
                .containsExactly(
                        "2\t10.0.0.5\t255.255.255.255\t1442\t10.0.0.2\t0x12345678",
                        "5\t10.0.0.5\t10.0.0.5\t1442\t10.0.0.2\t0x12345678",
                        "5\t10.0.0.5\t10.0.0.5\t1442\t10.0.0.2\t0x12345678",
                        "6\t0.0.0.0\t255.255.255.255\t\t10.0.0.2\t0x12345678");
    }

    /** RFC 2131 §4.3.5: no lease and no address, to the address the client has. */
    @Test
    void dhcpInformIsAnsweredWithoutALease() throws Exception {
        byte[] broadcast = dhcpReply(dhcp(8, 0, 0x8000, IP));
        byte[] unicast = dhcpReply(dhcp(8, 0, 0, IP));
        List<byte[]> replies = List.of(broadcast, unicast);
        assertSound(replies);
        assertThat(
                        tshark(
                                replies,
                                "dhcp.option.dhcp",
                                "dhcp.ip.your",
                                "dhcp.ip.client",
                                "ip.dst",
                                "dhcp.option.interface_mtu",
                                "dhcp.option.dhcp_server_id",
                                "dhcp.option.ip_address_lease_time",
                                "dhcp.option.subnet_mask"))
                .containsExactly(
                        "5\t0.0.0.0\t10.0.0.5\t255.255.255.255\t1442\t10.0.0.2\t\t",
                        "5\t0.0.0.0\t10.0.0.5\t10.0.0.5\t1442\t10.0.0.2\t\t");
    }

    @Test
    void whatIsNoDhcpRequestIsLeftAlone() {
        for (byte[] frame : List.of(udp(300), dhcp(7, 0, 0, 0), dhcp(2, 0, 0, 0))) {
            Packet p = TestPackets.parsed(frame);
            assertThat(DhcpServer.reply(p, IP, OPTIONS)).isFalse();
            assertThat(TestPackets.bytes(p)).isEqualTo(frame);
        }
    }

    @Test
    void tunnelsAreGeneveAsOvnSpeaksIt() throws Exception {
        Packet p = TestPackets.parsed(udp(20));
        Geneve.encapsulate(p, new Geneve.Route(1, 2, IP, FAR), 0xabcdef, 5 << 16 | 6, 77);
        byte[] outer = TestPackets.bytes(p);
        assertThat(
                        tshark(
                                List.of(outer),
                                "ip.checksum.status",
                                "udp.checksum.status",
                                "udp.dstport",
                                "geneve.vni",
                                "geneve.option.class",
                                "geneve.option.type",
                                "geneve.flags",
                                "ip.flags.df"))
                .containsExactly("1,1\t1,1\t6081,53\t0xabcdef\t0x0102\t0x80\t0x40\t1,1");
    }
}
