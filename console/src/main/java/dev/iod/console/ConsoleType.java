package dev.iod.console;

import dev.iod.node.ConsoleKind;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The types of consoles that the region has, of those that Nova names. */
public enum ConsoleType {
    /** The display, for noVNC in a browser. */
    NOVNC("vnc", ConsoleKind.CONSOLE_VNC),
    /** The serial port. */
    SERIAL("serial", ConsoleKind.CONSOLE_SERIAL);

    private final String protocol;
    private final ConsoleKind kind;

    ConsoleType(String protocol, ConsoleKind kind) {
        this.protocol = protocol;
        this.kind = kind;
    }

    /** As the API writes it: {@code novnc} or {@code serial}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What the API calls its protocol: {@code vnc} or {@code serial}. */
    public String protocol() {
        return protocol;
    }

    ConsoleKind kind() {
        return kind;
    }

    /** The type that the API writes so, if the region has it. */
    public static Optional<ConsoleType> of(String text) {
        return Arrays.stream(values()).filter(type -> type.text().equals(text)).findFirst();
    }
}
