package dev.iod.vhost;

import static dev.iod.vhost.Request.Descriptors.NONE;
import static dev.iod.vhost.Request.Descriptors.ONE;
import static dev.iod.vhost.Request.Descriptors.ONE_UNLESS_FLAGGED;
import static dev.iod.vhost.Request.Descriptors.PER_REGION;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The front-end messages this back end understands ("Vhost-user Protocol", message types). */
enum Request {
    GET_FEATURES(1, 0, NONE),
    SET_FEATURES(2, 8, NONE),
    SET_OWNER(3, 0, NONE),
    RESET_OWNER(4, 0, NONE),
    SET_MEM_TABLE(5, Request.VARIABLE, PER_REGION),
    SET_VRING_NUM(8, 8, NONE),
    SET_VRING_ADDR(9, 40, NONE),
    SET_VRING_BASE(10, 8, NONE),
    GET_VRING_BASE(11, 8, NONE),
    SET_VRING_KICK(12, 8, ONE_UNLESS_FLAGGED),
    SET_VRING_CALL(13, 8, ONE_UNLESS_FLAGGED),
    SET_VRING_ERR(14, 8, ONE_UNLESS_FLAGGED),
    GET_PROTOCOL_FEATURES(15, 0, NONE),
    SET_PROTOCOL_FEATURES(16, 8, NONE),
    GET_QUEUE_NUM(17, 0, NONE),
    SET_VRING_ENABLE(18, 8, NONE),
    SET_BACKEND_REQ_FD(21, 0, ONE),
    GET_CONFIG(24, Request.CONFIG, NONE),
    SET_CONFIG(25, Request.CONFIG, NONE),
    GET_INFLIGHT_FD(31, Request.INFLIGHT, NONE),
    SET_INFLIGHT_FD(32, Request.INFLIGHT, ONE),
    SET_STATUS(39, 8, NONE),
    GET_STATUS(40, 0, NONE);

    /** Payload size of the memory table: 8 bytes and 32 per region. */
    static final int VARIABLE = -1;

    /** Offset, size and flags, and the bytes. */
    static final int CONFIG = -2;

    /** Two 64-bit and two 16-bit numbers; QEMU sends the structure padded to 24 bytes. */
    static final int INFLIGHT = -3;

    static final int CONFIG_HEADER = 12;
    static final int MAX_CONFIG = 256;
    static final int INFLIGHT_BYTES = 20;

    /** Largest payload of any message above: a memory table of 8 regions. */
    static final int MAX_PAYLOAD = 8 + 8 * 32;

    private static final Map<Integer, Request> BY_NUMBER =
            Stream.of(values()).collect(Collectors.toMap(r -> r.number, Function.identity()));

    final int number;
    final int payloadBytes;
    final Descriptors descriptors;

    /** How many descriptors come with a message. */
    enum Descriptors {
        NONE,
        ONE,
        /** One, or none when bit 8 of the payload is set. */
        ONE_UNLESS_FLAGGED,
        PER_REGION
    }

    Request(int number, int payloadBytes, Descriptors descriptors) {
        this.number = number;
        this.payloadBytes = payloadBytes;
        this.descriptors = descriptors;
    }

    /** Whether a payload can have this length. */
    boolean fits(int size) {
        return switch (payloadBytes) {
            case VARIABLE -> size >= 8 && size <= MAX_PAYLOAD && size % 8 == 0;
            case CONFIG -> size >= CONFIG_HEADER && size <= CONFIG_HEADER + MAX_CONFIG;
            case INFLIGHT -> size >= INFLIGHT_BYTES && size <= 24;
            default -> size == payloadBytes;
        };
    }

    static Optional<Request> of(int number) {
        return Optional.ofNullable(BY_NUMBER.get(number));
    }
}
