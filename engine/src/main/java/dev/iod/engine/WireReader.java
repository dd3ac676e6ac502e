package dev.iod.engine;

import dev.iod.engine.EngineException.Category;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads what {@link WireWriter} wrote; anything else ends in a PROTOCOL exception. One thread. */
public final class WireReader {
    private final byte[] bytes;
    private final int end;
    private int at;

    public WireReader(byte[] bytes) {
        this.bytes = bytes;
        this.end = bytes.length;
    }

    public int u8() {
        need(1);
        return bytes[at++] & 0xff;
    }

    public boolean bool() {
        int value = u8();
        if (value > 1) {
            throw malformed("a boolean is 0 or 1, not " + value);
        }
        return value == 1;
    }

    public int i32() {
        need(4);
        int value = 0;
        for (int i = 0; i < 4; i++) {
            value = value << 8 | bytes[at++] & 0xff;
        }
        return value;
    }

    public long i64() {
        long high = i32();
        return high << 32 | i32() & 0xffff_ffffL;
    }

    public String text() {
        return new String(blob(), StandardCharsets.UTF_8);
    }

    public byte[] blob() {
        int length = count(1);
        byte[] value = Arrays.copyOfRange(bytes, at, at + length);
        at += length;
        return value;
    }

    /** A number of elements that each take at least {@code bytesEach} of what is left. */
    public int count(int bytesEach) {
        int count = i32();
        if (count < 0 || (long) count * bytesEach > end - at) {
            throw malformed("a count of " + count + " does not fit into the frame");
        }
        return count;
    }

    /**
     * @param values all constants of their type
     */
    public <E extends Enum<E> & Coded> E constant(E[] values) {
        int code = u8();
        for (E value : values) {
            if (value.code() == code) {
                return value;
            }
        }
        throw malformed("unknown " + values[0].getDeclaringClass().getSimpleName() + " " + code);
    }

    public boolean atEnd() {
        return at == end;
    }

    public void expectEnd() {
        if (!atEnd()) {
            throw malformed((end - at) + " bytes too many in a frame");
        }
    }

    public static EngineException malformed(String what) {
        return new EngineException(Category.PROTOCOL, "malformed control frame: " + what);
    }

    private void need(int more) {
        if (end - at < more) {
            throw malformed("it ends too early");
        }
    }
}
