package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity.ValueSet;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;

/** Address sets and port groups as the engine's value sets. */
final class Sets {
    private static final System.Logger LOG = System.getLogger(Sets.class.getName());

    private Sets() {}

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

        @Override
        public boolean equals(Object other) {
            return other instanceof Used used
                    && kind == used.kind
                    && width == used.width
                    && name.equals(used.name);
        }

        @Override
        public int hashCode() {
            return 31 * name.hashCode() + width;
        }
    }

    /**
     * The engine's set; empty when the database has none of that name.
     *
     * @param parts what is made of {@link Fact.GroupPart}: a port that comes or goes changes one
     *     row of a group, and the others are not looked at again
     */
    static ValueSet of(
            Used used,
            Model model,
            Function<Fact.GroupPart, List<ValueSet.Member>> parts,
            Consumer<Fact> reads) {
        List<ValueSet.Member> members =
                switch (used.kind()) {
                    case PORT_GROUP -> ports(used.name(), model, parts, reads);
                    case ADDRESS_SET -> addresses(used, model, reads);
                };
        return new ValueSet(used.engineName(), List.copyOf(members));
    }

    private static List<ValueSet.Member> ports(
            String group,
            Model model,
            Function<Fact.GroupPart, List<ValueSet.Member>> parts,
            Consumer<Fact> reads) {
        reads.accept(new Fact.PortGroup(group));
        var members = new ArrayList<ValueSet.Member>();
        for (Row row : model.portGroup(group)) {
            var part = new Fact.GroupPart(row.uuid());
            reads.accept(part);
            members.addAll(parts.apply(part));
        }
        members.sort(Comparator.comparingLong(member -> member.value().low()));
        return members;
    }

    /** The ports of one row of a group that exist here; a group has a row for each datapath. */
    static List<ValueSet.Member> part(Row group, Model model, Consumer<Fact> reads) {
        var members = new ArrayList<ValueSet.Member>();
        for (String name : group.texts("ports")) {
            reads.accept(new Fact.PortKey(name));
            model.port(name)
                    .flatMap(model::portKey)
                    .ifPresent(
                            key -> members.add(new ValueSet.Member(Bits.of(key), Span.ones(40))));
        }
        return List.copyOf(members);
    }

    private static List<ValueSet.Member> addresses(Used used, Model model, Consumer<Fact> reads) {
        reads.accept(new Fact.Addresses(used.name()));
        var texts = new TreeSet<String>();
        model.addressSet(used.name()).ifPresent(row -> texts.addAll(row.texts("addresses")));
        var members = new ArrayList<ValueSet.Member>();
        for (String text : texts) {
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
