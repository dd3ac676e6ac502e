package dev.iod.volume;

/**
 * How Cinder names what keeps volumes: {@code NODE@local}, and its pool {@code NODE@local#pool}.
 */
final class Hosts {
    private static final String BACKEND = "@local";
    private static final String POOL = "#pool";

    private Hosts() {}

    static String service(String node) {
        return node + BACKEND;
    }

    static String pool(String node) {
        return service(node) + POOL;
    }

    /** The node of any of its names. */
    static String node(String host) {
        int at = host.indexOf('@');
        return at < 0 ? host : host.substring(0, at);
    }
}
