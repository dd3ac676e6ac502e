package dev.iod.engine;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes numbers big-endian into a growing array. Strings and arrays carry their length. */
public final class WireWriter {
    private byte[] bytes = new byte[256];
    private int size;

    /** Nothing is written yet. */
    public WireWriter() {}

    public WireWriter u8(int value) {
        room(1)[size++] = (byte) value;
        return this;
    }

    public WireWriter code(Coded constant) {
        return u8(constant.code());
    }

    public WireWriter bool(boolean value) {
        return u8(value ? 1 : 0);
    }

    public WireWriter i32(int value) {
        byte[] to = room(4);
        for (int shift = 24; shift >= 0; shift -= 8) {
            to[size++] = (byte) (value >>> shift);
        }
        return this;
    }

    public WireWriter i64(long value) {
        return i32((int) (value >>> 32)).i32((int) value);
    }

    public WireWriter i128(long high, long low) {
        return i64(high).i64(low);
    }

    public WireWriter text(String value) {
        return blob(value.getBytes(StandardCharsets.UTF_8));
    }

    public WireWriter blob(byte[] value) {
        i32(value.length);
        byte[] to = room(value.length);
        System.arraycopy(value, 0, to, size, value.length);
        size += value.length;
        return this;
    }

    public int size() {
        return size;
    }

    /** Begins anew, in the same array. */
    public void clear() {
        size = 0;
    }

    /** Writes all that was written, as it is. */
    public void writeTo(OutputStream out) throws IOException {
        out.write(bytes, 0, size);
    }

    public byte[] toArray() {
        return Arrays.copyOf(bytes, size);
    }

    private byte[] room(int more) {
        if (size + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
        }
        return bytes;
    }
}
