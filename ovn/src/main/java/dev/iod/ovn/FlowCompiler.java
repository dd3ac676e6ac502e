package dev.iod.ovn;

import dev.iod.eswitch.Action;
import dev.iod.eswitch.Entity;
import dev.iod.eswitch.Match;
import dev.iod.ovn.OvnException.Category;
import dev.iod.ovsdb.Row;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;

/**
 * Turns logical flows into rules. Each result is kept with the answers it depends on, so that a
 * pass over all flows compiles only those that changed or whose names now mean something else.
 * Belongs to the chassis' thread.
 */
final class FlowCompiler {
    private final Model model;
    private final Map<UUID, Compiled> known = new HashMap<>();
    private Map<UUID, Compiled> fresh = new HashMap<>();
    private long lastRule;

    /**
     * A flow's rules.
     *
     * @param refusal why the rules drop what they match, empty when they do what the flow says
     */
    record Compiled(
            Row flow,
            int scope,
            List<Integer> datapaths,
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
        Compiled before = known.get(flow.uuid());
        if (before != null
                && before.flow() == flow
                && (!before.answers().differsByDatapath || before.datapaths().equals(datapaths))
                && before.scope() == scope
                && before.dhcp() == environment.dhcp()
                && holds(before.answers(), environment)) {
            fresh.put(flow.uuid(), before);
            return before;
        }
        var answers = new Answers();
        Compiled shared =
                compile(
                        flow,
                        scope,
                        datapaths.getFirst(),
                        datapaths,
                        inSwitch,
                        answers,
                        environment);
        Compiled compiled = shared;
        if (answers.differsByDatapath && scope < 0) {
            var rules = new ArrayList<Entity.Rule>();
            for (int datapath : datapaths) {
                rules.addAll(
                        compile(flow, datapath, datapath, datapaths, inSwitch, answers, environment)
                                .rules());
            }
            compiled =
                    new Compiled(
                            flow,
                            scope,
                            datapaths,
                            environment.dhcp(),
                            rules,
                            answers,
                            shared.refusal());
        }
        fresh.put(flow.uuid(), compiled);
        return compiled;
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
        if (name.equals("none")) {
            // What "outport" is before anything was chosen, and after an unknown address.
            return OptionalLong.of(0);
        }
        Optional<Long> port = model.port(name).flatMap(model::portKey);
        return port.isPresent() ? OptionalLong.of(port.get()) : environment.group(datapath, name);
    }

    private Compiled compile(
            Row flow,
            int scope,
            int datapath,
            List<Integer> datapaths,
            boolean inSwitch,
            Answers answers,
            Environment environment) {
        var names = new Recorder(datapath, answers, environment);
        Action.Stage stage = ActionParser.stage(flow.text("pipeline"));
        int table = (int) flow.integer("table_id");
        Match match = Matches.TRUE;
        List<Action> actions;
        Optional<String> refusal = Optional.empty();
        try {
            MatchParser.Result found = MatchParser.parse(flow.text("match"), names);
            match = found.match();
            if (!found.unsupported().isEmpty()) {
                throw new OvnException(
                        Category.UNSUPPORTED, String.join(", ", found.unsupported()));
            }
            ActionParser.Result result =
                    ActionParser.parse(
                            flow.text("actions"),
                            new ActionParser.Place(stage, table, inSwitch),
                            names,
                            environment.dhcp());
            actions = result.actions();
            match = Matches.all(List.of(match, result.required()));
        } catch (OvnException e) {
            // Fails closed: what the flow (at least) matches is dropped, and counted by name.
            refusal = Optional.of(String.valueOf(e.getMessage()));
            actions = List.of(new Action.Unsupported(refusal.get()));
        }
        List<Entity.Rule> rules =
                match.equals(Matches.FALSE)
                        ? List.of()
                        : List.of(
                                new Entity.Rule(
                                        ++lastRule,
                                        flow.uuid().toString(),
                                        scope,
                                        stage,
                                        table,
                                        (int) flow.integer("priority"),
                                        match,
                                        actions));
        String stageName = flow.map("external_ids").getOrDefault("stage-name", "");
        return new Compiled(
                flow,
                scope,
                datapaths,
                environment.dhcp(),
                rules,
                answers,
                refusal.map(why -> new Chassis.Refused(flow.uuid().toString(), stageName, why)));
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
            if (key.isPresent() && key.getAsLong() != 0 && model.port(name).isEmpty()) {
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
