package dev.iod.ovn;

import java.util.OptionalLong;

/**
 * What names in a match or action stand for, on one datapath or on all that share a flow. Every
 * question is remembered by the implementation: a changed answer means compiling again.
 */
interface Scope {
    /**
     * The engine's key of a logical port or multicast group; empty when there is none (now), which
     * makes a comparison with it false.
     */
    OptionalLong port(String name);

    /** The DHCP options that exist. */
    DhcpOptions dhcp();

    /** Whether a logical port is bound to this chassis. */
    boolean resident(String port);

    /** Name of the engine's value set for the ports of a group. */
    String portGroup(String name);

    /** Name of the engine's value set for the addresses of one width (32, 48, 128) of a set. */
    String addressSet(String name, int width);
}
