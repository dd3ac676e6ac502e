package dev.iod.ovn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.ovn.TraceWorld.Case;
import dev.iod.pipeline.EngineReport.TraceStep;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Rule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real engine with compiled flows does what ovn-trace says: packets of chance in topologies of
 * chance, each with all that conntrack may say of it. Compared are the ports and tunnels it leaves
 * by, as often as it does, and all headers it leaves with, those of crafted replies included.
 */
@Timeout(1800)
class OvnTraceTest {
    private static final boolean FULL = Boolean.getBoolean("iod.full");
    private static final int TOPOLOGIES = 50;
    private static final int PACKETS = FULL ? 50_000 : 2_000;

    /** Most runs of one packet, to meet all states of its connections. */
    private static final int RUNS = 12;

    /** Runs that mutants are tried on. */
    private static final int KEPT = 20_000;

    private static final int LEAST_HITS = 20;

    /** Most further packets of each topology, made until what is rare was taken often enough. */
    private static final int RARE_PACKETS = 10 * PACKETS / TOPOLOGIES;

    /** Most mutants of one kind: many change what no packet of the run can tell. */
    private static final int MUTANTS = 40;

    /** Runs that a mutant is tried on. */
    private static final int TRIALS = 300;

    /** Stages and shapes of actions without the least number of hits, and why. */
    private static final Map<String, String> UNREACHED =
            Map.of(
                    "Craft ND_NEIGHBOR_ADVERT_ROUTER",
                    "ovn-trace 23.03 ends in an assertion on nd_na_router",
                    "Unsupported ct_lb_mark",
                    "no load balancers; northd writes the flow for every switch",
                    "Unsupported handle_dhcpv6_reply",
                    "only for packets to a router that delegates IPv6 prefixes",
                    "Unsupported handle_svc_check",
                    "only for answers to health checks of load balancers");

    @TempDir static Path directory;
    private static Optional<TraceWorld> world = Optional.empty();
    private static final List<Case> CASES = new ArrayList<>();
    private static final List<Case> DIFFERENCES = new ArrayList<>();
    private static final Map<String, Integer> COUNTS = new TreeMap<>();
    private static final Set<String> STATES_MET = new HashSet<>();
    private static Coverage coverage;
    private static long seed;

    @BeforeAll
    static void run() throws Exception {
        // A run of ./iod test --full takes other packets each time.
        seed = Long.getLong("seed", FULL ? System.nanoTime() : 20261122L);
        System.out.println("OvnTraceTest: seed " + seed);
        var made = new TraceWorld(directory, TOPOLOGIES, seed);
        world = Optional.of(made);
        made.fill();
        coverage = new Coverage(made.stages(), made.entities.all(Rule.class));
        var packets = new ArrayList<RandomPackets>();
        for (RandomTopology topology : made.topologies) {
            packets.add(new RandomPackets(topology, seed));
            for (int i = 0; i < PACKETS / TOPOLOGIES; i++) {
                count("packets");
                enumerate(made, packets.getLast().next());
            }
        }
        for (int i = 0; i < RARE_PACKETS && !seldom().isEmpty(); i++) {
            for (RandomPackets of : packets) {
                if (!seldom().isEmpty()) {
                    count("packets for what is rare");
                    enumerate(made, of.next());
                }
            }
        }
        System.out.println(COUNTS);
        System.out.println(coverage.table());
    }

    @AfterAll
    static void stop() {
        world.ifPresent(TraceWorld::close);
    }

    /** Runs a packet until each lookup of its way has said all that it may say. */
    private static void enumerate(TraceWorld world, Flow flow) {
        List<Set<String>> met = List.of(new HashSet<>(), new HashSet<>(), new HashSet<>());
        boolean delivered = false;
        for (int i = 0; i < RUNS; i++) {
            Case run = world.run(flow);
            note(run);
            delivered |= !run.expected().isEmpty();
            for (int step = 0; step < Math.min(met.size(), run.states().size()); step++) {
                met.get(step).add(run.states().get(step));
            }
            STATES_MET.addAll(run.states());
            if (met.stream().allMatch(s -> s.isEmpty() || s.size() == TraceDaemon.STATES.size())) {
                break;
            }
        }
        if (delivered) {
            count("packets delivered");
        }
    }

    private static void note(Case run) {
        count("runs");
        count(run.expected().isEmpty() ? "runs dropped" : "runs delivered");
        coverage.add(run.steps());
        if (!run.agrees()) {
            count(run.comparable() ? "differences" : "differences excused");
            if (run.comparable() && DIFFERENCES.size() < 100) {
                DIFFERENCES.add(run);
            }
        } else if (CASES.size() < KEPT) {
            CASES.add(run.lean());
        }
    }

    private static void count(String what) {
        COUNTS.merge(what, 1, Integer::sum);
    }

    private static int counted(String what) {
        return COUNTS.getOrDefault(what, 0);
    }

    @Test
    void packetsGoWhereOvnTraceSays() {
        assertThat(DIFFERENCES.stream().limit(5).toList())
                .as("of %d differences", counted("differences"))
                .isEmpty();
        assertThat(counted("packets")).isEqualTo(PACKETS);
        // What ovn-trace itself gets wrong (see Expectation) is rare enough not to hide anything.
        assertThat(counted("differences excused")).isLessThan(counted("runs") / 50);
    }

    @Test
    void enoughIsDelivered() {
        assertThat(counted("packets delivered")).isGreaterThan(PACKETS * 4 / 10);
        assertThat(counted("runs delivered")).isGreaterThan(counted("runs") * 4 / 10);
        assertThat(STATES_MET).hasSize(TraceDaemon.STATES.size());
    }

    @Test
    void everyStageAndShapeOfActionIsTaken() {
        assertThat(seldom()).isEmpty();
        // What is reached after all is to be taken off the list.
        assertThat(UNREACHED.keySet())
                .allMatch(what -> coverage.totals().getOrDefault(what, 0) < LEAST_HITS);
        System.out.println("not reached: " + UNREACHED);
    }

    /** Stages and shapes that are to be taken and were not taken often enough. */
    private static Set<String> seldom() {
        var seldom = new TreeMap<>(coverage.totals());
        seldom.values().removeIf(hits -> hits >= LEAST_HITS);
        seldom.keySet().removeAll(UNREACHED.keySet());
        return seldom.keySet();
    }

    /** A way of breaking a rule; the rows to put into the engine in place of the rule. */
    private interface Mutation extends Function<Rule, List<Rule>> {}

    @Test
    void anotherRulesPriorityIsNoticed() {
        var defaults = new HashMap<String, Rule>();
        for (Rule rule : rules()) {
            if (rule.priority() == 0) {
                defaults.put(table(rule), rule);
            }
        }
        assertNoticed(
                "priority swapped",
                rule ->
                        Optional.ofNullable(defaults.get(table(rule)))
                                .filter(other -> !other.actions().equals(rule.actions()))
                                .map(other -> Mutants.prioritySwapped(rule, other))
                                .orElse(List.of()));
    }

    @Test
    void lostBitOfAMaskIsNoticed() {
        assertNoticed("mask bit lost", rule -> Mutants.maskBitLost(rule).stream().toList());
    }

    @Test
    void confusedStateBitIsNoticed() {
        assertNoticed("state bit", rule -> Mutants.stateBitConfused(rule).stream().toList());
    }

    private static List<Rule> rules() {
        return world.orElseThrow().entities.all(Rule.class);
    }

    private static String table(Rule rule) {
        return rule.stage() + " " + rule.table();
    }

    private static void assertNoticed(String name, Mutation mutation) {
        Map<String, Set<String>> topologies = new HashMap<>();
        for (Case run : CASES) {
            for (TraceStep step : run.steps()) {
                topologies.computeIfAbsent(step.cookie(), c -> new HashSet<>()).add(topology(run));
            }
        }
        var random = new Random(seed);
        List<Rule> candidates = new ArrayList<>(rules());
        candidates.removeIf(rule -> !topologies.containsKey(rule.cookie()));
        Collections.shuffle(candidates, random);
        int tried = 0;
        int noticed = 0;
        for (Rule rule : candidates) {
            boolean enough = tried == MUTANTS || noticed > 0;
            List<Rule> mutants = enough ? List.of() : mutation.apply(rule);
            if (!mutants.isEmpty()) {
                tried++;
                Set<String> where = topologies.getOrDefault(rule.cookie(), Set.of());
                List<Case> runs = new ArrayList<>(CASES);
                runs.removeIf(run -> !where.contains(topology(run)) || !visits(run, rule));
                Collections.shuffle(runs, random);
                boolean seen = isNoticed(mutants, runs.subList(0, Math.min(TRIALS, runs.size())));
                noticed += seen ? 1 : 0;
            }
        }
        System.out.println(name + ": mutant " + tried + " noticed: " + (noticed > 0));
        assertThat(noticed).isPositive();
    }

    private static String topology(Case run) {
        return run.flow().port().replaceFirst("^lrp-", "").replaceFirst("n.*", "");
    }

    private static boolean visits(Case run, Rule rule) {
        return run.steps().stream()
                .anyMatch(step -> step.stage() == rule.stage() && step.table() == rule.table());
    }

    private static boolean isNoticed(List<Rule> mutants, List<Case> runs) {
        TraceWorld on = world.orElseThrow();
        Set<Long> numbers = new HashSet<>();
        mutants.forEach(mutant -> numbers.add(mutant.id()));
        List<Rule> right = rules().stream().filter(r -> numbers.contains(r.id())).toList();
        on.put(List.<Entity>copyOf(mutants));
        try {
            return runs.stream().anyMatch(run -> !on.again(run).agrees());
        } finally {
            on.put(List.<Entity>copyOf(right));
        }
    }
}
