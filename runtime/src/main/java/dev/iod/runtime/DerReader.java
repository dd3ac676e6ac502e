package dev.iod.runtime;

import static dev.iod.runtime.SetupException.Category.IDENTITY;

import java.util.Arrays;

/** Walks over DER values; every length is checked against what is left. */
final class DerReader {
    private final byte[] bytes;
    private final int end;
    private int position;

    DerReader(byte[] bytes) {
        this(bytes, 0, bytes.length);
    }

    private DerReader(byte[] bytes, int start, int end) {
        this.bytes = bytes;
        this.position = start;
        this.end = end;
    }

    boolean atEnd() {
        return position == end;
    }

    /** The tag of the next value. */
    int peek() {
        need(1);
        return bytes[position] & 0xff;
    }

    /** The content of the next value, which must have this tag. */
    DerReader enter(int tag) {
        if (peek() != tag) {
            throw broken("tag " + peek() + " where " + tag + " was expected");
        }
        position++;
        int length = length();
        need(length);
        DerReader content = new DerReader(bytes, position, position + length);
        position += length;
        return content;
    }

    /** The next value with tag and length. */
    byte[] whole(int tag) {
        int start = position;
        enter(tag);
        return Arrays.copyOfRange(bytes, start, position);
    }

    /** What is left. */
    byte[] rest() {
        return Arrays.copyOfRange(bytes, position, end);
    }

    private int length() {
        need(1);
        int first = bytes[position++] & 0xff;
        if (first < 0x80) {
            return first;
        }
        int digits = first & 0x7f;
        if (digits == 0 || digits > 3) {
            throw broken("length of " + digits + " bytes");
        }
        need(digits);
        int length = 0;
        for (int i = 0; i < digits; i++) {
            length = length << 8 | bytes[position++] & 0xff;
        }
        return length;
    }

    private void need(int count) {
        if (count > end - position) {
            throw broken("truncated");
        }
    }

    private static SetupException broken(String detail) {
        return new SetupException(IDENTITY, "malformed DER: " + detail);
    }
}
