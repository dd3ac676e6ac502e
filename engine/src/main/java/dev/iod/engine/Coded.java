package dev.iod.engine;

/**
 * A constant that crosses a socket or stands in a file as a number. Numbers are never given to
 * another constant, so that old and new versions agree on what they know both.
 */
public interface Coded {
    /** 0 to 255, unique within its type. */
    int code();
}
