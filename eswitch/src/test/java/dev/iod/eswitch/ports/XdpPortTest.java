package dev.iod.eswitch.ports;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.eswitch.tunnel.GeneveXdp;
import dev.iod.pipeline.DropReason;
import dev.iod.sys.Errno;
import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.NetNamespace;
import dev.iod.sys.RtNetlink;
import dev.iod.sys.SysException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two uplinks on the ends of a veth in namespaces of their own. Needs root. */
@Timeout(60)
public class XdpPortTest {
    private static final String A = "iod-xa-" + ProcessHandle.current().pid();
    private static final String B = "iod-xb-" + ProcessHandle.current().pid();
    private static final int LEFT = 0x0a620001; // 10.98.0.1
    private static final int RIGHT = 0x0a620002;

    private final List<AutoCloseable> open = new ArrayList<>();
    private PacketBatch batch;
    private long frame;

    public static void ip(String arguments) {
        try {
            Process process =
                    new ProcessBuilder(("ip " + arguments).split(" ")).inheritIO().start();
            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as("ip %s (needs root)", arguments).isZero();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @BeforeEach
    void start() {
        ip("netns add " + A);
        ip("netns add " + B);
        ip("-n " + A + " link add up0 type veth peer name up0 netns " + B);
        ip("-n " + A + " addr add 10.98.0.1/24 dev up0");
        ip("-n " + B + " addr add 10.98.0.2/24 dev up0");
        ip("-n " + A + " link set up0 up");
        ip("-n " + B + " link set up0 up");
        Mapping slots = keep(Mapping.anonymous((long) PacketBatch.CAPACITY * PacketBatch.STRIDE));
        batch = new PacketBatch(slots.address());
        frame = keep(Mapping.anonymous(16384)).address();
    }

    private <T extends AutoCloseable> T keep(T resource) {
        open.add(resource);
        return resource;
    }

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable resource : open.reversed()) {
            resource.close();
        }
        ip("netns del " + A);
        ip("netns del " + B);
    }

    /** An Ethernet frame with IPv4 and UDP; the kernel of the other side is its MAC address. */
    private int frame(
            long destinationMac, int version, int fragment, int protocol, int ip, int port) {
        byte[] bytes = new byte[100];
        ByteBuffer b = ByteBuffer.wrap(bytes);
        b.putShort((short) (destinationMac >>> 32)).putInt((int) destinationMac);
        b.put(new byte[] {2, 0, 0, 0, 0, 1}).putShort((short) 0x0800);
        b.put((byte) version).put((byte) 0).putShort((short) 86).putShort((short) 1);
        b.putShort((short) fragment).put((byte) 64).put((byte) protocol).putShort((short) 0);
        b.putInt(LEFT).putInt(ip);
        b.putShort((short) 40000).putShort((short) port).putShort((short) 66).putShort((short) 0);
        Memory.copyFromArray(bytes, 0, frame, bytes.length);
        return bytes.length;
    }

    private long macOf(String namespace) {
        return NetNamespace.call(
                namespace,
                () -> {
                    try (var netlink = RtNetlink.open()) {
                        return netlink.link("up0").orElseThrow().mac();
                    }
                });
    }

    private int receive(XdpPort uplink) {
        batch.count = 0;
        if (uplink.receive(batch) == 0 && uplink.armWakeup()) {
            Linux.pollReadable(uplink.wakeDescriptors(), 2_000);
            uplink.disarmWakeup();
            uplink.receive(batch);
        }
        return batch.count;
    }

    @Test
    void redirectsGeneveForItsAddressAndNothingElse() {
        XdpPort left = keep(NetNamespace.call(A, () -> XdpPort.open("up0", new GeneveXdp(LEFT))));
        XdpPort right = keep(NetNamespace.call(B, () -> XdpPort.open("up0", new GeneveXdp(RIGHT))));
        long mac = macOf(B);
        int[][] others = {
            {0x46, 0, 17, RIGHT, 6081}, // IP options
            {0x45, 0x2000, 17, RIGHT, 6081}, // first fragment
            {0x45, 0x00b9, 17, RIGHT, 6081}, // later fragment
            {0x45, 0, 6, RIGHT, 6081}, // TCP
            {0x45, 0, 17, LEFT, 6081}, // another address
            {0x45, 0, 17, RIGHT, 6082}, // another port
        };
        for (int[] o : others) {
            assertThat(left.transmit(frame, frame(mac, o[0], o[1], o[2], o[3], o[4]))).isTrue();
        }
        // Don't-fragment is no fragment.
        assertThat(left.transmit(frame, frame(mac, 0x45, 0x4000, 17, RIGHT, 6081))).isTrue();
        left.flush();
        assertThat(receive(right)).isEqualTo(1);
        assertThat(batch.length[0]).isEqualTo(100);
        assertThat(Memory.readShortNetwork(batch.address(0) + 20)).isEqualTo(0x4000);
        assertThat(Memory.readShortNetwork(batch.address(0) + 36)).isEqualTo(6081);
        // The kernel still answers on the same interface.
        assertThat(exchangeByKernel()).isEqualTo("through the kernel");
    }

    /** TCP between the two kernels, over the interfaces the uplinks are attached to. */
    private static String exchangeByKernel() {
        ServerSocketChannel server =
                NetNamespace.call(
                        B,
                        () -> {
                            try {
                                return ServerSocketChannel.open()
                                        .bind(new InetSocketAddress("10.98.0.2", 8080));
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        });
        SocketChannel client =
                NetNamespace.call(
                        A,
                        () -> {
                            try {
                                return SocketChannel.open(new InetSocketAddress("10.98.0.2", 8080));
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        });
        try (server;
                client;
                SocketChannel accepted = server.accept()) {
            client.write(ByteBuffer.wrap("through the kernel".getBytes(UTF_8)));
            client.shutdownOutput();
            return new String(Channels.newInputStream(accepted).readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void carriesManyFramesBothWaysWithoutLoss() {
        XdpPort left = keep(NetNamespace.call(A, () -> XdpPort.open("up0", new GeneveXdp(LEFT))));
        XdpPort right = keep(NetNamespace.call(B, () -> XdpPort.open("up0", new GeneveXdp(RIGHT))));
        int toRight = 0;
        int length = frame(macOf(B), 0x45, 0, 17, RIGHT, 6081);
        for (int round = 0; round < 400; round++) {
            for (int i = 0; i < 50; i++) {
                Memory.writeInt(frame + 50, round * 50 + i);
                assertThat(left.transmit(frame, length)).isTrue();
            }
            left.flush();
            for (int got = 0; got < 50; got += batch.count) {
                assertThat(receive(right)).isPositive();
                for (int i = 0; i < batch.count; i++) {
                    assertThat(Memory.readInt(batch.address(i) + 50)).isEqualTo(toRight++);
                }
            }
        }
        assertThat(toRight).isEqualTo(20_000);
        assertThat(right.drops(DropReason.UPLINK_OVERRUN)).isZero();
        assertThat(left.transmit(frame, 1515)).as("longer than the MTU allows").isFalse();
    }

    @Test
    void whatComesWhileTheRingIsFullIsCounted() {
        XdpPort left = keep(NetNamespace.call(A, () -> XdpPort.open("up0", new GeneveXdp(LEFT))));
        XdpPort right = keep(NetNamespace.call(B, () -> XdpPort.open("up0", new GeneveXdp(RIGHT))));
        int length = frame(macOf(B), 0x45, 0, 17, RIGHT, 6081);
        int sent = 0;
        while (right.drops(DropReason.UPLINK_OVERRUN) == 0 && sent < 100_000) {
            for (int i = 0; i < 50; i++) {
                sent += left.transmit(frame, length) ? 1 : 0;
            }
            left.flush();
        }
        assertThat(right.drops(DropReason.UPLINK_OVERRUN)).isPositive();
        // Each is counted once: those that were not dropped are there.
        long seen = 0;
        while (seen + right.drops(DropReason.UPLINK_OVERRUN) < sent) {
            left.flush();
            seen += receive(right);
        }
        assertThat(seen + right.drops(DropReason.UPLINK_OVERRUN)).isEqualTo(sent);
        assertThat(receive(right)).isZero();
    }

    @Test
    void aDownInterfaceNeitherFailsNorKeepsTheEngineAwake() {
        XdpPort left = keep(NetNamespace.call(A, () -> XdpPort.open("up0", new GeneveXdp(LEFT))));
        ip("-n " + A + " link set up0 down");
        int length = frame(1, 0x45, 0, 17, RIGHT, 6081);
        for (int i = 0; i < 5_000; i++) {
            left.transmit(frame, length);
            left.flush();
        }
        assertThat(left.armWakeup()).isTrue();
        left.disarmWakeup();
        ip("-n " + A + " link set up0 up");
        left.flush();
    }

    @Test
    void saysWhatIsWrong() {
        assertThatThrownBy(
                        () -> NetNamespace.call(A, () -> XdpPort.open("nope", new GeneveXdp(LEFT))))
                .isInstanceOf(SysException.class)
                .hasMessageContaining("no interface nope");
        keep(NetNamespace.call(A, () -> XdpPort.open("up0", new GeneveXdp(LEFT))));
        assertThatThrownBy(
                        () -> NetNamespace.call(A, () -> XdpPort.open("up0", new GeneveXdp(LEFT))))
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY));
    }
}
