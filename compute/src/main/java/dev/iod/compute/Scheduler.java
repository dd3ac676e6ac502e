package dev.iod.compute;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Chooses nodes for servers: a pure function of what was read, so the claim that follows must be
 * guarded. Spreads: the node with the most free memory wins, then the most free vCPUs, then the
 * fewest members of the server's group, then the name.
 */
final class Scheduler {
    private Scheduler() {}

    /**
     * A node as the scheduler sees it.
     *
     * @param freeVcpus vCPUs not claimed, the allocation ratio already applied
     * @param freeMemoryMib memory not claimed
     * @param freeDiskMib of the pool of root disks, not claimed
     * @param members how many members of the request's group it runs
     */
    record Candidate(
            String name,
            boolean up,
            boolean enabled,
            int freeVcpus,
            long freeMemoryMib,
            long freeDiskMib,
            int members) {}

    /**
     * What is to be placed.
     *
     * @param count how many alike, 1 or more; they are placed all or none, as in Nova
     * @param node the only node allowed, when an administrator named one
     */
    record Request(
            int count,
            int vcpus,
            long memoryMib,
            long diskMib,
            Optional<String> node,
            Optional<GroupRule> group) {}

    /**
     * The rule of the server group the request is in.
     *
     * @param maxPerNode how many members a node may have under anti-affinity, 1 or more
     */
    record GroupRule(GroupPolicy policy, int maxPerNode) {}

    /** Why a node was not taken. */
    enum Rejection {
        OTHER_NODE("not the requested node"),
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
     */
    record NoNode(String reason) implements Outcome {}

    private static final Comparator<Candidate> BEST =
            Comparator.comparingLong(Candidate::freeMemoryMib)
                    .reversed()
                    .thenComparing(Comparator.comparingInt(Candidate::freeVcpus).reversed())
                    .thenComparingInt(Candidate::members)
                    .thenComparing(Candidate::name);

    static Outcome place(List<Candidate> candidates, Request request) {
        Map<String, Candidate> current = new HashMap<>();
        candidates.forEach(c -> current.put(c.name(), c));
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
                return new NoNode(reason(current.size(), rejections));
            }
            Candidate taken = best.get();
            chosen.add(taken.name());
            current.put(
                    taken.name(),
                    new Candidate(
                            taken.name(),
                            true,
                            true,
                            taken.freeVcpus() - request.vcpus(),
                            taken.freeMemoryMib() - request.memoryMib(),
                            taken.freeDiskMib() - request.diskMib(),
                            taken.members() + 1));
        }
        return new Placed(List.copyOf(chosen));
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
        if (request.node().isPresent() && !request.node().get().equals(candidate.name())) {
            return Optional.of(Rejection.OTHER_NODE);
        }
        if (!candidate.up()) {
            return Optional.of(Rejection.DOWN);
        }
        if (!candidate.enabled()) {
            return Optional.of(Rejection.DISABLED);
        }
        if (request.group().filter(g -> excludes(g, candidate, groupHasHome)).isPresent()) {
            return Optional.of(Rejection.GROUP);
        }
        if (candidate.freeVcpus() < request.vcpus()) {
            return Optional.of(Rejection.VCPUS);
        }
        if (candidate.freeMemoryMib() < request.memoryMib()) {
            return Optional.of(Rejection.MEMORY);
        }
        // One without a disk fits although a pool became smaller than what is claimed of it.
        return request.diskMib() > Math.max(0, candidate.freeDiskMib())
                ? Optional.of(Rejection.DISK)
                : Optional.empty();
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
