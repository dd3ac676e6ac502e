package dev.iod.dpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.dpu.MetadataTree.Leaf;
import dev.iod.dpu.Namespaces.Place;
import dev.iod.node.FixedAddress;
import dev.iod.node.HostRoute;
import dev.iod.node.Server;
import dev.iod.ovn.LocalService;
import dev.iod.runtime.Metrics;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What servers read; the services run in real namespaces with their TUN interfaces. */
class MetadataTest {
    private static final String ONE = "aaaaaaaa-0000-4000-8000-000000000000";
    private static final String TWO = "bbbbbbbb-0000-4000-8000-000000000000";

    private final Namespaces namespaces =
            new Namespaces("iodt" + ProcessHandle.current().pid() % 10_000 + "-n1");

    private final Metrics metrics = new Metrics();

    @AfterEach
    void clean() {
        namespaces.prune(Set.of());
    }

    private static String read(Server server, String path) {
        return MetadataTree.find(MetadataDocuments.of(server, server.getNics(0)), path)
                .map(Leaf::content)
                .map(content -> new String(content, StandardCharsets.UTF_8))
                .orElse("404");
    }

    @Test
    void openStackPaths() {
        Server server = Goals.server("5e7a0000-1111-4222-8333-444444444444");
        assertThat(read(server, "/openstack")).contains("2012-08-10\n").endsWith("\nlatest");
        assertThat(read(server, "/openstack/2012-08-10/")).isEqualTo("meta_data.json\nuser_data");
        assertThat(read(server, "/openstack/latest"))
                .isEqualTo(
                        "meta_data.json\nuser_data\nvendor_data.json\nnetwork_data.json\n"
                                + "vendor_data2.json");
        assertThat(read(server, "/openstack/latest/meta_data.json"))
                .contains("\"uuid\":\"5e7a0000-1111-4222-8333-444444444444\"")
                .contains("\"hostname\":\"web-5e7a0000-1111-4222-8333-444444444444\"")
                .contains("\"public_keys\":{\"mine\":\"ssh-ed25519 key-of-5e7a0000")
                .contains("\"project_id\":\"project\"");
        assertThat(read(server, "/openstack/2012-08-10/meta_data.json"))
                .doesNotContain("project_id")
                .doesNotContain("random_seed");
        assertThat(read(server, "/openstack/latest/network_data.json"))
                .contains("\"ethernet_mac_address\":\"fa:16:3e:00:00:01\"")
                .contains("\"mtu\":1442")
                .contains("\"type\":\"ipv4_dhcp\"");
        assertThat(read(server, "/openstack/latest/user_data")).isEqualTo("#!\0\1");
        assertThat(read(server, "/openstack/1999-01-01/meta_data.json")).isEqualTo("404");
        assertThat(read(server, "/openstack/2012-08-10/network_data.json")).isEqualTo("404");
    }

    @Test
    void ec2Paths() {
        Server server = Goals.server("5e7a0000-1111-4222-8333-444444444444");
        assertThat(read(server, "/")).startsWith("1.0\n2007-01-19").endsWith("2009-04-04\nlatest");
        assertThat(read(server, "/latest/")).isEqualTo("meta-data/\nuser-data");
        assertThat(read(server, "/latest/meta-data/"))
                .contains("ami-id\n")
                .contains("placement/\n")
                .contains("public-keys/\n");
        assertThat(read(server, "/2009-04-04/meta-data/instance-id")).isEqualTo("i-5e7a0000");
        assertThat(read(server, "/latest/meta-data/local-ipv4")).isEqualTo("10.0.0.5");
        assertThat(read(server, "/latest/meta-data/public-keys/")).isEqualTo("0=mine");
        assertThat(read(server, "/latest/meta-data/public-keys/0")).isEqualTo("openssh-key");
        assertThat(read(server, "/latest//meta-data/public-keys/0/openssh-key"))
                .startsWith("ssh-ed25519 key-of-");
        assertThat(read(server, "/latest/meta-data/placement/availability-zone")).isEqualTo("nova");
        assertThat(read(server, "/latest/meta-data/hostname/x")).isEqualTo("404");
        Server plain = server.toBuilder().clearMetadata().build();
        assertThat(read(plain, "/latest/user-data")).isEqualTo("404");
        assertThat(read(plain, "/latest/meta-data/public-keys")).isEqualTo("404");
    }

    @Test
    void namesAreTheOnesTheRegionKnows() {
        Server server =
                Goals.server("x").toBuilder()
                        .setName("g\u00e4st 7 \"\ud83d\ude00\"")
                        .setHostName("gst-7")
                        .build();
        assertThat(read(server, "/openstack/latest/meta_data.json"))
                .contains("\"name\":\"g\u00e4st 7 \\\"\ud83d\ude00\\\"\",\"hostname\":\"gst-7\"");
        for (String name : List.of("hostname", "local-hostname", "public-hostname")) {
            assertThat(read(server, "/latest/meta-data/" + name)).isEqualTo("gst-7");
        }
    }

    /** As cloud-init reads vendor data: {@code convert_vendordata}, {@code cc_set_passwords}. */
    @Test
    void thePasswordIsForCloudInit() {
        Server server = Goals.server("x");
        assertThat(read(server, "/openstack/latest/vendor_data.json")).isEqualTo("{}");
        Server.Builder locked = server.toBuilder();
        locked.getMetadataBuilder().setPasswordHash("$6$ab/.c$DDDD");
        for (String version : List.of("2013-10-17", "latest")) {
            assertThat(read(locked.build(), "/openstack/" + version + "/vendor_data.json"))
                    .isEqualTo(
                            "{\"cloud-init\":\"#cloud-config\\npassword: '$6$ab/.c$DDDD'\\n"
                                    + "chpasswd: {expire: false}\\n\"}");
        }
        assertThat(read(locked.build(), "/openstack/2012-08-10/vendor_data.json")).isEqualTo("404");
        assertThat(read(locked.build(), "/openstack/latest/vendor_data2.json")).isEqualTo("{}");
        assertThat(read(locked.build(), "/openstack/latest/meta_data.json"))
                .doesNotContain("$6$", "pass");
    }

    @Test
    void theRequestIsTheOneTheRegionKnows() {
        Server.Builder server = Goals.server("x").toBuilder();
        server.getMetadataBuilder().setLaunchIndex(3).setReservationId("r-0abc9xyz");
        Server third = server.build();
        assertThat(read(third, "/openstack/latest/meta_data.json")).contains("\"launch_index\":3,");
        assertThat(read(third, "/latest/meta-data/ami-launch-index")).isEqualTo("3");
        assertThat(read(third, "/latest/meta-data/reservation-id")).isEqualTo("r-0abc9xyz");
    }

    /** As Nova writes them: {@code nova/virt/netutils.py}. */
    @Test
    void networksWithoutDhcpHaveWhatAGuestNeeds() {
        FixedAddress four =
                FixedAddress.newBuilder()
                        .setAddress("10.60.0.9")
                        .setPrefixLength(20)
                        .setGateway("10.60.0.1")
                        .addDnsServers("192.0.2.53")
                        .addRoutes(route("198.51.100.0/25", "10.60.0.7"))
                        .build();
        FixedAddress six =
                FixedAddress.newBuilder()
                        .setAddress("2001:db8::9")
                        .setPrefixLength(64)
                        .setGateway("2001:db8::1")
                        .addDnsServers("2001:db8::53")
                        .addDnsServers("192.0.2.53")
                        .build();
        FixedAddress lonely =
                FixedAddress.newBuilder().setAddress("10.61.0.9").setPrefixLength(32).build();
        Server server =
                Goals.server("x").toBuilder()
                        .addNics(
                                Goals.nic("cccccccc-dddd").toBuilder()
                                        .clearAddresses()
                                        .addAddresses(four)
                                        .addAddresses(six)
                                        .addAddresses(lonely))
                        .build();
        String text = read(server, "/openstack/latest/network_data.json");
        assertThat(text.substring(text.indexOf("\"networks\"")))
                .isEqualTo(
                        """
                        "networks":[\
                        {"id":"network0","type":"ipv4_dhcp","link":"tapport-of-x","network_id":"net-1"},\
                        {"id":"network1","type":"ipv4","link":"tapcccccccc-dd",\
                        "ip_address":"10.60.0.9","netmask":"255.255.240.0","routes":[\
                        {"network":"0.0.0.0","netmask":"0.0.0.0","gateway":"10.60.0.1"},\
                        {"network":"198.51.100.0","netmask":"255.255.255.128","gateway":"10.60.0.7"}],\
                        "services":[{"type":"dns","address":"192.0.2.53"}],"network_id":"net-1"},\
                        {"id":"network2","type":"ipv6","link":"tapcccccccc-dd",\
                        "ip_address":"2001:db8::9","netmask":"ffff:ffff:ffff:ffff::","routes":[\
                        {"network":"::","netmask":"::","gateway":"2001:db8::1"}],\
                        "services":[{"type":"dns","address":"2001:db8::53"},\
                        {"type":"dns","address":"192.0.2.53"}],"network_id":"net-1"},\
                        {"id":"network3","type":"ipv4","link":"tapcccccccc-dd",\
                        "ip_address":"10.61.0.9","netmask":"255.255.255.255","routes":[],\
                        "services":[],"network_id":"net-1"}],\
                        "services":[{"type":"dns","address":"192.0.2.53"},\
                        {"type":"dns","address":"2001:db8::53"}]}""");
        assertThat(read(server, "/latest/meta-data/local-ipv4")).isEqualTo("10.0.0.5");
    }

    private static HostRoute route(String destination, String nextHop) {
        return HostRoute.newBuilder().setDestination(destination).setNextHop(nextHop).build();
    }

    @Test
    void onlyTheEnginesAddressesHaveAKey() throws IOException {
        assertThat(key("198.18.0.5")).contains(5);
        assertThat(key("198.19.255.255")).contains(0x1ffff);
        assertThat(key("198.20.0.5")).isEmpty();
        assertThat(key("10.0.0.5")).isEmpty();
        assertThat(key("::1")).isEmpty();
    }

    private static Optional<Integer> key(String address) throws IOException {
        return MetadataServer.portKey(InetAddress.getByName(address));
    }

    /** The networks' local ports: who has which key on which datapath. */
    private static final class FakeServices implements LocalServices {
        final Map<String, String> ports = new ConcurrentHashMap<>();
        final Map<String, Place> provided = new ConcurrentHashMap<>();
        final CountDownLatch ready;

        FakeServices(int expected) {
            ready = new CountDownLatch(expected);
        }

        @Override
        public void provide(LocalService service, Place place) {
            provided.put(service.port(), place);
            ready.countDown();
        }

        @Override
        public void withdraw(LocalService service) {
            provided.remove(service.port());
        }

        @Override
        public Optional<String> portName(int datapathKey, int portKey) {
            return Optional.ofNullable(ports.get(datapathKey + "/" + portKey));
        }
    }

    private static LocalService service(String network, int datapath) {
        return new LocalService(
                "local-" + network, "neutron-" + network, datapath, "fa:16:3e:ff:ff:01", Set.of());
    }

    @Test
    void twoTenantsWithTheSameAddressAndKeyGetTheirOwn() throws Exception {
        FakeServices services = new FakeServices(2);
        services.ports.put("1/3", "port-of-s1");
        services.ports.put("2/3", "port-of-s2");
        try (MetadataService metadata =
                new MetadataService(namespaces, services, new AgentMetrics(metrics))) {
            metadata.goal(Goals.of(Goals.server("s1"), Goals.server("s2")));
            metadata.services(Set.of(service(ONE, 1), service(TWO, 2)));
            metadata.start();
            assertThat(services.ready.await(60, TimeUnit.SECONDS)).isTrue();
            String key = "/latest/meta-data/public-keys/0/openssh-key";
            assertThat(get(namespaces.place(ONE), 3, "GET", key)).endsWith("key-of-s1");
            assertThat(get(namespaces.place(TWO), 3, "GET", key)).endsWith("key-of-s2");
            assertThat(get(namespaces.place(ONE), 4, "GET", key)).startsWith("HTTP/1.1 404");
            assertThat(get(namespaces.place(ONE), 3, "HEAD", key))
                    .startsWith("HTTP/1.1 200")
                    .doesNotContain("key-of");
            assertThat(get(namespaces.place(ONE), 3, "POST", key)).startsWith("HTTP/1.1 405");
            assertThat(new String(metrics.write(), StandardCharsets.UTF_8))
                    .contains("iod_dpu_metadata_found_total 3.0")
                    .contains("iod_dpu_metadata_not_found_total 1.0");

            metadata.services(Set.of(service(TWO, 2)));
            Path gone = Path.of("/run/netns", namespaces.place(ONE).namespace());
            for (int i = 0; i < 1200 && Files.exists(gone); i++) {
                Thread.sleep(50);
            }
            assertThat(gone).doesNotExist();
            assertThat(get(namespaces.place(TWO), 3, "GET", key)).endsWith("key-of-s2");
        }
        assertThat(Path.of("/run/netns", namespaces.place(TWO).namespace())).exists();
    }

    @Test
    void ensuringTwiceIsOnce() {
        Place place = namespaces.place(ONE);
        namespaces.ensure(place);
        namespaces.ensure(place);
        namespaces.prune(Set.of(ONE));
        assertThat(Path.of("/run/netns", place.namespace())).exists();
    }

    /** What the engine does with a packet of a port: its source becomes the port's key. */
    private static String get(Place place, int portKey, String method, String path)
            throws Exception {
        String client = "198.18.0." + portKey;
        List<String> command =
                List.of(
                        "ip",
                        "-n",
                        place.namespace(),
                        "addr",
                        "replace",
                        client + "/32",
                        "dev",
                        "lo");
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
        return Namespaces.inside(
                place,
                () -> {
                    try (Socket socket = new Socket()) {
                        socket.setSoTimeout(30_000);
                        socket.bind(new InetSocketAddress(client, 0));
                        socket.connect(
                                new InetSocketAddress(Namespaces.METADATA_ADDRESS, 80), 30_000);
                        String request =
                                method
                                        + " "
                                        + path
                                        + " HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.9\r\n"
                                        + "Connection: close\r\n\r\n";
                        socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
                        return new String(
                                socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                    }
                });
    }
}
