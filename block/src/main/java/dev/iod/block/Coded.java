package dev.iod.block;

/**
 * A constant that crosses the control socket or is kept in a file: by this number, which never
 * changes and is never used again for another, not by its place in the source.
 */
interface Coded {
    /** 1 to 255. */
    int code();
}
