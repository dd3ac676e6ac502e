package dev.iod.eswitch.connections;

/**
 * How long a connection is kept without packets, by what it waits for. The values are those of Open
 * vSwitch's user-space datapath, so that a chassis of either kind forgets at the same time.
 */
enum ConnectionTimeout {
    /** A SYN without an answer. */
    TCP_FIRST(30),
    /** A handshake that is not complete. */
    TCP_OPENING(30),
    TCP_ESTABLISHED(24 * 60 * 60),
    /** One side has closed; the other may go on for long. */
    TCP_CLOSING(15 * 60),
    /** Both sides have closed, not everything is acknowledged. */
    TCP_FIN_WAIT(45),
    TCP_CLOSED(30),
    /** Any protocol without a state of its own: one packet was seen. */
    OTHER_FIRST(60),
    /** More than one, all in one direction. */
    OTHER_ONE_WAY(60),
    /** Packets both ways. */
    OTHER_TWO_WAY(30),
    ICMP_REQUEST(60),
    ICMP_REPLIED(30);

    final long millis;

    ConnectionTimeout(int seconds) {
        millis = seconds * 1000L;
    }
}
