package dev.iod.cli;

import java.io.IOException;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What was chosen once, at the first {@code up}, and kept in {@code run/region.properties}: the
 * number of nodes, what they offer, the loopback ports, the passwords and the database.
 *
 * @param nodeMemoryMib what each node offers to servers; empty = its {@linkplain MachineShare
 *     share} of this machine
 * @param imageHosts servers from which images may be downloaded, as control's setting has them;
 *     empty = none
 * @param database JDBC URL of the region's database; empty = the PostgreSQL that {@code up} starts
 */
record RegionConfig(
        int nodes,
        OptionalLong nodeMemoryMib,
        Pool pool,
        int apiPort,
        int nodePort,
        int southboundPort,
        String adminPassword,
        String demoPassword,
        String imageHosts,
        Optional<String> database) {
    /** Names the operator's own database to {@code up}, which keeps it. */
    static final String DATABASE_VARIABLE = "IOD_DATABASE_URL";

    static final int DEFAULT_NODES = 2;
    private static final int FIRST_PORT = 8774;
    private static final int PORTS = 3;

    /** Regions whose ports do not meet; the last port is below those of outgoing connections. */
    private static final int PORT_BLOCKS = 4096;

    /** Control reads it closely. */
    private static final Pattern HOSTS = Pattern.compile("[A-Za-z0-9.:*, -]*");

    private static final int MAX_NODES = 8;
    private static final int MAX_POOL_GIB = 65_536;
    private static final long MIN_MEMORY_MIB = 64;
    private static final long MAX_MEMORY_MIB = 64L << 20;

    /**
     * The pool of volumes of each node, where its directory has no reflinks: a file system in a
     * file.
     *
     * @param gib its size, 1 to 65536
     * @param thin the file takes only what is used, and can find the disk full
     */
    record Pool(int gib, boolean thin) {
        static final Pool DEFAULT = new Pool(4, false);
        static final Pool THIN = new Pool(4, true);

        long bytes() {
            return (long) gib << 30;
        }

        /** What {@code up} says of it. */
        String text(boolean inFile) {
            return inFile
                    ? "volumes: no reflinks here, so XFS in a file of %d GiB a node, %s"
                            .formatted(gib, thin ? "sparse" : "preallocated")
                    : "volumes: files with reflinks";
        }
    }

    /**
     * What a caller of {@code up} asks for.
     *
     * @param nodes empty = as kept, or the default
     * @param nodeMemoryMib empty = as kept, or the share of this machine
     * @param pool empty = as kept, or the default
     * @param imageHosts empty = as kept, or none
     * @param database empty = as kept, or the PostgreSQL that {@code up} starts
     */
    record Wanted(
            OptionalInt nodes,
            OptionalLong nodeMemoryMib,
            Optional<Pool> pool,
            Optional<String> imageHosts,
            Optional<String> database) {
        /** Only a pool, and the environment's database. */
        static Wanted ofPool(Optional<Pool> pool) {
            return new Wanted(
                    OptionalInt.empty(),
                    OptionalLong.empty(),
                    pool,
                    Optional.empty(),
                    databaseOfEnvironment());
        }

        /** The operator's own database: {@code IOD_DATABASE_URL}. */
        static Optional<String> databaseOfEnvironment() {
            return Optional.ofNullable(System.getenv(DATABASE_VARIABLE))
                    .filter(url -> !url.isEmpty());
        }

        private void check() {
            if (pool.filter(p -> p.gib < 1 || p.gib > MAX_POOL_GIB).isPresent()) {
                throw new CliException("--pool-size is 1 to " + MAX_POOL_GIB + " GiB");
            }
            if (nodeMemoryMib.isPresent()
                    && (nodeMemoryMib.getAsLong() < MIN_MEMORY_MIB
                            || nodeMemoryMib.getAsLong() > MAX_MEMORY_MIB)) {
                throw new CliException(
                        "--node-memory is " + MIN_MEMORY_MIB + " to " + MAX_MEMORY_MIB + " MiB");
            }
            if (imageHosts.filter(hosts -> !HOSTS.matcher(hosts).matches()).isPresent()) {
                throw new CliException(
                        "--image-download-hosts is a list such as cloud.debian.org,*.example.org:8443");
            }
            if (nodes.isPresent() && (nodes.getAsInt() < 1 || nodes.getAsInt() > MAX_NODES)) {
                throw new CliException(
                        "--nodes is 1 to " + MAX_NODES + ", not " + nodes.getAsInt());
            }
        }
    }

    static Path file(Layout layout) {
        return layout.run().resolve("region.properties");
    }

    static boolean exists(Layout layout) {
        return Files.exists(file(layout));
    }

    /** The kept configuration. @throws CliException when there is none */
    static RegionConfig load(Layout layout) {
        if (!exists(layout)) {
            throw new CliException("no region in " + layout.run() + "; start one with ./iod up");
        }
        Properties p = new Properties();
        try {
            p.load(new StringReader(Layout.read(file(layout))));
            String memory = p.getProperty("node-memory-mib");
            return new RegionConfig(
                    Integer.parseInt(p.getProperty("nodes")),
                    memory == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(memory)),
                    new Pool(
                            Integer.parseInt(p.getProperty("pool-gib", "" + Pool.DEFAULT.gib)),
                            Boolean.parseBoolean(p.getProperty("thin-pool", "false"))),
                    Integer.parseInt(p.getProperty("api-port")),
                    Integer.parseInt(p.getProperty("node-port")),
                    Integer.parseInt(p.getProperty("southbound-port")),
                    p.getProperty("admin-password"),
                    p.getProperty("demo-password"),
                    p.getProperty("image-download-hosts", ""),
                    Optional.ofNullable(p.getProperty("database")));
        } catch (IOException | NumberFormatException e) {
            throw new CliException(
                    file(layout)
                            + " is damaged ("
                            + CliException.reason(e)
                            + "); run ./iod down --purge and start again",
                    e);
        }
    }

    /**
     * Loads the kept configuration with what is wanted otherwise, or chooses one. A different
     * number of nodes is an error, another pool than one that was made too.
     */
    static RegionConfig loadOrCreate(Layout layout, Wanted wanted) {
        wanted.check();
        RegionConfig config =
                exists(layout) ? load(layout).with(layout, wanted) : choose(layout, wanted);
        Layout.write(file(layout), config.text(layout.instance()), false, true);
        return config;
    }

    private static RegionConfig choose(Layout layout, Wanted wanted) {
        int[] ports = freePorts(layout.instance());
        return new RegionConfig(
                wanted.nodes.orElse(DEFAULT_NODES),
                wanted.nodeMemoryMib,
                wanted.pool.orElse(Pool.DEFAULT),
                ports[0],
                ports[1],
                ports[2],
                password(),
                password(),
                wanted.imageHosts.orElse(""),
                wanted.database);
    }

    private RegionConfig with(Layout layout, Wanted wanted) {
        if (wanted.nodes.orElse(nodes) != nodes) {
            throw new CliException(
                    "this region has "
                            + nodes
                            + " nodes, not "
                            + wanted.nodes.getAsInt()
                            + "; run ./iod down --purge first, or set IOD_RUN to start another region");
        }
        // A pool that did not fit the disk was not made, so another size may be tried.
        if (wanted.pool.filter(other -> !other.equals(pool)).isPresent()
                && nodeNames().stream()
                        .anyMatch(node -> Files.exists(layout.pool(node).resolve("pool.xfs")))) {
            throw new CliException(
                    "the pools of this region are made already; run ./iod down --purge first");
        }
        return new RegionConfig(
                nodes,
                wanted.nodeMemoryMib.isPresent() ? wanted.nodeMemoryMib : nodeMemoryMib,
                wanted.pool.orElse(pool),
                apiPort,
                nodePort,
                southboundPort,
                adminPassword,
                demoPassword,
                wanted.imageHosts.orElse(imageHosts),
                wanted.database.or(() -> database));
    }

    private String text(String instance) {
        StringBuilder optional = new StringBuilder();
        nodeMemoryMib.ifPresent(
                mib -> optional.append("node-memory-mib=").append(mib).append('\n'));
        database.ifPresent(url -> optional.append("database=").append(escaped(url)).append('\n'));
        return """
                # Chosen by the first ./iod up; ./iod down --purge forgets it.
                # Kernel objects of this region are called iod-INSTANCE-...
                instance=%s
                nodes=%d
                pool-gib=%d
                thin-pool=%s
                api-port=%d
                node-port=%d
                southbound-port=%d
                admin-password=%s
                demo-password=%s
                image-download-hosts=%s
                """
                        .formatted(
                                instance,
                                nodes,
                                pool.gib,
                                pool.thin,
                                apiPort,
                                nodePort,
                                southboundPort,
                                adminPassword,
                                demoPassword,
                                imageHosts)
                + optional;
    }

    /** A value for {@link Properties#load}, to which a backslash is an escape. */
    static String escaped(String value) {
        return value.replace("\\", "\\\\");
    }

    List<String> nodeNames() {
        return IntStream.rangeClosed(1, nodes).mapToObj(i -> "n" + i).toList();
    }

    String api() {
        return "http://127.0.0.1:" + apiPort;
    }

    /**
     * Ports nobody listens on, sought from where no other region begins: two that start at the same
     * time would both find the same ones free.
     */
    private static int[] freePorts(String instance) {
        int block = Integer.parseInt(instance, 16) % PORT_BLOCKS;
        int[] free =
                IntStream.range(0, PORT_BLOCKS * PORTS)
                        .map(i -> FIRST_PORT + (block * PORTS + i) % (PORT_BLOCKS * PORTS))
                        .filter(RegionConfig::isFree)
                        .limit(PORTS)
                        .toArray();
        if (free.length < PORTS) {
            throw new CliException(
                    "no free loopback ports from %d to %d"
                            .formatted(FIRST_PORT, FIRST_PORT + PORT_BLOCKS * PORTS - 1));
        }
        return free;
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false; // somebody listens there
        }
    }

    private static String password() {
        byte[] bytes = new byte[12];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
