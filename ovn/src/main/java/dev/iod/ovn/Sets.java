package dev.iod.ovn;

import dev.iod.ovsdb.Row;
import dev.iod.pipeline.Bits;
import dev.iod.pipeline.Entity;
import dev.iod.pipeline.Entity.Masked;
import dev.iod.pipeline.Entity.SetMember;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** Address sets and port groups as the engine's sets. */
final class Sets {
    private static final System.Logger LOG = System.getLogger(Sets.class.getName());

    /** Bits of a port's key. */
    static final int PORT_BITS = 40;

    private static final Bits PORT = Bits.ones(PORT_BITS);
    private static final Function<Row, Collection<String>> ADDRESSES =
            row -> row.texts("addresses");

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

    /** The rows of a port group in the database, one for each of its datapaths. */
    static void readParts(String group, Model model, Consumer<Fact> reads) {
        reads.accept(new Fact.PortGroup(group));
        model.portGroup(group).forEach(row -> reads.accept(new Fact.GroupPart(row.uuid())));
    }

    /** The members that one row of a port group makes: its ports that exist here. */
    static List<Entity> part(Row group, Model model, Consumer<Fact> reads) {
        String set = new Used(Kind.PORT_GROUP, Model.groupName(group), PORT_BITS).engineName();
        var members = new ArrayList<Entity>();
        for (String name : group.texts("ports")) {
            reads.accept(new Fact.PortKey(name));
            model.port(name)
                    .flatMap(model::portKey)
                    .ifPresent(
                            key -> members.add(new SetMember(set, new Masked(Bits.of(key), PORT))));
        }
        return List.copyOf(members);
    }

    /** The members of an address set that have its width; none when there is no such set. */
    static List<Entity> addresses(Used used, Model model, Consumer<Fact> reads) {
        reads.accept(new Fact.Addresses(used.name()));
        String set = used.engineName();
        var members = new LinkedHashSet<Entity>();
        for (String text : model.addressSet(used.name()).map(ADDRESSES).orElse(List.of())) {
            try {
                int slash = text.indexOf('/');
                Constant address = Constant.parse(slash < 0 ? text : text.substring(0, slash));
                if (slash >= 0) {
                    address = address.withMask(Constant.parse(text.substring(slash + 1)));
                }
                if (address.format().width == used.width()) {
                    Bits mask = address.mask().and(Bits.ones(used.width()));
                    members.add(new SetMember(set, new Masked(address.value(), mask)));
                }
            } catch (OvnException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "address set " + used.name() + ": " + e.getMessage());
            }
        }
        return List.copyOf(members);
    }
}
