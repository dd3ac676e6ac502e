package dev.iod.host;

/** The consoles of a machine that can be used. */
public enum ConsoleKind {
    /** The serial port: every byte the guest writes, and the log goes on. One user at a time. */
    SERIAL,
    /** Display, keyboard and mouse by RFB (RFC 6143); a q35 machine has them. */
    VNC
}
