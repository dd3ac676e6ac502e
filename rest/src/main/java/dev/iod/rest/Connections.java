package dev.iod.rest;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The connections that are open, in all and per source. One that has not sent a whole request yet,
 * or none since its last answer, is <em>waiting</em>; when there are too many the one that waits
 * longest goes, so half-sent requests shut nobody out. Thread-safe.
 */
final class Connections {
    private static final int IPV6_PREFIX_BYTES = 8;

    private final int total;
    private final int perSource;
    private final Set<HttpConnection> open = new HashSet<>();
    private final LinkedHashSet<HttpConnection> waiting = new LinkedHashSet<>();
    private final Map<String, Integer> sources = new HashMap<>();
    private boolean closing;

    Connections(int total, int perSource) {
        this.total = total;
        this.perSource = perSource;
    }

    /**
     * Who shares one share: an IPv4 address, or an IPv6 network, whose hosts are free to choose.
     */
    static String source(InetAddress address) {
        if (!(address instanceof Inet6Address)) {
            return address.getHostAddress();
        }
        StringBuilder prefix = new StringBuilder();
        for (int i = 0; i < IPV6_PREFIX_BYTES; i++) {
            prefix.append("%02x".formatted(address.getAddress()[i] & 0xff));
        }
        return prefix.append("/64").toString();
    }

    /** Lets a new connection in, which waits; false when there is no room for it. */
    synchronized boolean admit(HttpConnection connection) {
        String source = connection.source();
        if (closing) {
            return false;
        }
        if (sources.getOrDefault(source, 0) >= perSource && !evict(Optional.of(source))) {
            return false;
        }
        if (open.size() >= total && !evict(Optional.empty())) {
            return false;
        }
        open.add(connection);
        waiting.add(connection);
        sources.merge(source, 1, Integer::sum);
        return true;
    }

    /** The connection has sent a head; false when it was given up meanwhile. */
    synchronized boolean begins(HttpConnection connection) {
        return waiting.remove(connection);
    }

    /** The connection has its answer; false when it may not wait for another request. */
    synchronized boolean waits(HttpConnection connection) {
        return !closing && waiting.add(connection);
    }

    /** The connection is closed. */
    synchronized void remove(HttpConnection connection) {
        waiting.remove(connection);
        if (open.remove(connection)) {
            sources.computeIfPresent(
                    connection.source(), (name, count) -> count == 1 ? null : count - 1);
        }
    }

    /** Connections that are open. */
    synchronized int size() {
        return open.size();
    }

    /** Cuts those whose deadline has passed. */
    synchronized void cutLate(long nowNanos) {
        open.stream().filter(connection -> connection.late(nowNanos)).forEach(HttpConnection::cut);
    }

    /** Cuts those that wait, and lets no request begin. */
    synchronized void close() {
        closing = true;
        waiting.forEach(HttpConnection::cut);
        waiting.clear();
    }

    /** Cuts all. */
    synchronized void cutAll() {
        open.forEach(HttpConnection::cut);
    }

    private boolean evict(Optional<String> source) {
        for (HttpConnection connection : waiting) {
            if (source.map(connection.source()::equals).orElse(true)) {
                connection.cut();
                remove(connection);
                return true;
            }
        }
        return false;
    }
}
