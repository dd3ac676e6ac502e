package dev.iod.dpu;

import dev.iod.runtime.Config;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the agent is told when it starts, from {@code dpu.properties}.
 *
 * @param node this node's name: 1 to 32 letters, digits or dashes; also its OVN chassis name
 * @param region where the region listens for nodes
 * @param token file with the one-time token, needed only while there is no identity
 * @param identity directory with {@code ca.crt} (given) and {@code node.key}, {@code node.crt}
 * @param southbound OVN southbound remote, {@code ssl:host:port}
 * @param engine control socket of the packet engine
 * @param block control socket of the block engine
 * @param host socket of virtDaemon
 * @param directory where this node's files live
 * @param encapsulation IPv4 address of the node in the underlay
 * @param instance prefix of the names of metadata namespaces
 * @param capacity what tenants may use of the node
 * @param imagesMib how much the image cache may hold, 16 MiB to 64 TiB
 */
record Settings(
        String node,
        InetSocketAddress region,
        Optional<Path> token,
        Path identity,
        String southbound,
        Path engine,
        Path block,
        Path host,
        Path directory,
        String encapsulation,
        String instance,
        Capacity capacity,
        long imagesMib) {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9-]{0,31}");
    private static final Pattern ADDRESS = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");
    private static final long MOST_MIB = 64L << 20;

    Settings {
        check(NAME.matcher(node).matches(), "node", node, "1 to 32 letters, digits or dashes");
        check(NAME.matcher(instance).matches(), "instance", instance, "1 to 32 letters or digits");
        check(ADDRESS.matcher(encapsulation).matches(), "encapsulation", encapsulation, "IPv4");
    }

    static Settings of(Config config) {
        Settings settings =
                new Settings(
                        config.text("node"),
                        config.address("region"),
                        config.pathIf("token"),
                        config.path("identity"),
                        config.text("southbound"),
                        config.path("engine"),
                        config.path("block"),
                        config.path("host"),
                        config.path("directory"),
                        config.text("encapsulation"),
                        config.text("instance"),
                        Capacity.of(config, Capacity.ofMachine()),
                        config.number("images-mib", 16, MOST_MIB, 8192));
        config.finish();
        return settings;
    }

    private static void check(boolean holds, String key, String value, String expected) {
        if (!holds) {
            throw new DpuException(
                    DpuException.Category.NODE, key + " = " + value + ": expected " + expected);
        }
    }
}
