package dev.iod.compute;

import dev.iod.region.Provider;
import dev.iod.region.ResourceClass;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Chooses nodes for servers: a pure function of what was read, so the claim that follows looks
 * again under a lock. Spreads: the node with the most free memory wins, then the most free vCPUs,
 * then the fewest members of the server's group, then the name.
 */
final class Scheduler {
    private Scheduler() {}

    /**
     * A node as the scheduler sees it.
     *
     * @param members how many members of the request's group it runs
     */
    record Candidate(Provider provider, boolean enabled, int members) {
        /** The same with one more server. */
        Candidate with(Map<ResourceClass, Long> amounts) {
            return new Candidate(provider.with(amounts), enabled, members + 1);
        }
    }

    /**
     * What is to be placed.
     *
     * @param count how many alike, 1 or more; they are placed all or none, as in Nova
     * @param amounts what each of them takes
     * @param node the only node allowed, when an administrator named one
     * @param volumesMib room for the volumes that are made with each of them
     * @param volumeNodes the nodes that have, or can make, its volumes; empty: it has none
     */
    record Request(
            int count,
            Map<ResourceClass, Long> amounts,
            Optional<String> node,
            long volumesMib,
            Optional<Set<String>> volumeNodes,
            Optional<GroupRule> group) {
        Request {
            amounts = Map.copyOf(amounts);
            volumeNodes = volumeNodes.map(Set::copyOf);
        }

        /** What each of them takes with the volumes that are made with it. */
        Map<ResourceClass, Long> all() {
            Map<ResourceClass, Long> all = new EnumMap<>(ResourceClass.class);
            all.putAll(amounts);
            all.merge(ResourceClass.DISK_MB, volumesMib, Long::sum);
            return all;
        }
    }

    /**
     * The rule of the server group the request is in.
     *
     * @param maxPerNode how many members a node may have under anti-affinity, 1 or more
     */
    record GroupRule(GroupPolicy policy, int maxPerNode) {}

    /** Why a node was not taken. */
    enum Rejection {
        OTHER_NODE("not the requested node"),
        VOLUMES("without all of the server's volumes"),
        DOWN("down"),
        DISABLED("disabled"),
        VCPUS("short of vCPUs"),
        MEMORY("short of memory"),
        DISK("short of disk"),
        GROUP("excluded by the server group's policy");

        private final String words;

        Rejection(String words) {
            this.words = words;
        }
    }

    /** What came of it. */
    sealed interface Outcome {}

    /**
     * @param nodes one name per server, in the order of the servers
     */
    record Placed(List<String> nodes) implements Outcome {}

    /**
     * @param reason for the user: counts of nodes by rejection, no names
     * @param someDown a node was not looked at further because it is down
     */
    record NoNode(String reason, boolean someDown) implements Outcome {}

    private static final Comparator<Candidate> BEST =
            mostFree(ResourceClass.MEMORY_MB)
                    .thenComparing(mostFree(ResourceClass.VCPU))
                    .thenComparingInt(Candidate::members)
                    .thenComparing(candidate -> candidate.provider().name());

    static Outcome place(List<Candidate> candidates, Request request) {
        Map<String, Candidate> current = new HashMap<>();
        candidates.forEach(c -> current.put(c.provider().name(), c));
        List<String> chosen = new ArrayList<>(request.count());
        for (int i = 0; i < request.count(); i++) {
            Map<Rejection, Integer> rejections = new EnumMap<>(Rejection.class);
            boolean groupHasHome = current.values().stream().anyMatch(c -> c.members() > 0);
            List<Candidate> fits = new ArrayList<>();
            for (Candidate candidate : current.values()) {
                reject(candidate, request, groupHasHome)
                        .ifPresentOrElse(
                                r -> rejections.merge(r, 1, Integer::sum),
                                () -> fits.add(candidate));
            }
            Optional<Candidate> best = fits.stream().min(order(request));
            if (best.isEmpty()) {
                return new NoNode(
                        reason(current.size(), rejections), rejections.containsKey(Rejection.DOWN));
            }
            Candidate taken = best.get();
            chosen.add(taken.provider().name());
            current.put(taken.provider().name(), taken.with(request.all()));
        }
        return new Placed(List.copyOf(chosen));
    }

    /** Whether one more server of the request can be placed on a node that was chosen for it. */
    static boolean fits(Candidate candidate, Request request) {
        return reject(candidate, request, candidate.members() > 0).isEmpty();
    }

    private static Comparator<Candidate> mostFree(ResourceClass kind) {
        return Comparator.comparingLong((Candidate one) -> one.provider().free(kind)).reversed();
    }

    private static Comparator<Candidate> order(Request request) {
        return request.group()
                .map(
                        rule ->
                                switch (rule.policy()) {
                                    case AFFINITY, ANTI_AFFINITY -> BEST;
                                    case SOFT_AFFINITY ->
                                            Comparator.comparingInt(Candidate::members)
                                                    .reversed()
                                                    .thenComparing(BEST);
                                    case SOFT_ANTI_AFFINITY ->
                                            Comparator.comparingInt(Candidate::members)
                                                    .thenComparing(BEST);
                                })
                .orElse(BEST);
    }

    private static Optional<Rejection> reject(
            Candidate candidate, Request request, boolean groupHasHome) {
        if (request.node().isPresent()
                && !request.node().get().equals(candidate.provider().name())) {
            return Optional.of(Rejection.OTHER_NODE);
        }
        if (request.volumeNodes()
                .filter(nodes -> !nodes.contains(candidate.provider().name()))
                .isPresent()) {
            return Optional.of(Rejection.VOLUMES);
        }
        if (!candidate.provider().up()) {
            return Optional.of(Rejection.DOWN);
        }
        if (!candidate.enabled()) {
            return Optional.of(Rejection.DISABLED);
        }
        if (request.group().filter(g -> excludes(g, candidate, groupHasHome)).isPresent()) {
            return Optional.of(Rejection.GROUP);
        }
        // One without a disk fits although a pool became smaller than what is taken of it.
        return candidate
                .provider()
                .shortOf(request.all())
                .map(
                        kind ->
                                switch (kind) {
                                    case VCPU -> Rejection.VCPUS;
                                    case MEMORY_MB -> Rejection.MEMORY;
                                    case DISK_MB -> Rejection.DISK;
                                });
    }

    private static boolean excludes(GroupRule rule, Candidate candidate, boolean groupHasHome) {
        return switch (rule.policy()) {
            case ANTI_AFFINITY -> candidate.members() >= rule.maxPerNode();
            case AFFINITY -> groupHasHome && candidate.members() == 0;
            case SOFT_AFFINITY, SOFT_ANTI_AFFINITY -> false;
        };
    }

    private static String reason(int nodes, Map<Rejection, Integer> rejections) {
        if (nodes == 0) {
            return "The region has no nodes.";
        }
        String counts =
                rejections.entrySet().stream()
                        .map(e -> e.getValue() + " " + e.getKey().words)
                        .collect(Collectors.joining(", "));
        return "There are not enough hosts available. (of %d: %s)".formatted(nodes, counts);
    }
}
