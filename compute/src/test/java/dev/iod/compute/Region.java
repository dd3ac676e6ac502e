package dev.iod.compute;

import dev.iod.console.Consoles;
import dev.iod.image.Images;
import dev.iod.network.NetworkApi;
import dev.iod.network.ServerPorts;
import dev.iod.node.Observed;
import dev.iod.region.Actor;
import dev.iod.region.NodeApi;
import dev.iod.region.NodeSessions;
import dev.iod.region.Nodes;
import dev.iod.region.Service;
import dev.iod.region.Services;
import dev.iod.rest.ApiException;
import dev.iod.rest.ApiServer;
import dev.iod.rest.Microversion;
import dev.iod.rest.ServerLimits;
import dev.iod.rest.testing.FixedTokens;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import dev.iod.volume.BlockStorage;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jdbi.v3.core.Handle;
import tools.jackson.databind.JsonNode;

/**
 * The compute and network services over a private PostgreSQL, with images that are always there.
 */
final class Region implements AutoCloseable {
    static final String IMAGE = "11111111-2222-4333-8444-555555555555";

    /** Its bytes are a disk. */
    static final String DISK_IMAGE = "22222222-2222-4333-8444-555555555555";

    /** Every other project is there. */
    static final String NO_PROJECT = "no-such-project";

    /** The same as {@link #DISK_IMAGE}, booted by UEFI with secure boot. */
    static final String BOOT_IMAGE = "33333333-2222-4333-8444-555555555555";

    static final long DISK_IMAGE_BYTES = (2L << 30) + 5;

    final Database database;
    final ServerPorts ports = ServerPorts.sql();
    final FixedConsole console = new FixedConsole();
    private final ApiServer server;

    Region() {
        this(PostgresFixture.newDatabase(), 0);
    }

    /**
     * @param port 0 for any
     */
    Region(String databaseUrl, int port) {
        database = Database.open(databaseUrl, 16);
        List<Service> services = services(database, ports, console);
        Services.prepare(database, services);
        server =
                Services.serve(
                        InetAddress.getLoopbackAddress(),
                        port,
                        ServerLimits.standard(),
                        services,
                        new FixedTokens());
    }

    static List<Service> services(Database database, ServerPorts ports, FixedConsole console) {
        List<Service> services = new ArrayList<>();
        Consoles consoles = consoles(database);
        services.add(consoles.service());
        services.add(
                new Compute(
                                database,
                                new FixedImages(),
                                ports,
                                console,
                                (handle, id) -> !id.equals(NO_PROJECT),
                                consoles)
                        .service());
        services.add(NetworkApi.service(database, 1442, Compute.portWatcher()));
        services.add(BlockStorage.service(database, new FixedImages(), console));
        services.add(NodeApi.service(database, services, Clock.systemUTC()));
        return services;
    }

    /** Gives out tokens that open nothing. */
    static Consoles consoles(Database database) {
        return new Consoles(
                database,
                (node, server, project, kind) -> {
                    throw ApiException.conflict("no node carries consoles here");
                },
                Compute.consoleServers(),
                Set.of(),
                Optional.empty(),
                Optional.empty(),
                Clock.systemUTC());
    }

    /** As a process of its own: arguments are the database's URL and the port. */
    public static void main(String[] arguments) throws InterruptedException {
        try (Region region = new Region(arguments[0], Integer.parseInt(arguments[1]))) {
            System.out.println("ready " + region.base());
            Thread.currentThread().join();
        }
    }

    FakeNode node(String name, int vcpus, long memoryMib) {
        return new FakeNode(
                database,
                new ComputeGoals(ports),
                new ComputeObservations(
                        new FixedImages(),
                        ports,
                        new ServerPlacement(new FixedImages(), ports, console)),
                name,
                vcpus,
                memoryMib);
    }

    /** What a node that comes up sets off. */
    void placeWaiting() {
        new ServerPlacement(new FixedImages(), ports, console).placeWaiting(database);
    }

    /** The node reports as it does every ten seconds. */
    void beat(String node) {
        database.locked(
                handle ->
                        Nodes.heard(
                                handle,
                                node,
                                "",
                                Observed.newBuilder().setDiskMib(1 << 20).build(),
                                Instant.now()));
    }

    /** A caller of the compute API; see {@link FixedTokens} for tokens. */
    HttpCaller compute(String token) {
        return new HttpCaller(base() + "/compute/v2.1", token);
    }

    HttpCaller volume(String token) {
        return new HttpCaller(base() + "/volume/v3", token);
    }

    HttpCaller network(String token) {
        return new HttpCaller(base() + "/network/v2.0", token);
    }

    String base() {
        return "http://127.0.0.1:" + server.port();
    }

    /** A network with a subnet; its id. */
    String network(String token, String cidr) {
        JsonNode network = network(token).post("/networks", "{'network': {'name': 'net'}}").json();
        String id = network.path("network").path("id").stringValue();
        network(token)
                .post(
                        "/subnets",
                        "{'subnet': {'network_id': '%s', 'cidr': '%s', 'ip_version': 4}}"
                                .formatted(id, cidr));
        return id;
    }

    /** Headers that ask for a microversion. */
    static String[] version(int minor) {
        return new String[] {
            "OpenStack-API-Version", "compute " + new Microversion(2, minor),
        };
    }

    @Override
    public void close() {
        server.close();
        database.close();
    }

    /** Two images that everybody sees. */
    static final class FixedImages implements Images {
        @Override
        public Source source(Handle handle, Actor actor, String reference) {
            if (!reference.equals(BOOT_IMAGE)) {
                throw ApiException.badRequest(UNKNOWN_SOURCE);
            }
            return new Source(
                    reference,
                    new Part(reference, "22".repeat(32), DISK_IMAGE_BYTES),
                    DISK_IMAGE_BYTES,
                    0,
                    Map.of(
                            "image_id", reference,
                            "image_name", "iod-micro",
                            "hw_firmware_type", "uefi",
                            "os_secure_boot", "required"));
        }

        @Override
        public void hold(Handle handle, String imageId, UUID consumer) {
            // These are never deleted.
        }

        @Override
        public void release(Handle handle, UUID consumer) {
            // These are never deleted.
        }

        @Override
        public Heritage heritage(Handle handle, Actor actor, String imageId) {
            return imageId.equals(DISK_IMAGE) || imageId.equals(BOOT_IMAGE)
                    ? new Heritage(64, 1, Map.of("os_distro", "iod", "kernel_id", "k"))
                    : Heritage.NONE;
        }

        @Override
        public String capture(Handle handle, Actor actor, NewCapture wanted) {
            String id = UUID.randomUUID().toString();
            CAPTURES.put(id, wanted);
            return id;
        }

        @Override
        public void endCapture(Handle handle, UUID consumer) {
            CAPTURES.values().removeIf(one -> one.consumer().equals(consumer));
        }

        @Override
        public Bootable resolve(Handle handle, Actor actor, String imageId) {
            boolean boots = imageId.equals(BOOT_IMAGE);
            boolean disk = boots || imageId.equals(DISK_IMAGE);
            if (!disk && !imageId.equals(IMAGE)) {
                throw ApiException.badRequest("Can not find requested image");
            }
            return new Bootable(
                    imageId,
                    "iod-micro",
                    boots
                            ? new Boot.Disk(Firmware.UEFI_SECURE_BOOT)
                            : new Boot.Kernel(
                                    new Part(
                                            "aaaaaaaa-0000-4000-8000-000000000000",
                                            "00".repeat(32),
                                            5),
                                    new Part(
                                            "bbbbbbbb-0000-4000-8000-000000000000",
                                            "11".repeat(32),
                                            6),
                                    "console=ttyS0"),
                    disk
                            ? Optional.of(new Part(imageId, "22".repeat(32), DISK_IMAGE_BYTES))
                            : Optional.empty(),
                    "",
                    64,
                    0);
        }
    }

    /** An image that shall be made, by its id. */
    static final Map<String, Images.NewCapture> CAPTURES = new ConcurrentHashMap<>();

    static final class FixedConsole implements NodeSessions {
        volatile boolean settled = true;

        @Override
        public boolean settled() {
            return settled;
        }

        @Override
        public boolean connected(String node) {
            return true;
        }

        @Override
        public byte[] console(String node, String serverId, int maxBytes) {
            return "one\ntwo\u0007\nthree\n".getBytes(StandardCharsets.UTF_8);
        }
    }
}
