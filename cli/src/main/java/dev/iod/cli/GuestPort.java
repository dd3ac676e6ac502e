package dev.iod.cli;

import java.util.List;

/**
 * A port of a server, as the region's API tells of it.
 *
 * @param server name of the server, or empty
 * @param node where it is bound, or empty
 */
record GuestPort(
        String id,
        String name,
        String server,
        String network,
        String node,
        String mac,
        List<String> addresses) {
    /** What people call it. */
    String label() {
        String best = !server.isEmpty() ? server : name;
        return (best.isEmpty() ? "" : best + " ") + "(port " + id.substring(0, 8) + ")";
    }
}
