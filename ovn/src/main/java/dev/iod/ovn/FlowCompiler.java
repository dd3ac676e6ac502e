package dev.iod.ovn;

import dev.iod.ovn.OvnException.Category;
import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Action;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Match;
import dev.iod.pipeline.PortKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Turns logical flows into rules, and notes which facts these depend on. Belongs to the chassis'
 * thread.
 */
final class FlowCompiler {
    /** Texts without names whose meaning is kept: thousands of flows share a few of them. */
    static final int TEXT_LIMIT = 4096;

    private static final String NONE = "none";

    private final Model model;
    private final Map<String, MatchParser.Result> matches = new HashMap<>();
    private final Map<Actions, ActionParser.Result> actions = new HashMap<>();
    private DhcpOptions dhcp = DhcpOptions.NONE;
    private long lastRule;

    /** Actions mean something at their place only. */
    private record Actions(String text, ActionParser.Place place) {}

    /** A datapath as flows need it. */
    record Datapath(UUID uuid, int key, boolean inSwitch) {}

    /**
     * A flow's rules.
     *
     * @param scope what {@link Entity.Rule#scope} is for all its datapaths together
     * @param refusal why the rules drop what they match, empty when they do what the flow says
     */
    record Compiled(int scope, List<Entity.Rule> rules, Optional<Chassis.Refused> refusal) {}

    FlowCompiler(Model model) {
        this.model = model;
    }

    void dhcp(DhcpOptions options) {
        dhcp = options;
    }

    /**
     * The rules of a flow.
     *
     * @param scope what {@link Entity.Rule#scope} is for all its datapaths together
     * @param datapaths those of the flow that are local, at least one
     * @param before the rules it had, whose numbers are used again
     */
    Compiled compile(
            Row flow,
            int scope,
            List<Datapath> datapaths,
            Optional<Compiled> before,
            Consumer<Fact> reads) {
        var names = new Names(datapaths.getFirst(), reads);
        Body body = translate(flow, names);
        var rules = new ArrayList<Entity.Rule>();
        // The same on all its datapaths, whichever these are.
        boolean shared = !names.differsByDatapath || scope > 0;
        if (shared) {
            rule(flow, scope, body, before, rules);
        } else {
            for (Datapath datapath : datapaths) {
                Body own = translate(flow, new Names(datapath, reads));
                rule(flow, datapath.key(), own, before, rules);
            }
        }
        return new Compiled(
                scope, List.copyOf(rules), body.refusal().map(why -> refused(flow, why)));
    }

    private static Chassis.Refused refused(Row flow, String why) {
        String stage = flow.text("pipeline") + " table " + flow.integer("table_id");
        return new Chassis.Refused(flow.uuid().toString(), stage, why);
    }

    /** Adds a rule for a body that can match; it keeps the number of the one it replaces. */
    private void rule(
            Row flow, int scope, Body body, Optional<Compiled> before, List<Entity.Rule> rules) {
        if (Matches.isFalse(body.match())) {
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

    /** What a flow says on one datapath. */
    private record Body(Match match, List<Action> actions, Optional<String> refusal) {}

    private Body translate(Row flow, Names names) {
        Match match = Matches.TRUE;
        try {
            MatchParser.Result found = match(flow.text("match"), names);
            match = found.match();
            if (!found.unsupported().isEmpty()) {
                throw new OvnException(
                        Category.UNSUPPORTED, String.join(", ", found.unsupported()));
            }
            var place =
                    new ActionParser.Place(
                            ActionParser.stage(flow.text("pipeline")),
                            (int) flow.integer("table_id"),
                            names.datapath.inSwitch());
            ActionParser.Result result = actions(flow.text("actions"), place, names);
            Match whole =
                    result.required() instanceof Match.Always
                            ? match
                            : Matches.all(List.of(match, result.required()));
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

    private MatchParser.Result match(String text, Names names) {
        MatchParser.Result known = matches.get(text);
        if (known != null) {
            return known;
        }
        names.asked = false;
        MatchParser.Result result = MatchParser.parse(text, names);
        if (!names.asked) {
            keep(matches, text, result);
        }
        return result;
    }

    private ActionParser.Result actions(String text, ActionParser.Place place, Names names) {
        var key = new Actions(text, place);
        ActionParser.Result known = actions.get(key);
        if (known != null) {
            return known;
        }
        names.asked = false;
        ActionParser.Result result = ActionParser.parse(text, place, names);
        if (!names.asked) {
            keep(actions, key, result);
        }
        return result;
    }

    private static <K, V> void keep(Map<K, V> known, K key, V value) {
        if (known.size() == TEXT_LIMIT) {
            known.clear();
        }
        known.put(key, value);
    }

    /** Answers names on one datapath and notes what was asked. */
    private final class Names implements Scope {
        final Datapath datapath;
        private final Consumer<Fact> reads;

        /** A name was not a port's: it may be a multicast group's, of which each has its own. */
        boolean differsByDatapath;

        boolean asked;

        Names(Datapath datapath, Consumer<Fact> reads) {
            this.datapath = datapath;
            this.reads = reads;
        }

        @Override
        public OptionalLong port(String name) {
            asked = true;
            if (name.equals(NONE)) {
                // What "outport" is before anything was chosen, and after an unknown address.
                return OptionalLong.of(0);
            }
            reads.accept(new Fact.PortKey(name));
            Optional<Row> port = model.port(name);
            differsByDatapath |= port.isEmpty();
            Optional<Long> key = port.flatMap(model::portKey);
            if (key.isEmpty()) {
                reads.accept(new Fact.Multicast(datapath.uuid(), name));
                key =
                        model.multicastGroup(datapath.uuid(), name)
                                .map(row -> multicastKey(datapath.key(), row));
            }
            return key.map(OptionalLong::of).orElseGet(OptionalLong::empty);
        }

        @Override
        public DhcpOptions dhcp() {
            asked = true;
            reads.accept(new Fact.Dhcp());
            return dhcp;
        }

        @Override
        public boolean resident(String port) {
            asked = true;
            reads.accept(new Fact.Binding(port));
            reads.accept(new Fact.Self());
            Optional<UUID> self = model.self();
            return self.isPresent()
                    && model.port(port).flatMap(row -> row.optionalRef("chassis")).equals(self);
        }

        @Override
        public String portGroup(String name) {
            return set(new Sets.Used(Sets.Kind.PORT_GROUP, name, Sets.PORT_BITS));
        }

        @Override
        public String addressSet(String name, int width) {
            return set(new Sets.Used(Sets.Kind.ADDRESS_SET, name, width));
        }

        private String set(Sets.Used used) {
            asked = true;
            reads.accept(new Fact.Set(used));
            return used.engineName();
        }
    }

    static long multicastKey(int datapath, Row group) {
        return PortKey.of(datapath, (int) group.integer("tunnel_key"));
    }
}
