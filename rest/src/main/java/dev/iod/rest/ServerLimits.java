package dev.iod.rest;

import java.time.Duration;

/**
 * What the listener gives to everybody together and to one of them. A request has {@code request}
 * and, for what it moves, {@code bytesPerSecond}: whoever is slower than that is cut off.
 *
 * @param connections open at once; beyond it the one that has waited longest for the end of a
 *     request's head goes, and when none waits the new one is refused
 * @param connectionsPerAddress the same for one source address (an IPv6 client is a /64)
 * @param head from the first byte of a request's head to its last
 * @param idle from the end of one request to the first byte of the next
 * @param request from the last byte of the head to the last byte of the answer
 * @param bytesPerSecond that bodies must move at, beyond {@code request}
 * @param running requests that handlers work on at once; others wait
 * @param runningPerPayer the same for one payer: a project, a user without one, an address without
 *     a token
 * @param patience how long a request waits for its turn; then 429
 * @param bodyBytes bodies of requests and answers in memory at once; beyond it 503
 * @param bodyBytesPerPayer the same for one payer
 */
public record ServerLimits(
        int connections,
        int connectionsPerAddress,
        Duration head,
        Duration idle,
        Duration request,
        long bytesPerSecond,
        int running,
        int runningPerPayer,
        Duration patience,
        long bodyBytes,
        long bodyBytesPerPayer) {
    private static final long MIN_BODY_BYTES = 16L << 20;
    private static final long MAX_BODY_BYTES = 256L << 20;

    /** A tree of JSON takes about this many times the bytes of its text. */
    private static final int TREE_FACTOR = 16;

    /** For a process with this one's heap. */
    public static ServerLimits standard() {
        return standard(1024, 512);
    }

    /** The same for another number of connections. */
    public static ServerLimits standard(int connections, int connectionsPerAddress) {
        long bodyBytes =
                Math.clamp(
                        Runtime.getRuntime().maxMemory() / TREE_FACTOR,
                        MIN_BODY_BYTES,
                        MAX_BODY_BYTES);
        return new ServerLimits(
                connections,
                connectionsPerAddress,
                Duration.ofSeconds(10),
                Duration.ofMinutes(2),
                Duration.ofSeconds(60),
                64 << 10,
                48,
                8,
                Duration.ofSeconds(10),
                bodyBytes,
                bodyBytes / 4);
    }
}
