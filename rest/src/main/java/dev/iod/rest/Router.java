package dev.iod.rest;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Finds the route of a path; a tree of segments in which a literal wins over a parameter. */
final class Router {
    private static final int MAX_SEGMENTS = 32;

    private final Node root = new Node();
    private final List<Api> apis;

    /** The routes of one path, by method, and the values of its parameters. */
    record Match(Target target, Map<String, String> parameters) {}

    /** All methods of one template. */
    record Target(Api api, SortedMap<String, Route> methods, List<String> parameterNames) {}

    private static final class Node {
        private final Map<String, Node> literals = new HashMap<>();
        private Optional<Node> parameter = Optional.empty();
        private Optional<Target> target = Optional.empty();
    }

    Router(List<Api> apis) {
        this.apis = List.copyOf(apis);
        for (Api api : apis) {
            api.routes().forEach(route -> add(api, route));
        }
    }

    /** How the service that a path belongs to words its errors. */
    Dialect dialect(String path) {
        return apis.stream()
                .filter(api -> !api.prefix().isEmpty() && path.startsWith(api.prefix()))
                .map(Api::dialect)
                .findFirst()
                .orElse(Dialect.PLAIN);
    }

    /** The match of a decoded, split path. */
    Optional<Match> find(List<String> segments) {
        List<String> values = new ArrayList<>();
        return find(root, segments, 0, values)
                .map(
                        target -> {
                            Map<String, String> parameters = new HashMap<>();
                            for (int i = 0; i < values.size(); i++) {
                                parameters.put(target.parameterNames().get(i), values.get(i));
                            }
                            return new Match(target, parameters);
                        });
    }

    /**
     * Splits a path at its slashes and takes the escapes off each part.
     *
     * @throws ApiException 400 when an escape is malformed or stands for NUL
     */
    static List<String> split(String path) {
        List<String> segments = new ArrayList<>();
        for (String segment : path.substring(1).split("/", MAX_SEGMENTS)) {
            segments.add(Query.unescape(segment));
        }
        return segments;
    }

    private Optional<Target> find(
            Node node, List<String> segments, int depth, List<String> values) {
        if (depth == segments.size()) {
            return node.target;
        }
        if (segments.get(depth).isEmpty()) {
            // A slash too many, but where an id is expected it is an empty one.
            return node.parameter.isPresent()
                    ? Optional.empty()
                    : find(node, segments, depth + 1, values);
        }
        Node literal = node.literals.get(segments.get(depth));
        if (literal != null) {
            int before = values.size();
            Optional<Target> found = find(literal, segments, depth + 1, values);
            if (found.isPresent()) {
                return found;
            }
            values.subList(before, values.size()).clear();
        }
        if (node.parameter.isEmpty()) {
            return Optional.empty();
        }
        values.add(segments.get(depth));
        Optional<Target> found = find(node.parameter.get(), segments, depth + 1, values);
        if (found.isEmpty()) {
            values.removeLast();
        }
        return found;
    }

    private void add(Api api, Route route) {
        Node node = root;
        List<String> names = new ArrayList<>();
        for (String segment : (api.prefix() + route.template()).split("/", -1)) {
            if (segment.isEmpty()) {
                continue;
            }
            if (segment.startsWith("{")) {
                names.add(segment.substring(1, segment.length() - 1));
                if (node.parameter.isEmpty()) {
                    node.parameter = Optional.of(new Node());
                }
                node = node.parameter.get();
            } else {
                node = node.literals.computeIfAbsent(segment, ignored -> new Node());
            }
        }
        Target target = node.target.orElseGet(() -> new Target(api, new TreeMap<>(), names));
        node.target = Optional.of(target);
        if (!target.parameterNames().equals(names)
                || target.methods().put(route.method(), route) != null) {
            throw new IllegalArgumentException(
                    "two routes for %s %s%s"
                            .formatted(route.method(), api.prefix(), route.template()));
        }
    }
}
