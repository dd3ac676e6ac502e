package dev.iod.ovn;

import dev.iod.ovn.OvnException.Category;
import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Match;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;

/**
 * Turns logical flows into rules. Each result is kept with the answers it depends on, so that a
 * pass over all flows compiles only those that changed or whose names now mean something else.
 * Belongs to the chassis' thread.
 */
final class FlowCompiler {
    /** The columns that a flow's rules are made of. */
    private static final List<String> TEXT =
            List.of("match", "actions", "priority", "table_id", "pipeline");

    private static final String NONE = "none";

    private final Model model;
    private final Map<UUID, Compiled> known = new HashMap<>();
    private Map<UUID, Compiled> fresh = new HashMap<>();
    private long lastRule;

    /**
     * A flow's rules.
     *
     * @param shared the same on all its datapaths, whichever these are
     * @param refusal why the rules drop what they match, empty when they do what the flow says
     */
    record Compiled(
            Row flow,
            int scope,
            List<Integer> datapaths,
            boolean shared,
            DhcpOptions dhcp,
            List<Entity.Rule> rules,
            Answers answers,
            Optional<Chassis.Refused> refusal) {}

    /** What a compilation asked and was told. */
    static final class Answers {
        final Map<Named, OptionalLong> ports = new LinkedHashMap<>();
        final Map<String, Boolean> resident = new LinkedHashMap<>();
        final Set<Sets.Used> sets = new LinkedHashSet<>();
        boolean differsByDatapath;
    }

    /** A port or multicast group as seen from a datapath. */
    record Named(int datapath, String name) {}

    FlowCompiler(Model model) {
        this.model = model;
    }

    /** What the flows of one pass are compiled against. */
    interface Environment {
        /** Key of a multicast group on a datapath. */
        OptionalLong group(int datapath, String name);

        boolean resident(String port);

        DhcpOptions dhcp();
    }

    /**
     * The rules of a flow.
     *
     * @param scope what {@link Entity.Rule#scope} is for all its datapaths together
     * @param datapaths keys of the flow's datapaths that are local
     */
    Compiled compile(
            Row flow,
            int scope,
            List<Integer> datapaths,
            boolean inSwitch,
            Environment environment) {
        Optional<Compiled> before = Optional.ofNullable(known.get(flow.uuid()));
        Optional<Compiled> valid =
                before.filter(
                        old ->
                                sameText(old.flow(), flow)
                                        && (old.shared() || old.datapaths().equals(datapaths))
                                        && old.scope() == scope
                                        && old.dhcp() == environment.dhcp()
                                        && holds(old.answers(), environment));
        if (valid.isPresent()) {
            fresh.put(flow.uuid(), valid.get());
            return valid.get();
        }
        var answers = new Answers();
        Body body = translate(flow, datapaths.getFirst(), inSwitch, answers, environment);
        boolean shared = !answers.differsByDatapath || scope > 0;
        var rules = new ArrayList<Entity.Rule>();
        if (shared) {
            rule(flow, scope, body, before, rules);
        } else {
            for (int datapath : datapaths) {
                Body own = translate(flow, datapath, inSwitch, answers, environment);
                rule(flow, datapath, own, before, rules);
            }
        }
        String stage = flow.map("external_ids").getOrDefault("stage-name", "");
        var compiled =
                new Compiled(
                        flow,
                        scope,
                        datapaths,
                        shared,
                        environment.dhcp(),
                        List.copyOf(rules),
                        answers,
                        body.refusal()
                                .map(
                                        why ->
                                                new Chassis.Refused(
                                                        flow.uuid().toString(), stage, why)));
        fresh.put(flow.uuid(), compiled);
        return compiled;
    }

    /** The number by which the engine knew the datapaths of a flow in the last pass. */
    OptionalInt lastScope(UUID flow) {
        Compiled before = known.get(flow);
        return before == null ? OptionalInt.empty() : OptionalInt.of(before.scope());
    }

    private static boolean sameText(Row a, Row b) {
        return a == b || TEXT.stream().allMatch(column -> a.value(column).equals(b.value(column)));
    }

    /** Adds a rule for a body that can match; it keeps the number of the one it replaces. */
    private void rule(
            Row flow, int scope, Body body, Optional<Compiled> before, List<Entity.Rule> rules) {
        if (body.match().equals(Matches.FALSE)) {
            return;
        }
        int position = rules.size();
        long number =
                before.filter(old -> position < old.rules().size())
                        .map(old -> old.rules().get(position).id())
                        .orElseGet(() -> ++lastRule);
        rules.add(
                new Entity.Rule(
                        number,
                        flow.uuid().toString(),
                        scope,
                        ActionParser.stage(flow.text("pipeline")),
                        (int) flow.integer("table_id"),
                        (int) flow.integer("priority"),
                        body.match(),
                        body.actions()));
    }

    /** Forgets flows that were not compiled since the last call. */
    void endPass() {
        known.clear();
        known.putAll(fresh);
        fresh = new HashMap<>();
    }

    private boolean holds(Answers answers, Environment environment) {
        for (var entry : answers.ports.entrySet()) {
            Named asked = entry.getKey();
            if (!port(asked.name(), asked.datapath(), environment).equals(entry.getValue())) {
                return false;
            }
        }
        for (var entry : answers.resident.entrySet()) {
            if (environment.resident(entry.getKey()) != entry.getValue()) {
                return false;
            }
        }
        return true;
    }

    private OptionalLong port(String name, int datapath, Environment environment) {
        if (name.equals(NONE)) {
            // What "outport" is before anything was chosen, and after an unknown address.
            return OptionalLong.of(0);
        }
        Optional<Long> port = model.port(name).flatMap(model::portKey);
        return port.isPresent() ? OptionalLong.of(port.get()) : environment.group(datapath, name);
    }

    /** What a flow says on one datapath. */
    private record Body(Match match, List<Action> actions, Optional<String> refusal) {}

    private Body translate(
            Row flow, int datapath, boolean inSwitch, Answers answers, Environment environment) {
        var names = new Recorder(datapath, answers, environment);
        Match match = Matches.TRUE;
        try {
            MatchParser.Result found = MatchParser.parse(flow.text("match"), names);
            match = found.match();
            if (!found.unsupported().isEmpty()) {
                throw new OvnException(
                        Category.UNSUPPORTED, String.join(", ", found.unsupported()));
            }
            var place =
                    new ActionParser.Place(
                            ActionParser.stage(flow.text("pipeline")),
                            (int) flow.integer("table_id"),
                            inSwitch);
            ActionParser.Result result =
                    ActionParser.parse(flow.text("actions"), place, names, environment.dhcp());
            Match whole = Matches.all(List.of(match, result.required()));
            return new Body(whole, result.actions(), Optional.empty());
        } catch (OvnException e) {
            String why = String.valueOf(e.getMessage());
            if (e.category() == Category.SYNTAX) {
                // What is not OVN's language is no flow, for ovn-controller too.
                return new Body(Matches.FALSE, List.of(), Optional.of("no flow: " + why));
            }
            // Fails closed: what the flow (at least) matches is dropped, and counted by name.
            return new Body(match, List.of(new Action.Unsupported(why)), Optional.of(why));
        }
    }

    /** Answers names and notes the answers. */
    private final class Recorder implements Scope {
        private final int datapath;
        private final Answers answers;
        private final Environment environment;

        Recorder(int datapath, Answers answers, Environment environment) {
            this.datapath = datapath;
            this.answers = answers;
            this.environment = environment;
        }

        @Override
        public OptionalLong port(String name) {
            OptionalLong key = FlowCompiler.this.port(name, datapath, environment);
            if (!name.equals(NONE) && model.port(name).isEmpty()) {
                answers.differsByDatapath = true;
            }
            answers.ports.put(new Named(datapath, name), key);
            return key;
        }

        @Override
        public boolean resident(String port) {
            boolean resident = environment.resident(port);
            answers.resident.put(port, resident);
            return resident;
        }

        @Override
        public String portGroup(String name) {
            var used = new Sets.Used(Sets.Kind.PORT_GROUP, name, 40);
            answers.sets.add(used);
            return used.engineName();
        }

        @Override
        public String addressSet(String name, int width) {
            var used = new Sets.Used(Sets.Kind.ADDRESS_SET, name, width);
            answers.sets.add(used);
            return used.engineName();
        }
    }
}
