package dev.iod.pipeline;

import dev.iod.engine.Coded;
import dev.iod.pipeline.Field.Slice;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One step of what a rule does with a packet. Actions run in order; a rule whose list ends without
 * {@link Next} or {@link Output} ends the packet's path (a drop with reason NO_OUTPUT when it was
 * never output).
 */
public sealed interface Action {
    record Set(Slice target, Bits value) implements Action {}

    /** Both slices have the same width. */
    record Copy(Slice source, Slice target) implements Action {}

    record Swap(Slice a, Slice b) implements Action {}

    /** Ends the packet with reason TTL_EXCEEDED when the TTL is 0 or 1. */
    record DecrementTtl() implements Action {}

    /** Goes on with the highest-priority matching rule of a table; no match drops. */
    record Next(Stage stage, int table) implements Action {}

    /**
     * In INGRESS: delivers to {@link Field#OUT_PORT}: a local or peer port enters the EGRESS stage,
     * a remote one its tunnel, a multicast group all of its members. In EGRESS: hands the packet to
     * the port itself. A packet never leaves by its IN_PORT unless FLAG_LOOPBACK is set.
     */
    record Output() implements Action {}

    /** Sends the packet through conntrack in a zone; sets CT_STATE, CT_MARK and CT_LABEL. */
    record ConntrackNext(Zone zone) implements Action {}

    /** Commits the connection; the assignments may only have CT_MARK and CT_LABEL as target. */
    record ConntrackCommit(Zone zone, List<Action> assignments) implements Action {}

    record ConntrackClear() implements Action {}

    /** Runs the actions on a copy of packet and metadata; the original goes on unchanged. */
    record Clone(List<Action> body) implements Action {}

    /**
     * Runs the body on a packet made from this one (see {@link Reply}); the original goes on
     * unchanged after it.
     */
    record Craft(Reply reply, List<Action> body) implements Action {}

    /** ETH_DST becomes the neighbour's address on a port, or zero when it is not known. */
    record NeighborGet(Slice port, Slice ip) implements Action {}

    /** Tells the agent of a neighbour (bounded, deduplicated; see EngineEvent.NeighborLearned). */
    record NeighborPut(Slice port, Slice ip, Slice mac) implements Action {}

    /**
     * One bit: with a MAC, whether the known neighbour has just this address; without, whether the
     * neighbour is known at all.
     */
    record NeighborCheck(Slice port, Slice ip, Optional<Slice> mac, Slice result)
            implements Action {}

    /** One bit: 1 when the packet violates IN_PORT's port security (sender side). */
    record PortSecurityIn(Slice result) implements Action {}

    /** One bit: 1 when the packet violates OUT_PORT's port security (receiver side). */
    record PortSecurityOut(Slice result) implements Action {}

    /**
     * Turns a DHCPDISCOVER or DHCPREQUEST in the packet into OFFER, ACK or NAK (RFC 2131 §4.3) with
     * the given options (already encoded, code-length-value, without message type and end) and sets
     * the one-bit result to 1; any other packet is left alone and the result is 0.
     */
    record DhcpReply(int offeredAddress, byte[] options, Slice result) implements Action {
        @Override
        public boolean equals(Object other) {
            return other instanceof DhcpReply reply
                    && offeredAddress == reply.offeredAddress
                    && Arrays.equals(options, reply.options)
                    && result.equals(reply.result);
        }

        @Override
        public int hashCode() {
            return Objects.hash(offeredAddress, Arrays.hashCode(options), result);
        }
    }

    /**
     * One bit: whether the packet's IP length exceeds the limit (bytes, without Ethernet header).
     */
    record CheckLarger(int limitBytes, Slice result) implements Action {}

    record Drop() implements Action {}

    /**
     * Something the compiler above cannot express: fails closed with reason UNSUPPORTED, counted.
     */
    record Unsupported(String what) implements Action {}

    /** The two halves of a datapath's program. */
    enum Stage implements Coded {
        INGRESS(0),
        EGRESS(1);

        private final int code;

        Stage(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
    }

    /**
     * Which conntrack zone: of the port (IN_PORT in INGRESS, OUT_PORT in EGRESS) or of the
     * datapath.
     */
    enum Zone implements Coded {
        PORT(0),
        DATAPATH_DNAT(1),
        DATAPATH_SNAT(2);

        private final int code;

        Zone(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
    }

    /** Packets made from another packet. Addresses are set as ovn-sb(5) says for each. */
    enum Reply implements Coded {
        /** ARP request for the IPv4 destination ("arp"). */
        ARP(0),
        ND_NEIGHBOR_SOLICIT(1),
        ND_NEIGHBOR_ADVERT(2),
        ND_NEIGHBOR_ADVERT_ROUTER(3),
        ICMP4(4),
        ICMP4_ERROR(5),
        ICMP6(6),
        ICMP6_ERROR(7),
        TCP_RESET(8),
        /** TCP: reset; SCTP: abort; anything else: ICMP port unreachable. */
        REJECT(9),
        SCTP_ABORT(10);

        private final int code;

        Reply(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
    }
}
