package dev.iod.ovn;

import java.util.UUID;

/**
 * Something that results are made from, by name. A fact is also the name of the result that is made
 * of it first of all: of a row its entities, of a set its members in the engine. (The equals and
 * hashCode that records are given are slow without the second compiler, and facts are looked up all
 * the time: those of flows have their own.)
 */
sealed interface Fact {
    /** All that a row says, and whether there is one. */
    record Row(String table, UUID uuid) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof Row fact && uuid.equals(fact.uuid) && table.equals(fact.table);
        }

        @Override
        public int hashCode() {
            return uuid.hashCode();
        }
    }

    /** The row of a datapath, and whether the datapath is local. */
    record Datapath(UUID uuid) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof Datapath fact && uuid.equals(fact.uuid);
        }

        @Override
        public int hashCode() {
            return 31 * uuid.hashCode() + 1;
        }
    }

    /** The local datapaths of a group. */
    record Members(UUID group) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof Members fact && group.equals(fact.group);
        }

        @Override
        public int hashCode() {
            return 31 * group.hashCode() + 2;
        }
    }

    /** All that the row of a logical port says. */
    record Port(String name) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof Port fact && name.equals(fact.name);
        }

        @Override
        public int hashCode() {
            return 31 * name.hashCode() + 3;
        }
    }

    /** The key of a logical port. */
    record PortKey(String name) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof PortKey fact && name.equals(fact.name);
        }

        @Override
        public int hashCode() {
            return 31 * name.hashCode() + 4;
        }
    }

    /** The chassis that a logical port is bound to. */
    record Binding(String name) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof Binding fact && name.equals(fact.name);
        }

        @Override
        public int hashCode() {
            return 31 * name.hashCode() + 5;
        }
    }

    /** The key of a multicast group on a datapath. */
    record Multicast(UUID datapath, String name) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof Multicast fact
                    && datapath.equals(fact.datapath)
                    && name.equals(fact.name);
        }

        @Override
        public int hashCode() {
            return 31 * datapath.hashCode() + name.hashCode();
        }
    }

    /** The addresses of an address set. */
    record Addresses(String set) implements Fact {}

    /** The ports of a port group on all its datapaths. */
    record PortGroup(String name) implements Fact {}

    /** The ports that one row of a port group adds to the group's set. */
    record GroupPart(UUID row) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof GroupPart fact && row.equals(fact.row);
        }

        @Override
        public int hashCode() {
            return 31 * row.hashCode() + 6;
        }
    }

    /** A set; flows that use it read that it exists. */
    record Set(Sets.Used used) implements Fact {
        @Override
        public boolean equals(Object other) {
            return other instanceof Set fact && used.equals(fact.used);
        }

        @Override
        public int hashCode() {
            return used.hashCode();
        }
    }

    /** The DHCP options that exist. */
    record Dhcp() implements Fact {}

    /** The row of this chassis. */
    record Self() implements Fact {}

    /** The device of a plugged port. */
    record Plugged(String port) implements Fact {}

    /** The device of a local service. */
    record Provided(String port) implements Fact {}
}
