package dev.iod.pipeline;

import dev.iod.engine.FrameChannel.Frame;
import dev.iod.engine.WireReader;

/** What a frame of the packet engine's control protocol is. */
public enum FrameType {
    /** Agent: starts a transaction; one boolean: whether it replaces the whole state. */
    BEGIN(1),
    /** Agent: one entity of the open transaction. */
    PUT(2),
    /** Agent: one key of the open transaction. */
    REMOVE(3),
    /** Agent: applies the open transaction; answered by DONE or FAILED. */
    COMMIT(4),
    /** Agent: a question, one byte of kind; answered by ANSWER or FAILED. */
    QUERY(5),
    /** Engine: the transaction is live. */
    DONE(6),
    /** Engine: category and message; nothing was applied. */
    FAILED(7),
    /** Engine: what was asked for. */
    ANSWER(8),
    /** Engine: an event nobody asked for. */
    EVENT(9);

    /** Version of the protocol. */
    public static final int VERSION = 0x1d0d_0002;

    private static final FrameType[] TYPES = values();

    private final int code;

    FrameType(int code) {
        this.code = code;
    }

    /** On the wire. */
    public int code() {
        return code;
    }

    public static FrameType of(Frame frame) {
        for (FrameType type : TYPES) {
            if (type.code == frame.type()) {
                return type;
            }
        }
        throw WireReader.malformed("unknown type " + frame.type());
    }
}
