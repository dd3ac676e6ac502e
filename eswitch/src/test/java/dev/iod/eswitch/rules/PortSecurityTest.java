package dev.iod.eswitch.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.eswitch.packet.Looks;
import dev.iod.eswitch.testing.Frames;
import dev.iod.eswitch.testing.TestPackets;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.PortSecurity.Allowed;
import dev.iod.pipeline.Entity.Target;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class PortSecurityTest {
    private static final Looks LOOKS = (packet, field, high, low) -> {};
    private static final long MAC = 0x0a_0000_0000_01L;
    private static final long OTHER = 0x0a_0000_0000_02L;
    private static final int IP = Frames.address(10, 0, 0, 5);
    private static final int ELSE = Frames.address(10, 0, 0, 6);
    private static final byte[] LINK_LOCAL = ip6(0xfe80, 0x0800, 0x00ff, 0xfe00, 0x0001);
    private static final byte[] GLOBAL = ip6(0x2001, 0, 0, 0, 5);
    private static final byte[] ALL_NODES = ip6(0xff02, 0, 0, 0, 1);

    private static byte[] ip6(int first, int... last) {
        byte[] address = new byte[16];
        address[0] = (byte) (first >>> 8);
        address[1] = (byte) first;
        for (int i = 0; i < 4; i++) {
            address[8 + i * 2] = (byte) (last[i] >>> 8);
            address[9 + i * 2] = (byte) last[i];
        }
        return address;
    }

    private static Entity.LogicalPort port(Allowed... allowed) {
        return new Entity.LogicalPort(
                1,
                "p",
                new Target.Nowhere(),
                0,
                Optional.of(new Entity.PortSecurity(List.of(allowed))));
    }

    private static Masked ip(int address, int prefix) {
        return new Masked(
                Bits.of(address & 0xffffffffL), Bits.of(-1L << (32 - prefix) & 0xffffffffL));
    }

    private static final Entity.LogicalPort ONE =
            port(new Allowed(MAC, List.of(ip(IP, 32)), List.of()));
    private static final Entity.LogicalPort MAC_ONLY = port(new Allowed(MAC, List.of(), List.of()));
    private static final Entity.LogicalPort SIX =
            port(
                    new Allowed(
                            MAC,
                            List.of(),
                            List.of(
                                    new Masked(
                                            new Bits(0x2001_0000_0000_0000L, 5), Bits.ones(128)))));

    private static boolean in(Entity.LogicalPort port, byte[] frame) {
        return !PortSecurityCheck.violatesIn(TestPackets.parsed(frame), port, LOOKS);
    }

    private static boolean out(Entity.LogicalPort port, byte[] frame) {
        return !PortSecurityCheck.violatesOut(TestPackets.parsed(frame), port, LOOKS);
    }

    private static byte[] udp(long from, long to, int source, int destination) {
        return Frames.ethernet(
                to, from, 0x0800, Frames.udp4(source, destination, 1, 2, new byte[0]));
    }

    @Test
    void senderMustUseItsOwnAddresses() {
        assertThat(in(ONE, udp(MAC, OTHER, IP, ELSE))).isTrue();
        assertThat(in(ONE, udp(OTHER, MAC, IP, ELSE))).isFalse();
        assertThat(in(ONE, udp(MAC, OTHER, ELSE, IP))).isFalse();
        assertThat(in(MAC_ONLY, udp(MAC, OTHER, ELSE, IP))).isTrue();
        assertThat(in(SIX, udp(MAC, OTHER, IP, ELSE))).isFalse();
    }

    @Test
    void addressesInsideArpCount() {
        assertThat(in(ONE, Frames.arpRequest(MAC, IP, ELSE))).isTrue();
        assertThat(in(ONE, Frames.arpRequest(MAC, ELSE, IP))).isFalse();
        byte[] forged = Frames.arpRequest(MAC, IP, ELSE);
        forged[27] = 9;
        assertThat(in(ONE, forged)).isFalse();
        assertThat(in(MAC_ONLY, forged)).isFalse();
    }

    @Test
    void dhcpDiscoveryIsAllowed() {
        byte[] discover =
                Frames.ethernet(-1L >>> 16, MAC, 0x0800, Frames.udp4(0, -1, 68, 67, new byte[10]));
        byte[] other =
                Frames.ethernet(-1L >>> 16, MAC, 0x0800, Frames.udp4(0, -1, 68, 53, new byte[10]));
        assertThat(in(ONE, discover)).isTrue();
        assertThat(in(ONE, other)).isFalse();
    }

    @Test
    void ip6LinkLocalAndDuplicateDetectionAreAllowed() {
        byte[] unspecified = new byte[16];
        assertThat(in(SIX, solicit(LINK_LOCAL, MAC))).isTrue();
        assertThat(in(SIX, solicit(GLOBAL, MAC))).isTrue();
        assertThat(in(SIX, solicit(unspecified, 0))).isTrue();
        assertThat(in(SIX, solicit(LINK_LOCAL, OTHER))).isFalse();
        assertThat(in(SIX, solicit(ip6(0xfe80, 1, 2, 3, 4), MAC))).isFalse();
        assertThat(in(SIX, advertise(GLOBAL, GLOBAL, MAC))).isTrue();
        assertThat(in(SIX, advertise(GLOBAL, ip6(0x2001, 0, 0, 0, 6), MAC))).isFalse();
        assertThat(in(SIX, advertise(GLOBAL, GLOBAL, OTHER))).isFalse();
    }

    private static byte[] solicit(byte[] source, long sll) {
        return neighbor(135, source, GLOBAL, 1, sll);
    }

    private static byte[] advertise(byte[] source, byte[] target, long tll) {
        return neighbor(136, source, target, 2, tll);
    }

    private static byte[] neighbor(int type, byte[] source, byte[] target, int option, long mac) {
        byte[] message = new byte[mac == 0 ? 24 : 32];
        message[0] = (byte) type;
        System.arraycopy(target, 0, message, 8, 16);
        if (mac != 0) {
            message[24] = (byte) option;
            message[25] = 1;
            for (int i = 0; i < 6; i++) {
                message[26 + i] = (byte) (mac >>> (40 - 8 * i));
            }
        }
        return Frames.ethernet(
                0x3333_0000_0001L, MAC, 0x86dd, Frames.icmp6(source, ALL_NODES, message));
    }

    @Test
    void receiverGetsWhatIsForIt() {
        assertThat(out(ONE, udp(OTHER, MAC, ELSE, IP))).isTrue();
        assertThat(out(ONE, udp(OTHER, MAC, ELSE, ELSE))).isFalse();
        assertThat(out(ONE, udp(MAC, OTHER, ELSE, IP))).isFalse();
        assertThat(out(ONE, udp(OTHER, MAC, ELSE, -1))).isTrue();
        assertThat(out(ONE, udp(OTHER, MAC, ELSE, Frames.address(224, 0, 0, 1)))).isTrue();
        assertThat(out(ONE, Frames.arpRequest(OTHER, ELSE, IP))).isTrue();
        Entity.LogicalPort network = port(new Allowed(MAC, List.of(ip(IP, 24)), List.of()));
        int broadcast = Frames.address(10, 0, 0, 255);
        assertThat(out(network, udp(OTHER, MAC, ELSE, broadcast))).isTrue();
        assertThat(out(network, udp(OTHER, MAC, ELSE, ELSE))).isFalse();
    }
}
