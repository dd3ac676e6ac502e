package dev.iod.vhost;

import dev.iod.sys.Linux;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One checked front-end message.
 *
 * @param payload little-endian, exactly as long as the request says
 * @param descriptors owned by the message until taken
 */
record Message(Request request, boolean needsReply, ByteBuffer payload, List<Integer> descriptors) {
    /** Bit 8 of the payload of KICK, CALL and ERR: there is no descriptor. */
    private static final int NO_DESCRIPTOR = 1 << 8;

    long number() {
        return payload.getLong(0);
    }

    /** Ring index of a vring state or vring address payload. */
    int ringIndex() {
        return payload.getInt(0);
    }

    int ringValue() {
        return payload.getInt(4);
    }

    /** Ring index of KICK, CALL and ERR. */
    int descriptorRing() {
        return payload.getInt(0) & 0xff;
    }

    boolean hasDescriptor() {
        return (payload.getInt(0) & NO_DESCRIPTOR) == 0;
    }

    /** Takes over the only descriptor. */
    int takeDescriptor() {
        return descriptors.removeFirst();
    }

    /** Closes what nobody took. */
    void discardDescriptors() {
        descriptors.forEach(Linux::close);
        descriptors.clear();
    }
}
