package dev.iod.cli;

import java.util.List;

/**
 * The physical network between the nodes: a bridge in a namespace of its own and one veth per node.
 * Addresses are {@link #SUBNET}.10 + n; nothing of it can be reached from outside.
 */
final class Underlay {
    static final String INTERFACE = "uplink0";
    static final int MTU_BYTES = 1500;
    private static final String SUBNET = "172.30.0.";
    private static final String BRIDGE = "br0";

    private final Layout layout;

    Underlay(Layout layout) {
        this.layout = layout;
    }

    /** A node's tunnel end point. @param index 1 for the first node */
    static String address(int index) {
        return SUBNET + (10 + index);
    }

    /** Makes what is missing. @return whether anything was */
    boolean ensure(List<String> nodes) {
        String net = layout.underlayNamespace();
        boolean changed = ensureNamespace(net);
        if (!Shell.attempt("ip", "-n", net, "link", "show", BRIDGE).ok()) {
            Shell.run(
                    "ip",
                    "-n",
                    net,
                    "link",
                    "add",
                    BRIDGE,
                    "mtu",
                    "" + MTU_BYTES,
                    "type",
                    "bridge");
            Shell.run("ip", "-n", net, "link", "set", BRIDGE, "up");
            changed = true;
        }
        for (int i = 0; i < nodes.size(); i++) {
            changed |= ensureNode(nodes.get(i), i + 1);
        }
        return changed;
    }

    private boolean ensureNode(String node, int index) {
        String net = layout.underlayNamespace();
        String namespace = layout.nodeNamespace(node);
        boolean changed = ensureNamespace(namespace);
        if (Shell.attempt("ip", "-n", namespace, "link", "show", INTERFACE).ok()) {
            return changed;
        }
        Shell.run(
                "ip",
                "-n",
                namespace,
                "link",
                "add",
                INTERFACE,
                "mtu",
                "" + MTU_BYTES,
                "type",
                "veth",
                "peer",
                "name",
                node,
                "mtu",
                "" + MTU_BYTES,
                "netns",
                net);
        // A veth hands on packets whose checksum was left to hardware; tunnel packets must be
        // whole.
        Shell.run("ip", "netns", "exec", namespace, "ethtool", "-K", INTERFACE, "tx", "off");
        Shell.run("ip", "-n", namespace, "addr", "add", address(index) + "/24", "dev", INTERFACE);
        Shell.run("ip", "-n", namespace, "link", "set", INTERFACE, "up");
        Shell.run("ip", "-n", net, "link", "set", node, "master", BRIDGE, "up");
        return true;
    }

    private static boolean ensureNamespace(String name) {
        if (namespaces("").contains(name)) {
            return false;
        }
        Shell.run("ip", "netns", "add", name);
        Shell.run("ip", "-n", name, "link", "set", "lo", "up");
        // Nothing here speaks IPv6, and its router solicitations would only be noise in captures.
        Shell.attempt(
                "ip",
                "netns",
                "exec",
                name,
                "sysctl",
                "-qw",
                "net.ipv6.conf.default.disable_ipv6=1");
        return true;
    }

    /** Names of the namespaces that start with a prefix. */
    static List<String> namespaces(String prefix) {
        return Shell.run("ip", "netns", "list")
                .lines()
                .map(line -> line.split(" ")[0])
                .filter(name -> !name.isEmpty() && name.startsWith(prefix))
                .toList();
    }

    /** Removes every namespace of this region, and with them their interfaces. */
    void remove() {
        for (String name : namespaces(layout.namespacePrefix())) {
            Shell.run("ip", "netns", "del", name);
        }
    }
}
