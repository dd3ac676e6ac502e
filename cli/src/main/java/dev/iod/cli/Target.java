package dev.iod.cli;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The nodes a question is about, and the port, if it is about one. */
record Target(List<String> nodes, Optional<GuestPort> port) {
    /**
     * @param text a node, a port, or null for all nodes
     */
    static Target of(RegionConfig config, @Nullable String text, GuestPorts ports) {
        if (text == null) {
            return new Target(config.nodeNames(), Optional.empty());
        }
        if (config.nodeNames().contains(text)) {
            return new Target(List.of(text), Optional.empty());
        }
        GuestPort port = bound(ports.find(text));
        return new Target(List.of(port.node()), Optional.of(port));
    }

    /** A port that some node has. */
    static GuestPort bound(GuestPort port) {
        if (port.node().isEmpty()) {
            throw new CliException(
                    port.label() + " is on no node: no server that was started has it");
        }
        return port;
    }
}
