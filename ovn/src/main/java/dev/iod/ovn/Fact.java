package dev.iod.ovn;

import java.util.UUID;

/**
 * Something that results are made from, by name. A fact is also the name of the result that is made
 * of it first of all: of a row its entities, of a set the engine's value set.
 */
sealed interface Fact {
    /** All that a row says, and whether there is one. */
    record Row(String table, UUID uuid) implements Fact {}

    /** The row of a datapath, and whether the datapath is local. */
    record Datapath(UUID uuid) implements Fact {}

    /** The local datapaths of a group. */
    record Members(UUID group) implements Fact {}

    /** All that the row of a logical port says. */
    record Port(String name) implements Fact {}

    /** The key of a logical port. */
    record PortKey(String name) implements Fact {}

    /** The chassis that a logical port is bound to. */
    record Binding(String name) implements Fact {}

    /** The key of a multicast group on a datapath. */
    record Multicast(UUID datapath, String name) implements Fact {}

    /** The addresses of an address set. */
    record Addresses(String set) implements Fact {}

    /** The ports of a port group on all its datapaths. */
    record PortGroup(String name) implements Fact {}

    /** A value set; flows that use it read that it exists. */
    record Set(Sets.Used used) implements Fact {}

    /** The DHCP options that exist. */
    record Dhcp() implements Fact {}

    /** The row of this chassis. */
    record Self() implements Fact {}

    /** The device of a plugged port. */
    record Plugged(String port) implements Fact {}

    /** The device of a local service. */
    record Provided(String port) implements Fact {}
}
