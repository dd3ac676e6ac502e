package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity.ValueSet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Address sets and port groups as the engine's value sets. */
final class Sets {
    private static final System.Logger LOG = System.getLogger(Sets.class.getName());

    private final Model model;
    private final Map<String, Row> addressSets = new HashMap<>();
    private final Map<String, TreeSet<String>> portGroups = new TreeMap<>();

    /** What a set is made of. */
    enum Kind {
        ADDRESS_SET,
        PORT_GROUP
    }

    /**
     * A set as a flow uses it.
     *
     * @param width bits of its members: addresses of one set may be of several families
     */
    record Used(Kind kind, String name, int width) {
        String engineName() {
            return kind == Kind.PORT_GROUP ? "@" + name : "$" + name + "/" + width;
        }
    }

    Sets(Model model) {
        this.model = model;
        for (Row set : model.rows("Address_Set")) {
            addressSets.put(set.text("name"), set);
        }
        // The southbound has one group per datapath: "KEY_NAME" (ovn-sb(5), Port_Group).
        for (Row group : model.rows("Port_Group")) {
            String full = group.text("name");
            String name = full.substring(full.indexOf('_') + 1);
            portGroups.computeIfAbsent(name, n -> new TreeSet<>()).addAll(group.texts("ports"));
        }
    }

    /** The engine's set; empty when the database has none of that name. */
    ValueSet of(Used used) {
        List<ValueSet.Member> members =
                switch (used.kind()) {
                    case PORT_GROUP -> ports(used.name());
                    case ADDRESS_SET -> addresses(used);
                };
        return new ValueSet(used.engineName(), List.copyOf(members));
    }

    private List<ValueSet.Member> ports(String group) {
        var members = new ArrayList<ValueSet.Member>();
        Collection<String> names = portGroups.getOrDefault(group, new TreeSet<>());
        for (String name : names) {
            model.port(name)
                    .flatMap(model::portKey)
                    .ifPresent(
                            key -> members.add(new ValueSet.Member(Bits.of(key), Bits.ones(40))));
        }
        return members;
    }

    private List<ValueSet.Member> addresses(Used used) {
        var members = new ArrayList<ValueSet.Member>();
        Row set = addressSets.get(used.name());
        if (set == null) {
            return members;
        }
        for (String text : new TreeSet<>(set.texts("addresses"))) {
            try {
                int slash = text.indexOf('/');
                Constant address = Constant.parse(slash < 0 ? text : text.substring(0, slash));
                if (slash >= 0) {
                    address = address.withMask(Constant.parse(text.substring(slash + 1)));
                }
                if (address.format().width == used.width()) {
                    members.add(
                            new ValueSet.Member(
                                    address.value(), address.mask().and(Bits.ones(used.width()))));
                }
            } catch (OvnException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "address set " + used.name() + ": " + e.getMessage());
            }
        }
        return members;
    }
}
