package dev.iod.pipeline;

import dev.iod.engine.Coded;
import dev.iod.pipeline.Entity.Masked;

/**
 * Names one row of the engine's tables.
 *
 * @param number the row's numeric key (port for a neighbour), 0 for members of sets
 * @param values the member's values or the neighbour's address, otherwise zero
 * @param name the set's name, otherwise empty
 */
public record EntityKey(Kind kind, long number, Masked values, String name) {
    private static final Masked NONE = new Masked(Bits.ZERO, Bits.ZERO);
    private static final Bits ADDRESS = Bits.ones(128);

    /** Which table. */
    public enum Kind implements Coded {
        DATAPATH(0),
        DATAPATH_GROUP(1),
        RULE(2),
        SET_MEMBER(3),
        LOGICAL_PORT(4),
        MULTICAST_GROUP(5),
        NEIGHBOR(6),
        DEVICE(7);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
    }

    public static EntityKey of(Entity entity) {
        return switch (entity) {
            case Entity.Datapath e -> datapath(e.key());
            case Entity.DatapathGroup e -> datapathGroup(e.id());
            case Entity.Rule e -> rule(e.id());
            case Entity.SetMember e -> setMember(e.set(), e.values());
            case Entity.LogicalPort e -> logicalPort(e.key());
            case Entity.MulticastGroup e -> multicastGroup(e.key());
            case Entity.Neighbor e -> neighbor(e.port(), e.ip());
            case Entity.Device e -> device(e.id());
        };
    }

    public static EntityKey datapath(int key) {
        return numbered(Kind.DATAPATH, key);
    }

    public static EntityKey datapathGroup(int id) {
        return numbered(Kind.DATAPATH_GROUP, id);
    }

    public static EntityKey rule(long id) {
        return numbered(Kind.RULE, id);
    }

    public static EntityKey setMember(String set, Masked values) {
        return new EntityKey(Kind.SET_MEMBER, 0, values.cleared(), set);
    }

    public static EntityKey logicalPort(long key) {
        return numbered(Kind.LOGICAL_PORT, key);
    }

    public static EntityKey multicastGroup(long key) {
        return numbered(Kind.MULTICAST_GROUP, key);
    }

    public static EntityKey neighbor(long port, Bits ip) {
        return new EntityKey(Kind.NEIGHBOR, port, new Masked(ip, ADDRESS), "");
    }

    public static EntityKey device(int id) {
        return numbered(Kind.DEVICE, id);
    }

    private static EntityKey numbered(Kind kind, long number) {
        return new EntityKey(kind, number, NONE, "");
    }
}
