package dev.iod.dpu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.node.FixedAddress;
import dev.iod.node.HostRoute;
import dev.iod.node.Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The guest image configures itself from our {@code network_data.json}: its own script and its own
 * tools, in a namespace instead of a guest.
 */
final class StaticNetworkTest {
    private static final String MAC = "fa:16:3e:00:00:02";

    /** Twice: every step can be taken again. */
    private static final String PROGRAM =
            """
            set -e
            ip link add eth1 address fa:16:3e:00:00:02 type veth peer name other
            ip link set other up
            mount -t sysfs sys root/sys
            mkdir -p root/run/metadata
            : >root/dev/console
            : >root/dev/null
            for turn in 1 2; do
                chroot root /bin/sh -c 'PATH=/bin /etc/iod/static /network_data.json'
            done
            ip -o addr show dev eth1
            ip -o link show dev eth1
            ip -4 route
            ip -6 route
            cat root/etc/resolv.conf
            """;

    @TempDir Path directory;

    @Test
    void addressesRoutesAndDnsAreTheOnesOfTheRegion() throws Exception {
        GuestImage.build();
        Path root = Files.createDirectory(directory.resolve("root"));
        run(root, "zcat '%s' | cpio -idm --quiet".formatted(GuestImage.initrd()));
        Server server =
                Goals.server("x").toBuilder()
                        .addNics(
                                Goals.nic("cccccccc-dddd").toBuilder()
                                        .setMac(MAC)
                                        .setMtu(1400)
                                        .clearAddresses()
                                        .addAddresses(four())
                                        .addAddresses(six()))
                        .build();
        Files.write(root.resolve("network_data.json"), NetworkData.of(server));
        Path program = Files.writeString(directory.resolve("program"), PROGRAM);
        assertThat(run(directory, "unshare --net --mount sh '" + program + "'"))
                .contains("inet 10.60.0.9/20 ", "inet6 2001:db8::9/64 ", " mtu 1400 ")
                .contains("default via 10.60.0.1 dev eth1")
                .contains("198.51.100.0/25 via 10.60.0.7 dev eth1")
                .contains("default via 2001:db8::1 dev eth1")
                .endsWith("nameserver 192.0.2.53\nnameserver 2001:db8::53\n");
        assertThat(root.resolve("run/static/eth1")).as("it asks for no lease").exists();
    }

    private static FixedAddress four() {
        return FixedAddress.newBuilder()
                .setAddress("10.60.0.9")
                .setPrefixLength(20)
                .setGateway("10.60.0.1")
                .addDnsServers("192.0.2.53")
                .addRoutes(
                        HostRoute.newBuilder()
                                .setDestination("198.51.100.0/25")
                                .setNextHop("10.60.0.7"))
                .build();
    }

    private static FixedAddress six() {
        return FixedAddress.newBuilder()
                .setAddress("2001:db8::9")
                .setPrefixLength(64)
                .setGateway("2001:db8::1")
                .addDnsServers("2001:db8::53")
                .addDnsServers("192.0.2.53")
                .build();
    }

    private static String run(Path directory, String command)
            throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder("sh", "-c", command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }
}
