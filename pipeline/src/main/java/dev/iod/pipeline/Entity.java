package dev.iod.pipeline;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What the agent tells the engine: the rows of its tables. Each has a key; putting a row with a
 * known key replaces it. Rows travel in transactions ({@code EngineClient}) that apply whole or not
 * at all.
 */
public sealed interface Entity {
    /** A datapath's key (24 bits, the VNI on the wire) and its two conntrack zones (0 = none). */
    record Datapath(int key, String name, int dnatZone, int snatZone) implements Entity {}

    /** Datapaths that share rules. */
    record DatapathGroup(int id, int[] datapaths) implements Entity {
        @Override
        public boolean equals(Object other) {
            return other instanceof DatapathGroup group
                    && id == group.id
                    && Arrays.equals(datapaths, group.datapaths);
        }

        @Override
        public int hashCode() {
            return 31 * id + Arrays.hashCode(datapaths);
        }
    }

    /**
     * A rule of one datapath ({@code scope} = key) or of a group ({@code scope} = -id).
     *
     * @param cookie what the compiler above calls it (for OVN the logical flow's uuid), shown in
     *     traces
     */
    record Rule(
            long id,
            String cookie,
            int scope,
            Action.Stage stage,
            int table,
            int priority,
            Match match,
            List<Action> actions)
            implements Entity {}

    /** The values whose bits under a mask are those of this value. */
    record Masked(Bits value, Bits mask) {
        /** The same values, with the bits outside the mask zero. */
        Masked cleared() {
            Bits under = value.and(mask);
            return under.equals(value) ? this : new Masked(under, mask);
        }
    }

    /**
     * Values in a set that a {@link Match.In} can name. A set is what its members say: one without
     * members contains nothing, and a member that comes or goes does so alone, however many others
     * there are.
     */
    record SetMember(String set, Masked values) implements Entity {
        public SetMember {
            values = values.cleared();
        }
    }

    /**
     * A logical port.
     *
     * @param key datapath key << 16 | port key
     * @param zone conntrack zone, 0 = none
     */
    record LogicalPort(
            long key, String name, Target target, int zone, Optional<PortSecurity> security)
            implements Entity {}

    /** Where a logical port is. */
    sealed interface Target {
        /** On this engine's device. */
        record Local(int device) implements Target {}

        /** Behind a tunnel to this IPv4 address. */
        record Remote(int tunnelAddress) implements Target {}

        /** The other end of a patch between two datapaths. */
        record Peer(long port) implements Target {}

        /** Known, and nowhere to be reached from here. */
        record Nowhere() implements Target {}
    }

    /** Allowed sender addresses; an empty list of addresses for a MAC allows any address. */
    record PortSecurity(List<Allowed> allowed) {
        /** Each address is value and prefix mask. */
        public record Allowed(long mac, List<Masked> ip4, List<Masked> ip6) {}
    }

    /**
     * @param key datapath key << 16 | 0x8000 | group key; members are on the same datapath.
     */
    record MulticastGroup(long key, String name, long[] ports) implements Entity {
        @Override
        public boolean equals(Object other) {
            return other instanceof MulticastGroup group
                    && key == group.key
                    && name.equals(group.name)
                    && Arrays.equals(ports, group.ports);
        }

        @Override
        public int hashCode() {
            return 31 * Long.hashCode(key) + Arrays.hashCode(ports);
        }
    }

    /** A known neighbour (IPv4 in the low 32 bits) behind a logical router port. */
    record Neighbor(long port, Bits ip, long mac) implements Entity {}

    /** Something packets come from and go to. */
    record Device(int id, String name, Kind kind, int mtuBytes) implements Entity {}

    /** What a device is made of. */
    sealed interface Kind {
        /** A vhost-user-net device whose front end (the VMM) listens on this socket. */
        record VhostUser(String socketPath, long mac) implements Kind {}

        /**
         * A local service behind a TUN interface in a network namespace: the engine gives each
         * logical in-port its own source address (198.18.0.0/15 | port key), so that the service
         * knows its client by port and never by what the client wrote. Only TCP is carried.
         */
        record Service(String namespace, String interfaceName, long mac) implements Kind {}
    }
}
