package dev.iod.block;

/** What a request does. */
public enum Operation {
    READ,
    WRITE,
    /** Everything answered before is on stable media when this succeeds. */
    FLUSH,
    /** The content may be forgotten; reads give zeros or what was there. */
    DISCARD,
    /** Reads give zeros; space is given back when the request allows it and the volume is thin. */
    WRITE_ZEROES
}
