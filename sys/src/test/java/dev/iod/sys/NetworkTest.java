package dev.iod.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Netlink and TUN in a real namespace of its own. Needs root. */
@Timeout(60)
class NetworkTest {
    private static final String NS = "iod-sys-" + ProcessHandle.current().pid();
    private static final int LEFT = 0x0a630001; // 10.99.0.1
    private static final int RIGHT = 0x0a630002;

    static void ip(String arguments) {
        try {
            Process process =
                    new ProcessBuilder(("ip " + arguments).split(" ")).inheritIO().start();
            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as("ip %s (needs root)", arguments).isZero();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @BeforeAll
    static void makeNamespaces() {
        ip("netns add " + NS);
        ip("netns add " + NS + "b");
        ip("-n " + NS + " link add left type veth peer name right netns " + NS + "b");
        ip("-n " + NS + " addr add 10.99.0.1/24 dev left");
        ip("-n " + NS + " link set left up mtu 1400");
        ip("-n " + NS + "b addr add 10.99.0.2/24 dev right");
        ip("-n " + NS + "b link set right up");
        ip("-n " + NS + " route add 10.100.0.0/16 via 10.99.0.2");
    }

    @AfterAll
    static void removeNamespaces() {
        ip("netns del " + NS);
        ip("netns del " + NS + "b");
    }

    @Test
    void linksRoutesAndNeighboursAreFound() {
        NetNamespace.call(
                NS,
                () -> {
                    try (var netlink = RtNetlink.open();
                            var monitor = RtNetlink.Monitor.open()) {
                        var left = netlink.link("left").orElseThrow();
                        assertThat(left.mtuBytes()).isEqualTo(1400);
                        assertThat(left.mac()).isPositive();
                        assertThat(left.up()).isTrue();
                        assertThat(left.name()).isEqualTo("left");
                        assertThat(netlink.link("none")).isEmpty();
                        assertThat(netlink.route(RIGHT))
                                .contains(new RtNetlink.Route(left.index(), LEFT, RIGHT));
                        assertThat(netlink.route(0x0a640505))
                                .contains(new RtNetlink.Route(left.index(), LEFT, RIGHT));
                        assertThat(netlink.route(0x08080808)).isEmpty();
                        monitor.drain();
                        assertThat(netlink.neighbor(left.index(), RIGHT)).isEmpty();
                        netlink.resolve(left.index(), RIGHT);
                        while (netlink.neighbor(left.index(), RIGHT).isEmpty()) {
                            assertThat(Linux.pollReadable(new int[] {monitor.fd()}, 5_000))
                                    .isEqualTo(1);
                            assertThat(monitor.drain()).isTrue();
                        }
                        long right =
                                NetNamespace.call(
                                        NS + "b",
                                        () -> {
                                            try (var other = RtNetlink.open()) {
                                                return other.link("right").orElseThrow().mac();
                                            }
                                        });
                        assertThat(netlink.neighbor(left.index(), RIGHT)).contains(right);
                        return true;
                    }
                });
    }

    @Test
    void theCallingThreadStaysWhereItIs() {
        String inside = NetNamespace.call(NS, () -> String.valueOf(RtNetlinkNames.has("left")));
        assertThat(inside).isEqualTo("true");
        assertThat(RtNetlinkNames.has("left")).isFalse();
        assertThatThrownBy(() -> NetNamespace.call("../etc", () -> 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> NetNamespace.call("iod-none", () -> 1))
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }

    private static final class RtNetlinkNames {
        static boolean has(String name) {
            try (var netlink = RtNetlink.open()) {
                return netlink.link(name).isPresent();
            }
        }
    }

    @Test
    void aPersistentTunCarriesPackets() {
        assertThatThrownBy(() -> Tun.attach(NS, "svc0"))
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV));
        Tun.createPersistent(NS, "svc0");
        Tun.createPersistent(NS, "svc0");
        ip("-n " + NS + " addr add 169.254.169.254/32 dev svc0");
        ip("-n " + NS + " link set svc0 up");
        ip("-n " + NS + " route add 198.18.0.0/15 dev svc0");
        try (var tun = Tun.attach(NS, "svc0");
                var memory = Mapping.anonymous(4096)) {
            assertThatThrownBy(() -> Tun.attach(NS, "svc0"))
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY));
            // An ICMP echo request from 198.18.0.7; the kernel answers it.
            byte[] echo = {
                0x45,
                0,
                0,
                28,
                0,
                1,
                0,
                0,
                64,
                1,
                0,
                0,
                (byte) 198,
                18,
                0,
                7,
                (byte) 169,
                (byte) 254,
                (byte) 169,
                (byte) 254,
                8,
                0,
                (byte) 0xf7,
                (byte) 0xfe,
                0,
                1,
                0,
                0
            };
            int sum = 0;
            for (int i = 0; i < 20; i += 2) {
                sum += (echo[i] & 0xff) << 8 | echo[i + 1] & 0xff;
            }
            sum = ~((sum & 0xffff) + (sum >>> 16));
            echo[10] = (byte) (sum >> 8);
            echo[11] = (byte) sum;
            Memory.copyFromArray(echo, 0, memory.address(), echo.length);
            assertThat(tun.write(memory.address(), echo.length)).isTrue();
            int length = 0;
            while (length != 28) {
                assertThat(Linux.pollReadable(new int[] {tun.fd()}, 5_000)).isEqualTo(1);
                length = tun.read(memory.address(), 4096);
            }
            assertThat(Memory.readByte(memory.address() + 20)).as("echo reply").isZero();
            assertThat(Memory.readIntNetwork(memory.address() + 16)).isEqualTo(0xc6120007);
            assertThat(tun.read(memory.address(), 4096)).isEqualTo(-1);
        }
        Tun.delete(NS, "svc0");
    }
}
