package dev.iod.ovn;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What ovn-trace's summary means for one chassis: which packets leave by which of its ports and
 * tunnels, with which headers. ovn-trace decides which flows match and prints their actions; this
 * class carries the actions out on the headers, in its own way and not by the product's parser.
 */
final class Expectation {
    private static final Pattern EGRESS =
            Pattern.compile("egress\\(dp=\"[^\"]*\", inport=\"[^\"]*\", outport=\"([^\"]*)\"\\)");
    private static final Pattern MULTICAST =
            Pattern.compile("multicast\\(dp=\"[^\"]*\", mcgroup=\"([^\"]*)\"\\)");
    private static final Pattern OUTPUT =
            Pattern.compile("/\\* output to \"([^\"]*)\", type \"([^\"]*)\" \\*/");
    private static final Pattern TRACKED = Pattern.compile("ct_next\\(ct_state=([a-z|]+).*");

    private final Map<String, String> tunnels;
    private final Set<String> plugged;
    private final List<String> outputs = new ArrayList<>();
    private final List<String> states = new ArrayList<>();
    private boolean trackedCopies;
    private boolean unsure;
    private int copies;

    private record Node(String text, List<Node> children) {}

    /**
     * @param tunnels where ports of other chassis are, by name
     * @param plugged ports of this chassis
     */
    private Expectation(Map<String, String> tunnels, Set<String> plugged) {
        this.tunnels = tunnels;
        this.plugged = plugged;
    }

    static Expectation of(
            String summary, byte[] frame, Map<String, String> tunnels, Set<String> plugged) {
        var expectation = new Expectation(tunnels, plugged);
        List<String> lines = summary.lines().filter(line -> !line.startsWith("#")).toList();
        if (lines.isEmpty() || !lines.getFirst().startsWith("ingress(")) {
            throw new IllegalStateException("ovn-trace says " + summary);
        }
        Node root = new Node("", new ArrayList<>());
        expectation.parse(lines, 0, root);
        expectation.walk(root.children(), new Microflow(Headers.of(frame)));
        return expectation;
    }

    /** What leaves: one text for each packet, sorted. */
    List<String> outputs() {
        return outputs.stream().sorted().toList();
    }

    /** What conntrack was taken to say on this chassis, in order. */
    List<String> states() {
        return states;
    }

    /** Whether conntrack was asked for copies of one packet, of which the order is nobody's. */
    boolean trackedCopies() {
        return trackedCopies;
    }

    /**
     * Whether what ovn-trace says from some point on rests on what it gets wrong itself: it keeps
     * the connection state over "output", which discards it (ovn-sb(5)), and a solicitation that it
     * makes keeps the protocol and hop limit of the packet it was made from.
     */
    boolean unsure() {
        return unsure;
    }

    private int parse(List<String> lines, int from, Node into) {
        int at = from;
        while (at < lines.size()) {
            String line = lines.get(at++).strip();
            if (line.equals("}") || line.equals("};")) {
                return at;
            }
            if (line.endsWith("{")) {
                var node =
                        new Node(line.substring(0, line.length() - 1).strip(), new ArrayList<>());
                at = parse(lines, at, node);
                into.children().add(node);
            } else {
                into.children().add(new Node(line.replaceAll(";$", ""), List.of()));
            }
        }
        return at;
    }

    private void walk(List<Node> nodes, Microflow flow) {
        String action = "";
        for (Node node : nodes) {
            if (!node.children().isEmpty() || !isLeaf(node.text())) {
                block(node, action, flow);
            } else {
                action = node.text();
                leaf(action, flow);
            }
        }
    }

    /** Blocks may be empty. */
    private static boolean isLeaf(String text) {
        return !EGRESS.matcher(text).matches() && !MULTICAST.matcher(text).matches();
    }

    private void leaf(String text, Microflow flow) {
        Matcher output = OUTPUT.matcher(text);
        if (!output.matches()) {
            flow.execute(text);
        } else if (plugged.contains(output.group(1))) {
            outputs.add(output.group(1) + flow.headers());
        }
    }

    private void block(Node node, String action, Microflow flow) {
        Matcher egress = EGRESS.matcher(node.text());
        Matcher multicast = MULTICAST.matcher(node.text());
        Matcher tracked = TRACKED.matcher(node.text());
        if (egress.matches()) {
            egress(node, egress.group(1), Optional.empty(), flow);
        } else if (multicast.matches()) {
            multicast(node, multicast.group(1), flow);
        } else if (tracked.matches()) {
            states.add(tracked.group(1));
            trackedCopies |= copies > 0;
            Microflow next = flow.copy();
            next.tracked = true;
            walk(node.children(), next);
        } else {
            unsure |= node.text().startsWith("ingress(") && carriesState(node, flow);
            boolean rejected = action.startsWith("reject");
            if (!flow.unanswerable(node.text())) {
                unsure |= node.text().equals("nd_ns");
                walk(node.children(), flow.transformed(node.text(), rejected));
            }
        }
    }

    private void multicast(Node node, String group, Microflow flow) {
        Set<String> reached = new HashSet<>();
        copies++;
        for (Node member : node.children()) {
            Matcher egress = EGRESS.matcher(member.text());
            if (egress.matches()) {
                Optional<String> tunnel = Optional.ofNullable(tunnels.get(egress.group(1)));
                if (tunnel.isEmpty() || reached.add(tunnel.get())) {
                    egress(member, egress.group(1), Optional.of(group), flow);
                }
            }
        }
        copies--;
    }

    /** The other chassis goes on with what a tunnel takes. */
    private void egress(Node node, String port, Optional<String> group, Microflow flow) {
        Optional<String> tunnel = Optional.ofNullable(tunnels.get(port));
        if (tunnel.isPresent()) {
            outputs.add(tunnel.get() + " " + group.orElse(port) + flow.headers());
        } else {
            unsure |= carriesState(node, flow);
            walk(node.children(), flow.copy());
        }
    }

    /** In this pipeline nothing replaces the connection state that it should not have. */
    private static boolean carriesState(Node pipeline, Microflow flow) {
        return flow.tracked
                && pipeline.children().stream()
                        .noneMatch(
                                node ->
                                        node.text().startsWith("ct_next")
                                                || node.text().equals("ct_clear"));
    }
}
