package dev.iod.volume;

import dev.iod.image.AllowedHosts;
import dev.iod.image.ImageApi;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.image.QemuConverter;
import dev.iod.region.NodeApi;
import dev.iod.region.NodeSessions;
import dev.iod.region.Service;
import dev.iod.region.Services;
import dev.iod.rest.ApiServer;
import dev.iod.rest.ServerLimits;
import dev.iod.rest.testing.FixedTokens;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The block storage service over a private PostgreSQL. */
final class Region implements AutoCloseable {
    final Database database;
    final Service service;
    final ImageService images;
    final FixedSessions sessions = new FixedSessions();
    private final Path files;
    private final ApiServer server;

    Region() {
        this(PostgresFixture.newDatabase(), 0);
    }

    /**
     * @param port 0 for any
     */
    Region(String url, int port) {
        database = Database.open(url, 16);
        try {
            files = Files.createTempDirectory("images");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        images =
                new ImageService(
                        database,
                        database,
                        new ImageFiles(files),
                        new QemuConverter("nobody"),
                        AllowedHosts.NONE,
                        List.of(BlockStorage.captureWatcher()),
                        Clock.systemUTC());
        service = BlockStorage.service(database, images, sessions);
        Service imageService = ImageApi.service(database, images);
        List<Service> services =
                List.of(
                        service,
                        imageService,
                        NodeApi.service(
                                database, List.of(service, imageService), Clock.systemUTC()));
        Services.prepare(database, services);
        server =
                Services.serve(
                        InetAddress.getLoopbackAddress(),
                        port,
                        ServerLimits.standard(),
                        services,
                        new FixedTokens());
    }

    /** As a process of its own: arguments are the database's URL and the port. */
    public static void main(String[] arguments) throws InterruptedException {
        try (Region region = new Region(arguments[0], Integer.parseInt(arguments[1]))) {
            System.out.println("ready " + region.base());
            Thread.currentThread().join();
        }
    }

    FakePool node(String name, long gib) {
        return new FakePool(database, service, name, gib);
    }

    /** A caller; see {@link FixedTokens} for tokens. */
    HttpCaller volume(String token) {
        return new HttpCaller(base() + "/volume/v3", token);
    }

    /** A raw disk of a private project's that many bytes long; its id. */
    String image(String token, String name, int bytes, String more) {
        HttpCaller caller = new HttpCaller(base() + "/image/v2", token);
        String id =
                caller.post(
                                "/images",
                                ("{'name': '%s', 'disk_format': 'raw', 'container_format': 'bare'%s}")
                                        .formatted(name, more))
                        .json()
                        .path("id")
                        .stringValue();
        int status = caller.upload("/images/" + id + "/file", new byte[bytes]).status();
        if (status != 204) {
            throw new AssertionError("upload: " + status);
        }
        return id;
    }

    HttpCaller root(String token) {
        return new HttpCaller(base(), token);
    }

    String base() {
        return "http://127.0.0.1:" + server.port();
    }

    @Override
    public void close() {
        server.close();
        database.close();
        try (Stream<Path> all = Files.walk(files)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static final class FixedSessions implements NodeSessions {
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
            throw new AssertionError("volumes have no console");
        }
    }
}
