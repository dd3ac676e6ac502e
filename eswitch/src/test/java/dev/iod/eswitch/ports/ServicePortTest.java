package dev.iod.eswitch.ports;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.eswitch.packet.PacketBatch;
import dev.iod.pipeline.DropReason;
import dev.iod.pipeline.Entity;
import dev.iod.sys.Errno;
import dev.iod.sys.Linux;
import dev.iod.sys.Mapping;
import dev.iod.sys.Memory;
import dev.iod.sys.NetNamespace;
import dev.iod.sys.SysException;
import dev.iod.sys.Tun;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A service in one namespace and two guests with the same address in others: every TCP stack is the
 * kernel's, the test carries frames between TUN interfaces and the port. Needs root.
 */
@Timeout(60)
class ServicePortTest {
    private static final String ID = "iod-sp" + ProcessHandle.current().pid();
    private static final String SERVICE = ID + "s";
    private static final long SERVICE_MAC = 0x0a0000000001L;

    private final List<AutoCloseable> open = new ArrayList<>();
    private final List<Tun> guests = new ArrayList<>();
    private ServicePort port;
    private PacketBatch batch;
    private long frame;
    private volatile boolean stop;
    private Thread pump;

    @BeforeEach
    void start() {
        namespace(SERVICE, "169.254.169.254", "198.18.0.0/15");
        port = ServicePort.open(new Entity.Kind.Service(SERVICE, "tun0", SERVICE_MAC));
        for (int i = 0; i < 2; i++) {
            namespace(ID + i, "10.0.0.5", "169.254.169.254/32");
            guests.add(Tun.attach(ID + i, "tun0"));
        }
        Mapping slots = keep(Mapping.anonymous((long) PacketBatch.CAPACITY * PacketBatch.STRIDE));
        batch = new PacketBatch(slots.address());
        frame = keep(Mapping.anonymous(16384)).address();
        pump = Thread.ofPlatform().start(this::pump);
    }

    private static void namespace(String name, String address, String route) {
        XdpPortTest.ip("netns add " + name);
        Tun.createPersistent(name, "tun0");
        XdpPortTest.ip("-n " + name + " addr add " + address + "/32 dev tun0");
        XdpPortTest.ip("-n " + name + " link set tun0 up mtu 1442");
        XdpPortTest.ip("-n " + name + " route add " + route + " dev tun0");
    }

    private <T extends AutoCloseable> T keep(T resource) {
        open.add(resource);
        return resource;
    }

    @AfterEach
    void stop() throws Exception {
        stop = true;
        pump.join();
        for (AutoCloseable resource : open.reversed()) {
            resource.close();
        }
        guests.forEach(Tun::close);
        port.close();
        XdpPortTest.ip("netns del " + SERVICE);
        XdpPortTest.ip("netns del " + ID + 0);
        XdpPortTest.ip("netns del " + ID + 1);
    }

    private static long inPort(int guest) {
        return 77L << 16 | guest + 3;
    }

    private static long guestMac(int guest) {
        return 0x020000000010L + guest;
    }

    /** The engine's part: frames between the guests and the port. */
    private void pump() {
        int[] descriptors = {port.wakeDescriptors()[0], guests.get(0).fd(), guests.get(1).fd()};
        while (!stop) {
            for (int guest = 0; guest < guests.size(); guest++) {
                int length = guests.get(guest).read(frame + 14, 9000);
                if (length > 0) {
                    Memory.writeLongNetwork(frame, SERVICE_MAC << 16);
                    Memory.writeLongNetwork(frame + 6, guestMac(guest) << 16 | 0x0800);
                    port.transmit(frame, 14 + length, inPort(guest));
                }
            }
            batch.count = 0;
            port.receive(batch);
            for (int i = 0; i < batch.count; i++) {
                long at = batch.address(i);
                int guest = (int) ((Memory.readLongNetwork(at) >>> 16) - guestMac(0));
                if (Memory.readLongNetwork(at + 6) == (SERVICE_MAC << 16 | 0x0800)) {
                    guests.get(guest).write(at + 14, batch.length[i] - 14);
                }
            }
            if (port.armWakeup()) {
                Linux.pollReadable(descriptors, 100);
            }
            port.disarmWakeup();
        }
    }

    private ServerSocketChannel serve() {
        return keep(
                NetNamespace.call(
                        SERVICE,
                        () -> {
                            try {
                                return ServerSocketChannel.open()
                                        .bind(new InetSocketAddress("169.254.169.254", 80));
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        }));
    }

    private SocketChannel dial(int guest, int fromPort) {
        return NetNamespace.call(
                ID + guest,
                () -> {
                    try {
                        SocketChannel channel = SocketChannel.open();
                        channel.bind(new InetSocketAddress("10.0.0.5", fromPort));
                        channel.connect(new InetSocketAddress("169.254.169.254", 80));
                        return channel;
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }

    @Test
    void theServiceKnowsGuestsWithEqualAddressesByTheirPort() throws IOException {
        ServerSocketChannel server = serve();
        for (int round = 0; round < 3; round++) {
            for (int guest = 0; guest < 2; guest++) {
                // The same address and the same source port: only the logical port differs.
                try (SocketChannel client = dial(guest, 40000 + round);
                        SocketChannel accepted = server.accept()) {
                    String peer = accepted.getRemoteAddress().toString();
                    assertThat(peer).isEqualTo("/198.18.0." + (guest + 3) + ":" + (40000 + round));
                    byte[] body = new byte[200_000];
                    Thread writer =
                            Thread.ofPlatform()
                                    .start(
                                            () -> {
                                                try {
                                                    accepted.write(ByteBuffer.wrap(body));
                                                    accepted.shutdownOutput();
                                                } catch (IOException e) {
                                                    throw new UncheckedIOException(e);
                                                }
                                            });
                    client.write(ByteBuffer.wrap("hello".getBytes(UTF_8)));
                    client.shutdownOutput();
                    assertThat(Channels.newInputStream(client).readAllBytes()).hasSize(body.length);
                    assertThat(Channels.newInputStream(accepted).readAllBytes())
                            .isEqualTo("hello".getBytes(UTF_8));
                    writer.join();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
        }
    }

    @Test
    void aGuestCannotChooseWhoItIs() throws InterruptedException {
        stop = true;
        pump.join();
        long packet = frame + 8192;
        Memory.fill(packet, 100, 0);
        Memory.writeShortNetwork(packet + 12, 0x0800);
        Memory.writeByte(packet + 14, 0x45);
        Memory.writeShortNetwork(packet + 16, 40);
        Memory.writeByte(packet + 23, 17);
        long before = port.drops(DropReason.SERVICE_UNSUPPORTED);
        assertThat(port.transmit(packet, 54, inPort(0))).as("UDP").isTrue();
        Memory.writeByte(packet + 23, 6);
        Memory.writeShortNetwork(packet + 20, 0x2000);
        assertThat(port.transmit(packet, 54, inPort(0))).as("fragment").isTrue();
        Memory.writeShortNetwork(packet + 20, 0);
        Memory.writeShortNetwork(packet + 16, 41);
        assertThat(port.transmit(packet, 54, inPort(0))).as("longer than it is").isTrue();
        Memory.writeByte(packet + 14, 0x46);
        assertThat(port.transmit(packet, 54, inPort(0))).as("options").isTrue();
        assertThat(port.transmit(packet, 20, inPort(0))).as("short").isTrue();
        assertThat(port.transmit(packet, 54)).as("no logical port").isTrue();
        assertThat(port.drops(DropReason.SERVICE_UNSUPPORTED) - before).isEqualTo(6);
    }

    @Test
    void aVanishedInterfaceTakesThePortDownAndNothingElse() {
        XdpPortTest.ip("-n " + SERVICE + " link del tun0");
        for (int i = 0; i < 2_000 && port.up(); i++) {
            LockSupport.parkNanos(2_000_000);
        }
        assertThat(port.up()).isFalse();
        assertThat(port.armWakeup()).isTrue();
        assertThatThrownBy(
                        () ->
                                ServicePort.open(
                                        new Entity.Kind.Service(SERVICE, "tun0", SERVICE_MAC)))
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV));
    }

    @Test
    void aPortOnlyEvictsItsOwnConnections() {
        ServiceFlows flows = new ServiceFlows();
        flows.put(1, 1000, 11, 111);
        flows.put(2, 1000, 22, 222);
        for (int i = 0; i < ServiceFlows.WAYS; i++) {
            flows.put(1, 2000 + i, 12, 112);
        }
        assertThat(flows.find(1, 1000)).as("oldest of port 1").isNegative();
        assertThat(flows.address(flows.find(2, 1000))).isEqualTo(22);
        assertThat(flows.mac(flows.find(1, 2000))).isEqualTo(112);
    }
}
